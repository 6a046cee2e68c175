//! What the server answers itself when it is asked by a message.
//!
//! All of this holds for nats-server 2.14.5 too (`BUSTER_SERVER_BIN=nats-server BUSTER_PEER=1`), but for what is not
//! supported here.

mod client;
mod deeds;
mod events;
mod monitoring;

use std::thread;

use client::{CONFIG, Client, SPREAD, clients};
use serde_json::Value;
use test_kit::{Server, ServerOp, Setup, on_every_setup};

on_every_setup!(
    every_user_learns_who_it_is,
    what_may_not_be_published_or_listened_to_is_not_asked_or_answered,
    the_system_account_learns_how_the_server_is,
    nobody_else_does,
    requests_are_for_the_servers_that_they_name,
    what_is_not_supported_is_said,
    a_reload_is_heeded,
    all_clients_are_answered,
);

fn every_user_learns_who_it_is(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    for (user, account) in [("open", "A"), ("sys", "SYS")] {
        for mut client in clients(&server, user) {
            let said = client.learns("USER.INFO");
            assert_eq!(said["server"]["id"], *client.id);
            assert_eq!(said["server"]["tags"], serde_json::json!(["a", "b"]));
            let data = serde_json::json!({ "user": user, "account": account, "account_name": account });
            assert_eq!(said["data"], data);
        }
    }
    let said = Client::connect(&server, "narrow").learns("USER.INFO");
    let mut permissions = said["data"]["permissions"].clone();
    for side in ["publish", "subscribe"] {
        let allow = permissions[side]["allow"].as_array_mut().expect("a list");
        allow.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
    }
    let expected = serde_json::json!({
        "publish": { "allow": ["$SYS.REQ.>", "x.>"], "deny": ["y"] },
        "subscribe": { "allow": ["_INBOX.>", "q g"] },
        "responses": { "max": 3, "ttl": 5_000_000_000_u64 },
    });
    assert_eq!(permissions, expected);
    let plain = Server::with(setup);
    let data = Client::connect(&plain, "somebody").learns("USER.INFO")["data"].clone();
    let expected = serde_json::json!({ "user": "somebody", "account": "$G", "account_name": "$G" });
    assert_eq!(data, expected);
}

fn what_may_not_be_published_or_listened_to_is_not_asked_or_answered(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut mute = Client::connect(&server, "mute");
    mute.send("USER.INFO", "");
    let words = "Permissions Violation for Publish to \"$SYS.REQ.USER.INFO\"";
    assert_eq!(mute.raw.next_op(), ServerOp::Err(words.into()));
    let mut deaf = Client::connect(&server, "deaf");
    deaf.send("USER.INFO", "");
    assert_eq!(deaf.raw.flush(), []);
    // Where it may listen, it is answered.
    deaf.raw.send("SUB inbox 2\r\nPUB $SYS.REQ.USER.INFO inbox 0\r\n\r\n");
    assert!(deaf.raw.next_message().text().contains("\"user\":\"deaf\""));
}

fn the_system_account_learns_how_the_server_is(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut others = clients(&server, "open");
    for other in &mut others {
        other.raw.send("PUB x 4\r\nabcd\r\n");
        other.raw.flush();
    }
    for mut client in clients(&server, "sys") {
        let by_id = format!("SERVER.{}.", client.id);
        for what in ["SERVER.PING", "SERVER.PING.STATSZ", &format!("{by_id}STATSZ")] {
            let said = client.learns(what);
            assert_eq!(
                (&said["server"]["name"], &said["server"]["id"]),
                (&"S1".into(), &(*client.id).into())
            );
            let statsz = &said["statsz"];
            let number = |of: &Value| of.as_u64().unwrap_or_else(|| panic!("numbers in {said}"));
            assert!(number(&statsz["connections"]) > SPREAD as u64 && number(&statsz["mem"]) > 1 << 20);
            assert_eq!(number(&statsz["active_accounts"]), 2);
            assert!(number(&statsz["received_from_clients"]["bytes"]) >= 4 * SPREAD as u64);
            assert!(number(&statsz["received"]["msgs"]) > SPREAD as u64);
        }
        let said = client.learns("SERVER.PING.VARZ");
        assert_eq!(
            (&said["data"]["server_id"], &said["data"]["system_account"]),
            (&(*client.id).into(), &"SYS".into())
        );
        assert!(said["data"]["in_client_msgs"].as_u64() > Some(SPREAD as u64));
        let well = serde_json::json!({ "status": "ok", "status_code": 200 });
        assert_eq!(client.learns("SERVER.PING.HEALTHZ")["data"], well);
        for what in ["SERVER.PING.IDZ", &format!("{by_id}IDZ")] {
            let said = client.learns(what);
            let expected = serde_json::json!({ "name": "S1", "host": said["host"], "id": *client.id });
            assert_eq!(said, expected);
        }
        assert_eq!(client.asks("SERVER.PING.NOPE"), None);
    }
}

