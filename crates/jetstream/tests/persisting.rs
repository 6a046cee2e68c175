//! Streams whose publishers are told before the disk is.

mod rig;

use rig::{Conn, Rig};
use sim_disk::SimDisk;

const EARLY: &str = r#"{"name":"E","subjects":["e.>"],"persist_mode":"async","allow_batched":true}"#;
const SAFE: &str = r#"{"name":"S","subjects":["s.>"]}"#;

fn on(disk: SimDisk) -> (Rig, Conn) {
    let mut rig = Rig::on_disk(1, disk);
    let client = rig.client("a");
    for (name, stream) in [("E", EARLY), ("S", SAFE)] {
        let made = rig.ask(client, &format!("STREAM.CREATE.{name}"), stream);
        assert!(made.contains("did_create"), "{made}");
    }
    (rig, client)
}

/// The publisher is told at once; whoever asks or listens is shown what is safe.
#[test]
fn an_asynchronous_stream_acknowledges_before_the_disk_and_shows_nothing_before() {
    let (mut rig, client) = on(SimDisk::new(7));
    let consumer =
        r#"{"stream_name":"E","config":{"durable_name":"C","deliver_subject":"r.push","ack_policy":"none"}}"#;
    rig.ask(client, "CONSUMER.CREATE.E.C", consumer);
    rig.is_disk_slow = true;
    let said = rig.say(client, "HPUB e.a r.a 28 29\r\nNATS/1.0\r\nNats-Msg-Id: A\r\n\r\nx\r\n");
    assert!(said.contains(r#"{"stream":"E","seq":1}"#) && !said.contains("$JS.ACK"), "{said}");
    let said = rig.say(client, "HPUB e.a r.a 28 29\r\nNATS/1.0\r\nNats-Msg-Id: A\r\n\r\nx\r\n");
    assert!(said.contains(r#"{"stream":"E","seq":1,"duplicate": true}"#), "{said}");
    let said = rig.say(client, "PUB e.b r.B.2.fail.1.0.$FI 1\r\nx\r\nPUB e.b r.B.2.fail.2.2.$FI 1\r\nx\r\n");
    assert!(said.contains(r#""type":"ack","seq":0"#), "{said}");
    assert!(said.contains(r#"{"stream":"E","seq":3,"batch":"B","count":2}"#), "{said}");
    assert_eq!(rig.publish(client, "s.a", "x"), "", "another stream of the same log keeps its word");
    assert_eq!(rig.ask(client, "STREAM.INFO.E", ""), "");
    rig.is_disk_slow = false;
    rig.run_disk();
    rig.settle();
    let said = rig.shards.output(client);
    assert_eq!(said.matches("$JS.ACK.E.C.").count(), 3, "{said}");
    assert!(said.contains(r#""messages":3"#) && said.contains(r#"{"stream":"S","seq":1}"#), "{said}");
}

/// Which messages of a stream are there.
fn contents(rig: &mut Rig, client: Conn, stream: &str) -> Vec<String> {
    let got = |seq: u64| {
        let said = rig.ask(client, &format!("STREAM.MSG.GET.{stream}"), &format!(r#"{{"seq":{seq}}}"#));
        let data = said.split(r#""data":""#).nth(1)?.split('"').next()?.to_owned();
        Some(data)
    };
    (1..).map_while(got).collect()
}

/// What a cut takes is the end of the stream, and nothing that anybody was shown. What another stream of the same log
/// acknowledged is there.
#[test]
fn a_cut_takes_the_end_of_an_asynchronous_stream_and_no_more() {
    // Base 64 of three letters is four.
    let payload = |number: u64| format!("{number:03}");
    let (mut lost, mut kept) = (0, 0);
    for seed in 0..60 {
        let (mut rig, client) = on(SimDisk::new(seed));
        for number in 0..5 {
            rig.publish(client, "e.a", &payload(number));
            rig.publish(client, "s.a", &payload(number));
        }
        let before = contents(&mut rig, client, "E");
        rig.is_disk_slow = true;
        for number in 5..30 {
            let said = rig.publish(client, "e.a", &payload(number));
            assert!(said.contains(&format!(r#""seq":{}}}"#, number + 1)), "{said}");
            if number == 10 {
                rig.run_disk();
            }
        }
        let mut rig = rig.restart(SimDisk::cut_power);
        let client = rig.client("a");
        let after = contents(&mut rig, client, "E");
        assert_eq!(after[..before.len()], before, "{seed}: what was shown stays");
        assert_eq!(contents(&mut rig, client, "S"), before, "{seed}: and what was promised");
        let said = rig.publish(client, "e.a", &payload(999));
        assert!(said.contains(&format!(r#""seq":{}}}"#, after.len() + 1)), "{seed}: {said}");
        let whole: Vec<String> = (0..30).map(|number| base64_of_digits(&payload(number))).collect();
        assert_eq!(after, whole[..after.len()], "{seed}: nothing is out of its order, or there twice");
        (lost, kept) = (lost + 30 - after.len(), kept + after.len() - 5);
    }
    assert!(lost > 100 && kept > 100, "{lost} lost, {kept} kept: this finds nothing");
}

/// Three bytes as four letters.
fn base64_of_digits(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = text.bytes().fold(0, |bits: u32, byte| bits << 8 | u32::from(byte));
    (0..4).map(|at| LETTERS[(bits >> (18 - 6 * at)) as usize & 63] as char).collect()
}

/// Nobody is told of what is lost then, and what comes is refused.
#[test]
fn a_log_that_fails_refuses_an_asynchronous_stream_as_any() {
    let (mut rig, client) = on(SimDisk::new(7));
    rig.fail_disks();
    assert!(rig.publish(client, "e.a", "x").contains(r#""seq":1}"#));
    let said = rig.publish(client, "e.a", "x");
    assert!(said.contains(r#""err_code":10077"#), "{said}");
}

/// A publisher waits here too once as much as may be is on its way to the disk.
#[test]
fn what_is_acknowledged_early_is_bounded() {
    let (mut rig, client) = on(SimDisk::new(7));
    rig.is_disk_slow = true;
    let payload = "x".repeat(900 << 10);
    let told = (0..100).take_while(|_| !rig.publish(client, "e.a", &payload).is_empty()).count();
    assert!((8..40).contains(&told), "{told}");
    rig.is_disk_slow = false;
    rig.run_disk();
    rig.settle();
    assert_ne!(rig.shards.output(client), "", "who waited is answered");
}
