//! Priority groups: whose request gets a message where not all that wait are alike.

use serde_json::{Value, json};
use test_kit::{Setup, on_every_setup};

use crate::client::*;
use crate::jetstream::*;

on_every_setup!(
    groups_are_told_with_their_policies,
    what_overflows_goes_to_who_waits_for_it,
    who_comes_first_is_served_first,
    one_is_pinned_until_it_is_silent,
    who_is_pinned_can_be_unpinned,
    nobody_is_pinned_after_a_restart,
);

async fn with_group(setup: Setup, policy: &str, more: Value) -> Js {
    let js = Js::start(setup).await;
    js.stream(json!({})).await;
    let config = json!({"priority_groups": ["g"], "priority_policy": policy});
    js.consumer("C", with(config, more)).await;
    js
}

async fn ask_for(js: &Js, reply: &str, more: Value) {
    let body = with(json!({"batch": 2, "group": "g", "expires": 30_000_000_000_u64}), more);
    let (subject, reply) = ("$JS.API.CONSUMER.MSG.NEXT.S.C".to_owned(), reply.to_owned());
    js.client.publish_with_reply(subject, reply, body.to_string().into()).await.expect("publish");
}

/// How many requests wait, once all that was asked before has come.
async fn waiting(js: &Js) -> u64 {
    js.consumer_info("C").await["num_waiting"].as_u64().expect("a number")
}

fn pin_of(message: &async_nats::Message) -> String {
    let headers = message.headers.as_ref().expect("headers");
    headers.get("Nats-Pin-Id").expect("an id").to_string()
}

fn line(message: &async_nats::Message) -> String {
    let status = message.status.map(|status| status.as_u16());
    format!("{:?} {}", status, message.description.as_deref().unwrap_or_default())
}

async fn event(events: &mut async_nats::Subscriber) -> Value {
    serde_json::from_slice(&next(events).await.payload).expect("JSON")
}

fn groups_are_told_with_their_policies(setup: Setup) {
    run(async {
        let js = with_group(setup, "pinned_client", json!({})).await;
        let info = js.consumer_info("C").await;
        assert_eq!(info["config"]["priority_timeout"], 120_000_000_000_u64);
        assert_eq!(info["priority_groups"], json!([{"group": "g", "pinned_ts": "0001-01-01T00:00:00Z"}]));
        let mut answers = js.listen("answers").await;
        for (more, text) in [
            (json!({"group": ""}), "Bad Request - Priority Group missing"),
            (json!({"group": "x"}), "Bad Request - Invalid Priority Group"),
            (json!({"min_pending": 1}), "Bad Request - Not a Overflow Priority consumer"),
            (json!({"priority": 10}), "Bad Request - Priority must be between 0 and 9"),
        ] {
            ask_for(&js, "answers", more).await;
            assert_eq!(line(&next(&mut answers).await), format!("Some(400) {text}"));
        }
        let other = json!({"priority_groups": ["g"], "priority_policy": "overflow"});
        let info = js.consumer("C", other).await;
        assert_eq!(info["config"]["priority_policy"], "overflow", "it may be told something else");
        assert!(waiting(&js).await == 0);
    });
}

fn what_overflows_goes_to_who_waits_for_it(setup: Setup) {
    run(async {
        let js = with_group(setup, "overflow", json!({})).await;
        let (mut first, mut spare) = (js.listen("first").await, js.listen("spare").await);
        ask_for(&js, "spare", json!({"min_pending": 3})).await;
        for n in 1..=2 {
            js.put("s.a", &format!("m{n}")).await;
        }
        assert_eq!(waiting(&js).await, 1);
        ask_for(&js, "first", json!({"batch": 1})).await;
        assert_eq!(text(&next(&mut first).await), "m1");
        for n in 3..=4 {
            js.put("s.a", &format!("m{n}")).await;
        }
        assert_eq!(text(&next(&mut spare).await), "m2");
        // Two are left, one unacknowledged is enough for the other bound.
        ask_for(&js, "first", json!({"min_pending": 9, "min_ack_pending": 1, "batch": 1})).await;
        assert_eq!(text(&next(&mut first).await), "m3");
    });
}

