//! Object stores, as clients make them out of streams.

use std::collections::HashMap;

use async_nats::jetstream::object_store::{Config, ObjectMetadata, ObjectStore, UpdateMetadata};
use futures::{StreamExt, TryStreamExt};
use test_kit::{Setup, on_every_setup};
use tokio::io::AsyncReadExt;

use crate::client::*;
use crate::jetstream::*;

on_every_setup!(
    objects_are_put_and_got,
    an_object_is_replaced_and_deleted,
    objects_are_listed_and_watched,
    links_lead_to_objects,
    metadata_changes,
    a_sealed_store_takes_nothing,
);

async fn store(js: &Js) -> ObjectStore {
    let config = Config { bucket: "O".into(), ..Default::default() };
    js.context.create_object_store(config).await.expect("a store")
}

async fn put(store: &ObjectStore, name: &str, bytes: &[u8]) {
    let mut bytes = bytes;
    store.put(name, &mut bytes).await.expect("it is put");
}

async fn get(store: &ObjectStore, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut object = store.get(name).await.expect("it is there");
    object.read_to_end(&mut bytes).await.expect("all of it, and the digest is right");
    bytes
}

/// Several chunks, of which no two are alike.
fn large() -> Vec<u8> {
    (0..100_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

fn objects_are_put_and_got(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let made = store(&js).await;
        put(&made, "large", &large()).await;
        put(&made, "empty", b"").await;
        let info = made.info("large").await.expect("its info");
        assert_eq!((info.size, info.chunks), (400_000, 4));
        assert!(get(&made, "large").await == large() && get(&made, "empty").await.is_empty());
        let js = js.restarted().await;
        let store = js.context.get_object_store("O").await.expect("the store");
        assert!(get(&store, "large").await == large());
    });
}

fn an_object_is_replaced_and_deleted(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let store = store(&js).await;
        put(&store, "o", &large()).await;
        put(&store, "o", b"small").await;
        assert_eq!(get(&store, "o").await, b"small");
        let stream = js.context.get_stream("OBJ_O").await.expect("its stream");
        assert_eq!(stream.cached_info().state.messages, 2, "the chunks before are gone");
        store.delete("o").await.expect("it is deleted");
        assert!(store.get("o").await.is_err());
        assert!(store.info("o").await.expect("its info").deleted);
        store.delete("none").await.expect_err("there is none");
    });
}

fn objects_are_listed_and_watched(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let store = store(&js).await;
        put(&store, "a", b"1").await;
        put(&store, "b", b"2").await;
        let mut watch = store.watch().await.expect("a watch");
        put(&store, "c", b"3").await;
        store.delete("a").await.expect("it is deleted");
        for (name, is_deleted) in [("c", false), ("a", true)] {
            let seen = watch.next().await.expect("more").expect("an object");
            assert_eq!((seen.name.as_str(), seen.deleted), (name, is_deleted));
        }
        let list: Vec<_> = store.list().await.expect("a list").try_collect().await.expect("all of it");
        let mut names: Vec<String> = list.into_iter().map(|info| info.name).collect();
        names.sort_unstable();
        assert_eq!(names, ["b", "c"]);
    });
}

fn links_lead_to_objects(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let store = store(&js).await;
        put(&store, "o", b"linked").await;
        let object = store.get("o").await.expect("it is there");
        store.add_link("l", &object).await.expect("a link");
        assert_eq!(get(&store, "l").await, b"linked");
        store.add_bucket_link("bucket", "other").await.expect("a link");
        assert!(store.get("bucket").await.is_err(), "it leads to no object");
    });
}

fn metadata_changes(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let store = store(&js).await;
        let metadata = ObjectMetadata {
            name: "o".into(),
            description: Some("of tests".into()),
            chunk_size: Some(10),
            metadata: HashMap::from([("who".into(), "me".into())]),
            ..Default::default()
        };
        store.put(metadata, &mut &b"a few chunks of ten bytes"[..]).await.expect("it is put");
        let info = store.info("o").await.expect("its info");
        assert_eq!((info.size, info.description.as_deref()), (25, Some("of tests")));
        assert_eq!(info.metadata["who"], "me");
        let renamed = UpdateMetadata { name: "p".into(), ..Default::default() };
        store.update_metadata("o", renamed).await.expect("it is changed");
        assert_eq!(get(&store, "p").await, b"a few chunks of ten bytes");
        assert!(store.get("o").await.is_err());
    });
}

fn a_sealed_store_takes_nothing(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        let mut store = store(&js).await;
        put(&store, "o", b"kept").await;
        store.seal().await.expect("it is sealed");
        store.put("p", &mut &b"more"[..]).await.expect_err("it takes nothing");
        assert_eq!(get(&store, "o").await, b"kept");
    });
}
