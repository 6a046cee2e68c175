//! Whose turn it is when several have a lot to say.

mod shards;

use broker::{Broker, SHARE_BYTES_MAX, SHARE_STEPS_MAX, STRETCH_STEPS_MAX};
use conns::{CloseReason, ConnId, Time};

use fabric::ShardId;
use nats_auth::{AccountConfig, Directory, IdentityConfig, Permissions, SubjectPermission, User};

use self::shards::{Conn, Shards};

/// More messages than one share lets through, whoever listens.
const MANY: usize = 2 * SHARE_STEPS_MAX as usize;

/// Of those with one listener: the op and the delivery are a step each.
const IN_A_STRETCH: usize = STRETCH_STEPS_MAX as usize / 2;
const IN_A_SHARE: usize = SHARE_STEPS_MAX as usize / 2;

fn publishes(subject: &str, count: usize) -> String {
    format!("PUB {subject} 1\r\nx\r\n").repeat(count)
}

/// A listener to `filter`, and what it does not care about put aside.
fn listener(shards: &mut Shards, filter: &str) -> Conn {
    let conn = shards.quiet();
    assert_eq!(shards.say(conn, &format!("SUB {filter} 1\r\nPING\r\n")), "PONG\r\n");
    conn
}

/// How many messages the connection was sent, of what was made so far: nobody in line is served for this.
fn messages(shards: &mut Shards, conn: Conn) -> usize {
    shards.sent_now(conn).matches("MSG ").count()
}

#[test]
fn a_stretch_ends_after_so_many_steps_and_the_rest_waits_in_line() {
    let mut shards = Shards::new(1);
    let (reader, flood) = (listener(&mut shards, "a"), shards.quiet());
    shards.feed(flood, &publishes("a", MANY));
    assert_eq!(messages(&mut shards, reader), IN_A_STRETCH);
    let broker = &shards.brokers[0];
    assert!(broker.is_in_line(flood.id) && !broker.wants_input(flood.id));
    assert_eq!(shards.output(reader).matches("MSG ").count(), MANY - IN_A_STRETCH);
    assert!(shards.brokers[0].wants_input(flood.id));
}

#[test]
fn a_share_ends_after_so_many_bytes() {
    let mut shards = Shards::new(1);
    let flood = shards.quiet();
    let op = format!("PUB nobody 10000\r\n{}\r\n", "x".repeat(10_000));
    shards.feed(flood, &op.repeat(200));
    let share = shards.brokers[0].share(flood.id);
    assert!((SHARE_BYTES_MAX..SHARE_BYTES_MAX + op.len()).contains(&share.bytes), "{share:?}");
}

#[test]
fn who_says_little_does_not_wait_for_who_stands_in_line() {
    let mut shards = Shards::new(1);
    let (flood, modest) = (shards.quiet(), shards.quiet());
    shards.feed(flood, &publishes("nobody", MANY));
    assert!(shards.brokers[0].is_in_line(flood.id));
    shards.feed(modest, "PING\r\n");
    assert_eq!(shards.sent_now(modest), "PONG\r\n");
}

#[test]
fn those_in_line_take_turns() {
    let mut shards = Shards::new(1);
    let readers = [listener(&mut shards, "a"), listener(&mut shards, "b")];
    let floods = [shards.quiet(), shards.quiet()];
    shards.feed(floods[0], &publishes("a", MANY));
    shards.feed(floods[1], &publishes("b", MANY));
    let served = |shards: &mut Shards| readers.map(|reader| messages(shards, reader));
    assert_eq!(served(&mut shards), [IN_A_STRETCH; 2]);
    let serve = |shards: &mut Shards| shards.brokers[0].serve_next(Time(1));
    assert!(shards.brokers[0].begin_round());
    // The first goes on, stretch after stretch, until its share is over.
    for _ in 0..IN_A_SHARE / IN_A_STRETCH {
        assert_eq!(serve(&mut shards), Some(floods[0].id));
    }
    assert_eq!(served(&mut shards), [IN_A_SHARE, 0]);
    for _ in 0..IN_A_SHARE / IN_A_STRETCH {
        assert_eq!(serve(&mut shards), Some(floods[1].id));
    }
    assert_eq!(serve(&mut shards), None, "each has one share a round");
    assert_eq!(served(&mut shards), [0, IN_A_SHARE]);
}

