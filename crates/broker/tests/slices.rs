//! What takes several turns, and what happens in between.

mod shards;

use std::fmt::Write;

use conns::CloseReason;
use fabric::ShardId;
use monitor::SubscriptionFilter;
use shards::{Conn, Shards};

/// Subscriptions that it takes several turns to end.
const MANY: usize = 3000;

/// Subscriptions that one turn of a test makes.
const PORTION: usize = 500;

fn lines(line: impl Fn(usize) -> String) -> String {
    (0..MANY).fold(String::new(), |mut text, number| {
        write!(text, "{}\r\n", line(number)).expect("a string takes it");
        text
    })
}

fn feed_in_portions(shards: &mut Shards, conn: Conn, lines: &str) {
    for portion in lines.split_inclusive('\n').collect::<Vec<_>>().chunks(PORTION) {
        shards.feed(conn, &portion.concat());
        shards.settle();
    }
}

/// A connection that has subscribed to row.0, row.1 and so on.
fn subscriber(shards: &mut Shards, options: &str) -> Conn {
    let conn = shards.connect(options);
    feed_in_portions(shards, conn, &lines(|number| format!("SUB row.{number} {number}")));
    shards.output(conn);
    conn
}

/// A message to every tenth row.
fn publishes() -> String {
    (0..MANY).step_by(10).fold(String::new(), |mut text, number| {
        write!(text, "PUB row.{number} 1\r\nx\r\n").expect("a string takes it");
        text
    })
}

const QUIET: &str = r#""verbose":false,"pedantic":false"#;
const VERBOSE: &str = r#""verbose":true,"pedantic":false"#;
const REQUESTER: &str = r#""verbose":false,"pedantic":false,"headers":true,"no_responders":true"#;

/// One turn for what is too long for one.
fn slice(shards: &mut Shards, shard: usize) {
    shards.brokers[shard].on_turn(shards.now);
    shards.brokers[shard].work_off();
}

#[test]
fn a_connection_that_ends_in_slices_gets_nothing_in_between_and_other_shards_are_told() {
    let mut shards = Shards::new(2);
    let ending = subscriber(&mut shards, QUIET);
    let there = shards.connect(REQUESTER);
    let here = shards.quiet();
    assert_eq!((ending.shard, there.shard, here.shard), (0, 1, 0));
    shards.brokers[0].on_hangup(ending.id, CloseReason::ClientClosed);
    let mut slices = 0;
    while shards.brokers[0].has_chores() {
        shards.feed(here, &publishes());
        shards.feed(there, &publishes());
        shards.arrive(1, 0);
        slice(&mut shards, 0);
        shards.arrive(0, 1);
        slices += 1;
        assert_eq!(shards.sent_now(ending), "");
    }
    assert!(slices > 5, "{slices}");
    shards.settle();
    assert!(shards.is_closed(ending));
    let totals = shards.brokers[0].totals();
    assert_eq!((totals.output.msgs, totals.subscriptions), (0, 0));
    // The other shard knows of each of them that it is gone.
    shards.feed(there, "SUB inbox 1\r\n");
    shards.settle();
    for number in [0, 1, MANY / 2, MANY - 1] {
        shards.feed(there, &format!("PUB row.{number} inbox 0\r\n\r\n"));
        shards.settle();
        assert!(shards.output(there).contains("503"), "row.{number}");
    }
}

#[test]
fn a_further_connect_waits_until_all_subscriptions_have_left() {
    for count in [1, 2] {
        let mut shards = Shards::new(count);
        let conn = subscriber(&mut shards, VERBOSE);
        let other = shards.quiet();
        assert_eq!(other.shard, count - 1);
        shards.brokers[0].on_turn(shards.now);
        shards.feed(conn, "CONNECT {}\r\nSUB row.0 again\r\nPING\r\n");
        let (mut slices, mut said) = (0, String::new());
        while !said.contains("PONG") {
            shards.feed(other, &publishes());
            if count == 2 {
                shards.arrive(1, 0);
                shards.arrive(0, 1);
                shards.arrive(1, 0);
            }
            slice(&mut shards, 0);
            said += &shards.sent_now(conn);
            slices += 1;
            shards.brokers[0].serve_all(shards.now);
        }
        assert!(slices > 5, "{slices}");
        // Until then it was sent what was to be had, and nothing of that from then on.
        let (before, after) = said.split_once("+OK\r\n").unwrap();
        assert!(before.matches("MSG row.").count() > MANY / 10, "{before}");
        shards.settle();
        let got = "MSG row.0 again 1\r\nx\r\n";
        assert_eq!(after.replace(got, ""), "+OK\r\nPONG\r\n");
        shards.output(conn);
        shards.feed(other, &publishes());
        shards.settle();
        assert_eq!(shards.output(conn), got);
    }
}

