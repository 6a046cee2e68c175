//! So many subscriptions that lookups are done ahead: it must show in nothing.

mod shards;

use std::fmt::Write;

use shards::Shards;

/// More than stay in a processor's caches, where looking ahead begins.
const COUNT: usize = 20_000;

/// Each number below `COUNT` once, far from the one before.
fn scattered() -> impl Iterator<Item = usize> {
    (0..COUNT).map(|step| step * 7919 % COUNT)
}

fn subs() -> String {
    (0..COUNT).fold(String::new(), |mut text, sid| {
        writeln!(text, "SUB device.{sid} {sid}\r").expect("a string takes it");
        text
    })
}

/// What the subscriber gets through the subscriptions that stay.
fn expected(stays: impl Fn(usize) -> bool) -> String {
    scattered().filter(|sid| stays(*sid)).fold(String::new(), |mut text, sid| {
        write!(text, "MSG device.{sid} {sid} 1\r\nx\r\n").expect("a string takes it");
        text
    })
}

#[test]
fn every_message_reaches_its_subscription_on_this_shard_and_on_another() {
    for count in [1, 2] {
        let mut shards = Shards::new(count);
        let subscriber = shards.quiet();
        let publisher = shards.quiet();
        assert_eq!(publisher.shard, count - 1);
        for piece in subs().split_inclusive('\n').collect::<Vec<_>>().chunks(500) {
            shards.feed(subscriber, &piece.concat());
            shards.settle();
        }
        // Between any two that are wanted, one that nobody wants.
        let publishes = scattered().fold(String::new(), |mut text, sid| {
            write!(text, "PUB device.{sid} 1\r\nx\r\nPUB nobody.{sid} 1\r\ny\r\n")
                .expect("a string takes it");
            text
        });
        shards.feed(publisher, &publishes);
        shards.settle();
        assert_eq!(shards.output(subscriber), expected(|_| true));
        assert_eq!(shards.say(publisher, "PING\r\n"), "PONG\r\n");
    }
}

#[test]
fn what_changes_between_looking_ahead_and_the_lookup_counts() {
    let mut shards = Shards::new(1);
    let client = shards.quiet();
    shards.feed(client, &subs());
    // Every tenth subscription goes just before the message to it.
    let is_dropped = |sid: usize| sid.is_multiple_of(10);
    let ops = scattered().fold(String::new(), |mut text, sid| {
        let unsub = if is_dropped(sid) { format!("UNSUB {sid}\r\n") } else { String::new() };
        write!(text, "{unsub}PUB device.{sid} 1\r\nx\r\n").expect("a string takes it");
        text
    });
    shards.feed(client, &ops);
    assert_eq!(shards.output(client), expected(|sid| !is_dropped(sid)));
}
