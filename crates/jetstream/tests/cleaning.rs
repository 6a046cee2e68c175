//! What becomes of records that nobody needs, and of those that say so of others.

mod rig;

use rig::{Conn, Rig};
use sim_disk::SimDisk;
use stream_log::CleanRules;

const CONSUMER: &str =
    r#"{"stream_name":"S","config":{"durable_name":"C","name":"C","ack_policy":"explicit"}}"#;

/// Short segments, in which little has to be dead to be cleaned.
fn new() -> (Rig, Conn) {
    let mut log = stream_log::Config::new(*b"a store of tests", 0);
    log.segment_bytes = 1 << 20;
    log.clean = CleanRules { dead_bytes: 256 << 10, dead_percent: 10 };
    let mut rig = Rig::on_logs(1, vec![SimDisk::new(7)], log);
    let client = rig.client("a");
    (rig, client)
}

/// So many messages of 16 KiB.
fn fill(rig: &mut Rig, client: Conn, subject: &str, count: usize) {
    for _ in 0..count {
        let said = rig.publish(client, subject, &"x".repeat(16 << 10));
        assert!(said.contains(r#""seq":"#), "{said}");
    }
}

fn restarted(rig: Rig) -> (Rig, Conn) {
    let mut rig = rig.restart(SimDisk::cut_power);
    let client = rig.client("a");
    (rig, client)
}

/// The segment with what made them has messages that live; the one that says that they are gone has nothing else.
#[test]
fn who_is_gone_stays_gone_whichever_segment_goes_first() {
    let (mut rig, client) = new();
    rig.ask(client, "STREAM.CREATE.S", r#"{"name":"S","subjects":["s"],"max_msgs":1}"#);
    rig.ask(client, "STREAM.CREATE.KEPT", r#"{"name":"KEPT","subjects":["kept"]}"#);
    rig.ask(client, "STREAM.CREATE.GONE", r#"{"name":"GONE","subjects":["gone"]}"#);
    rig.ask(client, "CONSUMER.DURABLE.CREATE.S.C", CONSUMER);
    fill(&mut rig, client, "kept", 40);
    fill(&mut rig, client, "s", 40);
    for request in ["CONSUMER.DELETE.S.C", "STREAM.DELETE.GONE"] {
        assert!(rig.ask(client, request, "").contains("success"), "{request}");
    }
    let before = rig.disk.as_ref().expect("there are files").files();
    for _ in 0..20 {
        fill(&mut rig, client, "s", 50);
        rig.wait(1_000);
    }
    let after = rig.disk.as_ref().expect("there are files").files();
    assert!(
        after.iter().all(|file| !before[1..].contains(file)),
        "they are still there: {before:?} {after:?}"
    );
    for _ in 0..3 {
        (rig, _) = restarted(rig);
        let client = rig.client("a");
        let names = rig.ask(client, "STREAM.NAMES", "");
        assert!(names.contains(r#""streams":["KEPT","S"]"#), "{names}");
        let names = rig.ask(client, "CONSUMER.NAMES.S", "");
        assert!(names.contains(r#""consumers":[]"#), "{names}");
        fill(&mut rig, client, "s", 100);
    }
}

/// Of what a consumer was told to be only the last is needed once there are many.
#[test]
fn a_consumer_that_was_told_over_and_over_is_what_it_was_told_last() {
    let (mut rig, client) = new();
    rig.ask(client, "STREAM.CREATE.S", r#"{"name":"S","subjects":["s"]}"#);
    rig.ask(client, "CONSUMER.DURABLE.CREATE.S.C", CONSUMER);
    rig.publish(client, "s", "one");
    rig.publish(client, "s", "two");
    rig.publish(client, "$JS.API.CONSUMER.MSG.NEXT.S.C", "1");
    for round in 0..200 {
        let until = format!(r#"{{"pause_until":"2030-01-01T00:00:{:02}Z"}}"#, round % 60);
        let said = rig.ask(client, "CONSUMER.PAUSE.S.C", &until);
        assert!(said.contains(r#""paused":true"#), "{said}");
    }
    for _ in 0..2 {
        // What nobody waits for is logged a little later.
        rig.wait(1_000);
        (rig, _) = restarted(rig);
        let client = rig.client("a");
        let info = rig.ask(client, "CONSUMER.INFO.S.C", "");
        assert!(info.contains("2030-01-01T00:00:19Z") && info.contains(r#""num_pending":1"#), "{info}");
        assert!(info.contains(r#""num_ack_pending":1"#), "{info}");
    }
}