fn who_comes_first_is_served_first(setup: Setup) {
    run(async {
        let js = with_group(setup, "prioritized", json!({})).await;
        let (mut low, mut high) = (js.listen("low").await, js.listen("high").await);
        ask_for(&js, "low", json!({"priority": 7})).await;
        ask_for(&js, "high", json!({"priority": 1})).await;
        assert_eq!(waiting(&js).await, 2);
        for n in 1..=4 {
            js.put("s.a", &format!("m{n}")).await;
        }
        for n in 1..=2 {
            assert_eq!(text(&next(&mut high).await), format!("m{n}"));
        }
        for n in 3..=4 {
            assert_eq!(text(&next(&mut low).await), format!("m{n}"));
        }
    });
}

fn one_is_pinned_until_it_is_silent(setup: Setup) {
    run(async {
        let js = with_group(setup, "pinned_client", json!({"priority_timeout": 1_000_000_000})).await;
        let mut events = js.listen("$JS.EVENT.ADVISORY.CONSUMER.*.S.C").await;
        let (mut one, mut two) = (js.listen("one").await, js.listen("two").await);
        ask_for(&js, "one", json!({})).await;
        ask_for(&js, "two", json!({})).await;
        js.put("s.a", "m1").await;
        let message = next(&mut one).await;
        let id = pin_of(&message);
        let told = event(&mut events).await;
        assert_eq!(told["type"], "io.nats.jetstream.advisory.v1.consumer_group_pinned");
        assert_eq!((&told["group"], &told["pinned_id"]), (&json!("g"), &json!(id)));
        assert_eq!(told["account"], "$G");
        let group = js.consumer_info("C").await["priority_groups"][0].clone();
        assert_eq!(group["pinned_client_id"], json!(id));

        ask_for(&js, "one", json!({"id": "somebody else"})).await;
        assert_eq!(line(&next(&mut one).await), "Some(423) Nats-Pin-Id mismatch");
        js.put("s.a", "m2").await;
        assert_eq!(text(&next(&mut one).await), "m2");

        // Nobody asks as the one that is pinned, and the other one has its turn in the end.
        js.put("s.a", "m3").await;
        let message = next(&mut two).await;
        assert_eq!(text(&message), "m3");
        assert_ne!(pin_of(&message), id);
        let told = event(&mut events).await;
        assert_eq!((&told["reason"], &told["group"]), (&json!("timeout"), &json!("g")));
    });
}

fn who_is_pinned_can_be_unpinned(setup: Setup) {
    run(async {
        let js = with_group(setup, "pinned_client", json!({})).await;
        let mut events = js.listen("$JS.EVENT.ADVISORY.CONSUMER.UNPINNED.S.C").await;
        let (mut one, mut two) = (js.listen("one").await, js.listen("two").await);
        ask_for(&js, "one", json!({})).await;
        js.put("s.a", "m1").await;
        next(&mut one).await;
        ask_for(&js, "two", json!({})).await;
        assert_eq!(js.refused("CONSUMER.UNPIN.S.C", json!({"group": "x"})).await, 10160);
        assert_eq!(js.refused("CONSUMER.UNPIN.S.C", json!({"group": "a b"})).await, 10162);
        let answer = js.done("CONSUMER.UNPIN.S.C", json!({"group": "g"})).await;
        assert_eq!(answer, json!({"type": "io.nats.jetstream.api.v1.consumer_unpin_response"}));
        assert_eq!(event(&mut events).await["reason"], "admin");
        js.put("s.a", "m2").await;
        assert_eq!(line(&next(&mut one).await), "Some(423) Nats-Wrong-Pin-Id");
        assert_eq!(text(&next(&mut two).await), "m2");
    });
}

fn nobody_is_pinned_after_a_restart(setup: Setup) {
    run(async {
        let js = with_group(setup, "pinned_client", json!({})).await;
        let mut one = js.listen("one").await;
        ask_for(&js, "one", json!({})).await;
        js.put("s.a", "m1").await;
        let id = pin_of(&next(&mut one).await);
        let js = js.restarted().await;
        let info = js.consumer_info("C").await;
        assert_eq!(info["priority_groups"], json!([{"group": "g", "pinned_ts": "0001-01-01T00:00:00Z"}]));
        let mut one = js.listen("one").await;
        ask_for(&js, "one", json!({"id": id})).await;
        js.put("s.a", "m2").await;
        assert_eq!(line(&next(&mut one).await), "Some(423) Nats-Wrong-Pin-Id");
    });
}
