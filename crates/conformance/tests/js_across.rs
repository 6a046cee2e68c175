//! Accounts that use the streams of another: its API, its acknowledgements and what it delivers, by imports.
//!
//! All of this holds for nats-server 2.14.5 too (`BUSTER_SERVER_BIN=nats-server BUSTER_PEER=1`).

mod kept;

use std::time::{Duration, Instant};

use kept::{Client, config};
use serde_json::{Value, json};
use tempfile::TempDir;
use test_kit::{ANSWER_DEADLINE, Message, Server, Setup, on_every_setup};

on_every_setup!(
    another_account_publishes_into_a_stream_and_manages_it,
    another_account_pulls_and_acknowledges,
    what_is_pushed_crosses_as_a_stream,
    who_has_streams_reaches_those_of_others_under_another_name,
    a_stream_takes_messages_from_one_of_another_account,
);

const ACCOUNTS: &str = r#"
    A { users: [ { user: a, password: x } ], jetstream: enabled, exports: [
        {service: "$JS.API.>", response_type: stream}, {service: "$JS.ACK.>"}, {service: "$JS.FC.>"}
        {service: "orders.*"}, {stream: "deliver.>"}
    ] }
    B { users: [ { user: b, password: x } ], imports: [
        {service: {account: A, subject: "$JS.API.>"}}, {service: {account: A, subject: "$JS.ACK.>"}}
        {service: {account: A, subject: "orders.*"}, to: "shop.*"}, {stream: {account: A, subject: "deliver.>"}}
    ] }
    C { users: [ { user: c, password: x } ], jetstream: enabled, imports: [
        {service: {account: A, subject: "$JS.API.>"}, to: "FROM.A.API.>"}
        {service: {account: A, subject: "$JS.FC.ORDERS.>"}}, {stream: {account: A, subject: "deliver.>"}}
    ] }
    SYS { users: [ { user: sys, password: x } ] }
"#;

/// A server where A has a stream with two messages, which B published.
fn with_orders(setup: Setup) -> (Server, TempDir, Client) {
    let folder = TempDir::new().expect("a folder");
    let server = Server::configured(setup, &config(folder.path(), "", ACCOUNTS));
    let mut owner = Client::connect(&server, "a");
    owner.makes("STREAM.CREATE.ORDERS", &json!({ "name": "ORDERS", "subjects": ["orders.*"] }));
    let mut other = Client::connect(&server, "b");
    for number in 1..=2 {
        let stored = other.asks("shop.new", &format!("hello {number}"));
        assert_eq!(stored, json!({ "stream": "ORDERS", "seq": number }));
    }
    (server, folder, other)
}

fn acknowledges(client: &mut Client, message: &Message) {
    let ack = message.reply.as_deref().expect("it is to be acknowledged");
    assert!(ack.starts_with("$JS.ACK.ORDERS."), "{ack}");
    client.send(ack, "+ACK");
    assert_eq!(client.wire.next_message().payload, b"");
}

fn makes_consumer(client: &mut Client, config: &Value) {
    let name = config["durable_name"].as_str().expect("a name");
    client.makes(
        &format!("CONSUMER.CREATE.ORDERS.{name}"),
        &json!({ "stream_name": "ORDERS", "config": config }),
    );
}

fn another_account_publishes_into_a_stream_and_manages_it(setup: Setup) {
    let (_server, _folder, mut other) = with_orders(setup);
    let names = other.makes("STREAM.NAMES", &json!({}));
    assert_eq!(names["streams"], json!(["ORDERS"]));
    assert_eq!(other.makes("INFO", &json!(null))["streams"], 1);
    let got = other.makes("STREAM.MSG.GET.ORDERS", &json!({ "seq": 1 }));
    assert_eq!(
        (&got["message"]["subject"], &got["message"]["data"]),
        (&json!("orders.new"), &json!("aGVsbG8gMQ=="))
    );
    assert!(got["message"]["hdrs"].is_null(), "{got}");
    assert_eq!(other.wire.flush(), [], "there is one answer each");
}