#[test]
fn a_message_goes_to_all_whatever_its_share() {
    let mut shards = Shards::new(1);
    let reader = shards.quiet();
    let count = 2 * SHARE_STEPS_MAX as usize;
    let subs: String = (0..count).map(|sid| format!("SUB a {sid}\r\n")).collect();
    shards.say(reader, &subs);
    let publisher = shards.quiet();
    shards.feed(publisher, &publishes("a", 2));
    assert_eq!(messages(&mut shards, reader), count, "the first is whole, the second waits");
    assert_eq!(shards.output(reader).matches("MSG ").count(), count);
}

#[test]
fn what_comes_while_one_stands_in_line_comes_behind() {
    let mut shards = Shards::new(1);
    let flood = shards.quiet();
    shards.feed(flood, &(publishes("nobody", MANY) + "PI"));
    shards.feed(flood, "NG\r\n");
    assert_eq!(shards.sent_now(flood), "");
    assert_eq!(shards.output(flood), "PONG\r\n");
}

#[test]
fn what_was_said_before_the_end_counts() {
    let hangs_up = |broker: &mut Broker, id| broker.on_hangup(id, CloseReason::ClientClosed);
    let breaks = |broker: &mut Broker, id| broker.on_unreadable(id, "mask bit missing");
    for ends in [&hangs_up as &dyn Fn(&mut Broker, ConnId), &breaks] {
        let mut shards = Shards::new(1);
        let (reader, flood) = (listener(&mut shards, "a"), shards.quiet());
        shards.feed(flood, &publishes("a", MANY));
        ends(&mut shards.brokers[0], flood.id);
        assert!(!shards.is_closed_now(flood));
        assert_eq!(shards.output(reader).matches("MSG ").count(), MANY);
        assert!(shards.is_closed(flood));
    }
}

#[test]
fn the_caller_may_give_another_share_when_nobody_waits() {
    let mut shards = Shards::new(1);
    let flood = shards.quiet();
    let text = publishes("nobody", MANY);
    let (mut done, mut shares) = (0, 0);
    while done < text.len() {
        done = shards.brokers[0].take_in(Time(1), flood.id, text.as_bytes(), done);
        shards.brokers[0].renew_share(flood.id);
        shares += 1;
    }
    assert!(shares > 2 && !shards.brokers[0].is_anyone_in_line());
    assert_eq!(shards.say(flood, "PING\r\n"), "PONG\r\n");
}

// Reads that the caller keeps.

/// A read of which a stretch is done with, and that the caller keeps.
fn kept_read(shards: &mut Shards, conn: Conn, text: &str) -> usize {
    let done = shards.brokers[0].take_in(Time(1), conn.id, text.as_bytes(), 0);
    assert!(done < text.len() && shards.brokers[0].line_up_with_read(conn.id));
    assert!(shards.brokers[0].is_in_line(conn.id) && !shards.brokers[0].wants_input(conn.id));
    done
}

#[test]
fn a_read_that_the_caller_keeps_is_acted_on_in_turns() {
    let mut shards = Shards::new(1);
    let (reader, flood) = (listener(&mut shards, "a"), shards.quiet());
    let text = publishes("a", MANY) + "PING\r\n";
    let mut done = kept_read(&mut shards, flood, &text);
    let broker = &mut shards.brokers[0];
    let mut stretches = 1;
    while broker.begin_round() {
        while let Some(id) = broker.next_in_line() {
            assert_eq!(id, flood.id);
            done = broker.serve_read(Time(1), id, text.as_bytes(), done, false);
            stretches += 1;
        }
    }
    assert_eq!((done, stretches), (text.len(), MANY.div_ceil(IN_A_STRETCH) + 1));
    assert_eq!(messages(&mut shards, reader), MANY);
    assert_eq!(shards.sent_now(flood), "PONG\r\n");
    assert!(shards.brokers[0].wants_input(flood.id));
}

#[test]
fn what_comes_behind_a_kept_read_comes_behind() {
    let mut shards = Shards::new(1);
    let flood = shards.quiet();
    let text = publishes("nobody", MANY) + "PI";
    let done = kept_read(&mut shards, flood, &text);
    shards.brokers[0].take_over_read(flood.id, text.as_bytes(), done);
    shards.feed(flood, "NG\r\n");
    assert_eq!(shards.output(flood), "PONG\r\n");
}

#[test]
fn a_kept_read_counts_after_the_end() {
    let mut shards = Shards::new(1);
    let (reader, flood) = (listener(&mut shards, "a"), shards.quiet());
    let text = publishes("a", IN_A_SHARE);
    let mut done = kept_read(&mut shards, flood, &text);
    shards.brokers[0].on_hangup(flood.id, CloseReason::ClientClosed);
    let broker = &mut shards.brokers[0];
    while broker.begin_round() {
        while let Some(id) = broker.next_in_line() {
            done = broker.serve_read(Time(1), id, text.as_bytes(), done, false);
        }
    }
    assert_eq!(messages(&mut shards, reader), IN_A_SHARE);
    assert!(shards.is_closed(flood));
}

