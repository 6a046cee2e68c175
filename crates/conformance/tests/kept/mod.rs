//! A server that keeps streams, and clients that ask it.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use test_kit::{ANSWER_DEADLINE, RawClient, START_DEADLINE, Server, ServerOptions, Setup};

pub(crate) const ACCOUNTS: &str = r"
    A { users: [ { user: a, password: x } ], jetstream { max_mem: 10M, max_file: 100M, max_streams: 10 } }
    B { users: [ { user: b, password: x } ], jetstream: enabled }
    C { users: [ { user: c, password: x } ] }
    SYS { users: [ { user: sys, password: x } ] }
";

/// What is said in `jetstream` beside where streams are.
pub(crate) const WORDS: &str = "domain: hub, limits { max_ack_pending: 500, duplicate_window: \"5m\" }";

/// A server with streams, and where they are.
pub(crate) struct Kept {
    pub(crate) server: Server,
    monitor: SocketAddr,
    pub(crate) folder: TempDir,
}

/// A configuration with these words in `jetstream`, and these accounts.
pub(crate) fn config(folder: &Path, jetstream: &str, accounts: &str) -> String {
    let dir = folder.display();
    format!(
        "server_name: S1\njetstream {{ store_dir: \"{dir}\", max_mem: 64M, max_file: 1G, sync: always, {jetstream} }}\n\
         accounts {{ {accounts} }}\nsystem_account: SYS\n"
    )
}

impl Kept {
    pub(crate) fn start(setup: Setup) -> Self {
        let folder = TempDir::new().expect("a folder");
        let config = Some(config(folder.path(), WORDS, ACCOUNTS));
        let args = ["-m", "-1"].map(str::to_owned).to_vec();
        let server = Server::start(ServerOptions { setup, config, args, ..ServerOptions::default() });
        let server = server.expect("it starts");
        let begins = "Starting http monitor on ";
        let line = server.log().wait_for(begins, START_DEADLINE).expect("the log says where");
        let monitor = line.split_once(begins).expect("it was found").1.parse().expect("an address");
        Self { server, monitor, folder }
    }

    /// One with two streams in an account, one of them with two consumers, and one in another.
    pub(crate) fn with_streams(setup: Setup) -> Self {
        let kept = Self::start(setup);
        let mut client = Client::connect(&kept.server, "a");
        client.makes(
            "STREAM.CREATE.ORDERS",
            &json!({ "name": "ORDERS", "subjects": ["o.*"], "max_bytes": 1_000_000 }),
        );
        client.makes("STREAM.CREATE.MEM", &json!({ "name": "MEM", "subjects": ["m"], "storage": "memory" }));
        for number in 0..5 {
            let stored = client.asks(&format!("o.{number}"), "hello");
            assert_eq!(stored["seq"], number + 1);
        }
        for (name, filter) in [("zed", ""), ("anna", "o.1")] {
            let config = json!({ "durable_name": name, "name": name, "ack_policy": "explicit", "filter_subject": filter });
            let asked = json!({ "stream_name": "ORDERS", "config": config });
            client.makes(&format!("CONSUMER.CREATE.ORDERS.{name}"), &asked);
        }
        client.send("$JS.API.CONSUMER.MSG.NEXT.ORDERS.zed", "");
        assert_eq!(client.wire.next_message().payload, b"hello");
        let missing = client.asks("$JS.API.STREAM.INFO.NONE", "");
        assert_eq!(missing["error"]["err_code"], 10059);
        let mut other = Client::connect(&kept.server, "b");
        other.makes("STREAM.CREATE.BS", &json!({ "name": "BS", "subjects": ["b"] }));
        kept
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let mut socket = TcpStream::connect_timeout(&self.monitor, ANSWER_DEADLINE).expect("it accepts");
        socket.set_read_timeout(Some(ANSWER_DEADLINE)).expect("a deadline");
        // In the older version, so that no answer comes in chunks.
        write!(socket, "GET {path} HTTP/1.0\r\n\r\n").expect("it reads");
        let mut said = String::new();
        socket.read_to_string(&mut said).expect("it answers");
        let (head, body) = said.split_once("\r\n\r\n").expect("a head and a body");
        (head[9..12].parse().expect("a status"), body.to_owned())
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("JSON")
    }

    pub(crate) fn reloads(&self, accounts: &str) -> String {
        self.server.reloaded(&config(self.folder.path(), WORDS, accounts))
    }
}

/// A client that listens to an inbox of its own.
pub(crate) struct Client {
    pub(crate) wire: RawClient,
    inbox: String,
}

impl Client {
    pub(crate) fn connect(server: &Server, user: &str) -> Self {
        let mut wire = RawClient::dial(server.addr());
        let inbox = format!("_INBOX.{user}");
        wire.send(format!(
            "CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"user\":\"{user}\",\
             \"pass\":\"x\"}}\r\nSUB {inbox} 1\r\nPING\r\n"
        ));
        wire.read_to_pong();
        Self { wire, inbox }
    }

    pub(crate) fn send(&mut self, subject: &str, body: &str) {
        let (inbox, len) = (&self.inbox, body.len());
        self.wire.send(format!("PUB {subject} {inbox} {len}\r\n{body}\r\n"));
    }

    pub(crate) fn asks(&mut self, subject: &str, body: &str) -> Value {
        self.send(subject, body);
        let message = self.wire.next_message();
        assert!(!message.is_no_responders(), "nobody answers {subject}");
        serde_json::from_slice(&message.payload).expect("JSON")
    }

    /// Asks the JetStream API for something, and gets it; with no body for `null`.
    pub(crate) fn makes(&mut self, what: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let said = self.asks(&format!("$JS.API.{what}"), &body);
        assert!(said["error"].is_null(), "{said}");
        said
    }
}
