//! What a consumer can be told to be.

use std::time::Duration;

use async_nats::jetstream::{AckKind, consumer};
use futures::StreamExt;
use serde_json::{Value, json};
use test_kit::{Setup, on_every_setup};

use crate::client::*;
use crate::jetstream::*;

on_every_setup!(
    names_descriptions_and_metadata,
    where_a_consumer_begins,
    each_way_to_acknowledge,
    what_is_not_acknowledged_comes_again,
    a_backoff_tells_when_it_comes_again,
    max_deliver_ends_it,
    filters,
    replay_in_original_speed,
    a_rate_limit_slows_a_push_down,
    requests_are_limited,
    so_much_may_wait_to_be_acknowledged,
    headers_only,
    a_push_to_a_queue,
    flow_control_and_heartbeats,
    an_unused_consumer_goes,
    a_consumer_of_a_file_stream_in_memory,
    a_consumer_can_be_paused,
    a_consumer_can_be_reset,
    create_and_update_are_told_apart,
    what_is_pending_is_counted_by_filter,
);

/// A stream with `s.a` to `s.c`, three of each in turn.
async fn nine(setup: Setup) -> Js {
    let js = Js::start(setup).await;
    js.stream(json!({})).await;
    for n in 0..3 {
        for subject in ["a", "b", "c"] {
            js.put(&format!("s.{subject}"), &format!("{subject}{n}")).await;
        }
    }
    js
}

fn names_descriptions_and_metadata(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        let made = js.consumer("C", json!({"description": "of tests", "metadata": {"who": "me"}})).await;
        assert_eq!((&made["name"], &made["config"]["durable_name"]), (&json!("C"), &json!("C")));
        assert_eq!(made["config"]["description"], "of tests");
        assert_eq!(made["config"]["metadata"]["who"], "me");
        let unnamed = json!({"stream_name": "S", "config": {"ack_policy": "none"}});
        let made = js.done("CONSUMER.CREATE.S", unnamed).await;
        assert_eq!(made["name"].as_str().map(str::len), Some(8), "{made}");
        assert_eq!(made["config"]["inactive_threshold"], 5_000_000_000_u64);
        let other = json!({"stream_name": "S", "config": {"durable_name": "D", "name": "D"}});
        assert_eq!(js.refused("CONSUMER.DURABLE.CREATE.S.E", other.clone()).await, 10017);
        assert_eq!(js.done("CONSUMER.DURABLE.CREATE.S.D", other).await["name"], "D");
        let long = json!({"stream_name": "S", "config": {"durable_name": "L", "name": "L",
            "description": "x".repeat(4097)}});
        assert_eq!(js.refused("CONSUMER.CREATE.S.L", long).await, 10107);
    });
}

fn where_a_consumer_begins(setup: Setup) {
    run(async {
        let js = nine(setup).await;
        let fifth = js.ask("STREAM.MSG.GET.S", json!({"seq": 5})).await;
        for (name, more, first) in [
            ("all", json!({"deliver_policy": "all"}), "a0"),
            ("last", json!({"deliver_policy": "last"}), "c2"),
            ("lasts", json!({"deliver_policy": "last_per_subject", "filter_subject": "s.>"}), "a2"),
            ("seq", json!({"deliver_policy": "by_start_sequence", "opt_start_seq": 5}), "b1"),
            (
                "time",
                json!({"deliver_policy": "by_start_time",
                "opt_start_time": fifth["message"]["time"]}),
                "b1",
            ),
        ] {
            js.consumer(name, more).await;
            assert_eq!(said(&js.take(name, 1).await[0]), first, "{name}");
        }
        js.consumer("new", json!({"deliver_policy": "new"})).await;
        assert!(js.rest("new").await.is_empty());
        js.put("s.a", "a3").await;
        assert_eq!(js.rest("new").await, ["a3"]);
        assert_eq!(js.rest("lasts").await, ["b2", "c2", "a3"]);
        let both = json!({"stream_name": "S", "config": {"durable_name": "X", "name": "X",
            "deliver_policy": "all", "opt_start_seq": 5}});
        assert_eq!(js.refused("CONSUMER.CREATE.S.X", both).await, 10094);
    });
}

