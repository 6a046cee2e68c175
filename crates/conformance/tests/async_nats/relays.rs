//! Streams that take messages from others, as clients make and read them.

use std::time::{Duration, Instant};

use async_nats::jetstream::{kv, stream};
use serde_json::{Value, json};
use test_kit::{Setup, on_every_setup};

use crate::client::*;
use crate::jetstream::*;

on_every_setup!(
    a_mirror_follows_its_origin,
    sources_are_taken_in,
    a_durable_consumer_may_be_what_a_source_takes_from,
    a_work_queue_is_moved_to_another_stream,
    a_bucket_may_mirror_another_one,
);

/// How long streams take at most to have what there is.
const CAUGHT_UP_MAX: Duration = Duration::from_secs(20);

impl Js {
    /// Waits until a stream has so many messages, and tells of it.
    async fn has(&self, stream: &str, messages: u64) -> Value {
        let deadline = Instant::now() + CAUGHT_UP_MAX;
        loop {
            let info = self.done(&format!("STREAM.INFO.{stream}"), Value::Null).await;
            if info["state"]["messages"] == messages {
                return info;
            }
            assert!(Instant::now() < deadline, "{stream}: {info}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn a_mirror_follows_its_origin(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"allow_direct": true})).await;
        js.put("s.a", "1").await;
        let mirror = stream::Config {
            name: "M".into(),
            mirror: Some(stream::Source { name: "S".into(), ..Default::default() }),
            ..Default::default()
        };
        let made = js.context.create_stream(mirror).await.expect("a mirror");
        assert!(made.cached_info().config.mirror_direct, "it goes by its origin");
        js.put("s.b", "2").await;
        let info = js.has("M", 2).await;
        assert_eq!((&info["mirror"]["name"], &info["mirror"]["lag"]), (&json!("S"), &json!(0)));
        let origin = js.context.get_stream("S").await.expect("the origin");
        for seq in 1..=2 {
            let (here, there) = (made.get_raw_message(seq).await, origin.get_raw_message(seq).await);
            let (here, there) = (here.expect("a copy"), there.expect("a message"));
            assert_eq!((here.sequence, here.time), (there.sequence, there.time));
            assert_eq!((here.subject, here.payload), (there.subject, there.payload));
        }
        let js = js.restarted().await;
        js.put("s.c", "3").await;
        js.has("M", 3).await;
        assert_eq!(js.refused("STREAM.UPDATE.M", json!({"name": "M", "mirror": {"name": "X"}})).await, 10055);
        js.done("STREAM.DELETE.S", Value::Null).await;
        let promoted = js.done("STREAM.UPDATE.M", json!({"name": "M", "subjects": ["s.>"]})).await;
        assert!(promoted["mirror"].is_null(), "{promoted}");
        assert_eq!(js.put("s.d", "4").await, 4);
    });
}

fn sources_are_taken_in(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        for name in ["A", "B"] {
            let config = json!({"name": name, "subjects": [format!("{name}.>")]});
            js.done(&format!("STREAM.CREATE.{name}"), config).await;
            js.put(&format!("{name}.x"), name).await;
        }
        let transform = json!([{"src": "B.>", "dest": "from.b.>"}]);
        let sources = json!([{"name": "A"}, {"name": "B", "subject_transforms": transform}]);
        js.stream(json!({"sources": sources})).await;
        js.has("S", 2).await;
        js.put("s.own", "own").await;
        let js = js.restarted().await;
        js.put("A.y", "more").await;
        let info = js.has("S", 4).await;
        assert_eq!(info["sources"].as_array().map(Vec::len), Some(2));
        let stream = js.context.get_stream("S").await.expect("the stream");
        let last = stream.get_raw_message(4).await.expect("a message");
        let source = last.headers.get("Nats-Stream-Source").expect("it says where it was");
        assert_eq!((source.as_str(), last.subject.as_str()), ("A 2 > > A.y", "A.y"));
        let moved = stream.get_last_raw_message_by_subject("from.b.x").await.expect("a message");
        assert_eq!(&moved.payload[..], b"B");
    });
}

fn a_durable_consumer_may_be_what_a_source_takes_from(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({})).await;
        let config = json!({
            "ack_policy": "flow_control", "deliver_subject": "deliver.x", "flow_control": true,
            "idle_heartbeat": 1_000_000_000, "max_ack_pending": 100, "filter_subject": "s.a"
        });
        js.consumer("C", config).await;
        for subject in ["s.a", "s.b", "s.a"] {
            js.put(subject, "x").await;
        }
        let source = json!({"name": "S", "consumer": {"name": "C", "deliver_subject": "deliver.x"}});
        js.done("STREAM.CREATE.T", json!({"name": "T", "sources": [source]})).await;
        js.has("T", 2).await;
        let js = js.restarted().await;
        js.put("s.a", "more").await;
        js.has("T", 3).await;
        let told = js.consumer_info("C").await;
        assert_eq!((&told["delivered"]["stream_seq"], &told["num_pending"]), (&json!(4), &json!(0)));
        js.consumer("P", json!({})).await;
        let source = json!({"name": "S", "consumer": {"name": "P", "deliver_subject": "deliver.y"}});
        js.done("STREAM.CREATE.U", json!({"name": "U", "sources": [source]})).await;
        let deadline = Instant::now() + CAUGHT_UP_MAX;
        while js.done("STREAM.INFO.U", Value::Null).await["sources"][0]["error"]["err_code"] != 10217 {
            assert!(Instant::now() < deadline, "it is not acknowledged by flow control");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

fn a_work_queue_is_moved_to_another_stream(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"retention": "workqueue"})).await;
        js.done("STREAM.CREATE.T", json!({"name": "T", "sources": [{"name": "S"}]})).await;
        for number in 0..100 {
            js.put("s.a", &number.to_string()).await;
        }
        let js = js.restarted().await;
        js.has("T", 100).await;
        js.has("S", 0).await;
        assert_eq!(js.state().await["consumer_count"], 1);
        js.done("STREAM.DELETE.T", Value::Null).await;
        let deadline = Instant::now() + CAUGHT_UP_MAX;
        while js.state().await["consumer_count"] != 0 {
            assert!(Instant::now() < deadline, "its consumer is gone with it");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

fn a_bucket_may_mirror_another_one(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let origin = kv::Config { bucket: "B".into(), ..Default::default() };
        let origin = js.context.create_key_value(origin).await.expect("a bucket");
        origin.put("k", "v".into()).await.expect("it is put");
        let mirror = kv::Config {
            bucket: "M".into(),
            mirror: Some(stream::Source { name: "B".into(), ..Default::default() }),
            mirror_direct: true,
            ..Default::default()
        };
        let mirror = js.context.create_key_value(mirror).await.expect("a mirror");
        js.has("KV_M", 1).await;
        assert!(mirror.stream.cached_info().config.mirror_direct);
        origin.put("l", "w".into()).await.expect("it is put");
        js.has("KV_M", 2).await;
        // The client reads and writes under the mirror's own name, where there is nothing: its stream has all.
        let copy = js.context.get_stream("KV_M").await.expect("the copy");
        for (key, value) in [("k", "v"), ("l", "w")] {
            let subject = format!("$KV.B.{key}");
            let last = copy.get_last_raw_message_by_subject(&subject).await.expect("a message");
            assert_eq!(&last.payload[..], value.as_bytes());
        }
    });
}
