//! Key-value buckets, as clients make them out of streams.

use std::time::Duration;

use async_nats::jetstream::{kv, stream};
use futures::{StreamExt, TryStreamExt};
use test_kit::{Setup, on_every_setup};

use crate::client::*;
use crate::jetstream::*;

on_every_setup!(
    a_bucket_is_a_stream_of_its_shape,
    keys_are_put_and_got,
    revisions_are_compared,
    deletes_and_purges_of_keys,
    history_and_keys,
    a_history_may_be_long,
    a_watch_sees_what_is_there_and_what_comes,
    a_watch_goes_on_after_a_restart,
    values_live_as_long_as_they_say,
    values_that_expire_leave_markers,
    a_bucket_is_published_again_and_compressed,
);

async fn bucket(js: &Js, config: kv::Config) -> kv::Store {
    let config = kv::Config { bucket: "B".into(), ..config };
    js.context.create_key_value(config).await.expect("a bucket")
}

async fn put(bucket: &kv::Store, key: &str, value: &str) -> u64 {
    bucket.put(key, value.to_owned().into()).await.expect("it is put")
}

async fn get(bucket: &kv::Store, key: &str) -> Option<String> {
    let value = bucket.get(key).await.expect("an answer")?;
    Some(String::from_utf8_lossy(&value).into_owned())
}

fn entry(entry: &kv::Entry) -> (String, String, kv::Operation) {
    (entry.key.clone(), String::from_utf8_lossy(&entry.value).into_owned(), entry.operation)
}

fn a_bucket_is_a_stream_of_its_shape(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let made = bucket(&js, kv::Config { history: 5, max_value_size: 10, ..Default::default() }).await;
        let config = &made.stream.cached_info().config;
        assert_eq!((config.name.as_str(), &config.subjects[..]), ("KV_B", &["$KV.B.>".to_owned()][..]));
        assert_eq!((config.max_messages_per_subject, config.max_message_size), (5, 10));
        assert!(config.allow_rollup && config.deny_delete && config.allow_direct);
        assert_eq!(config.discard, stream::DiscardPolicy::New);
        put(&made, "k", "1234567890").await;
        made.put("k", "12345678901".into()).await.expect_err("it is too large");
        let again = js.context.get_key_value("B").await.expect("the bucket");
        let status = again.status().await.expect("a status");
        assert_eq!((status.values(), status.history(), status.bucket()), (1, 5, "B"));
        js.context.delete_key_value("B").await.expect("it is deleted");
        js.context.get_key_value("B").await.expect_err("it is gone");
    });
}

fn keys_are_put_and_got(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let bucket = bucket(&js, kv::Config { history: 2, ..Default::default() }).await;
        assert_eq!(get(&bucket, "k").await, None);
        assert_eq!((put(&bucket, "k", "one").await, put(&bucket, "a.b", "two").await), (1, 2));
        assert_eq!(put(&bucket, "k", "three").await, 3);
        assert_eq!(get(&bucket, "k").await.as_deref(), Some("three"));
        assert_eq!(get(&bucket, "a.b").await.as_deref(), Some("two"));
        let old = bucket.entry_for_revision("k", 1).await.expect("an answer").expect("an entry");
        assert_eq!((old.revision, &old.value[..]), (1, &b"one"[..]));
        let js = js.restarted().await;
        let bucket = js.context.get_key_value("B").await.expect("the bucket");
        assert_eq!(get(&bucket, "k").await.as_deref(), Some("three"));
    });
}

fn revisions_are_compared(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let bucket = bucket(&js, kv::Config::default()).await;
        assert_eq!(bucket.create("k", "one".into()).await.expect("it is new"), 1);
        let there = bucket.create("k", "two".into()).await.expect_err("it is there");
        assert_eq!(there.kind(), kv::CreateErrorKind::AlreadyExists);
        let wrong = bucket.update("k", "two".into(), 7).await.expect_err("it is another revision");
        assert_eq!(wrong.kind(), kv::UpdateErrorKind::WrongLastRevision);
        assert_eq!(bucket.update("k", "two".into(), 1).await.expect("it is that one"), 2);
        bucket.delete_expect_revision("k", Some(1)).await.expect_err("it is another revision");
        bucket.delete_expect_revision("k", Some(2)).await.expect("it is that one");
        assert_eq!(bucket.create("k", "again".into()).await.expect("it was deleted"), 4);
    });
}

fn deletes_and_purges_of_keys(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let bucket = bucket(&js, kv::Config { history: 10, ..Default::default() }).await;
        for value in ["one", "two"] {
            put(&bucket, "d", value).await;
            put(&bucket, "p", value).await;
        }
        bucket.delete("d").await.expect("it is deleted");
        bucket.purge("p").await.expect("it is purged");
        assert_eq!((get(&bucket, "d").await, get(&bucket, "p").await), (None, None));
        let history: Vec<kv::Entry> =
            bucket.history("d").await.expect("a history").try_collect().await.expect("entries");
        assert_eq!(history.len(), 3);
        assert_eq!(history[2].operation, kv::Operation::Delete);
        let history: Vec<kv::Entry> =
            bucket.history("p").await.expect("a history").try_collect().await.expect("entries");
        assert_eq!(history.iter().map(|entry| entry.operation).collect::<Vec<_>>(), [kv::Operation::Purge]);
    });
}