fn another_account_pulls_and_acknowledges(setup: Setup) {
    let (_server, _folder, mut other) = with_orders(setup);
    makes_consumer(&mut other, &json!({ "durable_name": "D", "ack_policy": "explicit" }));
    other.send("$JS.API.CONSUMER.MSG.NEXT.ORDERS.D", "{\"batch\":2,\"expires\":5000000000}");
    let messages = [(); 2].map(|()| other.wire.next_message());
    for (message, text) in messages.iter().zip(["hello 1", "hello 2"]) {
        assert_eq!((&*message.subject, message.text()), ("orders.new", text.into()));
        acknowledges(&mut other, message);
    }
    let info = other.makes("CONSUMER.INFO.ORDERS.D", &json!(null));
    assert_eq!((&info["ack_floor"]["stream_seq"], &info["num_ack_pending"]), (&json!(2), &json!(0)));
    other.send("$JS.API.CONSUMER.MSG.NEXT.ORDERS.D", "{\"batch\":1,\"no_wait\":true}");
    let status = String::from_utf8(other.wire.next_message().header).expect("text");
    assert!(status.starts_with("NATS/1.0 404 No Messages"), "{status}");
}

fn what_is_pushed_crosses_as_a_stream(setup: Setup) {
    let (_server, _folder, mut other) = with_orders(setup);
    other.wire.send("SUB deliver.x 9\r\n");
    other.wire.flush();
    let config = json!({ "durable_name": "P", "ack_policy": "explicit", "deliver_subject": "deliver.x" });
    let asked = json!({ "stream_name": "ORDERS", "config": config });
    other.send("$JS.API.CONSUMER.CREATE.ORDERS.P", &asked.to_string());
    // The answer is among them.
    let said = [(); 3].map(|()| other.wire.next_message());
    let pushed: Vec<&Message> = said.iter().filter(|message| message.subject == "orders.new").collect();
    assert_eq!(pushed.len(), 2);
    pushed.into_iter().for_each(|message| acknowledges(&mut other, message));
    let info = other.makes("CONSUMER.INFO.ORDERS.P", &json!(null));
    assert_eq!((&info["ack_floor"]["stream_seq"], &info["push_bound"]), (&json!(2), &json!(true)));
}

fn who_has_streams_reaches_those_of_others_under_another_name(setup: Setup) {
    let (server, _folder, _other) = with_orders(setup);
    let mut third = Client::connect(&server, "c");
    assert_eq!(third.asks("FROM.A.API.STREAM.NAMES", "")["streams"], json!(["ORDERS"]));
    assert_eq!(third.makes("STREAM.NAMES", &json!({}))["total"], 0);
    assert_eq!(third.wire.flush(), []);
}

/// Asks for a stream until it has so many messages.
fn await_messages(client: &mut Client, stream: &str, count: u64) {
    let until = Instant::now() + ANSWER_DEADLINE;
    loop {
        let info = client.makes(&format!("STREAM.INFO.{stream}"), &json!(null));
        if info["state"]["messages"] == count {
            return;
        }
        assert!(Instant::now() < until, "{info}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// More than a consumer sends before it hears how far it is.
const MANY: u64 = 3000;

fn a_stream_takes_messages_from_one_of_another_account(setup: Setup) {
    let (server, _folder, _other) = with_orders(setup);
    let mut owner = Client::connect(&server, "a");
    let mut third = Client::connect(&server, "c");
    let origin = json!({
        "name": "ORDERS", "external": { "api": "FROM.A.API", "deliver": "deliver.c" },
    });
    third.makes("STREAM.CREATE.COPY", &json!({ "name": "COPY", "mirror": origin }));
    third.makes("STREAM.CREATE.ALL", &json!({ "name": "ALL", "subjects": ["own"], "sources": [origin] }));
    await_messages(&mut third, "COPY", 2);
    await_messages(&mut third, "ALL", 2);
    for number in 0..MANY {
        owner.wire.publish("orders.more", format!("{number} {}", "x".repeat(100)));
    }
    owner.wire.flush();
    await_messages(&mut third, "COPY", 2 + MANY);
    await_messages(&mut third, "ALL", 2 + MANY);
    let copied = third.makes("STREAM.MSG.GET.COPY", &json!({ "seq": 2 + MANY }));
    let original = owner.makes("STREAM.MSG.GET.ORDERS", &json!({ "seq": 2 + MANY }));
    assert_eq!(copied["message"]["data"], original["message"]["data"]);
    let info = third.makes("STREAM.INFO.COPY", &json!(null));
    assert_eq!(
        (&info["mirror"]["name"], &info["mirror"]["external"]["api"], &info["mirror"]["lag"]),
        (&json!("ORDERS"), &json!("FROM.A.API"), &json!(0))
    );
}
