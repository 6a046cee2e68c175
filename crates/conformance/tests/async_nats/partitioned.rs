//! Groups that client libraries build by themselves, as orbit's `pcgroups` does: a subject transform puts a partition into
//! each subject, each member has a consumer of its own for its partitions, and one client of those that ask under a member's
//! name is pinned.

use futures::{FutureExt, StreamExt};
use serde_json::{Value, json};
use test_kit::{Setup, on_every_setup};

use crate::client::*;
use crate::jetstream::*;

on_every_setup!(a_partitioned_group_of_clients, a_group_over_a_work_queue_changes_its_members);

const PARTITIONS: usize = 4;

fn transform(partitions: usize) -> Value {
    json!({"src": "s.*", "dest": format!("{{{{partition({partitions},1)}}}}.s.{{{{wildcard(1)}}}}")})
}

fn member(partitions: &[usize]) -> Value {
    let filters: Vec<String> = partitions.iter().map(|partition| format!("{partition}.>")).collect();
    json!({
        "filter_subjects": filters,
        "max_ack_pending": 1,
        "ack_wait": 2_000_000_000_u64,
        "priority_groups": ["PCG"],
        "priority_policy": "pinned_client",
        "priority_timeout": 2_000_000_000_u64,
    })
}

/// Asks as one of those who are that member.
async fn ask_for(js: &Js, stream: &str, consumer: &str, reply: &str, id: Option<&str>) {
    let mut body = json!({"batch": 50, "group": "PCG", "expires": 20_000_000_000_u64});
    if let Some(id) = id {
        body["id"] = id.into();
    }
    let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}");
    js.client.publish_with_reply(subject, reply.to_owned(), body.to_string().into()).await.expect("publish");
}

/// Takes and acknowledges that many, and returns what they said with their subjects.
async fn drain(js: &Js, inbox: &mut async_nats::Subscriber, count: usize) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for _ in 0..count {
        let message = next(inbox).await;
        all.push((message.subject.to_string(), text(&message)));
        publish(&js.client, message.reply.as_ref().expect("it is to be acknowledged"), "").await;
    }
    all
}

fn a_partitioned_group_of_clients(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let config = json!({"name": "S", "subjects": ["s.*"], "subject_transform": transform(PARTITIONS)});
        js.done("STREAM.CREATE.S", config).await;
        for number in 0..5 {
            for key in 0..8 {
                js.put(&format!("s.{key}"), &number.to_string()).await;
            }
        }
        let (mut handled, mut total) = (Vec::new(), 0);
        for (name, partitions) in [("one", [0, 1]), ("two", [2, 3])] {
            js.consumer(name, member(&partitions)).await;
            let pending = js.consumer_info(name).await["num_pending"].as_u64().expect("a number") as usize;
            total += pending;
            // Two clients are that member: one of them is served.
            let (first, second) = (format!("first.{name}"), format!("second.{name}"));
            let (mut served, mut other) = (js.listen(&first).await, js.listen(&second).await);
            ask_for(&js, "S", name, &first, None).await;
            handled.extend(drain(&js, &mut served, pending).await);
            ask_for(&js, "S", name, &second, None).await;
            settle(&js.client).await;
            assert!(other.next().now_or_never().is_none(), "another client is pinned");
        }
        assert_eq!((total, handled.len()), (40, 40));
        for key in 0..8 {
            let of_key = handled.iter().filter(|(subject, _)| subject.ends_with(&format!(".s.{key}")));
            let numbers: Vec<&str> = of_key.map(|(_, number)| &**number).collect();
            assert_eq!(numbers, ["0", "1", "2", "3", "4"], "key {key}");
        }
    });
}

fn a_group_over_a_work_queue_changes_its_members(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"subjects": ["s.*"]})).await;
        let source = json!({"name": "S", "subject_transforms": [transform(PARTITIONS)]});
        let queue =
            json!({"name": "S-G", "retention": "workqueue", "sources": [source], "allow_direct": true});
        js.done("STREAM.CREATE.S-G", queue).await;
        for number in 0..20 {
            js.put(&format!("s.{}", number % 4), &number.to_string()).await;
        }
        while js.done("STREAM.INFO.S-G", Value::Null).await["state"]["messages"] != 20 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let create = async |name: &str, partitions: &[usize]| {
            let config = with(
                json!({"name": name, "durable_name": name, "ack_policy": "explicit"}),
                member(partitions),
            );
            let body = json!({"stream_name": "S-G", "config": config});
            js.ask(&format!("CONSUMER.CREATE.S-G.{name}"), body).await
        };
        let answer = create("one", &[0, 1, 2, 3]).await;
        assert!(answer["error"].is_null(), "{answer}");
        let mut inbox = js.listen("inbox.one").await;
        ask_for(&js, "S-G", "one", "inbox.one", None).await;
        let before = drain(&js, &mut inbox, 5).await;
        // There are two members from here on: each makes its consumer anew, for its own partitions.
        js.done("CONSUMER.DELETE.S-G.one", Value::Null).await;
        let mut after = Vec::new();
        for (name, partitions) in [("one", [0, 1]), ("two", [2, 3])] {
            let answer = create(name, &partitions).await;
            assert!(answer["error"].is_null(), "{answer}");
            let body = js.done(&format!("CONSUMER.INFO.S-G.{name}"), Value::Null).await;
            let pending = body["num_pending"].as_u64().expect("a number") as usize;
            let mut inbox = js.listen(&format!("again.{name}")).await;
            ask_for(&js, "S-G", name, &format!("again.{name}"), None).await;
            after.extend(drain(&js, &mut inbox, pending).await);
        }
        let mut numbers: Vec<u32> =
            before.iter().chain(&after).map(|(_, number)| number.parse().expect("a number")).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers, (0..20).collect::<Vec<_>>());
    });
}
