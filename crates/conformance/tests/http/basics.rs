use std::thread;

use serde_json::json;
use test_kit::{ServerOp, Setup};

use crate::client::{Tail, ask, said};
use crate::{BLOCK, start};

pub(crate) fn what_is_published_arrives(setup: Setup) {
    let (server, http) = start(setup, BLOCK);
    let mut reader = server.connect();
    reader.subscribe("orders.>", 1);
    let headers =
        [("NatsH-Kind", "a"), ("Idempotency-Key", "k"), ("Cookie", "secret"), ("Content-Type", "text/plain")];
    let answer = ask(http, "PUT /v1/nats/subjects/orders.new?reply=back", &headers, "hello");
    assert_eq!((answer.status, answer.body.len()), (204, 0), "{}", answer.head);
    let ServerOp::Msg(message) = reader.next_op() else { panic!("it arrives") };
    assert_eq!((&message.subject[..], message.reply.as_deref()), ("orders.new", Some("back")));
    assert_eq!(message.payload, b"hello");
    let block = String::from_utf8(message.header).unwrap();
    for line in ["Kind: a\r\n", "Nats-Msg-Id: k\r\n", "Content-Type: text/plain\r\n"] {
        assert!(block.contains(line), "{line} in {block}");
    }
    assert!(!block.contains("secret") && !block.to_lowercase().contains("host"), "{block}");
}

pub(crate) fn requests_are_answered(setup: Setup) {
    let (server, http) = start(setup, BLOCK);
    let mut service = server.connect();
    service.subscribe("echo", 1);
    let answering = thread::spawn(move || {
        for _ in 0..3 {
            let ServerOp::Msg(message) = service.next_op() else { panic!("a request") };
            let reply = message.reply.expect("somebody waits");
            let headers = "NATS/1.0\r\nContent-Type: text/x\r\nMine: 1\r\n\r\n";
            let payload = String::from_utf8(message.payload).unwrap().to_uppercase();
            let (front, all) = (headers.len(), headers.len() + payload.len());
            service.send(format!("HPUB {reply} {front} {all}\r\n{headers}{payload}\r\n"));
        }
        service.flush();
        service
    });
    let answer = ask(http, "POST /v1/nats/subjects/echo", &[], "yo");
    assert_eq!((answer.status, answer.text()), (200, "YO".to_owned()));
    assert_eq!((answer.header("content-type"), answer.header("natsh-mine")), (Some("text/x"), Some("1")));
    let answer = ask(http, "POST /v1/nats/subjects/echo", &[("Accept", "application/json")], "yo");
    assert_eq!((&answer.json()["data"], &answer.json()["header"]["Mine"]), (&json!("WU8="), &json!(["1"])));
    let text = [("Accept", "application/vnd.nats.text+json")];
    assert_eq!(ask(http, "POST /v1/nats/subjects/echo", &text, "yo").json()["text"], "YO");
    let _silent = answering.join().expect("it answers");
    let answer = ask(http, "POST /v1/nats/subjects/echo?timeout=50ms", &[], "");
    assert_eq!((answer.status, &answer.json()["type"]), (504, &json!("urn:buster:problem:timed-out")));
    let answer = ask(http, "POST /v1/nats/subjects/nobody", &[], "");
    assert_eq!((answer.status, &answer.json()["subject"]), (503, &json!("nobody")));
}

pub(crate) fn lists_wait_for_what_comes(setup: Setup) {
    let (server, http) = start(setup, BLOCK);
    let json_wanted = [("Accept", "application/json")];
    let answer = ask(http, "GET /v1/nats/subjects/a.*?limit=5&timeout=50", &json_wanted, "");
    assert_eq!((answer.status, answer.json()), (200, json!([])));
    let waiting =
        thread::spawn(move || ask(http, "GET /v1/nats/subjects/a.*?limit=2&timeout=10s", &json_wanted, ""));
    let mut publisher = server.connect();
    while !waiting.is_finished() {
        publisher.publish("a.b", "x");
        publisher.flush();
        thread::yield_now();
    }
    let list = waiting.join().expect("it is answered").json();
    assert_eq!(list, json!([{ "subject": "a.b", "data": "eA==" }, { "subject": "a.b", "data": "eA==" }]));
}

