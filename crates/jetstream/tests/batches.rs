//! Batches that are stored whole or not at all.

mod rig;

use std::time::Duration;

use jetstream::{BatchLimits, Config, Files, ServerLimits, ServiceOptions};
use js_proto::Nanos;
use rig::{Conn, Rig, config};
use sim_disk::SimDisk;

const STREAM: &str = r#"{"name":"S","subjects":["s.>"],"allow_atomic":true}"#;

fn new() -> (Rig, Conn) {
    let mut rig = Rig::on_disk(1, SimDisk::new(7));
    let client = rig.client("a");
    rig.ask(client, "STREAM.CREATE.S", STREAM);
    (rig, client)
}

/// In memory, with an account that the system is told of.
fn in_memory(limits: BatchLimits) -> (Rig, Conn) {
    let limits = ServerLimits { batch: limits, ..ServerLimits::default() };
    let mut rig = Rig::with(
        1,
        Config {
            options: ServiceOptions { limits, ..ServiceOptions::default() },
            files: Files::Forged,
            ..config()
        },
    );
    let client = rig.client("a");
    rig.ask(client, "STREAM.CREATE.S", STREAM);
    (rig, client)
}

fn message(id: &str, seq: u64, more: &str, payload: &str) -> String {
    let header = format!("NATS/1.0\r\nNats-Batch-Id: {id}\r\nNats-Batch-Sequence: {seq}\r\n{more}\r\n");
    format!("HPUB s.{seq} r.a {} {}\r\n{header}{payload}\r\n", header.len(), header.len() + payload.len())
}

const COMMIT: &str = "Nats-Batch-Commit: 1\r\n";
const END: &str = "Nats-Batch-Commit: eob\r\n";

