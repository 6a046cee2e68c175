//! Messages that are published in batches: told of now and then, or stored whole or not at all.

use futures::StreamExt;
use serde_json::{Value, json};
use test_kit::{Setup, on_every_setup};

use crate::client::*;
use crate::jetstream::*;

on_every_setup!(
    fast_batches_are_told_of_now_and_then,
    a_fast_batch_may_have_gaps_or_not,
    what_was_told_of_a_fast_batch_is_there_after_a_kill,
    fast_batches_share_what_is_granted,
    an_atomic_batch_is_there_after_a_kill,
);

/// Begin, go on, end with it, end without it, ask.
const START: u8 = 0;
const APPEND: u8 = 1;
const COMMIT: u8 = 2;
const END: u8 = 3;
const PING: u8 = 4;

/// A publisher of fast batches, and what it is told.
struct Fast {
    js: Js,
    told: async_nats::Subscriber,
}

impl Fast {
    async fn start(setup: Setup, more: Value) -> Self {
        let js = Js::start(setup).await;
        js.stream(with(json!({"allow_batched": true}), more)).await;
        Self::of(js).await
    }

    async fn of(js: Js) -> Self {
        let told = js.listen("F.>").await;
        Self { js, told }
    }

    /// A message of the batch, which is told that of its flow and its gaps.
    async fn say(&self, id: &str, how: &str, seq: u64, op: u8) {
        let reply = format!("F.{id}.{how}.{seq}.{op}.$FI");
        let sent = self.js.client.publish_with_reply("s.a", reply, "x".into()).await;
        sent.expect("sent");
    }

    async fn heard(&mut self) -> Value {
        let message = self.told.next().await.expect("a word");
        serde_json::from_slice(&message.payload).expect("JSON")
    }
}

fn ack(seq: u64, msgs: u64) -> Value {
    json!({"type": "ack", "seq": seq, "msgs": msgs})
}

fn ended(seq: u64, id: &str, count: u64) -> Value {
    json!({"stream": "S", "seq": seq, "batch": id, "count": count})
}

fn unknown() -> Value {
    json!({"error": {"code": 400, "err_code": 10208, "description": "batch publish ID unknown"}, "stream": "S", "seq": 0})
}

fn fast_batches_are_told_of_now_and_then(setup: Setup) {
    run(async {
        for storage in ["file", "memory"] {
            let mut fast = Fast::start(setup, json!({"storage": storage})).await;
            fast.say("B", "3.fail", 1, START).await;
            assert_eq!(fast.heard().await, ack(0, 3));
            for seq in 2..=10 {
                fast.say("B", "3.fail", seq, APPEND).await;
            }
            for seq in [3, 6, 9] {
                assert_eq!(fast.heard().await, ack(seq, 3));
            }
            fast.say("B", "3.fail", 10, PING).await;
            assert_eq!(fast.heard().await, ack(9, 3));
            fast.say("B", "3.fail", 11, END).await;
            assert_eq!(fast.heard().await, ended(10, "B", 10));
            assert_eq!(fast.js.state().await["messages"], 10);
            fast.say("B", "3.fail", 12, APPEND).await;
            assert_eq!(fast.heard().await, unknown());
            fast.say("B", "3.fail", 1, COMMIT).await;
            assert_eq!(fast.heard().await, ended(11, "B", 1));
        }
    });
}

fn a_fast_batch_may_have_gaps_or_not(setup: Setup) {
    run(async {
        let mut fast = Fast::start(setup, json!({})).await;
        let gap = json!({"type": "gap", "last_seq": 2, "seq": 5});
        for how in ["10.fail", "10.ok"] {
            fast.say("B", how, 1, START).await;
            assert_eq!(fast.heard().await, ack(0, 10));
            fast.say("B", how, 5, APPEND).await;
            assert_eq!(fast.heard().await, gap);
            if how == "10.fail" {
                assert_eq!(fast.heard().await, ended(1, "B", 1));
            }
        }
        fast.say("B", "10.ok", 6, COMMIT).await;
        assert_eq!(fast.heard().await, ended(4, "B", 6));
        fast.say("B", "10.ok", 7, APPEND).await;
        assert_eq!(fast.heard().await, unknown());
        assert_eq!(fast.js.state().await["messages"], 4);
    });
}

fn what_was_told_of_a_fast_batch_is_there_after_a_kill(setup: Setup) {
    run(async {
        let mut fast = Fast::start(setup, json!({})).await;
        fast.say("B", "4.fail", 1, START).await;
        for seq in 2..=9 {
            fast.say("B", "4.fail", seq, APPEND).await;
        }
        for told in [ack(0, 4), ack(4, 4), ack(8, 4)] {
            assert_eq!(fast.heard().await, told);
        }
        let mut fast = Fast::of(fast.js.restarted().await).await;
        let messages = fast.js.state().await["messages"].as_u64().expect("a number");
        assert!((8..=9).contains(&messages), "{messages}");
        fast.say("B", "4.fail", 10, COMMIT).await;
        assert_eq!(fast.heard().await, unknown());
        fast.say("B", "4.fail", 1, COMMIT).await;
        assert_eq!(fast.heard().await, ended(messages + 1, "B", 1));
    });
}

fn fast_batches_share_what_is_granted(setup: Setup) {
    run(async {
        let mut fast = Fast::start(setup, json!({})).await;
        fast.say("B", "65535.fail", 1, START).await;
        assert_eq!(fast.heard().await, ack(0, 500));
        fast.say("C", "65535.fail", 1, START).await;
        for told in [ack(0, 1), ack(1, 2)] {
            assert_eq!(fast.heard().await, told);
        }
        for seq in 2..=500 {
            fast.say("B", "65535.fail", seq, APPEND).await;
        }
        assert_eq!(fast.heard().await, ack(500, 250));
    });
}

fn an_atomic_batch_is_there_after_a_kill(setup: Setup) {
    run(async {
        let js = Js::start(setup).await;
        js.stream(json!({"allow_atomic": true})).await;
        let send = async |js: &Js, seq: &str, commit: Option<&str>| {
            let mut headers = async_nats::HeaderMap::new();
            headers.insert("Nats-Batch-Id", "B");
            headers.insert("Nats-Batch-Sequence", seq);
            commit.into_iter().for_each(|commit| headers.insert("Nats-Batch-Commit", commit));
            js.client.request_with_headers("s.a", headers, seq.to_owned().into()).await.expect("an answer")
        };
        assert_eq!(send(&js, "1", None).await.payload.len(), 0);
        assert_eq!(js.state().await["messages"], 0);
        let ack = send(&js, "2", Some("1")).await;
        let ack: Value = serde_json::from_slice(&ack.payload).expect("JSON");
        assert_eq!(ack, json!({"stream": "S", "seq": 2, "batch": "B", "count": 2}));
        assert_eq!(send(&js, "1", None).await.payload.len(), 0);
        let js = js.restarted().await;
        assert_eq!(js.state().await["messages"], 2, "what was not whole is gone");
        let refused = send(&js, "2", Some("1")).await;
        let refused: Value = serde_json::from_slice(&refused.payload).expect("JSON");
        assert_eq!(refused["error"]["err_code"], 10176);
    });
}
