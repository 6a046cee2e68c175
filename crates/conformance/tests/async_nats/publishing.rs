//! What publishers ask of a stream, and are answered.

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use futures::future::join_all;
use serde_json::{Value, json};
use test_kit::{Setup, on_every_setup};

use crate::client::*;
use crate::jetstream::*;

on_every_setup!(
    an_acknowledgement_says_which_message_it_is,
    an_id_is_stored_once,
    what_is_expected_is_compared,
    a_rollup_takes_the_place_of_others,
    many_are_published_at_once,
    one_message_is_deleted,
    purges,
    a_limit_is_told_to_the_publisher,
    counters_add_up,
    counters_go_on_where_they_were,
);

fn an_acknowledgement_says_which_message_it_is(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        assert_eq!(js.publish("s.a", &[], "one").await, json!({"stream": "S", "seq": 1}));
        let ack = js.context.publish("s.a", "two".into()).await.expect("sent").await.expect("stored");
        assert_eq!((ack.stream.as_str(), ack.sequence, ack.duplicate), ("S", 2, false));
        let nobody = js.context.publish("t", "".into()).await.expect("sent").await.expect_err("no stream");
        assert_eq!(nobody.kind(), PublishErrorKind::StreamNotFound);
    });
}

fn an_id_is_stored_once(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"duplicate_window": 300_000_000})).await;
        let one = || PublishMessage::build().message_id("one").payload("x".into());
        let send = async || js.context.send_publish("s.a", one()).await.expect("sent").await.expect("stored");
        assert_eq!((send().await.sequence, js.put("s.a", "between").await), (1, 2));
        let again = send().await;
        assert_eq!((again.sequence, again.duplicate), (1, true));
        assert_eq!(js.state().await["messages"], 2);
        let js_restarted = js.restarted().await;
        let ack = js_restarted.context.send_publish("s.a", one()).await.expect("sent").await.expect("stored");
        assert!(ack.duplicate || ack.sequence == 3, "{ack:?}");
        // The window ends.
        while js_restarted.publish("s.a", &[("Nats-Msg-Id", "one")], "x").await["duplicate"] == true {}
    });
}

fn what_is_expected_is_compared(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        js.publish("s.a", &[("Nats-Msg-Id", "one")], "1").await;
        js.put("s.b", "2").await;
        let expected = |name| PublishMessage::build().payload("x".into()).expected_stream(name);
        let wrong = js.context.send_publish("s.a", expected("T")).await.expect("sent").await;
        assert_eq!(wrong.expect_err("it is another one").kind(), PublishErrorKind::Other);
        for (name, value, code) in [
            ("Nats-Expected-Stream", "T", 10060),
            ("Nats-Expected-Last-Sequence", "1", 10071),
            ("Nats-Expected-Last-Subject-Sequence", "2", 10071),
            ("Nats-Expected-Last-Msg-Id", "one", 10070),
        ] {
            assert_eq!(js.not_put("s.a", &[(name, value)], "").await, code, "{name}");
        }
        for (name, value, seq) in [
            ("Nats-Expected-Stream", "S", 3),
            ("Nats-Expected-Last-Sequence", "3", 4),
            ("Nats-Expected-Last-Subject-Sequence", "4", 5),
        ] {
            assert_eq!(js.publish("s.a", &[(name, value)], "").await["seq"], seq, "{name}");
        }
        let of_b = [
            ("Nats-Expected-Last-Subject-Sequence", "2"),
            ("Nats-Expected-Last-Subject-Sequence-Subject", "s.b"),
        ];
        assert_eq!(js.publish("s.a", &of_b, "").await["seq"], 6);
        js.publish("s.a", &[("Nats-Msg-Id", "seven")], "").await;
        assert_eq!(js.publish("s.a", &[("Nats-Expected-Last-Msg-Id", "seven")], "").await["seq"], 8);
    });
}

fn a_rollup_takes_the_place_of_others(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        assert_eq!(js.not_put("s.a", &[("Nats-Rollup", "sub")], "").await, 10111);
        js.done("STREAM.DELETE.S", Value::Null).await;
        js.stream(json!({"allow_rollup_hdrs": true})).await;
        for subject in ["s.a", "s.b", "s.a"] {
            js.put(subject, "old").await;
        }
        js.publish("s.a", &[("Nats-Rollup", "sub")], "all of a").await;
        let state = js.state().await;
        assert_eq!((&state["messages"], &state["num_subjects"]), (&json!(2), &json!(2)));
        js.publish("s.c", &[("Nats-Rollup", "all")], "all").await;
        let state = js.state().await;
        assert_eq!((&state["messages"], &state["first_seq"]), (&json!(1), &json!(5)));
    });
}

/// Acknowledgements come in the order of what was published, all of them.
fn many_are_published_at_once(setup: Setup) {
    const MESSAGES: u64 = 500;
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        let mut acks = Vec::new();
        for n in 1..=MESSAGES {
            acks.push(js.context.publish("s.a", n.to_string().into()).await.expect("sent"));
        }
        let seqs = join_all(acks.into_iter().map(IntoFuture::into_future)).await;
        let seqs: Vec<u64> = seqs.into_iter().map(|ack| ack.expect("stored").sequence).collect();
        assert_eq!(seqs, (1..=MESSAGES).collect::<Vec<_>>());
        let stream = js.context.get_stream("S").await.expect("the stream");
        let last = stream.get_raw_message(MESSAGES).await.expect("the last one");
        assert_eq!(last.payload, MESSAGES.to_string());
    });
}