#[test]
fn a_batch_is_told_of_once_it_is_on_the_disk() {
    let (mut rig, client) = new();
    rig.is_disk_slow = true;
    for seq in 1..3 {
        let said = rig.say(client, &message("B", seq, "", "x"));
        assert_eq!(said, "MSG r.a 1 0\r\n\r\n", "nothing is promised by it");
    }
    assert_eq!(rig.say(client, &message("B", 3, COMMIT, "x")), "");
    assert_eq!(rig.ask(client, "STREAM.INFO.S", ""), "", "nobody sees what is not safe");
    rig.run_disk();
    rig.settle();
    let said = rig.shards.output(client);
    assert!(said.contains(r#"{"stream":"S","seq":3,"batch":"B","count":3}"#), "{said}");
    assert!(said.contains(r#""messages":3"#), "{said}");
}

/// Whatever of the last write reached the disk.
#[test]
fn a_cut_of_the_power_leaves_a_batch_or_none_of_it() {
    let mut left = [0; 2];
    for seed in 0..60 {
        let mut rig = Rig::on_disk(1, SimDisk::new(seed));
        let client = rig.client("a");
        rig.ask(client, "STREAM.CREATE.S", STREAM);
        rig.say(client, &message("A", 1, COMMIT, "x"));
        rig.is_disk_slow = true;
        let payload = "x".repeat(700);
        for seq in 1..20 {
            rig.say(client, &message("B", seq, "", &payload));
        }
        assert_eq!(rig.say(client, &message("B", 20, COMMIT, &payload)), "");
        let mut rig = rig.restart(SimDisk::cut_power);
        let client = rig.client("a");
        let info = rig.ask(client, "STREAM.INFO.S", "");
        let whole = info.contains(r#""messages":21"#);
        assert!(whole || info.contains(r#""messages":1,"#), "{seed}: {info}");
        left[usize::from(whole)] += 1;
        let next = if whole { 22 } else { 2 };
        let said = rig.publish(client, "s.x", "x");
        assert!(said.contains(&format!(r#""seq":{next}"#)), "{said}");
    }
    assert!(left[0] > 5, "{left:?}");
}

/// Recorded: `persist-*`. Nothing of an open batch is kept.
#[test]
fn open_batches_end_with_the_server() {
    let (mut rig, client) = new();
    rig.say(client, &message("B", 1, "", "x"));
    let mut rig = rig.restart(SimDisk::kill);
    let client = rig.client("a");
    let said = rig.say(client, &message("B", 2, COMMIT, "x"));
    assert!(said.contains(r#""err_code":10176"#), "{said}");
}

#[test]
fn batches_that_are_given_up_are_told_of() {
    let timeout = Nanos::from_secs(2);
    let (mut rig, client) = in_memory(BatchLimits { max_msgs: 2, timeout, ..BatchLimits::default() });
    let system = rig.client("s");
    for conn in [client, system] {
        rig.shards.feed(conn, "SUB $JS.EVENT.ADVISORY.STREAM.BATCH_ABANDONED.> 9\r\n");
    }
    let told = |rig: &mut Rig, id: &str, reason: &str| {
        let [own, of_system] = [client, system].map(|conn| rig.shards.output(conn));
        let what = format!(r#""stream":"S","batch":"{id}","reason":"{reason}""#);
        assert!(own.contains(&what) && !own.contains(r#""account""#), "{own}");
        assert!(of_system.contains(&format!(r#""account":"A",{what}"#)), "{of_system}");
    };
    rig.settle();
    let say = |rig: &mut Rig, text: String| {
        rig.shards.feed(client, &text);
        rig.settle();
    };
    say(&mut rig, message("gap", 1, "", "x"));
    say(&mut rig, message("gap", 3, "", "x"));
    told(&mut rig, "gap", "incomplete");
    say(&mut rig, message("long", 1, "", "x") + &message("long", 2, "", "x") + &message("long", 3, "", "x"));
    told(&mut rig, "long", "large");
    say(&mut rig, message("new", 1, "Nats-Required-Api-Level: 99\r\n", "x"));
    told(&mut rig, "new", "unsupported");
    say(&mut rig, message("slow", 1, "", "x"));
    rig.wait(1_500);
    say(&mut rig, message("slow", 2, "", "x"));
    rig.wait(1_500);
    assert!(!rig.shards.output(client).contains("slow"), "it lives on with each message");
    rig.wait(600);
    told(&mut rig, "slow", "timeout");
    let said = rig.say(client, &message("slow", 3, END, ""));
    assert!(said.contains(r#""err_code":10176"#), "{said}");
}

#[test]
fn how_many_may_be_open_is_bounded_for_the_server() {
    let (mut rig, client) = in_memory(BatchLimits { max_inflight_total: 2, ..BatchLimits::default() });
    rig.ask(client, "STREAM.CREATE.T", r#"{"name":"T","subjects":["t"],"allow_atomic":true}"#);
    rig.say(client, &message("A", 1, "", "x"));
    rig.say(client, &message("B", 1, "", "x"));
    let to_other = message("C", 1, "", "x").replace("HPUB s.1", "HPUB t");
    let said = rig.say(client, &to_other);
    assert!(said.contains(r#""err_code":10210"#), "{said}");
    rig.say(client, &message("A", 2, COMMIT, "x"));
    assert_eq!(rig.say(client, &to_other), "MSG r.a 1 0\r\n\r\n");
    rig.ask(client, "STREAM.DELETE.T", "");
    assert_eq!(
        rig.say(client, &message("D", 1, "", "x")),
        "MSG r.a 1 0\r\n\r\n",
        "what is gone holds nothing"
    );
}

/// Neither in its bytes nor in its steps a batch is without end.
#[test]
fn what_a_batch_holds_is_bounded() {
    let limits = BatchLimits { max_msgs: 1_000, ..BatchLimits::default() };
    let (mut rig, client) = in_memory(limits);
    let payload = "x".repeat(900 << 10);
    let mut last = String::new();
    let mut seq = 0;
    while seq < 100 && !last.contains("error") {
        seq += 1;
        last = rig.say(client, &message("B", seq, "", &payload));
    }
    assert!(last.contains(r#""err_code":10023"#) && (70..76).contains(&seq), "{seq}: {last}");
    let said = rig.say(client, &message("B", seq + 1, COMMIT, "x"));
    assert!(said.contains(r#""err_code":10176"#), "{said}");
}

#[test]
fn an_update_that_allows_no_batches_ends_them() {
    let (mut rig, client) = new();
    rig.say(client, &message("B", 1, "", "x"));
    rig.ask(client, "STREAM.UPDATE.S", r#"{"name":"S","subjects":["s.>"]}"#);
    rig.ask(client, "STREAM.UPDATE.S", STREAM);
    let said = rig.say(client, &message("B", 2, COMMIT, "x"));
    assert!(said.contains(r#""err_code":10176"#), "{said}");
}

#[test]
fn what_a_batch_expects_of_filters_is_looked_for_once() {
    let (mut rig, client) = new();
    for number in 0..300 {
        rig.publish(client, &format!("s.a.{number}"), "x");
        rig.publish(client, &format!("s.b.{number}"), "x");
    }
    let expects = |filter: &str, seq: u64| {
        format!(
            "Nats-Expected-Last-Subject-Sequence: {seq}\r\nNats-Expected-Last-Subject-Sequence-Subject: {filter}\r\n"
        )
    };
    rig.say(client, &message("B", 1, &expects("s.a.*", 599), "x"));
    rig.say(client, &message("B", 2, &expects("s.b.*", 600), "x"));
    let said = rig.say(client, &message("B", 3, &(expects("s.c.*", 0) + COMMIT), "x"));
    assert!(said.contains(r#""seq":603,"batch":"B","count":3"#), "{said}");
    assert_eq!(rig.next_deadline().map(|at| at.0 > Duration::from_secs(1).as_nanos() as u64), Some(true));
}
