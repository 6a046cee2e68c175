//! What is there after the server was killed, and what is not.

use serde_json::{Value, json};
use test_kit::{Setup, on_every_setup};

use crate::client::*;
use crate::jetstream::*;

on_every_setup!(
    streams_in_files_are_there_again,
    streams_in_memory_are_not,
    subjects_are_counted_as_before,
    holes_limits_and_ages_are_as_before,
    ids_are_remembered,
    consumers_go_on_where_they_were,
    bytes_are_counted_and_given_back,
    a_stop_is_as_good_as_a_kill,
    large_and_many_messages,
);

fn streams_in_files_are_there_again(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"description": "kept", "max_msgs": 100})).await;
        js.done("STREAM.CREATE.gone", json!({"name": "gone"})).await;
        js.publish("s.a", &[("Mine", "yes")], "one").await;
        js.put("s.b", "two").await;
        js.done("STREAM.DELETE.gone", Value::Null).await;
        let before = js.done("STREAM.INFO.S", Value::Null).await;
        let js = js.restarted().await;
        let after = js.done("STREAM.INFO.S", Value::Null).await;
        for what in ["config", "created", "state"] {
            assert_eq!(after[what], before[what]);
        }
        let got = js.ask("STREAM.MSG.GET.S", json!({"seq": 1})).await;
        assert_eq!((&got["message"]["subject"], &got["message"]["data"]), (&json!("s.a"), &json!("b25l")));
        assert_eq!(js.done("STREAM.NAMES", Value::Null).await["streams"], json!(["S"]));
        assert_eq!(js.put("s.c", "three").await, 3);
    });
}

fn streams_in_memory_are_not(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"storage": "memory"})).await;
        js.put("s.a", "one").await;
        let js = js.restarted().await;
        assert_eq!(js.refused("STREAM.INFO.S", Value::Null).await, 10059);
    });
}

fn subjects_are_counted_as_before(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"allow_direct": true, "max_msgs_per_subject": 2})).await;
        for n in 0..30 {
            js.put(&format!("s.{}", n % 7), &n.to_string()).await;
        }
        let ask = json!({"subjects_filter": ">"});
        let before = js.done("STREAM.INFO.S", ask.clone()).await["state"].clone();
        let js = js.restarted().await;
        assert_eq!(js.done("STREAM.INFO.S", ask).await["state"], before);
        let last = js.client.request("$JS.API.DIRECT.GET.S.s.1", "".into()).await.expect("an answer");
        assert_eq!(&last.payload[..], b"29");
    });
}

fn holes_limits_and_ages_are_as_before(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"allow_msg_ttl": true, "max_msgs": 8})).await;
        for n in 1..=10 {
            js.put("s.a", &n.to_string()).await;
        }
        js.publish("s.b", &[("Nats-TTL", "2s")], "short").await;
        js.done("STREAM.MSG.DELETE.S", json!({"seq": 6})).await;
        js.done("STREAM.PURGE.S", json!({"filter": "s.a", "seq": 5})).await;
        let ask = json!({"deleted_details": true});
        let before = js.done("STREAM.INFO.S", ask.clone()).await["state"].clone();
        let js = js.restarted().await;
        assert_eq!(js.done("STREAM.INFO.S", ask).await["state"], before);
        while js.state().await["messages"] == before["messages"] {}
        assert_eq!(js.refused("STREAM.MSG.GET.S", json!({"seq": 11})).await, 10037);
    });
}

fn ids_are_remembered(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        js.publish("s.a", &[("Nats-Msg-Id", "one")], "1").await;
        let js = js.restarted().await;
        let again = js.publish("s.a", &[("Nats-Msg-Id", "one")], "1").await;
        assert_eq!(again, json!({"stream": "S", "seq": 1, "duplicate": true}));
        assert_eq!(js.publish("s.a", &[("Nats-Expected-Last-Msg-Id", "one")], "2").await["seq"], 2);
    });
}

fn consumers_go_on_where_they_were(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        for n in 1..=6 {
            js.put("s.a", &n.to_string()).await;
        }
        js.consumer("C", json!({})).await;
        let taken = js.take("C", 4).await;
        for message in [&taken[0], &taken[2]] {
            ack(message).await;
        }
        let js = js.restarted().await;
        let info = js.consumer_info("C").await;
        assert_eq!(info["ack_floor"]["stream_seq"], 1);
        assert_eq!((&info["num_ack_pending"], &info["num_pending"]), (&json!(2), &json!(2)));
        // What was delivered and not acknowledged is waited for; what is new comes first.
        assert_eq!(js.rest("C").await, ["5", "6"]);
    });
}

fn bytes_are_counted_and_given_back(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        for storage in ["memory", "storage"] {
            let kind = if storage == "memory" { "memory" } else { "file" };
            js.stream(json!({"storage": kind})).await;
            js.put("s.a", &"x".repeat(1_000)).await;
            let account = js.done("INFO", Value::Null).await;
            assert!(account[storage].as_u64().is_some_and(|bytes| bytes >= 1_000), "{account}");
            assert_eq!(account[storage], js.state().await["bytes"]);
            js.done("STREAM.PURGE.S", Value::Null).await;
            assert_eq!(js.done("INFO", Value::Null).await[storage], 0);
            js.done("STREAM.DELETE.S", Value::Null).await;
        }
    });
}

fn a_stop_is_as_good_as_a_kill(setup: Setup) {
    run(async {
        let mut js = Js::start(setup).await;
        js.stream(json!({})).await;
        js.consumer("C", json!({})).await;
        js.put("s.a", "one").await;
        ack(&js.take("C", 1).await[0]).await;
        js.put("s.a", "two").await;
        js.server.stop().expect("it stops");
        let js = js.restarted().await;
        assert_eq!(js.state().await["messages"], 2);
        assert_eq!(js.rest("C").await, ["two"]);
    });
}

fn large_and_many_messages(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        for n in 1..=20 {
            js.put("s.large", &n.to_string().repeat(200_000)).await;
        }
        let mut acks = Vec::new();
        for n in 0..2_000 {
            acks.push(js.context.publish("s.small", n.to_string().into()).await.expect("sent"));
        }
        for ack in acks {
            ack.await.expect("stored");
        }
        let js = js.restarted().await;
        assert_eq!(js.state().await["messages"], 2_020);
        js.consumer("C", json!({"filter_subject": "s.large"})).await;
        for (n, message) in js.take("C", 20).await.iter().enumerate() {
            assert!(said(message) == (n + 1).to_string().repeat(200_000), "message {n}");
        }
    });
}