fn one_message_is_deleted(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        for n in 1..=4 {
            js.put("s.a", &n.to_string()).await;
        }
        js.done("STREAM.MSG.DELETE.S", json!({"seq": 2})).await;
        js.done("STREAM.MSG.DELETE.S", json!({"seq": 3, "no_erase": true})).await;
        assert_eq!(js.refused("STREAM.MSG.DELETE.S", json!({"seq": 2})).await, 10043);
        assert_eq!(js.refused("STREAM.MSG.GET.S", json!({"seq": 2})).await, 10037);
        let info = js.ask("STREAM.INFO.S", json!({"deleted_details": true})).await;
        assert_eq!(info["state"]["deleted"], json!([2, 3]));
        js.consumer("C", json!({})).await;
        assert_eq!(js.rest("C").await, ["1", "4"]);
    });
}

fn purges(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        for n in 1..=12 {
            js.put(["s.a", "s.b"][n % 2], &n.to_string()).await;
        }
        for (body, purged, left) in [
            (json!({"filter": "s.a", "keep": 4}), 2, 10),
            (json!({"seq": 6}), 3, 7),
            (json!({"filter": "s.b", "seq": 10}), 2, 5),
            (json!({"keep": 2}), 3, 2),
            (Value::Null, 2, 0),
        ] {
            let answer = js.done("STREAM.PURGE.S", body.clone()).await;
            assert_eq!(answer["purged"], purged, "{body}");
            assert_eq!(js.state().await["messages"], left, "{body}");
        }
        assert_eq!(js.refused("STREAM.PURGE.S", json!({"seq": 1, "keep": 1})).await, 10003);
        assert_eq!(js.put("s.a", "the next one").await, 13);
    });
}

fn a_limit_is_told_to_the_publisher(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"discard": "new", "max_bytes": 100})).await;
        js.put("s.a", "x").await;
        let answer = js.publish("s.a", &[], &"x".repeat(100)).await;
        assert_eq!(answer["error"]["err_code"], 10077);
        assert_eq!(answer["error"]["description"], "maximum bytes exceeded");
        let client = connect(&js.server).await;
        let refused = client.publish("s.a", vec![0; 2 << 20].into()).await.expect_err("it is too large");
        assert!(refused.to_string().contains("max payload"), "{refused}");
    });
}

fn counters_add_up(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"allow_msg_counter": true, "allow_atomic": true, "max_msgs_per_subject": 2})).await;
        let add = async |subject, incr| js.publish(subject, &[("Nats-Incr", incr)], "").await;
        assert_eq!(add("s.a", "+5").await, json!({"stream": "S", "seq": 1, "val": "5"}));
        assert_eq!(add("s.a", "-7").await["val"], "-2");
        assert_eq!(add("s.b", "100000000000000000000000000000").await["seq"], 3);
        assert_eq!(add("s.b", "1").await["val"], "100000000000000000000000000001");
        let got = js.ask("STREAM.MSG.GET.S", json!({"last_by_subj": "s.a"})).await;
        assert_eq!(got["message"]["data"], "eyJ2YWwiOiItMiJ9");
        for (headers, payload, code) in [
            (vec![], "", 10169),
            (vec![("Nats-Incr", "1")], "x", 10170),
            (vec![("Nats-Incr", "1.5")], "", 10171),
            (vec![("Nats-Incr", "1"), ("Nats-Expected-Last-Subject-Sequence", "2")], "", 10171),
            (vec![("Nats-Incr", "1"), ("Nats-Stream-Source", "A 1")], "", 10172),
        ] {
            assert_eq!(js.not_put("s.a", &headers, payload).await, code, "{headers:?}");
        }
        let batch = |seq, more| {
            [vec![("Nats-Incr", "10"), ("Nats-Batch-Id", "B"), ("Nats-Batch-Sequence", seq)], more].concat()
        };
        js.client.publish_with_headers("s.a", map(&batch("1", vec![])), "".into()).await.expect("sent");
        let ack = js.publish("s.a", &batch("2", vec![("Nats-Batch-Commit", "1")]), "").await;
        assert_eq!(ack, json!({"stream": "S", "seq": 6, "batch": "B", "count": 2}));
        let once = [("Nats-Incr", "1"), ("Nats-Msg-Id", "one")];
        assert_eq!(js.publish("s.a", &once, "").await["val"], "19");
        assert_eq!(js.publish("s.a", &once, "").await, json!({"stream": "S", "seq": 7, "duplicate": true}));
        js.done("STREAM.PURGE.S", json!({"filter": "s.a"})).await;
        assert_eq!(add("s.a", "1").await["val"], "1");
        let update =
            json!({"name": "S", "subjects": ["s.>"], "allow_atomic": true, "max_msgs_per_subject": 2});
        assert_eq!(js.refused("STREAM.UPDATE.S", update).await, 10052);
    });
}

fn counters_go_on_where_they_were(setup: Setup) {
    run(async {
        let mut js = Js::start(setup).await;
        js.stream(json!({"allow_msg_counter": true})).await;
        for round in 1..4 {
            let add = async |subject| js.publish(subject, &[("Nats-Incr", "2")], "").await;
            assert_eq!(add("s.a").await["val"], (4 * round - 2).to_string());
            assert_eq!(add("s.a").await["val"], (4 * round).to_string());
            assert_eq!(add("s.b").await["val"], (2 * round).to_string());
            js = js.restarted().await;
        }
    });
}
