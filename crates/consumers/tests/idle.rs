//! Consumers that nobody uses, and walks over what nobody wants.

mod rig;

use consumers::{Consumer, Next};
use rig::{Rig, config};
use stream_index::Steps;

#[test]
fn an_idle_consumer_takes_less_than_a_kibibyte_and_no_time() {
    let mut rig = Rig::with(100, r#"{"ack_policy":"explicit","filter_subject":"s.*"}"#);
    // It was busy once.
    rig.request("_INBOX.1", "100");
    (1..=100).for_each(|seq| rig.ack(seq, "+ACK", ""));
    rig.store();
    let bytes = rig.consumer.bytes();
    assert!(bytes <= 1_024, "{bytes} bytes, {} of them itself", size_of::<Consumer>());
    assert_eq!(rig.consumer.next_deadline(), None);
    let next = rig.consumer.next(&rig.at, &rig.index, &mut |_| false, &mut Steps::new(0), &mut Vec::new());
    assert_eq!(next, Next::Idle);
}

#[test]
fn a_walk_over_what_it_does_not_want_goes_in_slices() {
    let mut rig = Rig::stream(0, false);
    rig.steps = u32::MAX;
    (0..10_000).for_each(|number| {
        rig.publish(&format!("s.{}.x", number % 100), 2);
    });
    rig.publish("s.a.b", 2);
    rig.create(r#"{"ack_policy":"explicit","filter_subject":"s.*.b"}"#);
    rig.lines.clear();
    let mut out = Vec::new();
    let mut listens = |_: &[u8]| true;
    rig.consumer.on_request(&rig.at, b"_INBOX.1", b"1", &rig.index, &mut listens, &mut out);
    let mut turns = 0;
    let row = loop {
        match rig.consumer.next(&rig.at, &rig.index, &mut listens, &mut Steps::new(100), &mut out) {
            Next::Message(row) => break row,
            next => assert_eq!(next, Next::Again),
        }
        turns += 1;
        assert!(turns < 1_000);
    };
    assert_eq!((row.seq, turns >= 90), (10_001, true), "{turns} turns");
}

/// Made of 100,000 consumers on one stream: no message costs them anything, and they are all there.
#[test]
fn a_hundred_thousand_idle_consumers_know_what_is_to_come() {
    let mut rig = Rig::stream(0, false);
    rig.publish_many(10, 2);
    let config = config(r#"{"durable_name":"C","ack_policy":"explicit"}"#);
    let mut consumers: Vec<Consumer> = (0..100_000).map(|_| rig.fresh_from(&config)).collect();
    for consumer in &mut consumers {
        assert!(consumer.settle(&rig.index, &mut Steps::new(100)));
    }
    rig.publish_many(10, 2);
    assert!(consumers.iter().all(|consumer| consumer.next_deadline().is_none()));
    for consumer in &mut consumers {
        assert!(consumer.settle(&rig.index, &mut Steps::new(100)));
        assert_eq!(consumer.num_pending(), 20);
    }
}
