//! Messages that are for later.

use std::collections::BTreeSet;

use async_nats::jetstream;
use serde_json::{Value, json};
use test_kit::{Setup, on_every_setup};

use crate::client::*;
use crate::jetstream::*;

on_every_setup!(
    a_message_comes_when_its_time_has_come,
    a_message_comes_again_and_again,
    what_a_schedule_may_say,
    a_schedule_ends_by_a_word_or_with_its_message,
    schedules_go_on_where_they_were,
);

/// Long ago.
const PAST: &str = "@at 2020-01-01T00:00:00Z";

/// A stream that keeps schedules, and a consumer of what they publish.
async fn start(setup: Setup, more: Value) -> Js {
    let js = Js::start(setup).await;
    js.stream(with(json!({"allow_msg_schedules": true}), more)).await;
    js.consumer("C", json!({"filter_subject": "s.out"})).await;
    js
}

/// What a publisher of a schedule for `s.out` is told.
async fn plan(js: &Js, subject: &str, pattern: &str, more: &[(&str, &str)]) -> Value {
    let headers = [&[("Nats-Schedule", pattern), ("Nats-Schedule-Target", "s.out")][..], more].concat();
    js.publish(subject, &headers, "body").await
}

fn header(message: &jetstream::Message, name: &str) -> String {
    let headers = message.headers.as_ref().expect("headers");
    headers.get(name).map(|value| value.as_str().to_owned()).unwrap_or_default()
}

fn sequence(message: &jetstream::Message) -> u64 {
    message.info().expect("it was delivered").stream_sequence
}

fn a_message_comes_when_its_time_has_come(setup: Setup) {
    run(async {
        let js = start(setup, json!({"allow_atomic": true})).await;
        assert_eq!(plan(&js, "s.plan", PAST, &[("Mine", "yes")]).await, json!({"stream": "S", "seq": 1}));
        let message = js.take("C", 1).await.remove(0);
        assert_eq!((message.subject.as_str(), said(&message).as_str()), ("s.out", "body"));
        for (name, value) in [
            ("Mine", "yes"),
            ("Nats-Scheduler", "s.plan"),
            ("Nats-Schedule-Next", "purge"),
            ("Nats-Schedule", ""),
            ("Nats-Schedule-Target", ""),
            ("Nats-Rollup", ""),
        ] {
            assert_eq!(header(&message, name), value, "{name}");
        }
        let state = js.state().await;
        assert_eq!((&state["messages"], &state["first_seq"]), (&json!(1), &json!(2)), "the schedule is gone");
        let in_batch =
            |seq, more| [vec![("Nats-Batch-Id", "B"), ("Nats-Batch-Sequence", seq)], more].concat();
        let first =
            [&in_batch("1", vec![])[..], &[("Nats-Schedule", PAST), ("Nats-Schedule-Target", "s.out")][..]];
        js.client.publish_with_headers("s.plan", map(&first.concat()), "x".into()).await.expect("sent");
        let ack = plan(&js, "s.plan.b", PAST, &in_batch("2", vec![("Nats-Batch-Commit", "1")])).await;
        assert_eq!((&ack["count"], &ack["seq"]), (&json!(2), &json!(4)));
        let mut both: Vec<String> =
            js.take("C", 2).await.iter().map(|message| header(message, "Nats-Scheduler")).collect();
        both.sort();
        assert_eq!(both, ["s.plan", "s.plan.b"]);
    });
}

fn a_message_comes_again_and_again(setup: Setup) {
    run(async {
        let js = start(setup, json!({"allow_msg_ttl": true})).await;
        js.put("s.value", "of another").await;
        let more = [("Nats-Schedule-Source", "s.value"), ("Nats-Schedule-TTL", "1h")];
        plan(&js, "s.every", "@every 1s", &more).await;
        let messages = js.take("C", 2).await;
        for message in &messages {
            assert_eq!((said(message).as_str(), header(message, "Nats-TTL").as_str()), ("of another", "1h"));
        }
        let next: Vec<String> =
            messages.iter().map(|message| header(message, "Nats-Schedule-Next")).collect();
        assert!(next[0] < next[1] && next[0].ends_with('Z') && next[0].len() == 20, "{next:?}");
        let more = [("Nats-Schedule-Time-Zone", "Asia/Kolkata"), ("Nats-Schedule-Rollup", "sub")];
        plan(&js, "s.every", "* * * * * *", &more).await;
        loop {
            let message = js.take("C", 1).await.remove(0);
            if said(&message) == "body" {
                let next = header(&message, "Nats-Schedule-Next");
                assert!(next.ends_with("+05:30"), "{next}");
                assert_eq!(header(&message, "Nats-Rollup"), "sub");
                break;
            }
        }
    });
}

