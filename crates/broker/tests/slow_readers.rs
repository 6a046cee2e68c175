//! Readers that do not take what they are sent.

mod shards;

use std::time::Duration;

use broker::WriteTimeout;
use monitor::ShardTotals;

use self::shards::{Conn, Shards};

const PAYLOAD: &str = "01234567890123456789012345678901234567890123456789012345678901234567890123456789";

fn slow_reader() -> (Shards, Conn, Conn) {
    let mut shards = Shards::with(1, |settings| settings.options.max_pending = 1000);
    let (reader, publisher) = (shards.quiet(), shards.quiet());
    shards.feed(reader, "SUB a 1\r\n");
    shards.output(reader);
    shards.limit_room(reader, 0);
    (shards, reader, publisher)
}

/// Frames of exactly a hundred bytes.
fn publish_hundreds(shards: &mut Shards, publisher: Conn, count: usize) {
    let text = format!("PUB a 86\r\n{PAYLOAD}012345\r\n");
    shards.feed(publisher, &text.repeat(count));
    shards.output(publisher);
}

/// The reader's socket takes so many bytes more.
fn take(shards: &mut Shards, reader: Conn, bytes: usize) {
    shards.limit_room(reader, bytes);
    shards.brokers[0].on_writable(reader.id);
    shards.flush_now();
}

fn totals(shards: &mut Shards) -> ShardTotals {
    shards.brokers[0].totals()
}

#[test]
fn a_publisher_waits_once_a_reader_is_three_quarters_full() {
    let (mut shards, reader, publisher) = slow_reader();
    publish_hundreds(&mut shards, publisher, 7);
    assert_eq!(shards.say(publisher, "PING\r\n"), "PONG\r\n");
    publish_hundreds(&mut shards, publisher, 1);
    assert_eq!(shards.say(publisher, "PING\r\n"), "", "its input waits");
    shards.pass(Duration::from_millis(4));
    assert_eq!(shards.output(publisher), "");
    shards.pass(Duration::from_millis(1));
    assert_eq!(shards.output(publisher), "PONG\r\n");
    let mut resumed = Vec::new();
    shards.brokers[0].take_resumed(&mut resumed);
    assert_eq!(resumed, [publisher.id]);
    assert!(!shards.is_closed(reader));
}

#[test]
fn a_reader_past_max_pending_is_cut_off_without_a_word() {
    let (mut shards, reader, publisher) = slow_reader();
    publish_hundreds(&mut shards, publisher, 10);
    assert!(!shards.is_closed(reader), "exactly max_pending is allowed");
    shards.pass(Duration::from_millis(10));
    publish_hundreds(&mut shards, publisher, 1);
    assert!(shards.is_closed(reader));
    assert_eq!(shards.output(reader), "");
    shards.pass(Duration::from_millis(10));
    assert_eq!(shards.say(publisher, "PING\r\n"), "PONG\r\n");
}

#[test]
fn what_waits_when_a_socket_is_full_has_to_leave_in_time() {
    let (mut shards, reader, publisher) = slow_reader();
    publish_hundreds(&mut shards, publisher, 2);
    shards.flush_now();
    shards.pass(Duration::from_secs(9));
    take(&mut shards, reader, 199);
    assert!(!shards.is_closed(reader));
    shards.pass(Duration::from_secs(1));
    assert!(shards.is_closed(reader), "one byte of the first two hundred is left");
    assert_eq!(totals(&mut shards).slow_consumers_deadline, 1);
}

#[test]
fn what_came_later_has_a_time_of_its_own() {
    let (mut shards, reader, publisher) = slow_reader();
    publish_hundreds(&mut shards, publisher, 2);
    shards.flush_now();
    for _ in 0..5 {
        shards.pass(Duration::from_secs(9));
        publish_hundreds(&mut shards, publisher, 3);
        take(&mut shards, reader, 300);
        assert!(!shards.is_closed(reader));
    }
    shards.pass(Duration::from_secs(10));
    assert!(shards.is_closed(reader));
}

