//! What of a consumer may change, and consumers that are not asked for by people.

use serde_json::{Value, json};
use test_kit::{Setup, on_every_setup};

use crate::client::*;
use crate::jetstream::*;

on_every_setup!(
    what_changes_of_a_consumer,
    what_does_not_change_of_a_consumer,
    a_durable_that_is_not_used_goes_where_it_says_so,
    acknowledgements_may_be_answers_to_flow_control,
    direct_consumers_are_pushed_to_and_do_not_last,
    a_backoff_goes_on_with_its_last_wait_until_a_message_is_given_up,
);

async fn with_messages(setup: Setup) -> Js {
    let js = Js::start(setup).await;
    js.stream(json!({})).await;
    for n in 1..=4 {
        js.put(["s.b", "s.a"][n % 2], &n.to_string()).await;
    }
    js
}

fn what_changes_of_a_consumer(setup: Setup) {
    run(async {
        let js = with_messages(setup).await;
        js.consumer("C", json!({"sample_freq": "10"})).await;
        for (key, value) in [
            ("description", json!("other")),
            ("ack_wait", json!(1_000_000_000)),
            ("max_deliver", json!(3)),
            ("max_ack_pending", json!(3)),
            ("filter_subject", json!("s.b")),
            ("filter_subjects", json!(["s.a", "s.b"])),
            ("sample_freq", json!("50")),
            ("backoff", json!([1_000_000_000])),
            ("max_batch", json!(3)),
            ("max_expires", json!(1_000_000_000)),
            ("max_bytes", json!(100)),
            ("inactive_threshold", json!(60_000_000_000_u64)),
            ("headers_only", json!(true)),
            ("num_replicas", json!(1)),
        ] {
            let changed = js.consumer("C", json!({key: value})).await;
            assert_eq!(changed["config"][key], value, "{changed}");
            assert_eq!(js.consumer_info("C").await["config"][key], value);
        }
        js.consumer("C", json!({"filter_subject": "s.b"})).await;
        let js = js.restarted().await;
        assert_eq!(js.rest("C").await, ["2", "4"], "it is what it was changed to");
    });
}

fn what_does_not_change_of_a_consumer(setup: Setup) {
    run(async {
        let js = with_messages(setup).await;
        js.consumer("C", json!({})).await;
        for (more, words) in [
            (json!({"deliver_policy": "new"}), "deliver policy can not be updated"),
            (json!({"ack_policy": "none"}), "ack policy can not be updated"),
            (json!({"replay_policy": "original"}), "replay policy can not be updated"),
            (json!({"mem_storage": true}), "storage type can not be updated"),
            (json!({"max_waiting": 5}), "max waiting can not be updated"),
        ] {
            let config = json!({"name": "C", "durable_name": "C", "ack_policy": "explicit"});
            let body = json!({"stream_name": "S", "config": with(config, more.clone())});
            let answer = js.ask("CONSUMER.CREATE.S.C", body).await;
            assert_eq!(
                (&answer["error"]["err_code"], &answer["error"]["description"]),
                (&json!(10012), &json!(words))
            );
        }
        assert_eq!(js.rest("C").await, ["1", "2", "3", "4"]);
    });
}

fn a_durable_that_is_not_used_goes_where_it_says_so(setup: Setup) {
    run(async {
        let js = with_messages(setup).await;
        let mut gone = js.listen("$JS.EVENT.ADVISORY.CONSUMER.DELETED.S.*").await;
        js.consumer("kept", json!({})).await;
        js.consumer("C", json!({"inactive_threshold": 100_000_000})).await;
        assert_eq!(next(&mut gone).await.subject.as_str(), "$JS.EVENT.ADVISORY.CONSUMER.DELETED.S.C");
        assert_eq!(js.done("CONSUMER.NAMES.S", Value::Null).await["consumers"], json!(["kept"]));
    });
}

fn acknowledgements_may_be_answers_to_flow_control(setup: Setup) {
    run(async {
        let js = with_messages(setup).await;
        let of = |more| {
            let config = json!({"name": "C", "durable_name": "C", "ack_policy": "flow_control"});
            json!({"stream_name": "S", "config": with(config, more)})
        };
        for (more, code) in
            [(json!({}), 10218), (json!({"deliver_subject": "d", "ack_wait": 1_000_000_000}), 10221)]
        {
            assert_eq!(js.refused("CONSUMER.CREATE.S.C", of(more)).await, code);
        }
        let mut pushed = js.listen("d").await;
        let made =
            js.done("CONSUMER.CREATE.S.C", of(json!({"deliver_subject": "d", "max_ack_pending": 3}))).await;
        assert_eq!(
            (&made["config"]["flow_control"], &made["config"]["idle_heartbeat"]),
            (&json!(true), &json!(1_000_000_000))
        );
        for n in 1..=3 {
            assert_eq!(text(&next(&mut pushed).await), n.to_string());
        }
        assert_eq!(js.consumer_info("C").await["num_ack_pending"], 3);
    });
}

fn direct_consumers_are_pushed_to_and_do_not_last(setup: Setup) {
    run(async {
        let js = with_messages(setup).await;
        for (more, code) in [
            (json!({"name": "C", "ack_policy": "none"}), 10090),
            (json!({"name": "C", "durable_name": "C", "ack_policy": "none", "deliver_subject": "d"}), 10091),
        ] {
            let body = json!({"stream_name": "S", "config": with(json!({"direct": true}), more)});
            assert_eq!(js.refused("CONSUMER.CREATE.S.C", body).await, code);
        }
    });
}

fn a_backoff_goes_on_with_its_last_wait_until_a_message_is_given_up(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        js.put("s.a", "one").await;
        let mut given_up = js.listen("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.S.C").await;
        let mut pushed = js.listen("d").await;
        let backoff = [50_000_000_u64, 100_000_000];
        js.consumer("C", json!({"deliver_subject": "d", "backoff": backoff, "max_deliver": 4})).await;
        for count in 1..=4 {
            let message = next(&mut pushed).await;
            let reply = message.reply.expect("a reply");
            assert_eq!(reply.split('.').nth(4), Some(&*count.to_string()), "{reply}");
        }
        let event: Value = serde_json::from_slice(&next(&mut given_up).await.payload).expect("JSON");
        assert_eq!((&event["stream_seq"], &event["deliveries"]), (&json!(1), &json!(4)));
    });
}
