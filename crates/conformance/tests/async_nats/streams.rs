//! What a stream can be told to be.

use serde_json::{Value, json};
use test_kit::{Setup, on_every_setup};

use crate::client::*;
use crate::jetstream::*;

on_every_setup!(
    name_description_metadata_and_subjects,
    names_and_texts_have_bounds,
    the_oldest_give_way_to_limits,
    old_messages_go,
    discard_new_refuses_what_is_too_much,
    a_message_may_be_too_large,
    a_work_queue_keeps_what_is_not_acknowledged,
    interest_keeps_what_somebody_waits_for,
    storage_in_memory_and_in_files,
    no_ack_answers_no_publisher,
    how_a_stream_persists_is_kept,
    replicas_and_placement,
    the_first_sequence_can_be_chosen,
    subjects_are_transformed,
    messages_are_published_again,
    a_sealed_stream_takes_nothing,
    deletes_and_purges_can_be_denied,
    consumers_are_limited,
    messages_live_as_long_as_they_say,
    markers_take_the_place_of_what_expired,
    what_changes_and_what_does_not,
    pedantic_requests_are_refused_what_is_not_said,
);

fn name_description_metadata_and_subjects(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let made = js
            .stream(json!({"description": "of tests", "metadata": {"who": "me"}, "compression": "s2"}))
            .await;
        assert_eq!(made["config"]["description"], "of tests");
        assert_eq!(made["config"]["metadata"]["who"], "me");
        assert_eq!(made["config"]["compression"], "s2");
        assert_eq!(made["did_create"], true);
        let named = js.done("STREAM.CREATE.plain", json!({"name": "plain"})).await;
        assert_eq!(named["config"]["subjects"], json!(["plain"]));
        for (name, more, code) in [
            ("O", json!({"subjects": ["s.a"]}), 10065),
            ("S", json!({"subjects": ["t"]}), 10058),
            ("M", json!({"subjects": ["$JS.API.>"]}), 10052),
        ] {
            let body = with(json!({"name": name}), more);
            assert_eq!(js.refused(&format!("STREAM.CREATE.{name}"), body).await, code, "{name}");
        }
    });
}

fn names_and_texts_have_bounds(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let (fits, long) = ("n".repeat(255), "n".repeat(256));
        let (description, metadata) = ("x".repeat(4097), "x".repeat(128 << 10));
        js.done(&format!("STREAM.CREATE.{fits}"), json!({"name": fits, "subjects": ["f"]})).await;
        let just = json!({"name": "J", "description": "x".repeat(4096), "metadata": {"k": metadata[1..]}});
        js.done("STREAM.CREATE.J", just).await;
        for (name, more, code) in [
            (&*long, json!({}), 10052),
            ("a/b", json!({}), 10128),
            ("D", json!({"description": description}), 10052),
            ("M", json!({"metadata": {"k": metadata}}), 10052),
            ("N", json!({"name": ""}), 10056),
        ] {
            let body = with(json!({"name": name}), more);
            assert_eq!(js.refused(&format!("STREAM.CREATE.{name}"), body).await, code, "{name}");
        }
        let made = js.done("STREAM.INFO.J", Value::Null).await;
        assert_eq!(made["config"]["metadata"]["k"], metadata[1..]);
        let consumer = json!({"stream_name": "J", "config": {"name": long, "durable_name": long}});
        assert_eq!(js.refused(&format!("CONSUMER.CREATE.J.{long}"), consumer).await, 10102);
    });
}

fn the_oldest_give_way_to_limits(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        for (more, left) in [
            (json!({"max_msgs": 2}), json!([2, 4])),
            (json!({"max_bytes": 100}), json!([2, 4])),
            (json!({"max_msgs_per_subject": 1}), json!([2, 4])),
            (json!({"max_msgs": -1}), json!([4, 4])),
        ] {
            js.stream(more.clone()).await;
            for (subject, payload) in [("s.a", "1"), ("s.a", "2"), ("s.b", "3"), ("s.b", "4")] {
                js.put(subject, payload).await;
            }
            let state = js.state().await;
            assert_eq!(json!([state["messages"], state["last_seq"]]), left, "{more}");
            js.done("STREAM.DELETE.S", Value::Null).await;
        }
    });
}

fn old_messages_go(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"max_age": 150_000_000, "duplicate_window": 100_000_000})).await;
        js.put("s.a", "1").await;
        assert_eq!(js.state().await["messages"], 1);
        while js.state().await["messages"] == 1 {}
        let state = js.state().await;
        assert_eq!((&state["first_seq"], &state["last_seq"]), (&json!(2), &json!(1)));
    });
}

