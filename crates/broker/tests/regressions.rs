//! Bugs that were there once.

mod shards;

use conns::CloseReason;
use shards::Shards;

/// A second subscription to a filter told nobody anything, so its PONG came before the other
/// shards knew of the first one: messages published after that PONG missed it.
#[test]
fn a_join_waits_for_interest_that_is_still_being_told() {
    let mut shards = Shards::new(2);
    let first = shards.quiet();
    let publisher = shards.quiet();
    let second = shards.quiet();
    assert_eq!((first.shard, publisher.shard, second.shard), (0, 1, 0));

    assert_eq!(shards.say(first, "SUB x 1\r\nPING\r\n"), "");
    assert_eq!(shards.say(second, "SUB x 1\r\nPING\r\n"), "", "no shard knows of x yet");
    shards.feed(publisher, "PUB x 1\r\na\r\n");
    shards.settle();
    shards.feed(publisher, "PUB x 1\r\nb\r\n");
    shards.settle();
    assert_eq!(shards.output(second), "PONG\r\nMSG x 1 1\r\nb\r\n");
}

/// The same for a second member of a queue group, whose weight is told without a fence.
#[test]
fn a_queue_member_waits_for_interest_that_is_still_being_told() {
    let mut shards = Shards::new(2);
    let first = shards.quiet();
    shards.quiet();
    let second = shards.quiet();
    shards.feed(first, "SUB x q 1\r\n");
    assert_eq!(shards.say(second, "SUB x q 1\r\nPING\r\n"), "");
    shards.settle();
    assert_eq!(shards.output(second), "PONG\r\n");
}

/// A connection that was cut off was closed at once: a message published after that was sent to its
/// shard all the same, and lost to a queue group with members elsewhere.
#[test]
fn a_cut_off_connection_closes_once_no_shard_counts_on_it() {
    let mut shards = Shards::new(2);
    let member = shards.quiet();
    let publisher = shards.quiet();
    shards.feed(member, "SUB x q 1\r\n");
    shards.feed(publisher, "SUB x q 1\r\n");
    shards.settle();

    shards.brokers[0].on_hangup(member.id, CloseReason::SlowConsumerWriteDeadline);
    assert!(!shards.is_closed(member));
    shards.settle();
    assert!(shards.is_closed(member));
    for _ in 0..20 {
        assert_eq!(shards.say(publisher, "PUB x 1\r\na\r\n"), "MSG x 1 1\r\na\r\n");
    }
}