fn what_a_schedule_may_say(setup: Setup) {
    run(async {
        let js = start(setup, json!({})).await;
        let target = ("Nats-Schedule-Target", "s.out");
        let every = ("Nats-Schedule", "@every 1h");
        let refused: [(&[(&str, &str)], u64); 16] = [
            (&[("Nats-Schedule", "@every 500ms"), target], 10189),
            (&[("Nats-Schedule", "0 0 0 30 2 *"), target], 10189),
            (&[("Nats-Schedule", "60 * * * * *"), target], 10189),
            (&[("Nats-Schedule", "@at tomorrow"), target], 10189),
            (&[every, target, ("Nats-Schedule-Time-Zone", "Europe/Paris")], 10189),
            (&[("Nats-Schedule", "@hourly"), target, ("Nats-Schedule-Time-Zone", "Europe/Nowhere")], 10223),
            (&[every], 10190),
            (&[every, ("Nats-Schedule-Target", "s.plan")], 10190),
            (&[every, ("Nats-Schedule-Target", "elsewhere")], 10190),
            (&[every, target, ("Nats-Schedule-Source", "s.*")], 10203),
            (&[every, target, ("Nats-Schedule-Source", "elsewhere")], 10203),
            (&[every, target, ("Nats-Schedule-TTL", "soon")], 10191),
            (&[every, target, ("Nats-Schedule-TTL", "1h")], 10166),
            (&[every, target, ("Nats-Schedule-Rollup", "all")], 10192),
            (&[every, target, ("Nats-Rollup", "all")], 10192),
            (&[("Nats-Scheduler", "s.x")], 10212),
        ];
        for (headers, code) in refused {
            assert_eq!(js.not_put("s.plan", headers, "x").await, code, "{headers:?}");
        }
        assert_eq!(js.state().await["messages"], 0);
        js.done("STREAM.CREATE.T", json!({"name": "T", "subjects": ["t"]})).await;
        assert_eq!(js.not_put("t", &[every, target], "x").await, 10188);
        let update = json!({"name": "S", "subjects": ["s.>"]});
        assert_eq!(js.refused("STREAM.UPDATE.S", update).await, 10052);
    });
}

fn a_schedule_ends_by_a_word_or_with_its_message(setup: Setup) {
    run(async {
        let js = start(setup, json!({})).await;
        plan(&js, "s.one", "@every 1s", &[]).await;
        let end = [("Nats-Scheduler", "s.one"), ("Nats-Schedule-Next", "purge")];
        js.publish("s.end", &end, "").await;
        let got = js.ask("STREAM.MSG.GET.S", json!({"last_by_subj": "s.one"})).await;
        assert_eq!(got["error"]["err_code"], 10037, "it is gone");
        assert_eq!(js.publish("s.end", &end, "").await["error"], Value::Null, "there is none to end");
        js.put("s.other", "x").await;
        let end = [("Nats-Scheduler", "s.other"), ("Nats-Schedule-Next", "purge")];
        assert_eq!(js.not_put("s.end", &end, "").await, 10212, "that is no schedule");
        plan(&js, "s.two", "@every 1s", &[]).await;
        js.put("s.two", "no schedule").await;
        plan(&js, "s.three", "@every 1s", &[]).await;
        js.done("STREAM.PURGE.S", json!({"filter": "s.three"})).await;
        // Whatever is to come of the others comes before it.
        let last = plan(&js, "s.four", "@every 2s", &[]).await["seq"].as_u64().expect("it is stored");
        loop {
            let message = js.take("C", 1).await.remove(0);
            match header(&message, "Nats-Scheduler").as_str() {
                "s.four" => break,
                other => assert!(sequence(&message) < last, "{other} goes on"),
            }
        }
    });
}

fn schedules_go_on_where_they_were(setup: Setup) {
    run(async {
        let js = start(setup, json!({})).await;
        plan(&js, "s.every", "@every 1s", &[]).await;
        plan(&js, "s.once", PAST, &[]).await;
        let mut js = js.restarted().await;
        let (mut once, mut every) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..2 {
            for message in js.take("C", 3).await {
                let is_once = header(&message, "Nats-Scheduler") == "s.once";
                if is_once { &mut once } else { &mut every }.insert(sequence(&message));
                ack(&message).await;
            }
            js = js.restarted().await;
        }
        assert!(once.len() == 1 && every.len() > 1, "{once:?} {every:?}");
        assert_eq!(
            js.ask("STREAM.MSG.GET.S", json!({"last_by_subj": "s.once"})).await["error"]["err_code"],
            10037
        );
    });
}