fn discard_new_refuses_what_is_too_much(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"discard": "new", "max_msgs": 2})).await;
        js.put("s.a", "1").await;
        js.put("s.a", "2").await;
        assert_eq!(js.not_put("s.a", &[], "3").await, 10077);
        js.done("STREAM.DELETE.S", Value::Null).await;
        let config = json!({"discard": "new", "max_msgs_per_subject": 1, "discard_new_per_subject": true});
        js.stream(config).await;
        js.put("s.a", "1").await;
        js.put("s.b", "1").await;
        assert_eq!(js.not_put("s.a", &[], "2").await, 10077);
        let alone = json!({"name": "T", "discard": "old", "discard_new_per_subject": true});
        assert_eq!(js.refused("STREAM.CREATE.T", alone).await, 10052);
    });
}

fn a_message_may_be_too_large(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"max_msg_size": 4})).await;
        js.put("s.a", "four").await;
        assert_eq!(js.not_put("s.a", &[], "fives").await, 10054);
    });
}

fn a_work_queue_keeps_what_is_not_acknowledged(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"retention": "workqueue"})).await;
        js.consumer("A", json!({"filter_subject": "s.a"})).await;
        let overlapping = json!({"stream_name": "S", "config": {"durable_name": "B", "name": "B",
            "ack_policy": "explicit", "filter_subject": "s.*"}});
        assert_eq!(js.refused("CONSUMER.CREATE.S.B", overlapping).await, 10100);
        for n in 0..3 {
            js.put("s.a", &n.to_string()).await;
        }
        js.put("s.b", "nobody's").await;
        for message in js.take("A", 2).await {
            ack(&message).await;
        }
        let state = js.state().await;
        assert_eq!((&state["messages"], &state["first_seq"]), (&json!(2), &json!(3)));
        assert_eq!(js.rest("A").await, ["2"]);
    });
}

fn interest_keeps_what_somebody_waits_for(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"retention": "interest"})).await;
        js.put("s.a", "nobody wants it").await;
        assert_eq!(js.state().await["messages"], 0);
        js.consumer("A", json!({})).await;
        js.consumer("B", json!({"filter_subject": "s.b"})).await;
        js.put("s.a", "of one").await;
        js.put("s.b", "of both").await;
        for message in js.take("A", 2).await {
            ack(&message).await;
        }
        let state = js.state().await;
        assert_eq!((&state["messages"], &state["first_seq"]), (&json!(1), &json!(3)));
        js.done("CONSUMER.DELETE.S.B", Value::Null).await;
        assert_eq!(js.state().await["messages"], 0);
    });
}

fn storage_in_memory_and_in_files(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        for storage in ["memory", "file"] {
            assert_eq!(js.stream(json!({"storage": storage})).await["config"]["storage"], storage);
            js.put("s.a", "one").await;
            let got = js.ask("STREAM.MSG.GET.S", json!({"seq": 1})).await;
            assert_eq!(got["message"]["data"], "b25l", "{storage}");
            let other = if storage == "file" { "memory" } else { "file" };
            let update = json!({"name": "S", "subjects": ["s.>"], "storage": other});
            assert_eq!(js.refused("STREAM.UPDATE.S", update).await, 10052);
            js.done("STREAM.DELETE.S", Value::Null).await;
        }
    });
}

fn no_ack_answers_no_publisher(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"no_ack": true})).await;
        let mut answers = js.listen("answers").await;
        let (subject, reply) = ("s.a".to_owned(), "answers".to_owned());
        js.client.publish_with_reply(subject, reply, "one".into()).await.expect("publish");
        assert_eq!(js.state().await["messages"], 1);
        publish(&js.client, "answers", "the first").await;
        assert_eq!(text(&next(&mut answers).await), "the first");
    });
}

fn how_a_stream_persists_is_kept(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let made = js.stream(json!({"persist_mode": "async"})).await;
        assert_eq!(made["config"]["persist_mode"], "async");
        js.put("s.a", "one").await;
        let plain = json!({"name": "S", "subjects": ["s.>"]});
        assert_eq!(js.refused("STREAM.UPDATE.S", plain).await, 10052);
        let in_memory = json!({"name": "M", "storage": "memory", "persist_mode": "async"});
        assert_eq!(js.refused("STREAM.CREATE.M", in_memory).await, 10052);
        // What is told of a stream is on the disk, what it acknowledges need not be.
        assert_eq!(js.state().await["messages"], 1);
        let js = js.restarted().await;
        assert_eq!(js.done("STREAM.INFO.S", Value::Null).await["config"]["persist_mode"], "async");
        assert_eq!(js.state().await["messages"], 1);
    });
}

