//! Snapshots of streams, and streams that are made of them: ours, and nats-server's where there is one.

use std::env;
use std::path::PathBuf;

use bytes::Bytes;
use serde_json::{Value, json};
use test_kit::{ServerBinary, ServerOptions, Setup, on_every_setup};

use crate::client::*;
use crate::jetstream::*;

on_every_setup!(snapshots_go_both_ways, copies_are_told_of);

/// A stock nats-server of version 2.10 or later, if one is named: what is older keeps otherwise which messages are gone.
fn peer() -> Option<ServerOptions> {
    let path = PathBuf::from(env::var_os("BUSTER_PEER_BIN")?);
    let binary = ServerBinary { path, is_peer: true };
    Some(ServerOptions { binary: Some(binary), ..options(Setup::default()) })
}

/// The archive of a stream, in small parts.
async fn snapshot(js: &Js) -> Bytes {
    let mut parts = js.listen("the.snapshot").await;
    js.done("STREAM.SNAPSHOT.S", json!({"deliver_subject": "the.snapshot", "chunk_size": 1024})).await;
    let mut archive = Vec::new();
    loop {
        let part = next(&mut parts).await;
        if part.payload.is_empty() {
            return archive.into();
        }
        archive.extend_from_slice(&part.payload);
        if let Some(reply) = part.reply {
            publish(&js.client, &reply, "").await;
        }
    }
}

/// Makes a stream of an archive, and returns what the last part was answered.
async fn restore(js: &Js, config: &Value, archive: &Bytes) -> Value {
    let answer = js.done("STREAM.RESTORE.S", json!({"config": config, "state": {}})).await;
    let to = answer["deliver_subject"].as_str().expect("a subject").to_owned();
    for part in archive.chunks(700) {
        let answer = js.client.request(to.clone(), Bytes::copy_from_slice(part)).await.expect("an answer");
        assert_eq!(text(&answer), "", "more may come");
    }
    let answer = js.client.request(to, Bytes::new()).await.expect("an answer");
    serde_json::from_slice(&answer.payload).expect("JSON")
}

/// What a stream and its consumer come to: what depends on the server or the moment aside.
async fn told(js: &Js) -> Value {
    let mut state = js.ask("STREAM.INFO.S", json!({"deleted_details": true})).await["state"].take();
    state.as_object_mut().expect("a state").remove("bytes");
    let info = js.consumer_info("C").await;
    let of = |key: &str, part: &str| info[key][part].clone();
    let message = js.ask("STREAM.MSG.GET.S", json!({"seq": 12})).await["message"].take();
    json!({
        "state": state,
        "delivered": [of("delivered", "consumer_seq"), of("delivered", "stream_seq")],
        "floor": [of("ack_floor", "consumer_seq"), of("ack_floor", "stream_seq")],
        "unacked": info["num_ack_pending"],
        "pending": info["num_pending"],
        "message": message,
    })
}

async fn fill(js: &Js) {
    js.stream(json!({})).await;
    for number in 0..60 {
        let id = format!("id {number}");
        js.publish(&format!("s.{}", number % 4), &[("Nats-Msg-Id", &id)], &id.repeat(100)).await;
    }
    js.consumer("C", json!({"max_deliver": 5})).await;
    let taken = js.take("C", 9).await;
    for message in [&taken[0], &taken[1], &taken[5]] {
        ack(message).await;
    }
    for seq in [3, 20, 60] {
        js.done("STREAM.MSG.DELETE.S", json!({"seq": seq, "no_erase": true})).await;
    }
}

/// Has a stream go from one server to another, and looks at what comes of it there.
async fn hand_over(from: &Js, to: &Js) {
    let before = told(from).await;
    let config = from.ask("STREAM.INFO.S", Value::Null).await["config"].take();
    let archive = snapshot(from).await;
    from.done("STREAM.DELETE.S", Value::Null).await;
    // nats-server takes only what it knows.
    let config = json!({"name": "S", "subjects": config["subjects"], "storage": "file", "num_replicas": 1});
    let answer = restore(to, &config, &archive).await;
    assert!(answer["error"].is_null(), "{answer}");
    assert_eq!(told(to).await, before);
    let next = before["state"]["last_seq"].as_u64().expect("a number") + 1;
    assert_eq!(to.put("s.0", "the next").await, next);
    to.done("STREAM.MSG.DELETE.S", json!({"seq": next, "no_erase": true})).await;
    let duplicate = to.publish("s.1", &[("Nats-Msg-Id", "id 57")], "").await;
    assert_eq!((&duplicate["seq"], &duplicate["duplicate"]), (&json!(58), &json!(true)));
}

fn snapshots_go_both_ways(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        fill(&js).await;
        hand_over(&js, &js).await;
        let Some(options) = peer() else {
            return eprintln!(
                "NOT TESTED: BUSTER_PEER_BIN names no nats-server that the snapshot could go to"
            );
        };
        let peer = Js::with(options).await;
        hand_over(&js, &peer).await;
        // Whatever it writes of that when it stops, and finds again.
        let peer = peer.restarted().await;
        hand_over(&peer, &js).await;
        let js = js.restarted().await;
        assert_eq!(js.put("s.0", "after a restart").await, 64);
    });
}

fn copies_are_told_of(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        fill(&js).await;
        let mut events = js.listen("$JS.EVENT.ADVISORY.STREAM.>").await;
        let archive = snapshot(&js).await;
        js.done("STREAM.DELETE.S", Value::Null).await;
        restore(&js, &json!({"name": "S", "subjects": ["s.>"]}), &archive).await;
        for (word, kind) in [
            ("SNAPSHOT_CREATE", "snapshot_create"),
            ("SNAPSHOT_COMPLETE", "snapshot_complete"),
            ("DELETED", "stream_action"),
            ("RESTORE_CREATE", "restore_create"),
            ("CREATED", "stream_action"),
            ("RESTORE_COMPLETE", "restore_complete"),
        ] {
            let message = next(&mut events).await;
            let event: Value = serde_json::from_slice(&message.payload).expect("JSON");
            assert_eq!(message.subject.as_str(), format!("$JS.EVENT.ADVISORY.STREAM.{word}.S"));
            assert_eq!(event["type"], format!("io.nats.jetstream.advisory.v1.{kind}"));
            match word {
                "SNAPSHOT_CREATE" => assert_eq!(event["state"]["messages"], 57),
                "RESTORE_COMPLETE" => assert_eq!(event["bytes"], archive.len()),
                _ => {}
            }
        }
    });
}
