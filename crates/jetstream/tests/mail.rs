//! Letters that wait while turns are full.

mod rig;

use jetstream::{Config, Cursor};
use rig::{Conn, Rig, config};

/// Much more than two turns take.
const MANY: u64 = 40_000;

fn rig() -> (Rig, Conn) {
    let mut rig = Rig::with(1, Config { max_memory: 1 << 30, ..config() });
    let client = rig.client("a");
    rig.ask(client, "STREAM.CREATE.S", r#"{"name":"S","subjects":["s"],"storage":"memory"}"#);
    (rig, client)
}

fn publish(rig: &mut Rig, client: Conn, count: u64) {
    rig.shards.feed(client, &"PUB s 1\r\nx\r\n".repeat(count as usize));
    rig.shards.settle();
}

fn stored(rig: &mut Rig) -> u64 {
    rig.jetstream(0).0.sums_page(Cursor::default()).0.messages
}

/// How many messages are stored in the second turn, and all before it.
fn stored_in_two_turns() -> u64 {
    let (mut rig, client) = rig();
    publish(&mut rig, client, MANY);
    rig.turn();
    rig.turn();
    let stored = stored(&mut rig);
    assert!(stored > 0 && stored < MANY, "{stored}");
    stored
}

/// A turn may be full with the last of what was in hand. What came meanwhile is not forgotten for that.
#[test]
fn a_turn_that_ends_with_the_last_letter_in_hand_is_not_the_last_one() {
    let two_turns = stored_in_two_turns();
    for count in two_turns - 2..=two_turns + 2 {
        let (mut rig, client) = rig();
        publish(&mut rig, client, count);
        rig.turn();
        publish(&mut rig, client, 1);
        rig.turn();
        let (jetstream, broker, ..) = rig.jetstream(0);
        let goes_on = jetstream.has_work_left() || broker.services_have_news();
        assert!(goes_on || stored(&mut rig) == count + 1, "{} of {count} and one", stored(&mut rig));
        rig.settle();
        assert_eq!(stored(&mut rig), count + 1);
    }
}