pub(crate) fn events_and_lines_come_as_they_are_published(setup: Setup) {
    let (server, http) = start(setup, BLOCK);
    let accept = [("Accept", "text/event-stream, application/vnd.nats.text+json")];
    let mut events = Tail::open(http, "/v1/nats/subjects/a.%3E?idleHeartbeat=100", &accept);
    let head = events.head.to_lowercase();
    for line in ["content-type: text/event-stream", "cache-control: no-store", "x-accel-buffering: no"] {
        assert!(head.contains(line), "{line} in {head}");
    }
    let mut lines = Tail::open(http, "/v1/nats/subjects/a.b?queue=q&limit=1", &[]);
    let mut publisher = server.connect();
    publisher.publish("a.b", "x\ndata: <script>");
    assert_eq!(events.next("event: ").as_deref(), Some("msg"));
    assert_eq!(events.next_json("data: "), json!({ "subject": "a.b", "text": "x\ndata: <script>" }));
    assert!(events.next(": idle").is_some());
    assert!(lines.next("{").expect("a line").contains("\"subject\":\"a.b\""));
    assert_eq!(lines.next("never"), None, "one was the limit");
}

pub(crate) fn a_batch_has_a_line_for_each(setup: Setup) {
    let (server, http) = start(setup, BLOCK);
    let mut reader = server.connect();
    reader.subscribe("n.*", 1);
    let mut lines: Vec<String> =
        (0..500).map(|n| format!("{{\"subject\":\"n.{n}\",\"json\":{n}}}")).collect();
    lines[7] = "{\"subject\":\"n.*\"}".to_owned();
    let answer = ask(http, "POST /v1/nats/publish", &[], lines.join("\n"));
    assert_eq!(answer.status, 200);
    let told: Vec<serde_json::Value> =
        answer.text().lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    assert_eq!(told.len(), 500);
    for (n, line) in told.iter().enumerate() {
        assert_eq!(line["status"], if n == 7 { 400 } else { 204 }, "{n}");
    }
    let got: Vec<String> = reader.flush().into_iter().map(|message| message.subject).collect();
    let wanted: Vec<String> = (0..500).filter(|n| *n != 7).map(|n| format!("n.{n}")).collect();
    assert_eq!(got, wanted, "in their order");
}

pub(crate) fn what_is_wrong_is_told(setup: Setup) {
    let (_server, http) = start(setup, &format!("{BLOCK}max_payload: 1000\n"));
    for (request, body, status, kind) in [
        ("PUT /v1/nats/subjects/a%20b", "", 400, "bad-subject"),
        ("PUT /v1/nats/subjects/a%0d%0aPUB%20b", "", 400, "bad-subject"),
        ("PUT /v1/nats/subjects/a.%3E", "", 400, "bad-subject"),
        ("PUT /v1/nats/subjects/a?replay=x", "", 400, "bad-request"),
        ("PUT /v1/nats/subjects/a?ack=disk", "", 400, "bad-request"),
        ("POST /v1/nats/subjects/a?timeout=soon", "", 400, "bad-request"),
        ("GET /v1/nats/subjects/a?sample=0", "", 400, "bad-request"),
        ("DELETE /v1/nats/subjects/a", "", 405, "method-not-allowed"),
        ("GET /v1/nats", "", 404, "not-found"),
        ("GET /", "", 404, "not-found"),
        ("PUT /v1/nats/subjects/a?ack=stream", "", 503, "no-responders"),
    ] {
        let answer = ask(http, request, &[], body);
        let wanted = format!("urn:buster:problem:{kind}");
        assert_eq!((answer.status, answer.json()["type"].as_str()), (status, Some(&wanted[..])), "{request}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert!(answer.header("x-nats-api-gateway-error").is_some());
    }
    let long = ask(http, "PUT /v1/nats/subjects/a", &[], vec![b'x'; 1001]);
    assert_eq!((long.status, long.header("connection")), (413, Some("close")));
    let with_headers = ask(http, "PUT /v1/nats/subjects/a", &[("NatsH-A", "b")], vec![b'x'; 1000]);
    assert_eq!(with_headers.status, 413, "headers count");
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "x".repeat(20_000));
    assert_eq!(said(http, head.as_bytes()).status, 431);
    assert_eq!(ask(http, "GET /v1/healthz", &[], "").json(), json!({ "status": "ok" }));
    let document = ask(http, "GET /v1/openapi.json", &[], "").json();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/v1/nats/subjects/{subject}"]["put"].is_object());
}

pub(crate) fn a_server_that_ends_says_so(setup: Setup) {
    let (mut server, http) = start(setup, BLOCK);
    let mut events = Tail::open(http, "/v1/nats/subjects/a", &[("Accept", "text/event-stream")]);
    assert!(events.next("retry: ").is_some());
    server.stop().expect("it stops");
    let rest: Vec<String> = std::iter::from_fn(|| events.next("")).collect();
    assert!(rest.iter().all(|line| !line.contains("event: msg")), "{rest:?}");
}