fn each_way_to_acknowledge(setup: Setup) {
    run(async {
        let js = nine(setup).await;
        js.consumer("none", json!({"ack_policy": "none"})).await;
        js.take("none", 3).await;
        assert_eq!(js.consumer_info("none").await["num_ack_pending"], 0);
        js.consumer("all", json!({"ack_policy": "all"})).await;
        ack(&js.take("all", 3).await[1]).await;
        let info = js.consumer_info("all").await;
        assert_eq!((&info["num_ack_pending"], &info["ack_floor"]["stream_seq"]), (&json!(1), &json!(2)));
        js.consumer("explicit", json!({})).await;
        ack(&js.take("explicit", 3).await[1]).await;
        let info = js.consumer_info("explicit").await;
        assert_eq!((&info["num_ack_pending"], &info["ack_floor"]["stream_seq"]), (&json!(2), &json!(0)));
    });
}

fn what_is_not_acknowledged_comes_again(setup: Setup) {
    run(async {
        let js = nine(setup).await;
        js.consumer("C", json!({"ack_wait": 100_000_000, "filter_subject": "s.a"})).await;
        js.take("C", 3).await;
        let again: Vec<_> = js.take("C", 3).await.iter().map(seq_and_count).collect();
        assert_eq!(again, [(1, 2), (4, 2), (7, 2)]);
        assert_eq!(js.consumer_info("C").await["num_redelivered"], 3);
    });
}

fn a_backoff_tells_when_it_comes_again(setup: Setup) {
    run(async {
        let js = nine(setup).await;
        let backoff = json!({"backoff": [50_000_000, 100_000_000], "max_deliver": 3,
            "filter_subject": "s.a", "max_ack_pending": 1});
        let made = js.consumer("C", backoff).await;
        assert_eq!(made["config"]["ack_wait"], 50_000_000);
        for count in 1..=3 {
            assert_eq!(seq_and_count(&js.take("C", 1).await[0]), (1, count));
        }
        assert_eq!(seq_and_count(&js.take("C", 1).await[0]), (4, 1), "the first one may not come any more");
        let few = json!({"stream_name": "S", "config": {"durable_name": "X", "name": "X",
            "ack_policy": "explicit", "backoff": [1, 2, 3], "max_deliver": 2}});
        assert_eq!(js.refused("CONSUMER.CREATE.S.X", few).await, 10116);
    });
}

fn max_deliver_ends_it(setup: Setup) {
    run(async {
        let js = nine(setup).await;
        let mut advice = js.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.S.C").await;
        js.consumer("C", json!({"ack_wait": 50_000_000, "max_deliver": 2, "max_ack_pending": 1})).await;
        for count in 1..=2 {
            assert_eq!(seq_and_count(&js.take("C", 1).await[0]), (1, count));
        }
        assert_eq!(seq_and_count(&js.take("C", 1).await[0]), (2, 1));
        let event: Value = serde_json::from_slice(&next(&mut advice).await.payload).expect("JSON");
        assert_eq!((&event["stream_seq"], &event["deliveries"]), (&json!(1), &json!(2)));
    });
}

fn filters(setup: Setup) {
    run(async {
        let js = nine(setup).await;
        js.consumer("one", json!({"filter_subject": "s.b"})).await;
        assert_eq!(js.rest("one").await, ["b0", "b1", "b2"]);
        js.consumer("two", json!({"filter_subjects": ["s.a", "s.c"]})).await;
        assert_eq!(js.rest("two").await, ["a0", "c0", "a1", "c1", "a2", "c2"]);
        let of = |config| json!({"stream_name": "S", "config": with(json!({"name": "X"}), config)});
        for (config, code) in [
            (json!({"filter_subject": "s.a", "filter_subjects": ["s.b"]}), 10136),
            (json!({"filter_subjects": ["s.a", "s.a"]}), 10138),
            (json!({"filter_subjects": ["s.a", ""]}), 10139),
        ] {
            assert_eq!(js.refused("CONSUMER.CREATE.S.X", of(config.clone())).await, code, "{config}");
        }
        let named = json!({"stream_name": "S", "config": {"name": "F", "filter_subject": "s.a"}});
        js.done("CONSUMER.CREATE.S.F.s.a", named.clone()).await;
        assert_eq!(js.refused("CONSUMER.CREATE.S.F.s.b", named).await, 10131);
        let update = json!({"stream_name": "S", "action": "update", "config": {"durable_name": "one",
            "name": "one", "ack_policy": "explicit", "filter_subject": "s.c"}});
        assert_eq!(js.done("CONSUMER.CREATE.S.one", update).await["num_pending"], 0, "it does not go back");
        js.put("s.c", "c3").await;
        js.put("s.b", "b3").await;
        assert_eq!(js.rest("one").await, ["c3"]);
    });
}

