//! Groups whose messages are parted by key: single rules, and members that come and go at every moment.

mod rig;

use std::collections::{BTreeMap, BTreeSet};

use rig::{MS, Rig};

/// A group `G` of that many lanes, whose key is the second token of a subject.
fn group(lanes: usize, more: &str) -> String {
    let metadata = format!(r#""buster.group":"G","buster.key":"2","buster.lanes":"{lanes}"{more}"#);
    format!(
        r#"{{"durable_name":"G","name":"G","ack_policy":"explicit","ack_wait":1000000000,"max_ack_pending":40,"metadata":{{{metadata}}}}}"#
    )
}

fn lanes(rig: &Rig) -> BTreeMap<String, usize> {
    let info = rig.consumer.look(&rig.at, false);
    let mut counts = BTreeMap::new();
    info.priority_groups.into_iter().for_each(|lane| *counts.entry(lane.pinned_client_id).or_default() += 1);
    counts
}

fn join(rig: &mut Rig, member: &str) {
    rig.with_consumer(|consumer, at, out| consumer.join(at, member, 0, out));
}

fn leave(rig: &mut Rig, member: &str) {
    rig.with_consumer(|consumer, at, out| consumer.leave(at, member, out));
}

#[test]
fn lanes_are_parted_evenly_and_few_of_them_move() {
    let mut rig = Rig::with(0, &group(8, ""));
    join(&mut rig, "a");
    assert_eq!(lanes(&rig), [("a".into(), 8)].into());
    rig.take();
    join(&mut rig, "b");
    assert_eq!(lanes(&rig), [("a".into(), 4), ("b".into(), 4)].into());
    let moved = rig.take().iter().filter(|line| line.contains("UNPINNED")).count();
    assert_eq!(moved, 4);
    join(&mut rig, "c");
    let moved = rig.take().iter().filter(|line| line.contains("UNPINNED")).count();
    assert_eq!((lanes(&rig), moved), ([("a".into(), 3), ("b".into(), 3), ("c".into(), 2)].into(), 2));
    leave(&mut rig, "a");
    assert_eq!(lanes(&rig), [("b".into(), 4), ("c".into(), 4)].into());
    rig.with_consumer(|consumer, at, out| assert!(consumer.hand_over(at, "b", out)));
    assert_eq!(lanes(&rig), [("c".into(), 8)].into());
    join(&mut rig, "d");
    assert_eq!(lanes(&rig), [("b".into(), 3), ("c".into(), 3), ("d".into(), 2)].into());
    ["b", "c", "d"].into_iter().for_each(|member| leave(&mut rig, member));
    assert!(lanes(&rig).is_empty() && rig.consumer.members() == 0);
}

#[test]
fn messages_of_a_key_come_one_at_a_time_and_others_pass_by() {
    let mut rig = Rig::with(0, &group(4, ""));
    for subject in ["s.a", "s.a", "s.b", "s.a", "s.c"] {
        rig.publish(subject, 2);
    }
    rig.member_request("m", "_INBOX.m", "9");
    assert_eq!(rig.takers(), ["_INBOX.m 1", "_INBOX.m 3", "_INBOX.m 5"]);
    rig.ack(3, "", "");
    assert!(rig.takers().is_empty(), "it was another key");
    rig.ack(1, "-NAK", "");
    assert_eq!(rig.takers(), ["_INBOX.m 1"], "it comes again before those behind it");
    rig.ack(1, "", "");
    assert_eq!(rig.takers(), ["_INBOX.m 2"]);
    rig.ack(2, "+TERM", "");
    assert_eq!(rig.takers(), ["_INBOX.m 4"]);
    rig.ack(4, "", "");
    rig.ack(5, "", "");
    let floor = rig.consumer.ack_floor().stream;
    assert_eq!((rig.consumer.unacked(), floor), (0, 5));
}

#[test]
fn an_order_may_be_of_lanes_or_none() {
    for (order, takers) in
        [("lane", vec!["_INBOX.m 1"]), ("none", vec!["_INBOX.m 1", "_INBOX.m 2", "_INBOX.m 3"])]
    {
        let mut rig = Rig::with(0, &group(1, &format!(r#","buster.order":"{order}""#)));
        for subject in ["s.a", "s.a", "s.b"] {
            rig.publish(subject, 2);
        }
        rig.member_request("m", "_INBOX.m", "9");
        assert_eq!(rig.takers(), takers, "{order}");
    }
}

#[test]
fn a_lane_that_moves_drains_and_the_others_do_not_notice() {
    let mut rig = Rig::with(0, &group(16, ""));
    let subjects: Vec<String> = (0..40).map(|key| format!("s.{key}")).collect();
    for _ in 0..2 {
        // More than wait at once: what is not taken is parked or behind the cursor.
        for subject in subjects.iter().take(20) {
            rig.publish(subject, 2);
        }
    }
    rig.member_request("a", "_INBOX.a", "20");
    assert_eq!(rig.takers().len(), 20);
    rig.member_request("b", "_INBOX.b", "20");
    assert!(rig.takers().is_empty(), "all that there is is with a, or behind it");
    rig.member_request("a", "_INBOX.a", "40");
    (1..=20).for_each(|seq| rig.ack(seq, "", ""));
    let takers = rig.takers();
    let of = |member: &str| takers.iter().filter(|taker| taker.starts_with(member)).count();
    assert_eq!(takers.len(), 20, "{takers:?}");
    assert!(of("_INBOX.a") > 0 && of("_INBOX.b") > 0, "{takers:?}");
}

#[test]
fn who_is_silent_is_no_member_and_who_waits_is() {
    let mut rig = Rig::with(0, &group(4, ""));
    rig.member_request("a", "_INBOX.a", r#"{"batch":1,"expires":60000000000}"#);
    rig.member_request("b", "_INBOX.b", r#"{"batch":1,"expires":500000000}"#);
    rig.take();
    rig.wait(2_100);
    let lines = rig.take();
    assert!(lines.contains(&"SILENT b".to_owned()), "{lines:?}");
    assert_eq!(lanes(&rig), [("a".into(), 4)].into());
    rig.member_request("b", "_INBOX.b", "1");
    assert_eq!(lanes(&rig), [("a".into(), 2), ("b".into(), 2)].into(), "it is one again");
}

#[test]
fn what_is_parked_is_found_again() {
    let mut rig = Rig::with(0, &group(2, ""));
    for number in 0..30 {
        rig.publish(&format!("s.{}", number % 3), 2);
    }
    rig.member_request("a", "_INBOX.a", "30");
    let before = rig.takers();
    assert_eq!(before.len(), 3);
    assert_eq!(rig.consumer.unacked(), 30, "all of it was looked at");
    rig.check_loads();
    rig.restart();
    rig.member_request("a", "_INBOX.a", "30");
    assert!(rig.takers().is_empty(), "what was delivered before may be with somebody");
    rig.wait(1_100);
    let mut again = rig.takers();
    again.sort();
    let mut before = before;
    before.sort();
    assert_eq!(again, before);
}

#[test]
fn a_group_is_asked_by_members_alone() {
    let mut rig = Rig::with(1, &group(2, ""));
    rig.take();
    rig.request("_INBOX.1", "1");
    let lines = rig.take();
    assert!(lines[0].starts_with("_INBOX.1 - NATS/1.0 400 Bad Request - Consumer is a group"), "{lines:?}");
}

#[test]
fn one_that_asks_for_what_is_not_for_it_is_told() {
    let mut rig = Rig::with(0, &group(2, ""));
    rig.member_request("a", "_INBOX.a", r#"{"batch":1,"no_wait":true}"#);
    let lines = rig.take();
    assert!(lines.iter().any(|line| line.contains("404")), "{lines:?}");
}

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }
}

/// What ought to be.
#[derive(Default)]
struct Oracle {
    /// Messages that are not done with, by key.
    open: BTreeMap<String, BTreeSet<u64>>,
    key_of: BTreeMap<u64, String>,
    /// Who has which, and until when on the wall.
    out: BTreeMap<u64, (String, i64)>,
}

/// Time is looked at in steps.
const STEP: i64 = 5;
const WAIT: i64 = (1_000 - 2 * STEP) * MS;

impl Oracle {
    fn published(&mut self, seq: u64, key: &str) {
        self.open.entry(key.into()).or_default().insert(seq);
        self.key_of.insert(seq, key.into());
    }

    fn done(&mut self, seq: u64) {
        self.out.remove(&seq);
        let open = self.key_of.get(&seq).and_then(|key| self.open.get_mut(key));
        if let Some(open) = open {
            open.remove(&seq);
        }
    }

    fn delivered(&mut self, seed: u64, seq: u64, to: &str, wall: i64) {
        let key = &self.key_of[&seq];
        let first = self.open[key].first().copied();
        assert_eq!(first, Some(seq), "seed {seed}: {seq} of key {key} overtakes another");
        for (other, (member, until)) in &self.out {
            let is_same = self.key_of[other] == *key;
            assert!(
                !is_same || *until <= wall,
                "seed {seed}: {seq} of key {key} goes to {to}, and {other} is with {member}"
            );
        }
        self.out.insert(seq, (to.into(), wall + WAIT));
    }
}

fn look(rig: &mut Rig, oracle: &mut Oracle, seed: u64) {
    let wall = rig.at.wall;
    for (to, seq, _) in std::mem::take(&mut rig.taken) {
        oracle.delivered(seed, seq, &to, wall);
    }
    rig.lines.clear();
}

fn random_life(seed: u64) {
    let mut dice = Dice(seed);
    let (lanes, deliver) = ([1, 3, 8, 64][dice.roll(4)], [-1, 3][dice.roll(2)]);
    let text = group(lanes, "").replace("\"ack_wait\"", &format!("\"max_deliver\":{deliver},\"ack_wait\""));
    let mut rig = Rig::with(0, &text);
    let mut oracle = Oracle::default();
    let members = ["a", "b", "c", "d", "e"];
    for _ in 0..400 {
        let member = members[dice.roll(members.len())];
        let inbox = format!("_INBOX.{member}");
        let held: Vec<u64> = oracle.out.keys().copied().collect();
        let one = (!held.is_empty()).then(|| held[dice.roll(held.len().max(1))]);
        match (dice.roll(20), one) {
            (0..=4, _) => {
                let key = dice.roll(7).to_string();
                // It is known before anybody gets it.
                let seq = rig.index.last_seq() + 1;
                oracle.published(seq, &key);
                rig.publish(&format!("s.{key}"), 2);
            }
            (5..=8, _) => rig.member_request(member, &inbox, &(1 + dice.roll(4)).to_string()),
            (9..=12, Some(seq)) => {
                oracle.done(seq);
                rig.ack(seq, "", "");
            }
            (13, Some(seq)) => {
                oracle.out.remove(&seq);
                rig.ack(seq, "-NAK", "");
            }
            (14, Some(seq)) => {
                oracle.out.remove(&seq);
                rig.ack(seq, "-NAK {\"delay\":300000000}", "");
            }
            (15, Some(seq)) => {
                oracle.done(seq);
                rig.ack(seq, "+TERM", "");
            }
            (16, Some(seq)) => {
                oracle.done(seq);
                rig.delete(seq);
            }
            (17, _) => match dice.roll(3) {
                0 => leave(&mut rig, member),
                1 => join(&mut rig, member),
                _ => rig.with_consumer(|consumer, at, out| {
                    consumer.hand_over(at, member, out);
                }),
            },
            (18, _) if dice.roll(8) == 0 => rig.restart(),
            // In steps, so that it is known when something came.
            _ => {
                for _ in 0..dice.roll(140) {
                    rig.wait(STEP);
                    give_up(&rig, &mut oracle);
                    look(&mut rig, &mut oracle, seed);
                }
            }
        }
        give_up(&rig, &mut oracle);
        look(&mut rig, &mut oracle, seed);
    }
    // Everything is done in the end.
    for _ in 0..200 {
        if oracle.open.values().all(BTreeSet::is_empty) {
            break;
        }
        members.iter().for_each(|member| {
            rig.member_request(member, &format!("_INBOX.{member}"), "9");
        });
        for _ in 0..20 {
            rig.wait(STEP);
            give_up(&rig, &mut oracle);
            look(&mut rig, &mut oracle, seed);
        }
        let held: Vec<u64> = oracle.out.keys().copied().collect();
        for seq in held {
            oracle.done(seq);
            rig.ack(seq, "", "");
            look(&mut rig, &mut oracle, seed);
        }
    }
    let open: Vec<&u64> = oracle.open.values().flatten().collect();
    assert!(open.is_empty(), "seed {seed}: {open:?} never came");
    assert_eq!(rig.consumer.unacked(), 0, "seed {seed}");
}

/// What was delivered as often as may be is not delivered again.
fn give_up(rig: &Rig, oracle: &mut Oracle) {
    let standing = rig.consumer.standing(&rig.at);
    standing.exceeded.iter().for_each(|seq| oracle.done(*seq));
}

#[test]
fn no_message_of_a_key_overtakes_another_whoever_comes_and_goes() {
    let seeds = std::env::var("GROUP_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(40);
    (1..=seeds).for_each(random_life);
}