fn history_and_keys(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let bucket = bucket(&js, kv::Config { history: 3, ..Default::default() }).await;
        for n in 1..=5 {
            put(&bucket, "k", &n.to_string()).await;
            put(&bucket, &format!("k{n}"), "x").await;
        }
        bucket.delete("k3").await.expect("it is deleted");
        let history: Vec<kv::Entry> =
            bucket.history("k").await.expect("a history").try_collect().await.expect("entries");
        let values: Vec<String> = history.iter().map(|one| entry(one).1).collect();
        assert_eq!(values, ["3", "4", "5"]);
        let mut keys: Vec<String> = bucket.keys().await.expect("keys").try_collect().await.expect("keys");
        keys.sort_unstable();
        assert_eq!(keys, ["k", "k1", "k2", "k4", "k5"]);
    });
}

/// As long as clients let it be.
fn a_history_may_be_long(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let made = bucket(&js, kv::Config { history: 64, ..Default::default() }).await;
        for n in 1..=70 {
            put(&made, "k", &n.to_string()).await;
        }
        let js = js.restarted().await;
        let bucket = js.context.get_key_value("B").await.expect("the bucket");
        let history: Vec<kv::Entry> =
            bucket.history("k").await.expect("a history").try_collect().await.expect("entries");
        let values: Vec<String> = history.iter().map(|one| entry(one).1).collect();
        assert_eq!(values, (7..=70).map(|n| n.to_string()).collect::<Vec<_>>());
        assert_eq!(history[0].revision, 7);
    });
}

fn a_watch_sees_what_is_there_and_what_comes(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let bucket = bucket(&js, kv::Config { history: 5, ..Default::default() }).await;
        for (key, value) in [("a.1", "one"), ("a.2", "two"), ("a.1", "three"), ("b", "x")] {
            put(&bucket, key, value).await;
        }
        let mut watch = bucket.watch_with_history("a.*").await.expect("a watch");
        let mut all = bucket.watch_all().await.expect("a watch");
        for (key, value) in [("a.2", "two"), ("a.1", "three")] {
            let seen = watch.next().await.expect("more").expect("an entry");
            assert_eq!(entry(&seen), (key.into(), value.into(), kv::Operation::Put));
        }
        put(&bucket, "b", "y").await;
        bucket.delete("a.2").await.expect("it is deleted");
        let seen = watch.next().await.expect("more").expect("an entry");
        assert_eq!(entry(&seen), ("a.2".into(), String::new(), kv::Operation::Delete));
        let seen = all.next().await.expect("more").expect("an entry");
        assert_eq!(entry(&seen), ("b".into(), "y".into(), kv::Operation::Put));
        let mut from = bucket.watch_all_from_revision(3).await.expect("a watch");
        assert_eq!(from.next().await.expect("more").expect("an entry").revision, 3);
    });
}

fn a_watch_goes_on_after_a_restart(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let made = bucket(&js, kv::Config { history: 5, ..Default::default() }).await;
        let mut watch = made.watch_all().await.expect("a watch");
        put(&made, "k", "before").await;
        assert_eq!(entry(&watch.next().await.expect("more").expect("an entry")).1, "before");
        let js = js.restarted().await;
        let bucket = js.context.get_key_value("B").await.expect("the bucket");
        put(&bucket, "k", "after").await;
        let seen = loop {
            if let Ok(seen) = watch.next().await.expect("more") {
                break seen;
            }
        };
        assert_eq!(entry(&seen).1, "after");
    });
}

fn values_live_as_long_as_they_say(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let of_bucket = kv::Config { max_age: Duration::from_millis(200), ..Default::default() };
        let aging = bucket(&js, of_bucket).await;
        put(&aging, "k", "x").await;
        while get(&aging, "k").await.is_some() {}
        let marked = kv::Config {
            bucket: "M".into(),
            limit_markers: Some(Duration::from_secs(60)),
            ..Default::default()
        };
        let marked = js.context.create_key_value(marked).await.expect("a bucket");
        let second = Duration::from_secs(1);
        marked.create_with_ttl("k", "x".into(), second).await.expect("it is new");
        put(&marked, "kept", "x").await;
        while get(&marked, "k").await.is_some() {}
        assert_eq!(get(&marked, "kept").await.as_deref(), Some("x"));
    });
}

fn values_that_expire_leave_markers(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let config = kv::Config {
            max_age: Duration::from_secs(1),
            limit_markers: Some(Duration::from_secs(60)),
            ..Default::default()
        };
        let bucket = bucket(&js, config).await;
        let mut watch = bucket.watch_all().await.expect("a watch");
        put(&bucket, "k", "x").await;
        let seen = watch.next().await.expect("more").expect("an entry");
        assert_eq!(entry(&seen), ("k".into(), "x".into(), kv::Operation::Put));
        let seen = watch.next().await.expect("more").expect("an entry");
        assert_eq!(entry(&seen), ("k".into(), String::new(), kv::Operation::Purge));
    });
}

fn a_bucket_is_published_again_and_compressed(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let mut heard = js.listen("again.>").await;
        let republish =
            stream::Republish { source: ">".into(), destination: "again.>".into(), headers_only: false };
        let config = kv::Config { compression: true, republish: Some(republish), ..Default::default() };
        let bucket = bucket(&js, config).await;
        assert_eq!(bucket.stream.cached_info().config.compression, Some(stream::Compression::S2));
        put(&bucket, "k", "x").await;
        let message = next(&mut heard).await;
        assert_eq!((message.subject.as_str(), text(&message)), ("again.$KV.B.k", "x".into()));
    });
}