fn replay_in_original_speed(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        js.put("s.a", "first").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        js.put("s.a", "second").await;
        let mut pushed = js.listen("pushed").await;
        let began = std::time::Instant::now();
        js.consumer("C", json!({"replay_policy": "original", "deliver_subject": "pushed"})).await;
        assert_eq!(text(&next(&mut pushed).await), "first");
        assert_eq!(text(&next(&mut pushed).await), "second");
        assert!(began.elapsed() > Duration::from_millis(200), "{:?}", began.elapsed());
    });
}

fn a_rate_limit_slows_a_push_down(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        // As much as one message may have is let through at once.
        js.stream(json!({"max_msg_size": 2_000})).await;
        for n in 0..6 {
            js.put("s.a", &n.to_string().repeat(1_000)).await;
        }
        let mut pushed = js.listen("pushed").await;
        // 40,000 bits: five messages of that size in a second.
        let began = std::time::Instant::now();
        js.consumer("C", json!({"deliver_subject": "pushed", "rate_limit_bps": 40_000})).await;
        for _ in 0..6 {
            next(&mut pushed).await;
        }
        assert!(began.elapsed() > Duration::from_millis(400), "{:?}", began.elapsed());
        let pull = json!({"stream_name": "S", "config": {"name": "X", "rate_limit_bps": 1}});
        assert_eq!(js.refused("CONSUMER.CREATE.S.X", pull).await, 10086);
    });
}

fn requests_are_limited(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        let limits =
            json!({"max_batch": 2, "max_expires": 1_000_000_000, "max_bytes": 1024, "max_waiting": 1});
        js.consumer("C", limits).await;
        let mut answers = js.listen("answers").await;
        for (request, status, words) in [
            (json!({"batch": 3}), 409, "Exceeded MaxRequestBatch of 2"),
            (json!({"batch": 1, "expires": 2_000_000_000_u64}), 409, "Exceeded MaxRequestExpires of 1s"),
            (
                json!({"batch": 1, "expires": 1_000_000_000, "max_bytes": 2048}),
                409,
                "Exceeded MaxRequestMaxBytes of 1024",
            ),
            (json!({"batch": 1, "no_wait": true}), 404, "No Messages"),
        ] {
            let (subject, reply) = ("$JS.API.CONSUMER.MSG.NEXT.S.C".to_owned(), "answers".to_owned());
            js.client.publish_with_reply(subject, reply, request.to_string().into()).await.expect("publish");
            let answer = next(&mut answers).await;
            assert_eq!(answer.status.map(|status| status.as_u16()), Some(status), "{request}");
            assert_eq!(answer.description.as_deref(), Some(words), "{request}");
        }
        let mut others = js.listen("others").await;
        for reply in ["answers", "others"] {
            let (subject, body) = ("$JS.API.CONSUMER.MSG.NEXT.S.C".to_owned(), r#"{"expires":900000000}"#);
            js.client.publish_with_reply(subject, reply, body.into()).await.expect("publish");
        }
        assert_eq!(next(&mut others).await.description.as_deref(), Some("Exceeded MaxWaiting"));
    });
}