#[test]
fn who_takes_something_gets_more_time_if_writes_are_tried_again() {
    let (mut shards, reader, publisher) = slow_reader();
    shards.reconfigure(|settings| settings.options.write_timeout = WriteTimeout::Retry);
    publish_hundreds(&mut shards, publisher, 2);
    shards.flush_now();
    for counted in 1..=5 {
        take(&mut shards, reader, 1);
        shards.pass(Duration::from_secs(10));
        assert!(!shards.is_closed(reader));
        assert_eq!(totals(&mut shards).slow_consumers_deadline, counted);
    }
    take(&mut shards, reader, 195);
    assert_eq!(shards.output(reader).len(), 200);
    shards.pass(Duration::from_secs(20));
    assert!(!shards.is_closed(reader), "nothing waits");
    publish_hundreds(&mut shards, publisher, 2);
    shards.flush_now();
    shards.pass(Duration::from_secs(10));
    assert!(shards.is_closed(reader), "it took nothing at all");
}

#[test]
fn a_blocked_reader_gets_the_rest_in_order() {
    let (mut shards, reader, publisher) = slow_reader();
    shards.feed(publisher, "PUB a 1\r\n1\r\nPUB a 1\r\n2\r\n");
    shards.limit_room(reader, 5);
    assert_eq!(shards.output(reader), "MSG a");
    shards.feed(publisher, "PUB a 1\r\n3\r\n");
    assert_eq!(shards.output(reader), "");
    shards.free_room(reader);
    assert_eq!(shards.output(reader), " 1 1\r\n1\r\nMSG a 1 1\r\n2\r\nMSG a 1 1\r\n3\r\n");
}

#[test]
fn a_reader_that_is_behind_misses_messages_where_publishers_do_not_wait() {
    let (mut shards, reader, publisher) = slow_reader();
    shards.reconfigure(|settings| settings.options.stall_publishers = false);
    publish_hundreds(&mut shards, publisher, 20);
    assert_eq!(shards.say(publisher, "PING\r\n"), "PONG\r\n", "nothing of its input waits");
    shards.free_room(reader);
    assert_eq!(shards.output(reader).len(), 800, "the eighth hundred made it fall behind");
    assert!(!shards.is_closed(reader));
    publish_hundreds(&mut shards, publisher, 1);
    assert_eq!(shards.output(reader).len(), 100, "it has caught up");
    assert_eq!(totals(&mut shards).stalls, 0);
}

#[test]
fn one_message_too_many_at_once_cuts_off_a_reader_that_is_not_behind() {
    let (mut shards, reader, publisher) = slow_reader();
    shards.reconfigure(|settings| settings.options.stall_publishers = false);
    publish_hundreds(&mut shards, publisher, 7);
    shards.feed(publisher, &format!("PUB a 300\r\n{}\r\n", "x".repeat(300)));
    assert!(shards.is_closed(reader));
}

/// Alone it gets nothing while it is behind, and the request learns that; with others they get its share.
#[test]
fn a_queue_member_that_is_behind_is_passed_over() {
    for shard_count in [1, 2] {
        let mut shards = Shards::with(shard_count, |settings| {
            (settings.options.max_pending, settings.options.stall_publishers) = (1000, false);
        });
        let [lagging, _, publisher, member] = [(); 4].map(|()| {
            shards.connect(r#""verbose":false,"pedantic":false,"headers":true,"no_responders":true"#)
        });
        shards.feed(lagging, "SUB a q 1\r\n");
        shards.feed(publisher, "SUB r 1\r\n");
        shards.settle();
        shards.output(lagging);
        shards.output(publisher);
        shards.limit_room(lagging, 0);
        publish_hundreds(&mut shards, publisher, 12);
        shards.settle();
        shards.feed(publisher, "PUB a r 1\r\nx\r\n");
        shards.settle();
        let answer = shards.output(publisher);
        assert!(answer.contains("NATS/1.0 503"), "{answer}");
        shards.feed(member, "SUB a q 1\r\n");
        shards.settle();
        for _ in 0..50 {
            publish_hundreds(&mut shards, publisher, 1);
            shards.settle();
            assert_eq!(shards.output(member).len(), 100, "{shard_count} shards");
        }
    }
}