#[test]
fn one_that_hangs_up_while_its_subscriptions_leave_is_let_go() {
    for reason in [CloseReason::ClientClosed, CloseReason::WriteError] {
        let mut shards = Shards::new(2);
        let conn = subscriber(&mut shards, QUIET);
        let _other = shards.quiet();
        shards.brokers[0].on_turn(shards.now);
        shards.feed(conn, "CONNECT {}\r\n");
        slice(&mut shards, 0);
        let left = shards.brokers[0].totals().subscriptions;
        assert!((1..MANY as u64 + 1).contains(&left), "{left}");
        shards.brokers[0].on_hangup(conn.id, reason);
        shards.settle();
        assert!(shards.is_closed(conn));
        assert_eq!(shards.brokers[0].totals().subscriptions, 0);
    }
}

#[test]
fn what_many_unsubs_put_off_takes_effect_before_anything_else_of_the_client_does() {
    let mut shards = Shards::new(2);
    let conn = subscriber(&mut shards, QUIET);
    let other = shards.quiet();
    let unsubs: String = lines(|number| format!("UNSUB {number}")).split_inclusive('\n').take(1000).collect();
    shards.brokers[0].on_turn(shards.now);
    shards.feed(conn, &format!("{unsubs}PING\r\n"));
    shards.brokers[0].serve_all(shards.now);
    shards.arrive(0, 1);
    shards.arrive(1, 0);
    let mut slices = 0;
    while shards.brokers[0].has_chores() {
        assert_eq!(shards.sent_now(conn), "");
        slice(&mut shards, 0);
        slices += 1;
    }
    assert!(slices > 1, "{slices}");
    assert_eq!(shards.brokers[0].totals().subscriptions, (MANY - 1000) as u64);
    shards.settle();
    assert_eq!(shards.output(conn), "PONG\r\n");
    shards.feed(other, "PUB row.999 0\r\n\r\nPUB row.1000 0\r\n\r\n");
    shards.settle();
    assert_eq!(shards.output(conn), "MSG row.1000 1000 0\r\n\r\n");
}

/// Has the second shard take in what the first has to tell it; returns how many turns that takes.
fn turns_to_take_in(shards: &mut Shards) -> usize {
    let mut left = shards.brokers[0].take_batch(ShardId(1));
    let mut turns = 0;
    while let Some(batch) = left {
        shards.brokers[1].on_turn(shards.now);
        left = shards.brokers[1].on_batch(shards.now, ShardId(0), batch);
        turns += 1;
    }
    turns
}

#[test]
fn very_much_that_another_shard_tells_at_once_is_taken_in_several_turns() {
    let mut shards = Shards::new(2);
    let ending = subscriber(&mut shards, QUIET);
    let there = shards.connect(REQUESTER);
    assert_eq!((ending.shard, there.shard), (0, 1));
    shards.brokers[0].on_hangup(ending.id, CloseReason::ClientClosed);
    while shards.brokers[0].has_chores() {
        slice(&mut shards, 0);
    }
    let turns = turns_to_take_in(&mut shards);
    assert!((3..10).contains(&turns), "{turns}");
    shards.feed(there, "SUB inbox 1\r\nPUB row.0 inbox 0\r\n\r\nPUB row.2999 inbox 0\r\n\r\n");
    shards.settle();
    assert_eq!(shards.output(there).matches("503").count(), 2, "it knows of the first and of the last");
}

// A message that was the last of a million subscriptions held its shard for a second.
#[test]
fn subscriptions_that_had_their_last_message_go_in_slices() {
    const MANY: usize = 2000;
    let mut shards = Shards::new(2);
    let (near, far) = (shards.quiet(), shards.quiet());
    let text: String = (0..MANY).map(|sid| format!("SUB one {sid}\r\nUNSUB {sid} 1\r\n")).collect();
    shards.feed(near, &text);
    shards.settle();
    shards.brokers[0].on_turn(shards.now);
    shards.feed(near, "PUB one 0\r\n\r\n");
    let left = shards.brokers[0].totals().subscriptions as usize;
    assert!((1..MANY).contains(&left) && shards.brokers[0].has_chores(), "{left} are left");
    // The sid is free all the same, and so is the number of subscriptions that one may have.
    let text: String = (0..MANY).map(|sid| format!("SUB two {sid}\r\n")).collect();
    shards.feed(near, &text);
    shards.settle();
    assert_eq!(shards.output(near).matches("MSG one").count(), MANY);
    assert_eq!(shards.brokers[0].totals().subscriptions as usize, MANY);
    shards.feed(far, "PUB one 0\r\n\r\nPUB two 0\r\n\r\n");
    shards.settle();
    let text = shards.output(near);
    assert_eq!((text.matches("MSG one").count(), text.matches("MSG two").count()), (0, MANY));
}

/// A client has subscriptions of which each had its last message when the next one to that subject has come.
fn ends_with_the_next(shards: &mut Shards, conn: Conn, subject: &str, count: usize) {
    let text: String = (0..count).map(|sid| format!("SUB {subject} {sid}\r\nUNSUB {sid} 1\r\n")).collect();
    shards.feed(conn, &text);
    shards.settle();
}