fn so_much_may_wait_to_be_acknowledged(setup: Setup) {
    run(async {
        let js = nine(setup).await;
        js.consumer("C", json!({"max_ack_pending": 2})).await;
        let consumer: consumer::PullConsumer =
            js.context.get_consumer_from_stream("C", "S").await.expect("the consumer");
        let mut messages = consumer.messages().await.expect("messages");
        let first = messages.next().await.expect("more").expect("a message");
        let second = messages.next().await.expect("more").expect("a message");
        assert_eq!(js.consumer_info("C").await["num_ack_pending"], 2);
        let more = tokio::time::timeout(Duration::from_millis(100), messages.next()).await;
        assert!(more.is_err(), "no more may wait");
        ack(&second).await;
        let third = messages.next().await.expect("more").expect("a message");
        assert_eq!((said(&first), said(&third)), ("a0".into(), "c0".into()));
    });
}

fn headers_only(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        js.publish("s.a", &[("Mine", "yes")], "payload").await;
        js.consumer("C", json!({"headers_only": true})).await;
        let message = &js.take("C", 1).await[0];
        let headers = message.headers.clone().expect("headers");
        assert_eq!(said(message), "");
        assert_eq!(headers.get("Nats-Msg-Size").expect("a size").as_str(), "7");
        assert_eq!(headers.get("Mine").expect("mine").as_str(), "yes");
    });
}

fn a_push_to_a_queue(setup: Setup) {
    run(async {
        let js = nine(setup).await;
        let clients = connect_many(&js.server, 3).await;
        let (heard, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
        for client in clients {
            let mut jobs = client.queue_subscribe("pushed", "workers".to_owned()).await.expect("subscribe");
            settle(&client).await;
            let heard = heard.clone();
            tokio::spawn(async move {
                while let Some(job) = jobs.next().await {
                    heard.send(text(&job)).expect("the test listens");
                }
                drop(client);
            });
        }
        let pushed = json!({"deliver_subject": "pushed", "deliver_group": "workers"});
        let made = js.consumer("C", pushed).await;
        assert_eq!(made["push_bound"], true);
        let mut all = Vec::new();
        for _ in 0..9 {
            all.push(arrivals.recv().await.expect("members are alive"));
        }
        all.sort_unstable();
        assert_eq!(all, ["a0", "a1", "a2", "b0", "b1", "b2", "c0", "c1", "c2"]);
    });
}

fn flow_control_and_heartbeats(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"storage": "memory"})).await;
        let large = "x".repeat(50_000);
        for _ in 0..100 {
            js.put("s.a", &large).await;
        }
        let push = consumer::push::Config {
            durable_name: Some("C".into()),
            deliver_subject: js.client.new_inbox(),
            flow_control: true,
            idle_heartbeat: Duration::from_millis(200),
            ..Default::default()
        };
        let stream = js.context.get_stream("S").await.expect("the stream");
        let consumer = stream.create_consumer(push).await.expect("a consumer");
        let mut messages = consumer.messages().await.expect("messages");
        for seq in 1..=100 {
            let message = messages.next().await.expect("more").expect("a message");
            assert_eq!(message.info().expect("it was delivered").stream_sequence, seq);
            message.ack().await.expect("ack");
        }
        let mut beats = js.listen("beats").await;
        js.consumer(
            "H",
            json!({"deliver_subject": "beats", "idle_heartbeat": 100_000_000,
            "deliver_policy": "new"}),
        )
        .await;
        let beat = next(&mut beats).await;
        assert_eq!(beat.status.map(|status| status.as_u16()), Some(100));
        assert_eq!(beat.description.as_deref(), Some("Idle Heartbeat"));
        let alone = json!({"stream_name": "S", "config": {"name": "X", "deliver_subject": "x",
            "flow_control": true}});
        assert_eq!(js.refused("CONSUMER.CREATE.S.X", alone).await, 10108);
    });
}

fn an_unused_consumer_goes(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        let mut gone = js.listen("$JS.EVENT.ADVISORY.CONSUMER.DELETED.S.C").await;
        let unused = json!({"stream_name": "S", "config": {"name": "C", "inactive_threshold": 100_000_000}});
        js.done("CONSUMER.CREATE.S.C", unused).await;
        next(&mut gone).await;
        assert_eq!(js.refused("CONSUMER.INFO.S.C", Value::Null).await, 10014);
    });
}