fn replicas_and_placement(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let three = json!({"name": "S", "num_replicas": 3});
        assert_eq!(js.refused("STREAM.CREATE.S", three).await, 10074);
        let placed = json!({"cluster": "east", "tags": ["ssd"]});
        let made = js.stream(json!({"num_replicas": 1, "placement": placed})).await;
        assert_eq!((&made["config"]["num_replicas"], &made["config"]["placement"]), (&json!(1), &placed));
        let many = json!({"name": "S", "subjects": ["s.>"], "num_replicas": 6});
        assert_eq!(js.refused("STREAM.UPDATE.S", many).await, 10052);
        let preferred = json!({"name": "P", "placement": {"preferred": "srv"}});
        assert_eq!(js.refused("STREAM.CREATE.P", preferred).await, 10052);
    });
}

fn the_first_sequence_can_be_chosen(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"first_seq": 1000})).await;
        assert_eq!(js.put("s.a", "one").await, 1000);
        assert_eq!(js.state().await["first_seq"], 1000);
    });
}

fn subjects_are_transformed(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(
            json!({"subject_transform": {"src": "s.*.*", "dest": "t.{{wildcard(2)}}.{{wildcard(1)}}"}}),
        )
        .await;
        js.put("s.a.b", "turned").await;
        js.put("s.a", "as it is").await;
        let got = js.ask("STREAM.MSG.GET.S", json!({"seq": 1})).await;
        assert_eq!(got["message"]["subject"], "t.b.a");
        let got = js.ask("STREAM.MSG.GET.S", json!({"seq": 2})).await;
        assert_eq!(got["message"]["subject"], "s.a");
    });
}

fn messages_are_published_again(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let mut heard = js.listen("again.>").await;
        js.stream(json!({"republish": {"src": "s.>", "dest": "again.>"}})).await;
        js.put("s.a", "one").await;
        js.put("s.a", "two").await;
        for (seq, last, payload) in [("1", "0", "one"), ("2", "1", "two")] {
            let message = next(&mut heard).await;
            let headers = message.headers.clone().expect("headers");
            let of = |name: &str| headers.get(name).expect(name).to_string();
            assert_eq!((message.subject.as_str(), text(&message)), ("again.a", payload.to_owned()));
            assert_eq!(of("Nats-Sequence"), seq);
            assert_eq!(of("Nats-Last-Sequence"), last);
            assert_eq!((of("Nats-Stream"), of("Nats-Subject")), ("S".into(), "s.a".into()));
        }
        js.done("STREAM.DELETE.S", Value::Null).await;
        js.stream(json!({"republish": {"src": "s.>", "dest": "again.>", "headers_only": true}})).await;
        js.put("s.a", "three").await;
        let message = next(&mut heard).await;
        let headers = message.headers.clone().expect("headers");
        assert_eq!(
            (text(&message), headers.get("Nats-Msg-Size").expect("a size").as_str()),
            ("".into(), "5")
        );
    });
}

fn a_sealed_stream_takes_nothing(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        js.put("s.a", "one").await;
        let sealed = json!({"name": "S", "subjects": ["s.>"], "sealed": true});
        assert_eq!(js.done("STREAM.UPDATE.S", sealed.clone()).await["config"]["sealed"], true);
        assert_eq!(js.not_put("s.a", &[], "two").await, 10109);
        assert_eq!(js.refused("STREAM.PURGE.S", Value::Null).await, 10109);
        assert_eq!(js.refused("STREAM.MSG.DELETE.S", json!({"seq": 1})).await, 10109);
        js.consumer("C", json!({})).await;
        assert_eq!(js.rest("C").await, ["one"]);
        assert_eq!(js.refused("STREAM.CREATE.T", json!({"name": "T", "sealed": true})).await, 10052);
    });
}

fn deletes_and_purges_can_be_denied(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"deny_delete": true, "deny_purge": true})).await;
        js.put("s.a", "one").await;
        assert_eq!(js.refused("STREAM.MSG.DELETE.S", json!({"seq": 1})).await, 10057);
        assert_eq!(js.refused("STREAM.PURGE.S", Value::Null).await, 10110);
        let open = json!({"name": "S", "subjects": ["s.>"]});
        assert_eq!(js.refused("STREAM.UPDATE.S", open).await, 10052);
        assert_eq!(js.state().await["messages"], 1);
    });
}

