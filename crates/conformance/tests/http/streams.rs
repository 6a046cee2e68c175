use std::collections::BTreeSet;

use serde_json::{Value, json};
use test_kit::Setup;

use crate::client::{Tail, ask};
use crate::start_with_streams;

pub(crate) fn streams_are_made_read_and_consumed(setup: Setup) {
    let (_server, http) = start_with_streams(setup);
    let asked = |request: &str, body: &str| ask(http, request, &[], body);
    let at = "/v1/js/streams/S";
    assert_eq!(asked(&format!("PUT {at}"), r#"{"subjects":["s.*"]}"#).status, 201);
    assert_eq!(asked(&format!("PUT {at}"), r#"{"subjects":["s.*"]}"#).status, 201);
    let changed = asked(&format!("PUT {at}"), r#"{"subjects":["s.*"],"max_msgs":100}"#).json();
    assert_eq!(changed["config"]["max_msgs"], 100);
    assert_eq!(asked("PUT /v1/js/streams/T", r#"{"name":"U"}"#).status, 400);
    assert_eq!(asked("PUT /v1/js/streams/T", r#"{"subjects":["s.a"]}"#).status, 409);
    assert_eq!(asked("GET /v1/js/streams/none", "").json()["nats"]["err_code"], 10059);
    assert_eq!(asked("GET /v1/js/streams", "").json()["streams"].as_array().map(Vec::len), Some(1));
    for n in 1..=3 {
        let ack = asked("PUT /v1/nats/subjects/s.a?ack=stream", &format!("m{n}")).json();
        assert_eq!(ack["seq"], n);
    }
    let wrong =
        ask(http, "PUT /v1/nats/subjects/s.a?ack=stream", &[("Nats-Expected-Last-Sequence", "1")], "");
    assert_eq!((wrong.status, &wrong.json()["nats"]["err_code"]), (409, &json!(10071)));
    let second = asked(&format!("GET {at}/messages/2"), "");
    assert_eq!(
        (second.text(), second.header("nats-sequence"), second.header("nats-subject")),
        ("m2".to_owned(), Some("2"), Some("s.a"))
    );
    assert_eq!(asked(&format!("GET {at}/last/s.a"), "").text(), "m3");
    assert_eq!(asked(&format!("DELETE {at}/messages/2"), "").status, 204);
    assert_eq!(asked(&format!("GET {at}/messages/2"), "").status, 404);

    let consumer = format!("{at}/consumers/c");
    assert_eq!(asked(&format!("POST {consumer}/next"), "").status, 404);
    assert_eq!(asked(&format!("PUT {consumer}"), r#"{"ack_policy":"explicit"}"#).status, 200);
    let got = asked(&format!("POST {consumer}/next"), r#"{"batch":10,"expires":"300ms"}"#);
    let got: Vec<Value> = got.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let seqs: Vec<u64> = got.iter().filter_map(|message| message["seq"].as_u64()).collect();
    assert_eq!(seqs, [1, 3]);
    let verdicts = json!([
        { "ack": got[0]["ack"] }, { "ack": got[1]["ack"], "kind": "nak" }, { "ack": "elsewhere" },
    ]);
    let told = asked("POST /v1/js/ack?sync=1", &verdicts.to_string()).text();
    let statuses: Vec<u64> = told
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["status"].as_u64())
        .collect();
    assert_eq!(statuses, [204, 204, 400]);
    let again =
        ask(http, &format!("POST {consumer}/next"), &[("Accept", "application/json")], r#"{"expires":"2s"}"#)
            .json();
    assert_eq!(again[0]["seq"], 3, "it was not taken");
    assert_eq!(asked(&format!("POST {consumer}/next"), r#"{"no_wait":true}"#).status, 204);
    assert_eq!(asked(&format!("POST {consumer}/reset"), r#"{"first":true}"#).status, 200);
    let first = asked(&format!("POST {consumer}/next"), r#"{"expires":"2s"}"#);
    assert_eq!(first.json()["seq"], 1, "from the first on again");
    assert_eq!(asked(&format!("DELETE {consumer}"), "").status, 204);
    assert_eq!(asked(&format!("POST {at}/purge"), "").json()["purged"], 2);
    assert_eq!(asked(&format!("DELETE {at}"), "").status, 204);
}

/// Whoever is cut off again and again and says what he saw last has seen everything once.
pub(crate) fn a_page_that_comes_back_misses_nothing(setup: Setup) {
    let (server, http) = start_with_streams(setup);
    assert_eq!(ask(http, "PUT /v1/js/streams/S", &[], r#"{"subjects":["s.*"]}"#).status, 201);
    let publishing = {
        let mut publisher = server.connect();
        std::thread::spawn(move || {
            for n in 0..300 {
                publisher.publish("s.a", n.to_string());
                publisher.flush();
            }
        })
    };
    let (mut seen, mut last) = (BTreeSet::new(), String::new());
    while seen.len() < 300 {
        let accept = ("Accept", "text/event-stream");
        let resume = ("Last-Event-ID", last.as_str());
        let headers = if last.is_empty() { vec![accept] } else { vec![accept, resume] };
        let mut events = Tail::open(http, "/v1/js/streams/S/messages?filter=s.a", &headers);
        for _ in 0..7 {
            let id = events.next("id: ").expect("it goes on");
            assert!(seen.insert(id.parse::<u64>().expect("a number")), "{id} came twice");
            last = id;
            if seen.len() == 300 {
                break;
            }
        }
    }
    assert_eq!(seen, (1..=300).collect::<BTreeSet<u64>>());
    publishing.join().expect("it publishes");
}
