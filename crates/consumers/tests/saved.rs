//! What is stored of a consumer, byte for byte, and what is refused of it.

mod rig;

use consumers::{BadState, Saved};
use proptest::prelude::*;
use rig::Rig;
use stream_index::Steps;

/// Two wait, one of them for the second time; one was delivered as often as may be.
fn rig() -> Rig {
    let mut rig = Rig::stream(0, false);
    rig.at.wall = 1_000_000_000;
    rig.publish_many(4, 2);
    rig.create(r#"{"ack_policy":"explicit","ack_wait":10000000,"max_deliver":2}"#);
    rig.request("_INBOX.1", "3");
    rig.ack(1, "+ACK", "");
    rig.ack(2, "-NAK", "");
    rig.request("_INBOX.1", "1");
    rig.ack(2, "-NAK", "");
    rig.request("_INBOX.1", "1");
    rig
}

#[test]
fn a_state_is_these_bytes() {
    let mut rig = rig();
    // Version, delivered 5/4, floor 1/1, no list; 3 and 4 wait, the third and the fifth delivery, each the first of its
    // message, until 1.01 seconds after 1970; 2 was delivered as often as may be.
    let due = [0x80, 0x82, 0x9b, 0xc3, 0x07];
    let state = [&[1, 5, 4, 1, 1, 0, 2, 3, 6, 2][..], &due, &[1, 4, 2, 0, 1, 2]].concat();
    assert_eq!(rig.consumer.take_state(&rig.at), state);
}

#[test]
fn a_delta_is_these_bytes() {
    let mut rig = rig();
    rig.ack(3, "+ACK", "");
    rig.publish_many(1, 2);
    rig.request("_INBOX.1", "1");
    let deltas = &rig.stored.1;
    // Where it stands; a run of one that is gone, 3; nothing waits otherwise, nothing is exceeded.
    assert_eq!(deltas[deltas.len() - 2], [1, 5, 4, 1, 1, 0, 1, 3, 0, 0, 0]);
    let due = [0x80, 0x82, 0x9b, 0xc3, 0x07];
    let last = [&[1, 6, 5, 1, 1, 0, 0, 1, 5, 12, 2][..], &due, &[0]].concat();
    assert_eq!(*deltas.last().unwrap(), last);
}

#[test]
fn nothing_is_stored_of_what_changes_nothing() {
    let mut rig = rig();
    rig.ack(1, "+ACK", "_INBOX.2");
    rig.request("_INBOX.1", r#"{"expires":10000000}"#);
    assert!(!rig.consumer.has_changes());
    assert_eq!(rig.consumer.take_saved(&rig.at), None);
}

#[test]
fn what_was_delivered_and_acknowledged_in_one_batch_is_a_few_bytes() {
    let mut rig = Rig::with(2_000, r#"{"ack_policy":"explicit","max_ack_pending":-1}"#);
    rig.stores = false;
    rig.request("_INBOX.1", "2000");
    (1..=2_000).for_each(|seq| rig.ack(seq, "+ACK", ""));
    let Some(Saved::Delta(delta)) = rig.consumer.take_saved(&rig.at) else {
        panic!("changes are told one by one")
    };
    assert!(delta.len() < 20, "{}", delta.len());
}

#[test]
fn very_many_changes_become_a_state() {
    let mut rig = Rig::with(20_000, r#"{"ack_policy":"explicit","max_ack_pending":-1}"#);
    rig.stores = false;
    rig.request("_INBOX.1", "20000");
    assert!(matches!(rig.consumer.take_saved(&rig.at), Some(Saved::Delta(_))), "no more than are waiting");
    (1..=20_000).rev().for_each(|seq| rig.ack(seq, "+ACK", ""));
    assert!(matches!(rig.consumer.take_saved(&rig.at), Some(Saved::State(_))));
    rig.check_loads();
}

#[test]
fn other_versions_are_refused_by_number() {
    let mut rig = rig();
    let mut state = rig.consumer.take_state(&rig.at);
    state[0] = 2;
    assert_eq!(rig.consumer.load(&state), Err(BadState::Version(2)));
    assert_eq!(BadState::Version(2).to_string(), "consumer state of version 2, known up to 1");
    state[0] = 1;
    assert_eq!(rig.consumer.load(&state[..state.len() - 1]), Err(BadState::CutOff));
    state.push(0);
    assert_eq!(rig.consumer.load(&state), Err(BadState::Damaged));
    assert_eq!(rig.consumer.apply(b""), Err(BadState::CutOff));
}

proptest! {
    /// They are refused or make some consumer; nothing else happens.
    #[test]
    fn any_bytes_may_be_read(bytes: Vec<u8>, cut in 0..20_usize, flip: u8) {
        let mut rig = rig();
        let mut state = rig.consumer.take_state(&rig.at);
        let at = cut % state.len();
        state[at] ^= flip;
        for bytes in [&bytes[..], &[&[1], &bytes[..]].concat(), &state, &state[..at]] {
            let _ = rig.fresh().apply(bytes);
            let mut consumer = rig.fresh();
            if consumer.load(bytes).is_ok() {
                let state = consumer.take_state(&rig.at);
                let mut other = rig.fresh();
                prop_assert_eq!(other.load(&state), Ok(()));
                prop_assert_eq!(other.take_state(&rig.at), state);
                goes_on(&rig, consumer);
            }
        }
    }
}

fn goes_on(rig: &Rig, mut consumer: consumers::Consumer) {
    let (index, at, mut out) = (&rig.index, &rig.at, Vec::new());
    let (mut listens, mut steps) = (|_: &[u8]| true, Steps::new(100));
    consumer.lead(at);
    consumer.on_request(at, b"_INBOX.1", b"3", index, &mut listens, &mut out);
    consumer.on_deadline(at, &mut listens, &mut out);
    while let consumers::Next::Message(row) = consumer.next(at, index, &mut listens, &mut steps, &mut out) {
        let sizes = consumers::Sizes { subject: 3, header: 0, payload: 2 };
        if !consumer.deliver(at, &row, &sizes, &mut listens, &mut out) {
            break;
        }
    }
    while !consumer.on_purged(at, None, index, &mut 0, &mut Steps::new(u32::MAX)) {}
    consumer.info(at, &mut listens, &mut out);
}