fn consumers_are_limited(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let limits = json!({"max_ack_pending": 10, "inactive_threshold": 5_000_000_000_u64});
        js.stream(json!({"max_consumers": 1, "consumer_limits": limits})).await;
        let made = |name: &str, more| {
            let config = with(json!({"name": name, "durable_name": name, "ack_policy": "explicit"}), more);
            json!({"stream_name": "S", "config": config})
        };
        let refused = js.refused("CONSUMER.CREATE.S.A", made("A", json!({"max_ack_pending": 11}))).await;
        assert_eq!(refused, 10121);
        let answer = js.done("CONSUMER.CREATE.S.A", made("A", json!({}))).await;
        assert_eq!(answer["config"]["max_ack_pending"], 10);
        assert_eq!(answer["config"]["inactive_threshold"], 5_000_000_000_u64);
        assert_eq!(js.refused("CONSUMER.CREATE.S.B", made("B", json!({}))).await, 10026);
    });
}

fn messages_live_as_long_as_they_say(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        assert_eq!(js.not_put("s.a", &[("Nats-TTL", "1s")], "").await, 10166);
        js.done("STREAM.DELETE.S", Value::Null).await;
        js.stream(json!({"allow_msg_ttl": true})).await;
        assert_eq!(js.not_put("s.a", &[("Nats-TTL", "soon")], "").await, 10165);
        js.publish("s.a", &[("Nats-TTL", "1s")], "short").await;
        js.publish("s.b", &[("Nats-TTL", "never")], "for ever").await;
        assert_eq!(js.state().await["messages"], 2);
        while js.state().await["messages"] == 2 {}
        assert_eq!(js.state().await["first_seq"], 2);
    });
}

fn markers_take_the_place_of_what_expired(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"allow_msg_ttl": true, "subject_delete_marker_ttl": 60_000_000_000_u64,
            "max_age": 200_000_000, "duplicate_window": 100_000_000, "allow_rollup_hdrs": true}))
            .await;
        js.put("s.a", "one").await;
        js.consumer("C", json!({"deliver_policy": "new"})).await;
        let marker = &js.take("C", 1).await[0];
        let headers = marker.headers.clone().expect("headers");
        assert_eq!(headers.get("Nats-Marker-Reason").expect("a reason").as_str(), "MaxAge");
        assert_eq!(headers.get("Nats-TTL").expect("a time").as_str(), "1m0s");
    });
}

fn what_changes_and_what_does_not(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"max_msgs": 10})).await;
        for n in 0..5 {
            js.put("s.a", &n.to_string()).await;
        }
        let update = |more| with(json!({"name": "S", "subjects": ["s.>", "t"]}), more);
        let changed = js.done("STREAM.UPDATE.S", update(json!({"max_msgs": 3}))).await;
        assert_eq!((&changed["config"]["max_msgs"], &changed["state"]["messages"]), (&json!(3), &json!(3)));
        assert_eq!(js.put("t", "on the new subject").await, 6);
        for (more, code) in [
            (json!({"storage": "memory"}), 10052),
            (json!({"retention": "workqueue"}), 10052),
            (json!({"max_consumers": 5}), 0),
        ] {
            let answer = js.ask("STREAM.UPDATE.S", update(more.clone())).await;
            assert_eq!(answer["error"]["err_code"].as_u64().unwrap_or(0), code, "{more}: {answer}");
        }
        assert_eq!(js.refused("STREAM.UPDATE.NONE", json!({"name": "NONE"})).await, 10059);
        let answer = js.ask("STREAM.UPDATE.S", json!({"name": "OTHER"})).await;
        assert_eq!(answer["error"]["err_code"], 10056);
    });
}

fn pedantic_requests_are_refused_what_is_not_said(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        for (more, code) in [
            (json!({"max_age": 1_000_000_000}), 10157),
            (json!({"max_msgs_per_subject": -2}), 10157),
            (json!({"max_consumers": -2}), 10157),
            (json!({"republish": {"dest": "r.>"}}), 10157),
            (json!({"subject_delete_marker_ttl": 1_000_000_000}), 10052),
        ] {
            let config = with(json!({"name": "S", "subjects": ["s.>"]}), more);
            let pedantic = with(config.clone(), json!({"pedantic": true}));
            assert_eq!(js.refused("STREAM.CREATE.S", pedantic).await, code, "{config}");
            js.done("STREAM.CREATE.S", config).await;
            js.done("STREAM.DELETE.S", Value::Null).await;
        }
        js.stream(json!({"pedantic": true})).await;
        let consumer =
            |more| json!({"stream_name": "S", "pedantic": true, "config": with(json!({"name": "C"}), more)});
        let backoff = json!({"ack_policy": "explicit", "backoff": [1_000_000_000], "ack_wait": 2_000_000_000, "max_deliver": 2});
        assert_eq!(js.refused("CONSUMER.CREATE.S.C", consumer(backoff)).await, 10157);
        js.done("CONSUMER.CREATE.S.C", consumer(json!({}))).await;
    });
}
