//! Messages that a stream publishes later, by schedules in it.

mod rig;

use jetstream::Config;
use rig::{Conn, Rig, config};
use sim_disk::SimDisk;

const HOUR: i64 = 3_600_000_000_000;

const STREAM: &str = r#"{"name":"S","subjects":["s.>"],"allow_msg_schedules":true,"allow_msg_ttl":true}"#;

fn plan(rig: &mut Rig, client: Conn, subject: &str, pattern: &str, more: &str, payload: &str) {
    let header = format!("NATS/1.0\r\nNats-Schedule: {pattern}\r\nNats-Schedule-Target: s.out\r\n{more}\r\n");
    let len = header.len() + payload.len();
    let said =
        rig.say(client, &format!("HPUB {subject} r.a {} {len}\r\n{header}{payload}\r\n", header.len()));
    assert!(said.contains(r#""seq":"#), "{said}");
}

/// How many messages of that subject there are.
fn count(rig: &mut Rig, client: Conn, subject: &str) -> usize {
    let info = rig.ask(client, "STREAM.INFO.S", &format!(r#"{{"subjects_filter":"{subject}"}}"#));
    let count = info.split_once(&format!(r#""subjects":{{"{subject}":"#)).map(|(_, rest)| rest);
    count.map_or(0, |rest| rest.split('}').next().unwrap().parse().unwrap())
}

/// What the last message of `s.out` says, as Base64 has it.
fn last_said(rig: &mut Rig, client: Conn) -> String {
    let got = rig.ask(client, "STREAM.MSG.GET.S", r#"{"last_by_subj":"s.out"}"#);
    let (_, rest) = got.split_once(r#""data":""#).unwrap_or_else(|| panic!("{got}"));
    rest.split('"').next().unwrap().to_owned()
}

const ONE: &str = "b25l";
const TWO: &str = "dHdv";

#[test]
fn what_is_for_later_comes_then_in_memory_and_in_files() {
    let memory = Rig::with(1, Config { max_memory: 1 << 30, ..config() });
    for (mut rig, storage) in [(memory, "memory"), (Rig::on_disk(1, SimDisk::new(7)), "file")] {
        let client = rig.client("a");
        let stream = STREAM.replace("{", &format!(r#"{{"storage":"{storage}","#));
        rig.ask(client, "STREAM.CREATE.S", &stream);
        rig.ask(
            client,
            "CONSUMER.CREATE.S.C",
            r#"{"stream_name":"S","config":{"name":"C","deliver_subject":"r.c","filter_subject":"s.out"}}"#,
        );
        plan(&mut rig, client, "s.plan", "@every 10s", "", "one");
        rig.wait(9_000);
        assert_eq!((count(&mut rig, client, "s.out"), rig.shards.output(client)), (0, String::new()));
        rig.wait(1_500);
        let said = rig.shards.output(client);
        assert!(said.contains("s.out") && said.contains("Nats-Scheduler: s.plan"), "{storage} {said}");
        rig.wait(25_000);
        // Of two that were due in one moment one is kept.
        assert_eq!(count(&mut rig, client, "s.out"), 2, "{storage}");
    }
}

#[test]
fn schedules_are_found_again_and_what_was_missed_is_kept_once() {
    for cut in [SimDisk::cut_power as fn(&mut SimDisk), SimDisk::kill] {
        let (mut rig, client) = Rig::on_short_segments(STREAM);
        plan(&mut rig, client, "s.often", "@every 10s", "", "one");
        plan(&mut rig, client, "s.once", "@at 2027-01-15T10:00:00Z", "", "two");
        rig.wait(11_000);
        assert_eq!(count(&mut rig, client, "s.out"), 1);
        rig.seal(client);
        // It is 2027-01-15T08:00:00Z when tests begin.
        let mut rig = rig.restart(cut);
        rig.wall_offset = 11_000_000_000;
        let client = rig.client("a");
        assert_eq!(count(&mut rig, client, "s.out"), 1, "the time of the next one has not come");
        rig.wait(10_000);
        assert_eq!(count(&mut rig, client, "s.out"), 2);
        rig.wall_offset = 3 * HOUR;
        rig.wait(1_000);
        assert_eq!(count(&mut rig, client, "s.out"), 4, "each is kept once");
        assert_eq!((count(&mut rig, client, "s.once"), count(&mut rig, client, "s.often")), (0, 1));
    }
}

/// Its own message and the one of another subject both lie on the disk.
#[test]
fn what_is_published_is_read_from_the_disk() {
    let (mut rig, client) = Rig::on_short_segments(STREAM);
    rig.publish(client, "s.value", "two");
    plan(&mut rig, client, "s.plan", "@every 10s", "Nats-Schedule-Source: s.value\r\n", "one");
    rig.seal(client);
    let mut rig = rig.restart(SimDisk::cut_power);
    let client = rig.client("a");
    rig.is_disk_slow = true;
    rig.wait(11_000);
    assert_eq!(count(&mut rig, client, "s.out"), 0, "it is being read");
    for _ in 0..6 {
        // One message is read, then the other one; then it is written.
        rig.run_disk();
        rig.settle();
    }
    rig.is_disk_slow = false;
    assert_eq!((count(&mut rig, client, "s.out"), last_said(&mut rig, client)), (1, TWO.to_owned()));
}

#[test]
fn a_clock_that_jumps_is_no_trouble_to_schedules() {
    let (mut rig, client) = Rig::on_short_segments(STREAM);
    plan(&mut rig, client, "s.plan", "@every 1h", "", "one");
    for (offset, expected) in [(HOUR / 2, 0), (-HOUR, 0), (HOUR, 1), (0, 1), (HOUR, 1), (2 * HOUR, 2)] {
        rig.wall_offset = offset;
        rig.wait(1_000);
        assert_eq!(count(&mut rig, client, "s.out"), expected, "{offset}");
    }
    rig.wall_offset = 10 * HOUR;
    rig.wait(1_000);
    assert_eq!((count(&mut rig, client, "s.out"), last_said(&mut rig, client)), (3, ONE.to_owned()));
}

/// Very many that are due at once are kept over turns, and nobody waits long for them.
#[test]
fn very_many_schedules_at_once_are_kept_over_turns() {
    let memory = Config { max_memory: 1 << 30, ..config() };
    let mut rig = Rig::with(1, memory);
    let client = rig.client("a");
    rig.ask(client, "STREAM.CREATE.S", &STREAM.replace("{", r#"{"storage":"memory","#));
    for number in 0..5_000 {
        plan(&mut rig, client, &format!("s.plan.{number}"), "@at 2027-01-15T09:00:00Z", "", "one");
    }
    (rig.longest, rig.turns) = (0, 0);
    rig.wall_offset = 2 * HOUR;
    rig.wait(1_000);
    assert_eq!(count(&mut rig, client, "s.out"), 5_000);
    assert!(
        rig.turns > 10 && rig.longest < 2 * jetstream::JetStream::TURN_STEPS,
        "{} {}",
        rig.turns,
        rig.longest
    );
}
