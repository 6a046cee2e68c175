//! Connections that change shards, step by step.

mod shards;

use shards::Shards;

#[test]
fn a_connection_takes_everything_along() {
    let mut shards = Shards::new(2);
    let (moving, other) = (shards.quiet(), shards.quiet());
    shards.feed(moving, "SUB a 1\r\nSUB b q 2\r\n");
    shards.settle();
    shards.limit_room(moving, 0);
    shards.feed(other, "PUB a 5\r\nfirst\r\n");
    shards.settle();
    shards.flush_now(); // Its socket is full: the message waits.
    shards.feed(moving, "PUB c 6\r\nhal"); // An unfinished op.
    shards.feed(other, "SUB c 9\r\n");
    shards.settle();

    assert!(shards.ask_to_move(&[moving], 1));
    shards.settle();
    let moved = shards.find(moving);
    assert_eq!((moved.shard, shards.brokers[0].connections()), (1, 0));
    shards.feed(moved, "ves\r\n");
    assert_eq!(shards.output(other), "MSG c 9 6\r\nhalves\r\n");
    shards.feed(other, "PUB a 6\r\nsecond\r\nPUB b 5\r\nthird\r\n");
    let all = "MSG a 1 5\r\nfirst\r\nMSG a 1 6\r\nsecond\r\nMSG b 2 5\r\nthird\r\n";
    assert_eq!(shards.output(moved), all);
    assert_eq!(shards.say(moved, "UNSUB 1\r\nPUB a 0\r\n\r\nPING\r\n"), "");
    shards.settle();
    assert_eq!(shards.output(moved), "PONG\r\n");
}

#[test]
fn a_maximum_goes_on_counting() {
    let mut shards = Shards::new(2);
    let (moving, other) = (shards.quiet(), shards.quiet());
    shards.feed(moving, "SUB a 1\r\nUNSUB 1 2\r\n");
    shards.settle();
    shards.feed(other, "PUB a 1\r\n1\r\n");
    shards.settle();
    assert!(shards.ask_to_move(&[moving], 1));
    shards.settle();
    shards.feed(other, "PUB a 1\r\n2\r\nPUB a 1\r\n3\r\n");
    shards.settle();
    let moved = shards.find(moving);
    assert_eq!(shards.output(moved), "MSG a 1 1\r\n1\r\nMSG a 1 1\r\n2\r\n");
}

#[test]
fn what_clients_send_during_the_pause_counts_after_it() {
    let mut shards = Shards::new(3);
    let (moving, listener, publisher) = (shards.quiet(), shards.quiet(), shards.quiet());
    shards.feed(listener, "SUB a 1\r\n");
    shards.settle();
    assert!(shards.ask_to_move(&[moving], 1));
    shards.arrive(0, 2); // The pause has reached the publisher's shard.
    assert_eq!(shards.say(publisher, "PUB a 2\r\nhi\r\nPING\r\n"), "");
    shards.settle();
    assert_eq!(shards.output(publisher), "PONG\r\n");
    assert_eq!(shards.output(listener), "MSG a 1 2\r\nhi\r\n");
}

#[test]
fn a_connection_with_a_fence_stays_and_is_read_from_again() {
    let mut shards = Shards::new(3);
    let (_, moving, other) = (shards.quiet(), shards.quiet(), shards.quiet());
    shards.feed(moving, "SUB a 1\r\n"); // Shard 2 does not hear of it for a while.
    assert!(shards.ask_to_move(&[moving], 0));
    for (from, to) in [(1, 0), (0, 2), (2, 0), (0, 1), (2, 1), (1, 0)] {
        assert!(!shards.brokers[1].wants_input(moving.id), "before {from} to {to}");
        shards.arrive(from, to);
    }
    assert!(shards.brokers[1].wants_input(moving.id), "it was its turn, and it could not go");
    shards.settle();
    assert_eq!(shards.find(moving), moving);
    shards.feed(other, "PUB a 0\r\n\r\n");
    shards.settle();
    assert_eq!(shards.output(moving), "MSG a 1 0\r\n\r\n");
}

#[test]
fn of_two_that_want_to_meet_one_moves() {
    let mut shards = Shards::new(2);
    let (one, other) = (shards.quiet(), shards.quiet());
    assert!(shards.ask_to_move(&[one], 1));
    assert!(shards.ask_to_move(&[other], 0));
    shards.settle();
    assert_eq!(shards.find(one).shard, 1);
    assert_eq!(shards.find(other), other);
    assert!(shards.brokers[1].wants_input(other.id));
    assert_eq!(shards.say(other, "PING\r\n"), "PONG\r\n");
}

#[test]
fn who_closes_before_it_moves_is_gone() {
    let mut shards = Shards::new(2);
    let (moving, other) = (shards.quiet(), shards.quiet());
    shards.feed(moving, "SUB a 1\r\n");
    shards.settle();
    assert!(shards.ask_to_move(&[moving], 1));
    shards.brokers[0].on_hangup(moving.id, conns::CloseReason::ClientClosed);
    shards.settle();
    assert!(shards.is_closed(moving));
    assert_eq!(shards.say(other, "PUB a 0\r\n\r\nPING\r\n"), "PONG\r\n");
    assert_eq!(shards.brokers[1].connections(), 1);
}

#[test]
fn a_stopping_shard_lets_nobody_go() {
    let mut shards = Shards::new(2);
    let moving = shards.quiet();
    assert!(shards.ask_to_move(&[moving], 1));
    shards.brokers[0].on_stopping();
    shards.settle();
    assert_eq!(shards.brokers[0].connections(), 1);
    assert!(!shards.ask_to_move(&[moving], 1));
}

#[test]
fn connections_that_moved_are_counted_where_they_are() {
    let mut shards = Shards::with(2, |settings| settings.options.max_connections = 3);
    let (one, _) = (shards.quiet(), shards.quiet());
    assert!(shards.ask_to_move(&[one], 1));
    shards.settle();
    // Two on shard 1 and none on shard 0, so that is where the next one goes.
    let third = shards.quiet();
    assert_eq!(third.shard, 0);
    let refused = shards.accept();
    assert!(shards.output(refused).contains("maximum connections exceeded"));
    let moved = shards.find(one);
    shards.brokers[1].on_hangup(moved.id, conns::CloseReason::ClientClosed);
    shards.settle();
    assert!(shards.is_closed(moved));
    shards.settle();
    let next = shards.accept();
    assert!(!shards.output(next).contains("maximum"));
}
