//! A crash at any record: what was confirmed stays acknowledged, and everything else comes again.

mod rig;

use std::collections::BTreeSet;

use consumers::Saved;
use proptest::prelude::*;
use rig::{Rig, config};

const MESSAGES: u64 = 12;

#[derive(Debug, Clone)]
enum Op {
    Request(u64),
    /// Of a message by its sequence; answered or not.
    Ack(u64, &'static str, bool),
    Wait(i64),
    Delete(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let bodies = vec!["+ACK", "+ACK", "+TERM", "-NAK", "+WPI"];
    prop_oneof![
        3 => (1..5_u64).prop_map(Op::Request),
        6 => (1..=MESSAGES, prop::sample::select(bodies), any::<bool>()).prop_map(|(seq, body, answered)| Op::Ack(seq, body, answered)),
        1 => (0..30_i64).prop_map(Op::Wait),
        1 => (1..=MESSAGES).prop_map(Op::Delete),
    ]
}

fn act(rig: &mut Rig, op: &Op) {
    match op {
        Op::Request(batch) => rig.request("_INBOX.1", &batch.to_string()),
        Op::Ack(seq, body, is_answered) => rig.ack(*seq, body, if *is_answered { "_INBOX.ack" } else { "" }),
        Op::Wait(millis) => rig.wait(*millis),
        Op::Delete(seq) => rig.delete(*seq),
    }
}

/// What an answered word acknowledged.
fn acked(op: &Op, acks_all: bool) -> Vec<u64> {
    match op {
        Op::Ack(seq, "+ACK" | "+TERM", true) if acks_all => (1..=*seq).collect(),
        Op::Ack(seq, "+ACK" | "+TERM", true) => vec![*seq],
        _ => Vec::new(),
    }
}

fn play(acks_all: bool, ops: &[(Op, bool)], cut: usize) {
    let policy = if acks_all { "all" } else { "explicit" };
    let config = config(&format!(r#"{{"durable_name":"C","ack_policy":"{policy}","ack_wait":10000000}}"#));
    let mut rig = Rig::stream(0, false);
    rig.stores = false;
    rig.publish_many(MESSAGES, 2);
    rig.create_from(&config);
    let mut records = Vec::from_iter(rig.consumer.take_saved(&rig.at));
    // What is confirmed once so many records are on disk.
    let mut confirmed = Vec::new();
    for (op, ends_batch) in ops {
        rig.take();
        act(&mut rig, op);
        let is_confirmed = rig.take().iter().any(|line| line == "_INBOX.ack -");
        if is_confirmed {
            let with = records.len() + usize::from(rig.consumer.has_changes());
            confirmed.extend(acked(op, acks_all).into_iter().map(|seq| (with, seq)));
        }
        if *ends_batch {
            records.extend(rig.consumer.take_saved(&rig.at));
        }
    }
    records.extend(rig.consumer.take_saved(&rig.at));
    let kept = 1 + cut % records.len();
    let confirmed: BTreeSet<u64> =
        confirmed.iter().filter(|(with, _)| *with <= kept).map(|(_, seq)| *seq).collect();
    let state = records[..kept].iter().rposition(|record| matches!(record, Saved::State(_))).unwrap();
    let bytes = |record: &Saved| match record {
        Saved::State(bytes) | Saved::Delta(bytes) => bytes.clone(),
    };
    rig.stored = (bytes(&records[state]), records[state + 1..kept].iter().map(bytes).collect());
    rig.restart();
    rig.replies.clear();
    for _ in 0..3 {
        rig.request("_INBOX.1", "99");
        rig.wait(50);
    }
    let delivered: BTreeSet<u64> = rig.replies.keys().copied().collect();
    let again: Vec<&u64> = confirmed.intersection(&delivered).collect();
    assert!(again.is_empty(), "confirmed and delivered again: {again:?}");
    for seq in 1..=MESSAGES {
        let is_done = !rig.consumer.needs(seq, b"s.a") || rig.index.get(seq).is_none();
        assert!(is_done || delivered.contains(&seq), "{seq} is needed and never comes");
    }
}

proptest! {
    #[test]
    fn a_confirmed_acknowledgement_is_never_forgotten(
        acks_all: bool,
        ops in prop::collection::vec((op(), any::<bool>()), 1..40),
        cut: usize,
    ) {
        play(acks_all, &ops, cut);
    }
}
