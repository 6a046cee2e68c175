//! Batches whose messages are stored one by one, and told of now and then.

mod rig;

use jetstream::{BatchLimits, Buffer, Config, Files, ServerLimits, ServiceOptions};
use js_proto::Nanos;
use rig::{Conn, Rig, config};
use sim_disk::SimDisk;

const STREAM: &str = r#"{"name":"S","subjects":["s.>"],"allow_batched":true}"#;

fn new() -> (Rig, Conn) {
    on(SimDisk::new(7))
}

fn on(disk: SimDisk) -> (Rig, Conn) {
    let mut rig = Rig::on_disk(1, disk);
    let client = rig.client("a");
    rig.ask(client, "STREAM.CREATE.S", STREAM);
    (rig, client)
}

fn in_memory(limits: BatchLimits, stream: &str) -> (Rig, Conn) {
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
    let made = rig.ask(client, "STREAM.CREATE.S", stream);
    assert!(made.contains("did_create"), "{made}");
    (rig, client)
}

/// Begin, go on, end with it, end without it, ask.
const START: u8 = 0;
const APPEND: u8 = 1;
const COMMIT: u8 = 2;
const END: u8 = 3;
const PING: u8 = 4;

fn message(id: &str, seq: u64, op: u8) -> String {
    with(id, "2.fail", seq, op, "")
}

/// The same of a batch that is told that of its flow and its gaps, with lines of a header.
fn with(id: &str, how: &str, seq: u64, op: u8, lines: &str) -> String {
    let reply = format!("r.{id}.{how}.{seq}.{op}.$FI");
    if lines.is_empty() {
        return format!("PUB s.{seq} {reply} 1\r\nx\r\n");
    }
    let header = format!("NATS/1.0\r\n{lines}\r\n\r\n");
    format!("HPUB s.{seq} {reply} {} {}\r\n{header}x\r\n", header.len(), header.len() + 1)
}

/// What was said, without where.
fn words(said: &str) -> Vec<&str> {
    said.split("\r\n").filter(|line| line.starts_with('{')).collect()
}

