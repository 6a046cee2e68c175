//! Publishers none of whose readers takes anything.

mod shards;

use std::time::Duration;

use broker::STRETCH_STEPS_MAX;

use self::shards::{Conn, Shards};

/// More than may wait for a reader with a full socket before that counts, in one message.
const LARGE: usize = 300 << 10;

/// So long a socket has to be full before that counts.
const FULL_TIME: Duration = Duration::from_millis(5);

/// What a publisher waits after at the latest.
const MANY: usize = STRETCH_STEPS_MAX as usize;

/// A publisher and its readers. All but those of `reading` have had full sockets for a while, and a lot waits.
fn publisher_and_readers(shard_count: usize, readers: usize, reading: &[usize]) -> (Shards, Conn) {
    let mut shards = Shards::new(shard_count);
    let publisher = shards.quiet();
    let readers: Vec<Conn> = (0..readers).map(|_| shards.quiet()).collect();
    for (number, reader) in readers.iter().enumerate() {
        shards.feed(*reader, "SUB a 1\r\n");
        shards.settle();
        if !reading.contains(&number) {
            shards.limit_room(*reader, 0);
        }
    }
    publish(&mut shards, publisher, &"x".repeat(LARGE), 1);
    shards.pass(FULL_TIME);
    (shards, publisher)
}

fn publish(shards: &mut Shards, publisher: Conn, payload: &str, count: usize) {
    shards.feed(publisher, &format!("PUB a {}\r\n{payload}\r\n", payload.len()).repeat(count));
    shards.settle();
    shards.flush_now();
}

/// Whether its input waits; how often it was made to.
fn waits(shards: &mut Shards, publisher: Conn) -> (bool, u64) {
    let answer = shards.say(publisher, "PING\r\n");
    (answer.is_empty(), shards.brokers[publisher.shard].totals().paces)
}

#[test]
fn it_waits_for_ten_milliseconds_after_a_stretch() {
    let (mut shards, publisher) = publisher_and_readers(1, 2, &[]);
    assert_eq!(waits(&mut shards, publisher), (false, 0));
    publish(&mut shards, publisher, "x", MANY / 2 - 1);
    assert_eq!(waits(&mut shards, publisher), (false, 0));
    publish(&mut shards, publisher, "x", 1);
    assert_eq!(waits(&mut shards, publisher), (true, 1));
    shards.pass(Duration::from_millis(10));
    assert_eq!(shards.output(publisher), "PONG\r\n");
    assert_eq!(waits(&mut shards, publisher), (false, 1));
}

#[test]
fn it_waits_longer_while_they_go_on_to_take_nothing() {
    let (mut shards, publisher) = publisher_and_readers(1, 2, &[]);
    for millis in [10, 20, 40, 40] {
        publish(&mut shards, publisher, "x", MANY / 2);
        assert!(waits(&mut shards, publisher).0);
        shards.pass(Duration::from_millis(millis) - Duration::from_nanos(1));
        assert_eq!(shards.output(publisher), "", "{millis} ms");
        shards.pass(Duration::from_nanos(1));
        assert_eq!(shards.output(publisher), "PONG\r\n", "{millis} ms");
    }
}

#[test]
fn one_reader_that_keeps_up_is_enough_for_it_not_to_wait() {
    for shard_count in [1, 2] {
        for keeps_up in [0, 1, 2] {
            let (mut shards, publisher) = publisher_and_readers(shard_count, 3, &[keeps_up]);
            for _ in 0..4 {
                publish(&mut shards, publisher, "x", MANY);
                assert_eq!(waits(&mut shards, publisher), (false, 0), "{keeps_up} on {shard_count}");
            }
        }
    }
}

#[test]
fn it_waits_for_readers_on_other_shards() {
    for readers in [1, 2, 5] {
        let (mut shards, publisher) = publisher_and_readers(2, readers, &[]);
        publish(&mut shards, publisher, "x", MANY);
        publish(&mut shards, publisher, "x", 1);
        assert_eq!(waits(&mut shards, publisher), (true, 1), "{readers} readers");
    }
}

#[test]
fn it_does_not_wait_for_readers_whose_sockets_were_full_for_a_moment() {
    let mut shards = Shards::new(1);
    let (publisher, reader) = (shards.quiet(), shards.quiet());
    shards.feed(reader, "SUB a 1\r\n");
    shards.limit_room(reader, 0);
    publish(&mut shards, publisher, "x", 4 * MANY);
    shards.pass(FULL_TIME);
    publish(&mut shards, publisher, "x", 4 * MANY);
    assert_eq!(waits(&mut shards, publisher), (false, 0), "little waits");
    publish(&mut shards, publisher, &"x".repeat(LARGE), 1);
    for _ in 0..4 {
        shards.free_room(reader);
        shards.flush_now();
        shards.limit_room(reader, 0);
        publish(&mut shards, publisher, &"x".repeat(LARGE), 4);
        shards.pass(FULL_TIME - Duration::from_nanos(1));
        publish(&mut shards, publisher, "x", 4 * MANY);
        assert_eq!(waits(&mut shards, publisher), (false, 0), "it took all just now");
    }
}

#[test]
fn nobody_waits_where_publishers_are_never_made_to() {
    let (mut shards, publisher) = publisher_and_readers(1, 2, &[]);
    shards.reconfigure(|settings| settings.options.stall_publishers = false);
    publish(&mut shards, publisher, "x", 4 * MANY);
    assert_eq!(waits(&mut shards, publisher), (false, 0));
}