fn nobody_else_does(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    for mut client in clients(&server, "open") {
        for what in ["SERVER.PING", "SERVER.PING.STATSZ", "SERVER.PING.IDZ"] {
            assert_eq!(client.asks(what), None, "{what}");
        }
    }
    let silent = Server::configured(setup, "no_system_account: true");
    assert_eq!(Client::connect(&silent, "somebody").asks("USER.INFO"), None);
}

fn requests_are_for_the_servers_that_they_name(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut client = Client::connect(&server, "sys");
    for others in [r#"{"server_name":"S2"}"#, r#"{"tags":["c"]}"#, r#"{"cluster":"C"}"#] {
        client.send("SERVER.PING.STATSZ", others);
    }
    // What is asked later is answered first.
    let said = client.asks_with("SERVER.PING.STATSZ", r#"{"server_name":"S1","tags":["A"]}"#);
    assert!(said.expect("someone responds")["statsz"].is_object());
    let said = client.asks_with("SERVER.PING.STATSZ", r#"{"server_name":1}"#).expect("someone responds");
    let words =
        "json: cannot unmarshal number into Go struct field StatszEventOptions.server_name of type string";
    assert_eq!(said["error"], serde_json::json!({ "code": 400, "description": words }));
    let id = client.asks_with("SERVER.PING.IDZ", "{").expect("someone responds");
    assert_eq!(id["name"], "S1");
}

/// Ours alone: nats-server answers it.
fn what_is_not_supported_is_said(setup: Setup) {
    if std::env::var_os("BUSTER_PEER").is_some() {
        return;
    }
    let server = Server::configured(setup, CONFIG);
    let mut client = Client::connect(&server, "sys");
    let said = client.learns("ACCOUNT.A.CLAIMS.UPDATE");
    let words = "$SYS.REQ.ACCOUNT.A.CLAIMS.UPDATE is not supported";
    assert_eq!(said["error"], serde_json::json!({ "code": 501, "description": words }));
    assert_eq!(said["server"]["name"], "S1");
}

fn a_reload_is_heeded(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut client = Client::connect(&server, "open");
    server.reloaded(&CONFIG.replace(
        "{ user: open, password: x }",
        "{ user: open, password: x, permissions { publish { deny: z } } }",
    ));
    let said = client.learns("USER.INFO");
    assert_eq!(said["data"]["permissions"]["publish"], serde_json::json!({ "deny": ["z"] }));
}

/// Many at once, on all shards, more than are answered at a time.
fn all_clients_are_answered(setup: Setup) {
    const REQUESTS: usize = 500;
    let server = Server::configured(setup, CONFIG);
    let ask = |mut client: Client, what: &str, key: &str| {
        client.raw.send(format!("PUB $SYS.REQ.{what} {} 0\r\n\r\n", client.inbox).repeat(REQUESTS));
        for _ in 0..REQUESTS {
            let said: Value = serde_json::from_slice(&client.raw.next_message().payload).expect("JSON");
            assert!(said[key].is_object(), "{said}");
        }
        assert_eq!(client.raw.flush(), []);
    };
    thread::scope(|scope| {
        for client in clients(&server, "open") {
            scope.spawn(|| ask(client, "USER.INFO", "data"));
        }
        for client in clients(&server, "sys") {
            scope.spawn(|| ask(client, "SERVER.PING", "statsz"));
        }
    });
}
