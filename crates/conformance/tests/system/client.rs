//! Clients that ask the server, and the accounts that they are in.

use serde_json::Value;
use test_kit::{RawClient, Server, ServerOp};

/// Connections per role: more than the most shards, so that they are on all of them.
pub(crate) const SPREAD: usize = 6;

pub(crate) const CONFIG: &str = r#"
    server_name: S1
    server_tags: [a, b]
    accounts {
        A { users: [
            { user: open, password: x }
            { user: narrow, password: x, permissions {
                publish { allow: ["$SYS.REQ.>", "x.>"], deny: ["y"] }
                subscribe { allow: ["_INBOX.>", "q g"] }
                allow_responses { max: 3, expires: "5s" }
            } }
            { user: mute, password: x, permissions { publish: "x.>" } }
            { user: deaf, password: x, permissions { subscribe { deny: "_INBOX.>" } } }
        ] }
        B { users: [ { user: b, password: x } ] }
        SYS { users: [ { user: sys, password: x } ] }
    }
    system_account: SYS
"#;

/// A client that listens to an inbox of its own.
pub(crate) struct Client {
    pub(crate) raw: RawClient,
    /// The id of the server.
    pub(crate) id: String,
    /// Its number on the server.
    pub(crate) cid: u64,
    pub(crate) inbox: String,
}

impl Client {
    pub(crate) fn connect(server: &Server, user: &str) -> Self {
        let mut raw = RawClient::dial(server.addr());
        let ServerOp::Info(info) = raw.next_op() else { panic!("INFO comes first") };
        let info: Value = serde_json::from_str(&info).expect("JSON");
        let inbox = format!("_INBOX.{}", info["client_id"]);
        raw.send(format!(
            "CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\
             \"user\":\"{user}\",\"pass\":\"x\"}}\r\nSUB {inbox} 1\r\nPING\r\n"
        ));
        while raw.next_op() != ServerOp::Pong {}
        let cid = info["client_id"].as_u64().expect("a number");
        Self { raw, id: info["server_id"].as_str().expect("text").to_owned(), cid, inbox }
    }

    pub(crate) fn send(&mut self, what: &str, options: &str) {
        self.publish(&format!("$SYS.REQ.{what}"), options);
    }

    /// Asks something on any subject.
    pub(crate) fn publish(&mut self, subject: &str, payload: &str) {
        let (inbox, len) = (&self.inbox, payload.len());
        self.raw.send(format!("PUB {subject} {inbox} {len}\r\n{payload}\r\n"));
    }

    /// The answer to a request below `$SYS.REQ.`; `None` if nobody responds.
    pub(crate) fn asks_with(&mut self, what: &str, options: &str) -> Option<Value> {
        self.send(what, options);
        let message = self.raw.next_message();
        (!message.is_no_responders()).then(|| serde_json::from_slice(&message.payload).expect("JSON"))
    }

    pub(crate) fn asks(&mut self, what: &str) -> Option<Value> {
        self.asks_with(what, "")
    }

    pub(crate) fn learns(&mut self, what: &str) -> Value {
        self.asks(what).expect("someone responds")
    }
}

pub(crate) fn clients(server: &Server, user: &str) -> Vec<Client> {
    (0..SPREAD).map(|_| Client::connect(server, user)).collect()
}
