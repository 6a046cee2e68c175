//! What a turn does first.

mod script;

use std::ops::Range;

use broker::STRETCH_STEPS_MAX;
use conns::ConnId;

use self::script::{Did, MANY, SHARE_STEPS, Shard, received, received_in_passing};

/// More than is acted on at a stretch.
const IN_MANY_STRETCHES: usize = 2 * STRETCH_STEPS_MAX as usize;

/// A client that listens to a subject of its own.
fn talks_to_itself(shard: &mut Shard, subject: &str) -> ConnId {
    shard.client(&format!("SUB {subject} 1\r\n"))
}

/// Messages with these numbers to that subject.
fn publishes(subject: &str, numbers: Range<usize>) -> String {
    numbers.map(|number| format!("PUB {subject} 6\r\n{number:06}\r\n")).collect()
}

/// What the client is sent of them.
fn delivers(subject: &str, numbers: Range<usize>) -> String {
    numbers.map(|number| format!("MSG {subject} 1 6\r\n{number:06}\r\n")).collect()
}

fn sent(id: ConnId, text: &str) -> Did {
    Did::Sent(id, text.into())
}

#[test]
fn batches_go_before_output() {
    let mut shard = Shard::new();
    let client = shard.client("");
    shard.is_wanted_elsewhere("far");
    shard.says(client, "PUB far 1\r\nx\r\nPING\r\n");
    shard.turn();
    assert_eq!(shard.shell.did, [Did::Batch, sent(client, "PONG\r\n")]);
}

#[test]
fn output_waits_while_a_queue_is_full() {
    let mut shard = Shard::new();
    let client = shard.client("");
    shard.is_wanted_elsewhere("far");
    shard.shell.is_full = true;
    shard.says(client, "PUB far 1\r\nx\r\nPING\r\n");
    shard.turn();
    assert!(shard.shell.did.is_empty() && shard.core().awaits_room());
    shard.shell.is_full = false;
    shard.turn();
    assert_eq!(shard.shell.did, [Did::Batch, sent(client, "PONG\r\n")]);
    assert!(!shard.core().awaits_room());
}

#[test]
fn what_other_shards_sent_comes_before_what_was_received_with_it() {
    let mut shard = Shard::new();
    let client = shard.client("SUB s 1\r\n");
    shard.comes("s", MANY);
    shard.says(client, "PING\r\n");
    shard.turn();
    let first = shard.sent(client);
    assert!(!first.contains("PONG"), "it is too much for a turn");
    shard.settle();
    assert_eq!(first + &shard.sent(client), "MSG s 1 1\r\nx\r\n".repeat(MANY) + "PONG\r\n");
}

/// A read waits for its connection's turn where it was received, and what was received behind it waits behind it.
#[test]
fn a_later_read_does_not_overtake_one_that_waits_aside() {
    for later in [received, received_in_passing] {
        for between in [0, 1, 3] {
            let mut shard = Shard::new();
            let client = talks_to_itself(&mut shard, "a");
            let middle = IN_MANY_STRETCHES..IN_MANY_STRETCHES + between;
            let end = middle.end + 1;
            let mut events = vec![received(client, &publishes("a", 0..middle.start))];
            let short = |number| received(client, &publishes("a", number..number + 1));
            events.extend(middle.clone().map(short));
            events.push(later(client, &publishes("a", middle.end..end)));
            shard.shell.batches.push_back(events);
            shard.settle();
            assert_eq!(shard.sent(client), delivers("a", 0..end), "with {between} reads between the two");
        }
    }
}

/// So many reads may wait aside, and what comes beyond that is copied.
#[test]
fn where_no_more_reads_may_wait_aside_each_connection_is_still_acted_on_in_order() {
    let mut shard = Shard::new();
    let subjects = ["a", "b", "c", "d", "e"];
    let clients = subjects.map(|subject| (subject, talks_to_itself(&mut shard, subject)));
    for part in [0..IN_MANY_STRETCHES, IN_MANY_STRETCHES..2 * IN_MANY_STRETCHES] {
        let say = |(subject, client): (&str, ConnId)| received(client, &publishes(subject, part.clone()));
        shard.shell.batches.push_back(clients.map(say).into());
    }
    shard.settle();
    for (subject, client) in clients {
        assert_eq!(shard.sent(client), delivers(subject, 0..2 * IN_MANY_STRETCHES), "of {subject}");
    }
}

/// Those whose reads wait aside were served until nothing of theirs was left, before who had yet to come in the batch.
#[test]
fn who_has_yet_to_come_in_a_batch_waits_for_one_round_of_those_in_line() {
    let mut shard = Shard::new();
    let floods: Vec<ConnId> = (0..6).map(|_| shard.client("")).collect();
    let last = shard.client("");
    let shares = |count: usize| "PING\r\n".repeat(count * SHARE_STEPS as usize);
    let mut events: Vec<_> = floods.iter().map(|flood| received(*flood, &shares(5))).collect();
    events.push(received(last, &shares(1)));
    shard.shell.batches.push_back(events);
    shard.shell.served.clear();
    shard.settle();
    let before = shard.shell.served.split(|id| *id == last).next().expect("all is before it, or some");
    assert!(before.len() < shard.shell.served.len(), "it was served");
    for flood in floods {
        let stretches = before.iter().filter(|id| **id == flood).count();
        assert!(
            stretches <= 4,
            "{stretches} stretches of {flood:?}: more than the rest of a round and the next"
        );
    }
}

/// Its reads beyond those that fit aside were copied after one round, as if somebody had yet to come.
#[test]
fn who_is_alone_in_a_batch_is_served_before_its_reads_are_copied() {
    let mut shard = Shard::new();
    let flood = shard.client("");
    let stretches_of_a_read = 4;
    let text = "PING\r\n".repeat(2 * SHARE_STEPS as usize);
    let reads = 8;
    shard.shell.batches.push_back((0..reads).map(|_| received(flood, &text)).collect());
    shard.shell.served.clear();
    shard.shell.given_back.clear();
    shard.settle();
    let given_back = &shard.shell.given_back;
    assert_eq!(given_back.len(), reads);
    for (read, stretches) in given_back.iter().enumerate() {
        assert!(*stretches + 1 >= (read + 1) * stretches_of_a_read, "read {read} of {given_back:?}");
    }
}
