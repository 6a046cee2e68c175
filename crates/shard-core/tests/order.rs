//! Causes come before effects: what other shards had sent by the time that something was received is acted on before
//! it, and what is to leave for other shards leaves before output (docs/decisions/0001-interest-fence.md).

mod script;

use broker::STRETCH_STEPS_MAX;
use conns::ConnId;
use shard_core::{Event, Forged};

use self::script::{MANY, Newer, Parcel, START_BYTES, Shard, received};

const PING: &str = "PING\r\n";
const PONG: &str = "PONG\r\n";
const MESSAGE: &str = "MSG s 1 1\r\nx\r\n";

/// More than little.
const LONG: usize = START_BYTES / PING.len() + 1;

/// More than is acted on at a stretch.
const MORE_THAN_A_STRETCH: usize = STRETCH_STEPS_MAX as usize + LONG;

/// A reader of what others send, and somebody else.
fn clients(shard: &mut Shard) -> (ConnId, ConnId) {
    (shard.client("SUB s 1\r\n"), shard.client(""))
}

/// The reader says something, and something more when it is received from at once. By then the other shard has sent
/// it messages. Returns whether these come before the answer to what it said last.
fn comes_in_order(forged: Forged, pings: usize, others: bool, messages: usize) -> bool {
    let mut shard = Shard::without(forged);
    let (reader, other) = clients(&mut shard);
    let mut events = vec![received(reader, &PING.repeat(pings))];
    events.extend(others.then_some(Event::Writable(other)));
    shard.shell.batches.push_back(events);
    let behind = Some(Parcel::Batch(shard.batch("s", messages)));
    shard.shell.newer.push_back(Newer { id: reader, text: PING.into(), behind });
    shard.settle();
    assert!(shard.shell.newer.is_empty(), "it was received from at once");
    let sent = shard.sent(reader);
    assert_eq!((sent.matches(PONG).count(), sent.matches(MESSAGE).count()), (pings + 1, messages));
    sent == PONG.repeat(pings) + &MESSAGE.repeat(messages) + PONG
}

/// The rule holds, and it is the rule that does it.
fn is_kept_in_order(pings: usize, others: bool, messages: usize) {
    assert!(comes_in_order(Forged::default(), pings, others, messages));
    assert!(!comes_in_order(Forged { newer_first: true, ..Forged::default() }, pings, others, messages));
}

/// Who was alone in a batch was acted on at once, whatever other shards had sent meanwhile.
#[test]
fn who_goes_on_alone_does_not_overtake_other_shards() {
    is_kept_in_order(LONG, false, 1);
}

/// Nor what is too much to take in for one turn.
#[test]
fn who_goes_on_alone_does_not_overtake_what_takes_many_turns() {
    is_kept_in_order(LONG, false, MANY);
}

/// What was received at once beside others waited aside, and was served in the same turn.
#[test]
fn who_goes_on_beside_others_does_not_overtake_other_shards() {
    is_kept_in_order(LONG, true, 1);
}

#[test]
fn who_goes_on_beside_others_does_not_overtake_what_takes_many_turns() {
    is_kept_in_order(LONG, true, MANY);
}

/// Those in line are received from when their turn comes.
#[test]
fn who_stands_in_line_does_not_overtake_other_shards() {
    is_kept_in_order(MORE_THAN_A_STRETCH, true, MANY);
}
