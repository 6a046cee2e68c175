//! A start reads what footers tell, and of all else only what no footer tells of.

mod rig;

use rig::{Conn, Rig};
use sim_disk::SimDisk;

const MESSAGES: usize = 90;
const BYTES: usize = 8 << 10;

/// A log of short segments with a stream that has so many messages, some of which are gone, and a consumer.
fn filled() -> (Rig, Conn) {
    let mut log = stream_log::Config::new(*b"a store of tests", 0);
    log.segment_bytes = 128 << 10;
    let mut rig = Rig::on_logs(1, vec![SimDisk::new(7)], log);
    let client = rig.client("a");
    rig.ask(client, "STREAM.CREATE.S", r#"{"name":"S","subjects":["s.>"],"allow_msg_ttl":true}"#);
    let consumer = r#"{"stream_name":"S","config":{"durable_name":"C","name":"C","ack_policy":"explicit"}}"#;
    rig.ask(client, "CONSUMER.DURABLE.CREATE.S.C", consumer);
    for number in 0..MESSAGES {
        let (subject, header) = (format!("s.{}", number % 3), header(number));
        let (len, payload) = (header.len(), format!("{number}:").repeat(BYTES / 3));
        let total = len + payload.len();
        let said = rig.say(client, &format!("HPUB {subject} r.a {len} {total}\r\n{header}{payload}\r\n"));
        assert!(said.contains(r#""seq":"#), "{number}: {said}");
    }
    rig.say(client, "PUB $JS.API.CONSUMER.MSG.NEXT.S.C r.m 1\r\n5\r\n");
    for seq in [2, 40, 41, 42, 90] {
        let said = rig.ask(client, "STREAM.MSG.DELETE.S", &format!(r#"{{"seq":{seq}}}"#));
        assert!(said.contains("success"), "{said}");
    }
    rig.ask(client, "STREAM.PURGE.S", r#"{"filter":"s.1","keep":20}"#);
    rig.wait(1_000);
    (rig, client)
}

fn header(number: usize) -> String {
    let field = match number % 10 {
        3 => format!("Nats-Msg-Id: id {number}\r\n"),
        5 => "Nats-TTL: 1h\r\n".into(),
        7 => "Other: x\r\n".into(),
        _ => String::new(),
    };
    format!("NATS/1.0\r\n{field}\r\n")
}

/// What can be asked of it.
fn said(rig: &mut Rig) -> Vec<String> {
    let client = rig.client("a");
    let asked = [
        ("STREAM.INFO.S", r#"{"deleted_details":true,"subjects_filter":">"}"#),
        ("CONSUMER.INFO.S.C", ""),
        ("STREAM.MSG.GET.S", r#"{"seq":1}"#),
        ("STREAM.MSG.GET.S", r#"{"seq":6}"#),
        ("STREAM.MSG.GET.S", r#"{"seq":88}"#),
        ("STREAM.MSG.GET.S", r#"{"last_by_subj":"s.0"}"#),
    ];
    let said = asked.map(|(what, body)| rig.ask(client, what, body));
    // An id that is known: nothing is stored.
    let header = "NATS/1.0\r\nNats-Msg-Id: id 83\r\n\r\n";
    let again = format!("HPUB s.0 r.a {0} {0}\r\n{header}\r\n", header.len());
    let again = rig.say(client, &again);
    assert!(again.contains(r#""duplicate": true"#), "{again}");
    // When the server was asked differs, and payloads are long.
    let said = said.map(|said| said.replace(r#","last_active":"2027-01-15T08:00:00.000000001Z""#, ""));
    let said = said.map(|said| said.split_once(' ').expect("a subject").1.to_owned());
    said.map(|said| {
        said.split(r#","ts":"#)
            .next()
            .unwrap_or_default()
            .split_once('{')
            .map_or(String::new(), |(_, body)| body.chars().take(2_000).collect())
    })
    .to_vec()
}

/// It says the same as before.
fn check(rig: &mut Rig, before: &[String], what: &str) {
    for (now, before) in said(rig).iter().zip(before) {
        assert_eq!(now, before, "{what}");
    }
}

fn stored(rig: &Rig) -> usize {
    rig.disk.as_ref().expect("there are files").files().iter().map(|(_, len)| *len as usize).sum()
}

#[test]
fn after_a_clean_stop_hardly_anything_is_read() {
    let (mut rig, _) = filled();
    let before = said(&mut rig);
    rig.stop();
    let mut rig = rig.restart(SimDisk::kill);
    assert!(
        rig.read_at_start < stored(&rig) / 10,
        "{} bytes of {:?}",
        rig.read_at_start,
        rig.disk.as_ref().expect("there are files").files()
    );
    check(&mut rig, &before, "by footers");
    let mut rig = rig.restart_reading_all();
    assert!(rig.read_at_start > stored(&rig), "{} bytes", rig.read_at_start);
    check(&mut rig, &before, "by batches");
}

#[test]
fn after_a_crash_only_what_was_not_sealed_is_read() {
    for cut in [SimDisk::kill, SimDisk::cut_power] {
        let (mut rig, _) = filled();
        let before = said(&mut rig);
        let files = rig.disk.as_ref().expect("there are files").files();
        let newest: usize = files.iter().rev().take(2).map(|(_, len)| *len as usize).sum();
        let mut rig = rig.restart(cut);
        let most = 2 * newest + stored(&rig) / 10;
        assert!(rig.read_at_start < most && most < 2 * stored(&rig), "{} of {most}", rig.read_at_start);
        check(&mut rig, &before, "after a crash");
    }
}

/// Whichever byte of a footer is not what it was, what it told is read where it lies.
#[test]
fn a_footer_that_rots_costs_nothing() {
    let (mut rig, _) = filled();
    let before = said(&mut rig);
    rig.stop();
    let disk = rig.disk.as_ref().expect("there are files");
    let (segment, len) = disk.files()[2];
    let trailer = disk.read(stream_log::Span { segment, offset: len as u32 - 64, len: 64 });
    let end = u32::from_le_bytes(trailer[12..16].try_into().expect("four bytes")) as usize;
    let step = ((len as usize - end) / 60).max(1);
    for at in (end..len as usize).step_by(step) {
        rig = rig.restart(|disk| disk.rot(segment, at, |bytes| bytes[0] ^= 0x10));
        check(&mut rig, &before, &format!("byte {at} of {len}"));
        rig.stop();
    }
}