// Whoever was at its limit took out all that had its last message, of everybody, in one turn.
#[test]
fn who_may_have_no_more_subscriptions_waits_while_others_go_in_slices() {
    const MANY: usize = 2000;
    let mut shards = Shards::with(1, |settings| settings.options.max_subscriptions = MANY as i64);
    let (ended, full) = (shards.quiet(), shards.quiet());
    ends_with_the_next(&mut shards, ended, "one", MANY);
    shards.feed(full, &(0..MANY).map(|sid| format!("SUB two {sid}\r\n")).collect::<String>());
    shards.settle();
    shards.brokers[0].on_turn(shards.now);
    shards.feed(full, "PUB one 0\r\n\r\n");
    let before = shards.brokers[0].totals().subscriptions as usize;
    shards.feed(full, "SUB three new\r\nPING\r\n");
    assert_eq!(shards.sent_now(full), "");
    assert_eq!(shards.brokers[0].totals().subscriptions as usize, before, "the turn had no steps left");
    assert!(slices(&mut shards) > 3);
    assert_eq!(shards.output(full), "-ERR 'maximum subscriptions exceeded'\r\nPONG\r\n");
    assert_eq!(shards.brokers[0].totals().subscriptions as usize, MANY);
}

// It took out all of them when it left.
#[test]
fn a_connection_changes_shards_when_what_had_its_last_message_has_gone_in_slices() {
    const MANY: usize = 2000;
    let mut shards = Shards::new(2);
    let (near, far) = (shards.quiet(), shards.quiet());
    ends_with_the_next(&mut shards, near, "one", MANY);
    assert!(shards.ask_to_move(&[near], 1));
    shards.feed(far, "PUB one 0\r\n\r\n");
    shards.arrive(0, 1);
    shards.brokers[0].on_turn(shards.now);
    shards.arrive(1, 0);
    assert_eq!(shards.brokers[0].hands_over_to(), None);
    assert!(shards.brokers[0].totals().subscriptions as usize > MANY / 2);
    assert!(slices(&mut shards) > 3);
    assert_eq!(shards.brokers[0].hands_over_to(), Some(ShardId(1)));
    shards.settle();
    let moved = shards.find(near);
    assert_eq!((moved.shard, shards.output(moved).matches("MSG one").count()), (1, MANY));
    assert_eq!(shards.brokers[1].totals().subscriptions, 0);
}

/// Subscriptions with wildcards and very many tokens, so few that their number alone does not fill a turn.
const FEW: usize = 60;

fn deep_subscriber(shards: &mut Shards) -> Conn {
    let conn = shards.quiet();
    let tail = ["w"; 1900].join(".");
    for number in 0..FEW {
        shards.feed(conn, &format!("SUB {number}.{tail}.* {number}\r\n"));
        shards.settle();
    }
    assert_eq!(shards.brokers[0].totals().subscriptions, FEW as u64);
    conn
}

/// Turns until there is nothing left to go on with.
fn slices(shards: &mut Shards) -> usize {
    let mut count = 0;
    while shards.brokers[0].has_chores() {
        slice(shards, 0);
        count += 1;
    }
    count
}

// Sixty of them were taken out in one turn, whichever way.
#[test]
fn the_tokens_of_subscriptions_count_when_they_are_taken_out() {
    let mut shards = Shards::new(1);
    let ending = deep_subscriber(&mut shards);
    shards.brokers[0].on_turn(shards.now);
    shards.brokers[0].on_hangup(ending.id, CloseReason::ClientClosed);
    let (left, count) = (shards.brokers[0].totals().subscriptions, slices(&mut shards));
    assert!(left >= FEW as u64 - 2 && count > FEW / 4, "{left}, {count}");
    assert_eq!(shards.brokers[0].totals().subscriptions, 0);

    let again = deep_subscriber(&mut shards);
    shards.brokers[0].on_turn(shards.now);
    shards.feed(again, "CONNECT {}\r\n");
    let count = slices(&mut shards);
    assert!(count > FEW / 4, "{count}");
    assert_eq!(shards.brokers[0].totals().subscriptions, 0);
}

#[test]
fn the_tokens_of_subscriptions_count_when_other_shards_are_told() {
    let mut shards = Shards::new(2);
    let ending = deep_subscriber(&mut shards);
    let _there = shards.quiet();
    shards.settle();
    shards.brokers[0].on_turn(shards.now);
    shards.brokers[0].on_hangup(ending.id, CloseReason::ClientClosed);
    let count = slices(&mut shards);
    assert!(count > FEW / 4, "{count}");
    let turns = turns_to_take_in(&mut shards);
    assert!(turns > FEW / 8, "{turns}");
}

#[test]
fn pages_of_long_subscriptions_are_short_and_say_all() {
    let mut shards = Shards::new(1);
    deep_subscriber(&mut shards);
    let (mut next, mut rows, mut pages) = (Some(0), 0, 0);
    while let Some(from) = next {
        let page = shards.brokers[0].subscription_page(from, &SubscriptionFilter::default());
        (rows, pages, next) = (rows + page.rows.len(), pages + 1, page.next);
    }
    assert!(rows == FEW && pages > 2, "{rows} on {pages}");
}

#[test]
fn a_connection_with_long_subscriptions_stays_on_its_shard() {
    let mut shards = Shards::new(2);
    let conn = deep_subscriber(&mut shards);
    assert!(!shards.brokers[0].begin_move(&[conn.id], ShardId(1)));
}