/// What does not parse ended a connection that waited for other shards before it got the `+OK` of the op
/// before that: a client could not tell that it had been taken.
#[test]
fn a_mistake_is_told_behind_the_ok_that_is_owed() {
    let mut shards = Shards::new(2);
    let conn = shards.connect(r#""verbose":true,"pedantic":false"#);
    let _other = shards.quiet();
    assert_eq!(shards.say(conn, "SUB a 1\r\nFOO\r\n"), "", "the other shard knows nothing yet");
    shards.settle();
    assert_eq!(shards.output(conn), "+OK\r\n-ERR 'Unknown Protocol Operation'\r\n");
    assert!(shards.is_closed(conn));
}

/// Only messages counted towards `max_pending`: a client that sent PINGs and read nothing made its
/// outbox grow without end.
#[test]
fn answers_that_nobody_reads_are_bounded_too() {
    let mut shards = Shards::with(1, |settings| settings.options.max_pending = 1000);
    let flooder = shards.quiet();
    shards.limit_room(flooder, 0);
    shards.feed(flooder, &"PING\r\n".repeat(10_000));
    assert!(shards.is_closed(flooder));
    assert_eq!(shards.brokers[0].connections(), 0);
}

/// A second CONNECT dropped the subscriptions before the other shards knew: a message that was on
/// its way to a queue member was lost.
#[test]
fn a_second_connect_still_takes_what_was_sent_before_it() {
    let mut shards = Shards::new(2);
    let member = shards.quiet();
    let publisher = shards.quiet();
    shards.feed(member, "SUB x q 1\r\n");
    shards.settle();
    shards.feed(publisher, "PUB x 1\r\na\r\n");
    shards.depart(1, 0);
    shards.feed(member, "CONNECT {\"verbose\":false}\r\nPING\r\n");
    shards.settle();
    assert_eq!(shards.output(member), "MSG x 1 1\r\na\r\nPONG\r\n");
    shards.feed(publisher, "PUB x 1\r\nb\r\n");
    shards.settle();
    assert_eq!(shards.say(member, "PING\r\n"), "PONG\r\n");
}

/// The parser lets a subject begin with LF and hold CR, as nats-server's does, and the frame of such
/// a message was garbage to every subscriber of `>`.
#[test]
fn a_line_end_within_a_subject_reaches_nobody() {
    for line in ["PUB \nfoo 1\r\n", "PUB a\rb 1\r\n", "PUB a r\rs 1\r\n"] {
        let mut shards = Shards::new(1);
        let bystander = shards.quiet();
        shards.feed(bystander, "SUB > 1\r\n");
        let sender = shards.quiet();
        assert_eq!(shards.say(sender, &format!("{line}x\r\n")), "-ERR 'Unknown Protocol Operation'\r\n");
        assert!(shards.is_closed(sender));
        assert_eq!(shards.say(bystander, "PING\r\n"), "PONG\r\n");
    }
}

/// A client that subscribed, published and left at once: its message is held until the other shards
/// know of the subscription, and must not leave with the client.
#[test]
fn what_a_client_sent_before_it_left_counts() {
    let mut shards = Shards::new(2);
    let leaver = shards.quiet();
    let listener = shards.quiet();
    shards.feed(listener, "SUB news 1\r\n");
    shards.settle();

    shards.feed(leaver, "SUB own 1\r\nPUB news 2\r\nhi\r\n");
    shards.brokers[0].on_hangup(leaver.id, CloseReason::ClientClosed);
    assert_eq!(shards.output(listener), "");
    shards.settle();
    assert_eq!(shards.output(listener), "MSG news 1 2\r\nhi\r\n");
    assert!(shards.is_closed(leaver));
}

/// A greeting above `max_pending` cuts the newcomer off. It was finished only by the next event, which
/// panicked when the connection had gone in between.
#[test]
fn a_greeting_that_may_not_wait_ends_the_connection() {
    let mut shards = Shards::with(2, |settings| settings.options.max_pending = 10);
    let newcomer = shards.accept();
    assert_eq!(shards.output(newcomer), "");
    assert!(shards.is_closed(newcomer));
    shards.settle();
    shards.pass(std::time::Duration::from_secs(1));
}

/// It was closed when the message was complete: never, if that did not come.
#[test]
fn headers_that_are_not_understood_end_the_connection_at_the_line_that_tells_of_them() {
    let mut shards = Shards::new(1);
    let conn = shards.connect(r#""verbose":false,"headers":false"#);
    shards.feed(conn, "HPUB a 12 14");
    assert!(!shards.is_closed(conn));
    shards.feed(conn, "\r\n");
    assert!(shards.is_closed(conn));
}

/// The one whose filter was found first got it, whichever that was.
#[test]
fn of_several_that_listen_for_the_reply_the_peers_first_is_told_that_nobody_responds() {
    let mut shards = Shards::new(1);
    let conn = shards.connect(r#""verbose":false,"headers":true,"no_responders":true"#);
    shards.feed(conn, "SUB c.* 2\r\nSUB *.> 4\r\nSUB c.b 5\r\n");
    assert!(shards.say(conn, "PUB nobody c.b 0\r\n\r\n").starts_with("HMSG c.b 4 "));
    shards.feed(conn, "UNSUB 4\r\n");
    assert!(shards.say(conn, "PUB nobody c.b 0\r\n\r\n").starts_with("HMSG c.b 5 "));
}
