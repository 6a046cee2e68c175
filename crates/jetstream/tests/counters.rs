//! Streams whose messages are counters.

mod rig;

use rig::Rig;
use sim_disk::SimDisk;
use stream_log::Span;

const STREAM: &str = r#"{"name":"S","subjects":["s.>"],"allow_msg_counter":true,"allow_atomic":true}"#;

fn adding(subject: &str, increment: &str, more: &str) -> String {
    let header = format!("NATS/1.0\r\nNats-Incr: {increment}\r\n{more}\r\n");
    format!("HPUB {subject} r.a {0} {0}\r\n{header}\r\n", header.len())
}

fn val(seq: u64, sum: &str) -> String {
    format!(r#"{{"stream":"S","seq":{seq},"val":"{sum}"}}"#)
}

#[test]
fn a_sum_is_told_once_it_is_on_the_disk() {
    let (mut rig, client) = Rig::on_short_segments(STREAM);
    rig.is_disk_slow = true;
    let both = adding("s.a", "5", "") + &adding("s.a", "-7", "") + &adding("s.b", "1", "");
    assert_eq!(rig.say(client, &both), "");
    rig.run_disk();
    rig.settle();
    let said = rig.shards.output(client);
    for ack in [val(1, "5"), val(2, "-2"), val(3, "1")] {
        assert!(said.contains(&ack), "{said}");
    }
}

/// The rows of a footer know no payloads, and a counter knows no other place for its sum.
#[test]
fn a_counter_goes_on_from_a_sealed_segment_after_a_cut_of_the_power() {
    let (mut rig, client) = Rig::on_short_segments(STREAM);
    rig.say(client, &adding("s.a", "5", ""));
    rig.say(client, &adding("s.b", "99999999999999999999", ""));
    rig.seal(client);
    for (round, sums) in [["6", "100000000000000000000"], ["7", "100000000000000000001"]].iter().enumerate() {
        rig = rig.restart(SimDisk::cut_power);
        let client = rig.client("a");
        for (at, (subject, sum)) in ["s.a", "s.b"].iter().zip(sums).enumerate() {
            let said = rig.say(client, &adding(subject, "1", ""));
            let seq = 3 + 2 * round + at;
            assert!(said.contains(&val(seq as u64, sum)), "{said}");
        }
        rig.seal(client);
    }
}

/// What comes behind an increment that waits for the disk waits with it.
#[test]
fn increments_keep_their_order_while_a_sum_is_read() {
    let (mut rig, client) = Rig::on_short_segments(STREAM);
    rig.say(client, &adding("s.a", "5", ""));
    rig.seal(client);
    let mut rig = rig.restart(SimDisk::kill);
    let client = rig.client("a");
    rig.is_disk_slow = true;
    let text = adding("s.a", "10", "") + &adding("s.new", "1", "") + &adding("s.a", "100", "");
    assert_eq!(rig.say(client, &text), "");
    for _ in 0..4 {
        // The sum is read, then the messages are written.
        rig.run_disk();
        rig.settle();
    }
    let said = rig.shards.output(client);
    let at = |ack: &str| said.find(ack).unwrap_or_else(|| panic!("no {ack} in {said}"));
    assert!(at(&val(2, "15")) < at(&val(3, "1")) && at(&val(3, "1")) < at(&val(4, "115")), "{said}");
}

/// A batch of more counters than are read at once, all of which lie on the disk.
#[test]
fn a_batch_adds_to_many_counters_that_have_to_be_read() {
    const COUNTERS: usize = 100;
    let (mut rig, client) = Rig::on_short_segments(STREAM);
    for counter in 0..COUNTERS {
        rig.say(client, &adding(&format!("s.{counter}"), "5", ""));
        if counter % 10 == 0 {
            rig.seal(client);
        }
    }
    rig.seal(client);
    let mut rig = rig.restart(SimDisk::cut_power);
    let client = rig.client("a");
    let mut said = String::new();
    for seq in 1..=2 * COUNTERS {
        let commit = if seq == 2 * COUNTERS { "Nats-Batch-Commit: 1\r\n" } else { "" };
        let batch = format!("Nats-Batch-Id: B\r\nNats-Batch-Sequence: {seq}\r\n{commit}");
        said = rig.say(client, &adding(&format!("s.{}", seq % COUNTERS), "1", &batch));
    }
    assert!(said.contains(r#""seq":300,"batch":"B","count":200}"#), "{said}");
    for counter in [0, 57, COUNTERS - 1] {
        let said = rig.say(client, &adding(&format!("s.{counter}"), "0", ""));
        assert!(said.contains(r#""val":"7""#), "{said}");
    }
}

/// Changes a bit of the first place on the disk that says that.
fn rot_first(disk: &mut SimDisk, said: &[u8]) {
    for (segment, len) in disk.files() {
        let bytes = disk.read(Span { segment, offset: 0, len: len as u32 });
        if let Some(at) = bytes.windows(said.len()).position(|bytes| bytes == said) {
            return disk.rot(segment, at, |bytes| bytes[0] ^= 1);
        }
    }
    panic!("nowhere");
}

/// To begin anew would be a sum that nobody added up.
#[test]
fn a_counter_whose_last_message_rotted_is_broken() {
    let (mut rig, client) = Rig::on_short_segments(STREAM);
    rig.say(client, &adding("s.a", "5", ""));
    rig.say(client, &adding("s.b", "5", ""));
    rig.seal(client);
    let said = rig.ask(client, "STREAM.MSG.GET.S", r#"{"seq":1}"#);
    assert!(said.contains("eyJ2YWwiOiI1In0="), "{said}");
    let mut rig = rig.restart(|disk| rot_first(disk, br#"{"val":"5"}"#));
    let client = rig.client("a");
    let said = rig.say(client, &adding("s.a", "1", ""));
    assert!(said.contains(r#""err_code":10172"#), "{said}");
    let said = rig.say(client, &adding("s.b", "1", ""));
    assert!(said.contains(r#""val":"6""#), "{said}");
}
