//! What rots in files that nobody reads.

mod rig;

use jetstream::{Cursor, JetStream};
use rig::{Conn, Rig};
use sim_disk::SimDisk;
use stream_log::Span;

/// After which a piece of a short log is looked at.
const PAUSE_MILLIS: u64 = 601_000;

const S: &str = r#"{"name":"S","subjects":["s.>"]}"#;

const CONSUMER: &str = r#"{"stream_name":"S","config":{"durable_name":"C","name":"C","ack_policy":"explicit","metadata":{"buster.dead_letters":"DEAD"}}}"#;

/// Messages that came to a clean stop, of which the second rotted then, and a client that hears of it.
fn rotten(shards: usize) -> (Rig, Conn) {
    let mut rig = Rig::on_disk(shards, SimDisk::new(7));
    let client = rig.client("a");
    for (what, body) in [
        ("STREAM.CREATE.S", S),
        ("STREAM.CREATE.DEAD", r#"{"name":"DEAD"}"#),
        ("CONSUMER.CREATE.S.C", CONSUMER),
    ] {
        let said = rig.ask(client, what, body);
        assert!(!said.contains("error"), "{said}");
    }
    for number in 1..=3 {
        rig.publish(client, &format!("s.{number}"), &format!("message {number}"));
    }
    rig.stop();
    let mut flipped = 0;
    let mut rig = rig.restart(|disk| flipped += rot(disk, b"message 2"));
    assert_eq!(flipped, 1);
    assert!(rig.next_deadline().is_some(), "it is looked at though nobody comes");
    let client = rig.client("a");
    rig.shards.feed(client, "SUB $JS.EVENT.ADVISORY.STREAM.ROTTEN.> 2\r\n");
    rig.settle();
    (rig, client)
}

/// Changes a bit of each place on the disk that says that.
fn rot(disk: &mut SimDisk, said: &[u8]) -> usize {
    let mut count = 0;
    for (segment, len) in disk.files() {
        let bytes = disk.read(Span { segment, offset: 0, len: len as u32 });
        for (at, _) in bytes.windows(said.len()).enumerate().filter(|(_, bytes)| *bytes == said) {
            disk.rot(segment, at, |bytes| bytes[0] ^= 1);
            count += 1;
        }
    }
    count
}

fn known(rig: &mut Rig, shards: usize) -> (u64, u64) {
    let sums = (0..shards).map(|shard| JetStream::sums_page(rig.jetstream(shard).0, Cursor::default()).0);
    sums.fold((0, 0), |(rotten, bytes), sums| (rotten + sums.rotten, bytes + sums.scrubbed))
}

#[test]
fn what_rots_is_told_before_anybody_asks_for_it() {
    for shards in [1, 2] {
        let (mut rig, client) = rotten(shards);
        assert_eq!(known(&mut rig, shards), (0, 0), "a start reads what footers tell");
        rig.wait(PAUSE_MILLIS);
        let said = rig.shards.output(client);
        assert!(said.contains("MSG $JS.EVENT.ADVISORY.STREAM.ROTTEN.S 2 "), "{said}");
        for part in [
            r#""stream":"S","stream_seq":2,"log":0,"segment":1,"#,
            r#""type":"io.nats.jetstream.advisory.v1.rotten""#,
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        let (rotten, bytes) = known(&mut rig, shards);
        assert!(rotten == 1 && bytes > 0, "{rotten}, {bytes}");
        // It is told once, however often it is found.
        for _ in 0..3 {
            rig.wait(PAUSE_MILLIS);
        }
        let said = rig.shards.output(client);
        assert!(!said.contains("ROTTEN"), "{said}");
        let (rotten, later) = known(&mut rig, shards);
        assert!(rotten == 1 && later > bytes, "{rotten}, {later}");
        assert!(rig.longest <= JetStream::TURN_STEPS, "{}", rig.longest);
    }
}

#[test]
fn what_was_found_costs_its_message_and_is_given_up_by_whoever_comes_to_it() {
    let (mut rig, client) = rotten(1);
    rig.wait(PAUSE_MILLIS);
    rig.shards.output(client);
    let said = rig.say(client, "PUB $JS.API.CONSUMER.MSG.NEXT.S.C r.m 1\r\n3\r\n");
    assert!(said.contains("message 1\r\n") && said.contains("message 3\r\n"), "{said}");
    assert!(!said.contains("essage 2\r\n"), "{said}");
    let said = rig.ask(client, "STREAM.MSG.GET.DEAD", r#"{"seq":1}"#);
    assert!(said.contains(r#""subject":"s.2""#), "{said}");
    let said = rig.ask(client, "STREAM.MSG.GET.S", r#"{"seq":2}"#);
    assert!(said.contains(r#""err_code":10037"#), "{said}");
}

#[test]
fn what_is_deleted_is_no_loss_and_its_segment_is_forgotten() {
    let (mut rig, client) = rotten(1);
    let said = rig.ask(client, "STREAM.MSG.DELETE.S", r#"{"seq":2,"no_erase":true}"#);
    assert!(said.contains(r#""success":true"#), "{said}");
    rig.wait(PAUSE_MILLIS);
    let said = rig.shards.output(client);
    assert!(!said.contains("ROTTEN"), "the bytes rotted, and nobody needs them: {said}");
    assert_eq!(known(&mut rig, 1).0, 1);
    for name in ["S", "DEAD"] {
        rig.ask(client, &format!("STREAM.DELETE.{name}"), "");
    }
    for _ in 0..3 {
        rig.wait(PAUSE_MILLIS);
    }
    assert_eq!(known(&mut rig, 1).0, 0, "the segment is gone");
}