fn a_consumer_of_a_file_stream_in_memory(setup: Setup) {
    run(async {
        let js = nine(setup).await;
        js.consumer("kept", json!({"num_replicas": 1})).await;
        js.consumer("gone", json!({"mem_storage": true})).await;
        assert_eq!(js.rest("gone").await.len(), 9);
        let js = js.restarted().await;
        assert_eq!(js.rest("kept").await.len(), 9);
        assert_eq!(js.refused("CONSUMER.INFO.S.gone", Value::Null).await, 10014);
    });
}

fn a_consumer_can_be_paused(setup: Setup) {
    run(async {
        let js = nine(setup).await;
        let stream = js.context.get_stream("S").await.expect("the stream");
        js.consumer("C", json!({})).await;
        let day = Duration::from_secs(86_400);
        let until = std::time::SystemTime::now() + day;
        let paused = stream.pause_consumer("C", until.into()).await.expect("it is paused");
        assert!(paused.paused);
        assert!(js.rest("C").await.is_empty());
        let js = js.restarted().await;
        assert_eq!(js.consumer_info("C").await["paused"], true);
        assert!(js.rest("C").await.is_empty());
        let stream = js.context.get_stream("S").await.expect("the stream");
        assert!(!stream.resume_consumer("C").await.expect("it goes on").paused);
        assert_eq!(js.rest("C").await.len(), 9);
    });
}

fn a_consumer_can_be_reset(setup: Setup) {
    run(async {
        let js = nine(setup).await;
        js.consumer("C", json!({})).await;
        let taken = js.take("C", 4).await;
        ack(&taken[0]).await;
        assert_eq!(js.done("CONSUMER.RESET.S.C", Value::Null).await["reset_seq"], 2);
        assert_eq!(seq_and_count(&js.take("C", 1).await[0]), (2, 1));
        js.done("CONSUMER.RESET.S.C", json!({"seq": 8})).await;
        assert_eq!(js.rest("C").await, ["b2", "c2"]);
        js.consumer("new", json!({"deliver_policy": "new"})).await;
        assert_eq!(js.refused("CONSUMER.RESET.S.new", json!({"seq": 1})).await, 10204);
    });
}

fn create_and_update_are_told_apart(setup: Setup) {
    run(async {
        let js = nine(setup).await;
        let body = |action: &str, more| {
            let config = with(json!({"durable_name": "C", "name": "C", "ack_policy": "explicit"}), more);
            json!({"stream_name": "S", "action": action, "config": config})
        };
        assert_eq!(js.refused("CONSUMER.CREATE.S.C", body("update", json!({}))).await, 10149);
        js.done("CONSUMER.CREATE.S.C", body("create", json!({}))).await;
        js.done("CONSUMER.CREATE.S.C", body("create", json!({}))).await;
        let more = json!({"max_deliver": 7});
        assert_eq!(js.refused("CONSUMER.CREATE.S.C", body("create", more.clone())).await, 10148);
        let changed = js.done("CONSUMER.CREATE.S.C", body("update", more)).await;
        assert_eq!(changed["config"]["max_deliver"], 7);
        assert_eq!(js.refused("CONSUMER.CREATE.S.C", body("", json!({"ack_policy": "all"}))).await, 10012);
    });
}

fn what_is_pending_is_counted_by_filter(setup: Setup) {
    run(async {
        let js = nine(setup).await;
        let made = js.consumer("C", json!({"filter_subject": "s.b"})).await;
        assert_eq!(made["num_pending"], 3);
        let taken = js.take("C", 1).await;
        assert_eq!(taken[0].info().expect("it was delivered").pending, 2);
        taken[0].ack_with(AckKind::Nak(None)).await.expect("nak");
        js.done("STREAM.MSG.DELETE.S", json!({"seq": 8})).await;
        js.put("s.b", "b3").await;
        js.put("s.a", "a3").await;
        assert_eq!(js.consumer_info("C").await["num_pending"], 2);
        assert_eq!(js.rest("C").await, ["b0", "b1", "b3"]);
    });
}
