//! What is told of streams and consumers to whoever listens.

use serde_json::{Value, json};
use test_kit::{Setup, on_every_setup};

use crate::client::*;
use crate::jetstream::*;

on_every_setup!(
    streams_are_told_of,
    consumers_are_told_of,
    messages_that_end_badly_are_told_of,
    requests_are_told_of,
);

async fn event(events: &mut async_nats::Subscriber) -> (String, Value) {
    let message = next(events).await;
    let event: Value = serde_json::from_slice(&message.payload).expect("JSON");
    assert_eq!(event["id"].as_str().map(str::len), Some(22), "{event}");
    assert!(event["timestamp"].is_string(), "{event}");
    (message.subject.to_string(), event)
}

fn streams_are_told_of(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let mut events = js.listen("$JS.EVENT.ADVISORY.STREAM.>").await;
        js.stream(json!({})).await;
        js.done("STREAM.UPDATE.S", json!({"name": "S", "subjects": ["s.>"], "max_msgs": 5})).await;
        js.done("STREAM.DELETE.S", Value::Null).await;
        for (word, action) in [("CREATED", "create"), ("UPDATED", "modify"), ("DELETED", "delete")] {
            let (subject, event) = event(&mut events).await;
            assert_eq!(subject, format!("$JS.EVENT.ADVISORY.STREAM.{word}.S"));
            assert_eq!(event["type"], "io.nats.jetstream.advisory.v1.stream_action");
            assert_eq!((&event["stream"], &event["action"]), (&json!("S"), &json!(action)));
        }
    });
}

fn consumers_are_told_of(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        let mut events = js.listen("$JS.EVENT.ADVISORY.CONSUMER.*.S.C").await;
        js.consumer("C", json!({})).await;
        js.done("CONSUMER.PAUSE.S.C", json!({"pause_until": "2040-01-01T00:00:00Z"})).await;
        js.done("CONSUMER.DELETE.S.C", Value::Null).await;
        for word in ["CREATED", "PAUSE", "DELETED"] {
            let (subject, event) = event(&mut events).await;
            assert_eq!(subject, format!("$JS.EVENT.ADVISORY.CONSUMER.{word}.S.C"));
            assert_eq!((&event["stream"], &event["consumer"]), (&json!("S"), &json!("C")));
        }
    });
}

fn messages_that_end_badly_are_told_of(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        for n in 1..=3 {
            js.put("s.a", &n.to_string()).await;
        }
        js.consumer("C", json!({"ack_wait": 2_000_000_000_u64, "max_deliver": 1})).await;
        let mut events = js.listen("$JS.EVENT.ADVISORY.CONSUMER.*.S.C").await;
        let taken = js.take("C", 3).await;
        let reply = taken[0].message.reply.clone().expect("a reply subject");
        publish(&js.client, &reply, "+TERM it is no good").await;
        let (subject, told) = event(&mut events).await;
        assert_eq!(subject, "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.S.C");
        assert_eq!((&told["stream_seq"], &told["reason"]), (&json!(1), &json!("it is no good")));
        let mut seqs = Vec::new();
        while seqs.len() < 2 {
            let (subject, told) = event(&mut events).await;
            assert_eq!(subject, "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.S.C");
            seqs.push(told["stream_seq"].as_u64().expect("a sequence"));
        }
        seqs.sort_unstable();
        assert_eq!(seqs, [2, 3]);
    });
}

fn requests_are_told_of(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let mut events = js.listen("$JS.EVENT.ADVISORY.API").await;
        js.done("STREAM.NAMES", Value::Null).await;
        let (_, event) = event(&mut events).await;
        assert_eq!(event["type"], "io.nats.jetstream.advisory.v1.api_audit");
        assert_eq!(event["subject"], "$JS.API.STREAM.NAMES");
        assert!(
            event["response"].as_str().is_some_and(|text| text.contains("stream_names_response")),
            "{event}"
        );
        assert_eq!(event["client"]["acc"], "$G");
    });
}