#[test]
fn a_kept_read_of_one_that_was_closed_is_of_no_use() {
    let mut shards = Shards::new(1);
    let flood = shards.quiet();
    let text = publishes("nobody", MANY);
    let done = kept_read(&mut shards, flood, &text);
    shards.brokers[0].on_hangup(flood.id, CloseReason::WriteError);
    assert_eq!(shards.brokers[0].serve_read(Time(1), flood.id, text.as_bytes(), done, false), text.len());
    assert!(shards.is_closed(flood));
    assert!(!shards.brokers[0].line_up_with_read(flood.id));
}

#[test]
fn the_end_comes_behind_all_reads_that_the_caller_keeps() {
    let mut shards = Shards::new(1);
    let (reader, flood) = (listener(&mut shards, "a"), shards.quiet());
    let reads = [publishes("a", IN_A_SHARE), publishes("a", 3)];
    let mut done = kept_read(&mut shards, flood, &reads[0]);
    let broker = &mut shards.brokers[0];
    broker.on_hangup(flood.id, CloseReason::ClientClosed);
    while done < reads[0].len() {
        broker.begin_round();
        assert_eq!(broker.next_in_line(), Some(flood.id));
        done = broker.serve_read(Time(1), flood.id, reads[0].as_bytes(), done, true);
    }
    assert!(broker.is_in_line(flood.id));
    broker.begin_round();
    assert_eq!(broker.next_in_line(), Some(flood.id));
    assert_eq!(broker.serve_read(Time(1), flood.id, reads[1].as_bytes(), 0, false), reads[1].len());
    assert_eq!(messages(&mut shards, reader), IN_A_SHARE + 3);
    assert!(shards.is_closed(flood));
}

/// It was sent at once the first time only, and then waited for the end of the turn.
#[test]
fn who_was_flushed_before_the_others_can_be_again() {
    let mut shards = Shards::new(1);
    let (crowd, reader) = (listener(&mut shards, "a"), listener(&mut shards, "b"));
    let (flood, modest) = (shards.quiet(), shards.quiet());
    let broker = &mut shards.brokers[0];
    let (mut prompt, mut all) = (Vec::new(), Vec::new());
    broker.on_received(Time(1), flood.id, b"PUB a 1\r\nx\r\n");
    for _ in 0..2 {
        let before = broker.dirty_count();
        broker.on_received(Time(1), modest.id, b"PUB b 1\r\nx\r\n");
        broker.take_dirty_after(before, &mut prompt);
        assert_eq!(std::mem::take(&mut prompt), [reader.id]);
    }
    broker.take_dirty(&mut all);
    assert_eq!(all, [crowd.id]);
    broker.flush_later(&[crowd.id, reader.id]);
    assert_eq!(messages(&mut shards, reader), 2);
    assert_eq!(messages(&mut shards, crowd), 1);
}

/// Filters of which each subject of that many `w` matches a part of every one, and none whole.
fn costly_filters(tokens: u32) -> String {
    let filter = |number: u32| {
        let path = (0..tokens).map(|at| if number >> at & 1 == 1 { "*" } else { "w" });
        path.collect::<Vec<_>>().join(".")
    };
    (0..1 << tokens).map(|number| format!("SUB {}.zzz {number}\r\n", filter(number))).collect()
}

// A message that nobody gets counted as one step, however long it took to find out: 5,000 of them held a shard for a
// fifth of a second.
#[test]
fn what_it_takes_to_find_out_who_gets_a_message_counts() {
    let mut shards = Shards::new(1);
    let (subscriber, publisher) = (shards.quiet(), shards.quiet());
    shards.say(subscriber, &costly_filters(10));
    shards.work_off();
    let subject = ["w"; 10].join(".");
    let text: String = (0..200).map(|number| format!("PUB {subject}.{number} 0\r\n\r\n")).collect();
    shards.feed(publisher, &text);
    assert!(shards.brokers[0].is_in_line(publisher.id), "it had its share before the end");
}