fn ack(seq: u64, msgs: u64) -> String {
    format!(r#"{{"type":"ack","seq":{seq},"msgs":{msgs}}}"#)
}

fn ended(seq: u64, id: &str, count: u64) -> String {
    format!(r#"{{"stream":"S","seq":{seq},"batch":"{id}","count":{count}}}"#)
}

fn unknown() -> String {
    r#"{"error":{"code":400,"err_code":10208,"description":"batch publish ID unknown"},"stream":"S","seq":0}"#
        .into()
}

#[test]
fn a_fast_batch_is_told_of_what_is_on_the_disk() {
    let (mut rig, client) = new();
    rig.is_disk_slow = true;
    let mut all = message("B", 1, START);
    (2..5).for_each(|seq| all += &message("B", seq, APPEND));
    all += &message("B", 5, COMMIT);
    assert_eq!(rig.say(client, &all), "");
    assert_eq!(rig.ask(client, "STREAM.INFO.S", ""), "", "nobody sees what is not safe");
    rig.run_disk();
    rig.settle();
    let said = rig.shards.output(client);
    let told = [ack(0, 2), ack(2, 2), ack(4, 2), ended(5, "B", 5)];
    assert_eq!(words(&said)[..4], told, "{said}");
    for subject in ["r.B.2.fail.1.0.$FI", "r.B.2.fail.2.1.$FI", "r.B.2.fail.4.1.$FI", "r.B.2.fail.5.2.$FI"] {
        assert!(said.contains(&format!("MSG {subject} 1 ")), "{subject}: {said}");
    }
    assert!(said.contains(r#""messages":5"#), "{said}");
}

/// Gaps and errors come in their turn, behind what was stored before.
#[test]
fn nothing_that_is_said_of_a_batch_overtakes_the_disk() {
    let (mut rig, client) = new();
    rig.is_disk_slow = true;
    let all = [
        with("B", "2.ok", 1, START, ""),
        with("B", "2.ok", 3, APPEND, ""),
        with("B", "2.ok", 4, APPEND, "Nats-Expected-Stream: T"),
        with("B", "2.ok", 4, PING, ""),
        with("B", "2.ok", 5, APPEND, "Nats-TTL: 1"),
        with("B", "2.ok", 6, COMMIT, ""),
    ];
    assert_eq!(rig.say(client, &all.concat()), "");
    rig.run_disk();
    rig.settle();
    let said = rig.shards.output(client);
    let gap = r#"{"type":"gap","last_seq":2,"seq":3}"#.to_owned();
    let error = |seq, code, text| {
        format!(
            r#"{{"type":"err","seq":{seq},"error":{{"code":400,"err_code":{code},"description":"{text}"}}}}"#
        )
    };
    let told = [
        ack(0, 2),
        gap,
        ack(2, 2),
        error(4, 10060, "expected stream does not match"),
        ack(2, 2),
        error(5, 10166, "per-message TTL is disabled"),
        ended(3, "B", 6),
    ];
    assert_eq!(words(&said), told);
}

/// Whatever of the last writes reached the disk.
#[test]
fn a_cut_of_the_power_takes_nothing_of_a_batch_that_was_told_of() {
    let mut lost = 0;
    for seed in 0..60 {
        let (mut rig, client) = on(SimDisk::new(seed));
        let told_up_to = 2 * (seed % 5);
        rig.say(client, &message("B", 1, START));
        (2..=told_up_to).for_each(|seq| _ = rig.say(client, &message("B", seq, APPEND)));
        rig.is_disk_slow = true;
        let first = told_up_to.max(1) + 1;
        (first..20).for_each(|seq| assert_eq!(rig.say(client, &message("B", seq, APPEND)), ""));
        let mut rig = rig.restart(SimDisk::cut_power);
        let client = rig.client("a");
        let said = rig.publish(client, "s.x", "x");
        let next = said.split(r#""seq":"#).nth(1).and_then(|rest| rest.split('}').next());
        let left = next.and_then(|next| next.parse::<u64>().ok()).expect("it was stored") - 1;
        assert!((first - 1..20).contains(&left), "{seed}: {left}");
        lost += u64::from(left < 19);
        let said = rig.say(client, &message("B", left + 1, COMMIT));
        assert_eq!(words(&said), [unknown()], "no batch outlives the server");
    }
    assert!(lost > 5, "{lost}");
}

#[test]
fn a_batch_ends_without_a_word_if_nothing_comes() {
    let timeout = Nanos::from_secs(2);
    let (mut rig, client) = in_memory(BatchLimits { timeout, ..BatchLimits::default() }, STREAM);
    rig.say(client, "SUB $JS.EVENT.ADVISORY.STREAM.BATCH_ABANDONED.> 9\r\n");
    rig.say(client, &message("B", 1, START));
    rig.wait(1_500);
    assert_eq!(words(&rig.say(client, &message("B", 1, PING))), [ack(0, 2)], "to ask keeps it alive");
    rig.wait(1_500);
    assert_eq!(words(&rig.say(client, &message("B", 2, APPEND))), [ack(2, 2)]);
    assert!(rig.next_deadline().is_some());
    rig.wait(2_100);
    assert_eq!(rig.shards.output(client), "");
    assert_eq!(rig.next_deadline(), None);
    assert_eq!(words(&rig.say(client, &message("B", 3, APPEND))), [unknown()]);
    assert_eq!(words(&rig.say(client, &message("B", 2, PING))), [unknown()]);
}

#[test]
fn how_many_fast_batches_may_be_open_is_bounded() {
    let limits = BatchLimits { max_inflight_total: 3, max_inflight_per_stream: 2, ..BatchLimits::default() };
    let (mut rig, client) = in_memory(limits, STREAM);
    rig.ask(client, "STREAM.CREATE.T", r#"{"name":"T","subjects":["t"],"allow_batched":true}"#);
    let to_other = |id: &str| message(id, 1, START).replace("PUB s.1", "PUB t");
    let too_many = |said: &str| assert!(words(said)[0].contains(r#""code":429,"err_code":10211"#), "{said}");
    rig.say(client, &message("A", 1, START));
    rig.say(client, &message("B", 1, START));
    too_many(&rig.say(client, &message("C", 1, START)));
    assert_eq!(words(&rig.say(client, &to_other("C")))[0], ack(0, 2));
    too_many(&rig.say(client, &to_other("D")));
    rig.say(client, &message("B", 2, COMMIT));
    assert_eq!(words(&rig.say(client, &to_other("D")))[0], ack(0, 1));
    too_many(&rig.say(client, &message("E", 1, START)));
    rig.ask(client, "STREAM.DELETE.T", "");
    assert_eq!(words(&rig.say(client, &message("E", 1, START)))[0], ack(0, 1), "what is gone holds nothing");
}

#[test]
fn an_update_that_allows_no_fast_batches_ends_them() {
    let (mut rig, client) = new();
    rig.say(client, &message("B", 1, START));
    rig.ask(client, "STREAM.UPDATE.S", r#"{"name":"S","subjects":["s.>"]}"#);
    let said = rig.say(client, &message("B", 2, APPEND));
    assert!(said.contains(r#""err_code":10205,"description":"batch publish is disabled""#), "{said}");
    rig.ask(client, "STREAM.UPDATE.S", STREAM);
    assert_eq!(words(&rig.say(client, &message("B", 2, APPEND))), [unknown()]);
}

/// The publisher is told of no message that was not safe, and its batch is gone.
#[test]
fn a_log_that_fails_ends_batches() {
    let (mut rig, client) = new();
    rig.say(client, &message("B", 1, START));
    rig.fail_disks();
    let failed = |said: &str| {
        let words = words(said).concat();
        assert!(words.contains(r#""err_code":10077"#) && !words.contains("count"), "{said}");
    };
    failed(
        &rig.say(client, &(message("B", 2, APPEND) + &message("B", 3, APPEND) + &message("B", 4, COMMIT))),
    );
    assert_eq!(words(&rig.say(client, &message("B", 5, COMMIT))), [unknown()]);
    failed(&rig.say(client, &message("C", 1, COMMIT)));
}

#[test]
fn a_disk_that_is_full_ends_a_batch_with_what_is_there() {
    let mut log = stream_log::Config::new(*b"a store of tests", 0);
    log.segment_bytes = 256 << 10;
    let mut rig = Rig::on_logs(1, vec![SimDisk::new(7)], log);
    let client = rig.client("a");
    rig.ask(client, "STREAM.CREATE.S", STREAM);
    rig.say(client, &with("B", "500.fail", 1, START, ""));
    rig.disk.as_mut().expect("there is one").faults.room = Some(0);
    let payload = "x".repeat(32 << 10);
    let say = |seq: u64| format!("PUB s.x r.B.500.fail.{seq}.1.$FI {}\r\n{payload}\r\n", payload.len());
    let refused =
        (2..42).map(|seq| (seq, rig.say(client, &say(seq)))).find(|(_, said)| said.contains("error"));
    let (seq, said) = refused.expect("there is no room for all");
    let told = words(&said);
    assert!(told[0].starts_with(&format!(r#"{{"type":"err","seq":{seq},"error":"#)), "{said}");
    assert!(told[0].contains(r#""err_code":10023"#), "{said}");
    assert_eq!(told[1..], [ended(seq - 1, "B", seq - 1)]);
}

#[test]
fn messages_of_fast_batches_are_a_flood_as_well() {
    let buffer = Buffer { messages: 2, bytes: 0 };
    let mut rig = Rig::on_disk_told(
        SimDisk::new(7),
        Config { options: ServiceOptions { buffer, ..ServiceOptions::default() }, ..config() },
    );
    let client = rig.client("a");
    rig.ask(client, "STREAM.CREATE.S", STREAM);
    rig.is_disk_slow = true;
    let said =
        rig.say(client, &(message("B", 1, START) + &message("B", 2, APPEND) + &message("B", 3, APPEND)));
    assert_eq!(words(&said).len(), 1, "{said}");
    assert!(said.contains("NATS/1.0 429 Too Many Requests") && said.contains("10167"), "{said}");
    rig.run_disk();
    rig.settle();
    assert_eq!(words(&rig.shards.output(client)), [ack(0, 2), ack(2, 2)]);
}

/// As nats-server: what is said of the batch itself is said all the same.
#[test]
fn a_stream_without_acknowledgements_tells_of_batches() {
    let stream = r#"{"name":"S","subjects":["s.>"],"allow_batched":true,"no_ack":true}"#;
    let (mut rig, client) = in_memory(BatchLimits::default(), stream);
    let all = message("B", 1, START) + &message("B", 2, APPEND) + &message("C", 2, APPEND);
    assert_eq!(words(&rig.say(client, &all)), [ack(2, 2)]);
    assert_eq!(words(&rig.say(client, &message("B", 3, COMMIT))), [ended(3, "B", 3)]);
}

/// Recorded: `fast-with-batch-headers`. The level that is asked for is not stored.
#[test]
fn headers_of_atomic_batches_mean_nothing_in_fast_ones() {
    let stream = r#"{"name":"S","subjects":["s.>"],"allow_batched":true,"allow_atomic":true}"#;
    let (mut rig, client) = in_memory(BatchLimits::default(), stream);
    let lines = "Nats-Batch-Id: Z\r\nNats-Required-Api-Level: 2\r\nNats-Batch-Sequence: 7";
    assert_eq!(words(&rig.say(client, &with("B", "2.fail", 1, COMMIT, lines))), [ended(1, "B", 1)]);
    let said = rig.ask(client, "DIRECT.GET.S", r#"{"seq":1}"#);
    assert!(said.contains("503"), "{said}");
    let said = rig.ask(client, "STREAM.MSG.GET.S", r#"{"seq":1}"#);
    let header = "NATS/1.0\r\nNats-Batch-Id: Z\r\nNats-Batch-Sequence: 7\r\n\r\n";
    assert!(said.contains(&base64(header)), "{said}");
    let said = rig.say(client, &with("B", "2.fail", 1, START, "Nats-Required-Api-Level: 99"));
    assert!(said.contains(r#""err_code":10185"#), "{said}");
    assert_eq!(words(&rig.say(client, &message("B", 2, APPEND))), [unknown()]);
}

fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let chunk = |bytes: &[u8]| {
        let bits = bytes.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - bytes.len()));
        let letters = (0..4).map(move |at| LETTERS[(bits >> (18 - 6 * at)) as usize & 63] as char);
        let shown = bytes.len() + 1;
        letters.enumerate().map(move |(at, letter)| if at < shown { letter } else { '=' })
    };
    text.as_bytes().chunks(3).flat_map(chunk).collect()
}

/// Of the last message's id nothing may be expected in an atomic batch; here it may.
#[test]
fn what_is_expected_is_compared_for_each_message() {
    let (mut rig, client) = in_memory(BatchLimits::default(), STREAM);
    let say = |rig: &mut Rig, seq, op, lines: &str| {
        let said = rig.say(client, &with("B", "9.fail", seq, op, lines));
        words(&said).iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    say(&mut rig, 1, START, "Nats-Msg-Id: one");
    let lines = "Nats-Expected-Last-Msg-Id: one\r\nNats-Expected-Last-Sequence: 1\r\nNats-Msg-Id: two";
    assert!(say(&mut rig, 2, APPEND, lines).is_empty());
    assert!(say(&mut rig, 3, APPEND, "Nats-Msg-Id: one").is_empty(), "it counts as stored");
    let told = say(&mut rig, 4, APPEND, "Nats-Expected-Last-Msg-Id: one");
    assert!(told[0].contains(r#""seq":4,"error":{"code":400,"err_code":10070"#), "{told:?}");
    assert_eq!(told[1..], [ended(2, "B", 3)]);
    let told = say(&mut rig, 1, COMMIT, "Nats-Msg-Id: two");
    assert_eq!(told, [r#"{"stream":"S","seq":2,"duplicate": true,"batch":"B","count":1}"#]);
    let told = say(&mut rig, 1, COMMIT, "Nats-Expected-Last-Subject-Sequence: 7");
    assert!(told[0].contains(r#"{"error":{"code":400,"err_code":10071"#), "{told:?}");
    assert_eq!(say(&mut rig, 1, START, ""), [ack(0, 9)]);
    assert_eq!(say(&mut rig, 2, END, ""), [ended(3, "B", 1)]);
}

#[test]
fn what_is_no_word_of_a_batch_is_refused() {
    let (mut rig, client) = in_memory(BatchLimits::default(), STREAM);
    for (reply, code) in [
        ("r.$FI", 10206),
        ("r.B.2.fail.2.0.$FI", 10206),
        ("r.B.2.fail.1.3.$FI", 10206),
        (&format!("r.{}.2.fail.1.0.$FI", "x".repeat(65)), 10207),
        ("r.B.2.fail.2.1.$FI", 10208),
    ] {
        let said = rig.say(client, &format!("PUB s.a {reply} 1\r\nx\r\n"));
        assert!(said.contains(&format!(r#""err_code":{code}"#)), "{reply}: {said}");
    }
    assert!(rig.ask(client, "STREAM.INFO.S", "").contains(r#""messages":0"#));
}
