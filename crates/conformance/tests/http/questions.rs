use std::time::Duration;

use serde_json::{Value, json};
use test_kit::{SETUPS, Setup};

use crate::client::{Tail, ask};
use crate::{BLOCK, start, start_with_streams};

const EVENTS: (&str, &str) = ("Accept", "text/event-stream");

pub(crate) fn what_would_be_done_is_explained(setup: Setup) {
    let (_server, http) = start_with_streams(setup);
    let asked = |request: &str, body: &str| ask(http, request, &[], body);
    let publish = asked("GET /v1/explain/publish/orders.new", "").json();
    assert_eq!((&publish["subject"], &publish["is_allowed"]), (&json!("orders.new"), &json!(true)));
    let subscribe = asked("GET /v1/explain/subscribe/orders.%3E?queue=workers", "").json();
    assert_eq!(subscribe["queue"], "workers");
    assert_eq!(asked("GET /v1/explain/publish/orders.*", "").status, 400);
    assert_eq!(asked("PUT /v1/js/streams/S", r#"{"subjects":["s.*"]}"#).status, 201);
    assert_eq!(asked("PUT /v1/js/streams/S/consumers/c", r#"{"ack_policy":"explicit"}"#).status, 200);
    assert_eq!(asked("PUT /v1/nats/subjects/s.a?ack=stream", "x").status, 200);
    let consumer = asked("GET /v1/explain/consumer/S/c", "").json();
    assert_eq!(consumer["reasons"][0]["reason"], "no_request");
    let message = asked("GET /v1/explain/message/S/1", "");
    assert_eq!(message.status, 200, "{}", message.text());
    assert_eq!(asked("GET /v1/explain/consumer/S/none", "").status, 404);
}

pub(crate) fn a_consumer_begins_again_at_a_time(setup: Setup) {
    let (_server, http) = start_with_streams(setup);
    let asked = |request: &str, body: &str| ask(http, request, &[], body);
    asked("PUT /v1/js/streams/S", r#"{"subjects":["s.*"]}"#);
    asked("PUT /v1/js/streams/S/consumers/c", r#"{"ack_policy":"explicit"}"#);
    for n in 1..=3 {
        asked("PUT /v1/nats/subjects/s.a?ack=stream", &format!("m{n}"));
    }
    let second = asked("GET /v1/js/streams/S/messages/2", "");
    let time = second.header("nats-time-stamp").expect("it is told").to_owned();
    let reset = "POST /v1/js/streams/S/consumers/c/reset";
    let next = || asked("POST /v1/js/streams/S/consumers/c/next", r#"{"expires":"2s"}"#).json();
    assert_eq!(asked(reset, &json!({ "time": time }).to_string()).status, 200);
    assert_eq!(next()["seq"], 2);
    assert_eq!(asked(reset, r#"{"time":"2199-01-01T00:00:00Z"}"#).status, 200);
    asked("PUT /v1/nats/subjects/s.a?ack=stream", "m4");
    assert_eq!(next()["seq"], 4, "what comes after all that is there");
}

/// A page that comes back hears of what became of a bucket meanwhile, and of nothing twice.
pub(crate) fn a_bucket_is_watched(setup: Setup) {
    let (_server, http) = start_with_streams(setup);
    let asked = |request: &str, body: &str| ask(http, request, &[], body);
    assert_eq!(asked("PUT /v1/kvm/buckets/b", r#"{"history":3}"#).status, 201);
    asked("PUT /v1/kv/b/one", "1");
    asked("PUT /v1/kv/b/two", "2");
    let mut watch = Tail::open(http, "/v1/kvm/buckets/b/watch", &[EVENTS]);
    let seen =
        |update: &Value| (update["key"].clone(), update["operation"].clone(), update["revision"].clone());
    assert_eq!(seen(&watch.next_json("data: ")), (json!("one"), json!("PUT"), json!(1)));
    assert_eq!(seen(&watch.next_json("data: ")), (json!("two"), json!("PUT"), json!(2)));
    asked("DELETE /v1/kv/b/one", "");
    assert_eq!(seen(&watch.next_json("data: ")), (json!("one"), json!("DEL"), json!(3)));
    drop(watch);
    asked("PUT /v1/kv/b/two", "22");
    let mut again = Tail::open(http, "/v1/kvm/buckets/b/watch", &[EVENTS, ("Last-Event-ID", "3")]);
    assert_eq!(seen(&again.next_json("data: ")), (json!("two"), json!("PUT"), json!(4)));
    let keys = ask(http, "GET /v1/kvm/buckets/b/keys", &[("Accept", "application/json")], "").json();
    assert_eq!(keys, json!(["two"]), "what is deleted is no key");
    let none = ask(http, "GET /v1/kvm/buckets/b/keys?key=x.*", &[("Accept", "application/json")], "").json();
    assert_eq!(none, json!([]));
}

pub(crate) fn a_ticket_stands_for_credentials_once(setup: Setup) {
    let users = "authorization { users: [ { user: u, password: p } ] }\n";
    let (server, http) = start(setup, &format!("{BLOCK}{users}"));
    let who = ("Authorization", "Basic dTpw");
    let path = "/v1/nats/subjects/a";
    let body = json!({ "path": path }).to_string();
    assert_eq!(ask(http, "POST /v1/tickets", &[], &body).status, 401);
    let told = ask(http, "POST /v1/tickets", &[who], &body);
    assert_eq!(told.status, 201);
    let ticket = told.json()["ticket"].as_str().expect("a word").to_owned();
    let mut events = Tail::open(http, &format!("{path}?ticket={ticket}"), &[EVENTS]);
    assert!(events.next("retry: ").is_some());
    assert_eq!(ask(http, "PUT /v1/nats/subjects/a", &[who], "x").status, 204);
    assert!(events.next("data: ").is_some());
    assert_eq!(ask(http, &format!("GET {path}?ticket={ticket}"), &[], "").status, 401, "it is used");
    let other = ask(http, "POST /v1/tickets", &[who], &body).json();
    let other = other["ticket"].as_str().expect("a word");
    assert_eq!(
        ask(http, &format!("GET /v1/me?ticket={other}"), &[], "").status,
        401,
        "it is for another path"
    );
    drop(server);
}

pub(crate) fn of_a_flood_a_sample_is_told(setup: Setup) {
    let (server, http) = start(setup, BLOCK);
    let mut tail = Tail::open(http, "/v1/nats/subjects/a?sample=2&idleHeartbeat=200ms", &[]);
    let mut publisher = server.connect();
    for _ in 0..100 {
        publisher.publish("a", "x");
    }
    publisher.flush();
    let mut told = (0, 0);
    while told.0 + told.1 < 100 {
        let line = tail.next("{").expect("it goes on");
        let line: Value = serde_json::from_str(&format!("{{{line}")).expect("JSON");
        match line["skipped"].as_u64() {
            Some(skipped) => told.1 += skipped,
            None => told.0 += 1,
        }
    }
    assert!(told.0 < 10 && told.0 + told.1 == 100, "{told:?}");
}

pub(crate) fn a_server_that_is_about_to_end_says_so(_: Setup) {
    let block = format!("{BLOCK}lame_duck_duration: \"30s\"\nlame_duck_grace_period: \"1s\"\n");
    let (server, http) = start(SETUPS[0], &block);
    let mut events = Tail::open(http, "/v1/nats/subjects/a", &[EVENTS]);
    assert!(events.next("retry: ").is_some());
    server.lame_duck().expect("it is told");
    server.log().wait_for("Entering lame duck mode", test_kit::ANSWER_DEADLINE).expect("it does");
    // The log is a moment ahead of it.
    let refused = (0..100).find_map(|_| {
        std::thread::sleep(Duration::from_millis(20));
        Some(ask(http, "PUT /v1/nats/subjects/a", &[], "x")).filter(|answer| answer.status != 204)
    });
    let answer = refused.expect("it refuses from some moment on");
    assert_eq!(
        (answer.status, answer.header("retry-after"), answer.header("connection")),
        (503, Some("1"), Some("close"))
    );
    assert!(events.next("event: closed").is_some());
}