#[test]
fn what_it_takes_to_find_out_what_may_be_published_counts() {
    let filters = costly_filters(10);
    let deny = filters.lines().filter_map(|line| line.split(' ').nth(1)).map(str::to_owned).collect();
    let permissions = Permissions {
        publish: Some(SubjectPermission { allow: Vec::new(), deny }),
        ..Permissions::default()
    };
    let identity = IdentityConfig::Password { user: "u".into(), password: "u".into() };
    let user = User { identity, permissions: Some(permissions), allowed_connection_types: None };
    let account = AccountConfig { name: "A".into(), users: vec![user], ..AccountConfig::default() };
    let directory =
        Directory::new(&nats_auth::Config { accounts: vec![account], ..Default::default() }).unwrap();
    let mut shards = Shards::with(1, |settings| settings.directory = directory);
    let publisher = shards.connect(r#""verbose":false,"user":"u","pass":"u""#);
    let subject = ["w"; 10].join(".");
    let text: String = (0..200).map(|number| format!("PUB {subject}.{number} 0\r\n\r\n")).collect();
    shards.feed(publisher, &text);
    assert!(shards.brokers[0].is_in_line(publisher.id), "it had its share before the end");
}

// The second and later ones counted as a step each, whatever it took: the answer for a long subject is not remembered.
#[test]
fn what_it_takes_to_find_out_counts_each_time_for_a_subject_that_is_repeated() {
    let mut shards = Shards::new(2);
    let (subscriber, far, near) = (shards.quiet(), shards.quiet(), shards.quiet());
    shards.feed(subscriber, &costly_filters(10));
    shards.feed(subscriber, "SUB w.> all\r\n");
    shards.settle();
    let long = format!("{}.{}", ["w"; 10].join("."), "x".repeat(600));
    let text = publishes(&long, 100);
    shards.brokers[0].on_turn(Time(1));
    shards.feed(near, &text);
    assert!(shards.brokers[0].is_in_line(near.id), "it had its share before the end");
    assert_eq!(shards.output(subscriber).matches("MSG").count(), 100);
    shards.feed(far, &text);
    shards.brokers[1].serve_all(shards.now);
    shards.brokers[0].on_turn(Time(1));
    let batch = shards.brokers[1].take_batch(ShardId(0)).unwrap();
    let left = shards.brokers[0].on_batch(shards.now, ShardId(1), batch);
    assert!(left.is_some(), "so many take several turns");
}

// Each compared all that the requester had subscribed to the reply: 2,000 with as many tokens held a shard for seconds.
#[test]
fn what_it_takes_to_find_out_whom_to_tell_that_nobody_took_a_request_counts() {
    let mut shards = Shards::new(1);
    let requester = shards.connect(r#""verbose":false,"headers":true,"no_responders":true"#);
    let reply = ["w"; 10].join(".");
    let text = costly_filters(10).replace(".zzz ", " ");
    shards.say(requester, &text);
    shards.say(requester, &format!("PUB nobody {reply} 0\r\n\r\n"));
    shards.brokers[0].on_turn(Time(1));
    shards.feed(requester, &format!("PUB nobody {reply} 0\r\n\r\n").repeat(20));
    assert!(shards.brokers[0].is_in_line(requester.id), "it had its share before the end");
    assert_eq!(shards.output(requester).matches("503").count(), 20);
}

/// SUBs with wildcards and very many tokens, none of them below the same first one.
fn deep_subs(count: usize) -> String {
    let tail = ["w"; 1900].join(".");
    (0..count).map(|number| format!("SUB {number}.{tail}.* {number}\r\n")).collect()
}

// 256 of them, a share, held a shard for 50 ms and more.
#[test]
fn what_it_takes_to_put_the_tokens_of_a_subscription_in_order_counts() {
    let mut shards = Shards::new(1);
    let subscriber = shards.quiet();
    shards.feed(subscriber, &deep_subs(20));
    assert_eq!(shards.brokers[0].totals().subscriptions, 1, "one is more than a stretch");
    assert!(shards.brokers[0].is_in_line(subscriber.id));
    assert_eq!(shards.say(subscriber, "PING\r\n"), "PONG\r\n");
    assert_eq!(shards.brokers[0].totals().subscriptions, 20);
    let unsubs: String = (0..20).map(|number| format!("UNSUB {number}\r\n")).collect();
    shards.brokers[0].on_turn(Time(1));
    shards.feed(subscriber, &unsubs);
    assert_eq!(shards.brokers[0].totals().subscriptions, 19);
}

#[test]
fn a_subject_with_very_many_tokens_counts_as_more_than_a_step() {
    let subject = ["w"; 1900].join(".");
    for text in [format!("SUB {subject} 1\r\n"), format!("PUB {subject} 0\r\n\r\n")] {
        let mut shards = Shards::new(1);
        let conn = listener(&mut shards, "x.*");
        shards.brokers[0].on_turn(Time(1));
        shards.feed(conn, &text.repeat(10));
        assert!(shards.brokers[0].is_in_line(conn.id), "ten of them are a stretch");
    }
}
