//! What the system account has the server do: close a client's connection, warn a client, read the configuration again.

use std::fs;

use serde_json::{Value, json};
use test_kit::{RawClient, Server, ServerOp, Setup, on_every_setup};

use crate::client::{CONFIG, Client, clients};

on_every_setup!(
    a_client_is_closed,
    a_client_is_warned,
    who_names_none_is_not_answered,
    the_configuration_is_read_again,
);

/// The answer to a request to this server.
fn done(system: &mut Client, what: &str, options: &str) -> Value {
    let what = format!("SERVER.{}.{what}", system.id);
    let mut said = system.asks_with(&what, options).expect("someone responds");
    assert_eq!(said["server"]["name"], "S1");
    said.as_object_mut().expect("an object").remove("server");
    said
}

fn refusal(words: &str) -> Value {
    json!({ "error": { "code": 500, "description": words } })
}

fn a_client_is_closed(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut system = Client::connect(&server, "sys");
    for mut client in clients(&server, "open") {
        let options = format!("{{\"cid\":{}}}", client.cid);
        assert_eq!(done(&mut system, "KICK", &options), json!({}));
        client.raw.read_to_close();
        assert_eq!(done(&mut system, "KICK", &options), refusal("no such client or leafnode id"));
    }
    let said = done(&mut system, "KICK", "{\"cid\":1,\"server_name\":1}");
    assert_eq!(said["error"]["code"], 400, "{said}");
}

fn a_client_is_warned(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut system = Client::connect(&server, "sys");
    for _ in 0..4 {
        let mut client = RawClient::dial(server.addr());
        let ServerOp::Info(info) = client.next_op() else { panic!("INFO comes first") };
        let info: Value = serde_json::from_str(&info).expect("JSON");
        client
            .send("CONNECT {\"verbose\":false,\"protocol\":1,\"user\":\"open\",\"pass\":\"x\"}\r\nPING\r\n");
        client.read_to_pong();
        assert_eq!(done(&mut system, "LDM", &format!("{{\"cid\":{}}}", info["client_id"])), json!({}));
        let told = loop {
            // The first PONG may be followed by an INFO of its own.
            let ServerOp::Info(told) = client.next_op() else { panic!("it is told by INFO") };
            let told: Value = serde_json::from_str(&told).expect("JSON");
            if told["ldm"] == true {
                break told;
            }
        };
        assert_eq!((&told["ldm"], &told["client_id"]), (&json!(true), &info["client_id"]));
    }
    assert_eq!(done(&mut system, "LDM", "{\"cid\":99999}"), refusal("no such client id"));
    let words = "client does not support Lame Duck Mode or is not ready to receive the notification";
    let own = format!("{{\"cid\":{}}}", system.cid);
    assert_eq!(done(&mut system, "LDM", &own), refusal(words));
}

fn who_names_none_is_not_answered(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut system = Client::connect(&server, "sys");
    for what in ["KICK", "LDM"] {
        for options in ["", "x", "{\"cid\":\"1\"}"] {
            system.send(&format!("SERVER.{}.{what}", system.id.clone()), options);
        }
    }
    assert_eq!(system.learns("SERVER.PING.IDZ")["name"], "S1");
    assert_eq!(system.raw.flush(), []);
}

fn the_configuration_is_read_again(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut system = Client::connect(&server, "sys");
    let config = fs::read_to_string(server.config_file()).expect("it has one");
    fs::write(server.config_file(), config.replace("server_tags: [a, b]", "server_tags: [c]"))
        .expect("written");
    assert_eq!(done(&mut system, "RELOAD", ""), json!({}));
    assert_eq!(system.learns("USER.INFO")["server"]["tags"], json!(["c"]));
    fs::write(server.config_file(), format!("{config}\nserver_name: S2")).expect("written");
    let said = done(&mut system, "RELOAD", "");
    assert_eq!(said["error"]["code"], 500, "{said}");
    let said = done(&mut system, "RELOAD", "x");
    let words = "invalid character 'x' looking for beginning of value";
    assert_eq!(said, json!({ "error": { "code": 400, "description": words } }));
}
