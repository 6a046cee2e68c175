//! Messages that consumers give up, in the stream that keeps them.

mod rig;

use rig::{Conn, Rig};
use sim_disk::SimDisk;

const LETTERS: &str = r#"{"name":"DEAD"}"#;

fn consumer(more: &str) -> String {
    format!(
        r#"{{"stream_name":"S","config":{{"durable_name":"C","name":"C","ack_policy":"explicit","ack_wait":1000000000,{more}"metadata":{{"buster.dead_letters":"DEAD"}}}}}}"#
    )
}

fn set_up(rig: &mut Rig, stream: &str, more: &str) -> Conn {
    let client = rig.client("a");
    for (what, body) in [("STREAM.CREATE.S", stream), ("STREAM.CREATE.DEAD", LETTERS)] {
        let said = rig.ask(client, what, body);
        assert!(said.contains(r#""did_create":true"#), "{said}");
    }
    let said = rig.ask(client, "CONSUMER.CREATE.S.C", &consumer(more));
    assert!(said.contains(r#""buster.dead_letters":"DEAD""#), "{said}");
    client
}

/// Where the messages that are there can be acknowledged.
fn take(rig: &mut Rig, client: Conn, count: usize) -> Vec<String> {
    let said = rig.say(client, &format!("PUB $JS.API.CONSUMER.MSG.NEXT.S.C r.m 1\r\n{count}\r\n"));
    said.split_whitespace().filter(|word| word.starts_with("$JS.ACK.")).map(str::to_owned).collect()
}

/// What is said of a letter, its header as text.
fn letter(rig: &mut Rig, client: Conn, seq: u64) -> String {
    let body = format!(r#"{{"seq":{seq}}}"#);
    rig.say(client, &format!("PUB $JS.API.DIRECT.GET.DEAD r.g {}\r\n{body}\r\n", body.len()))
}

const S: &str = r#"{"name":"S","subjects":["s.>"]}"#;

fn with_direct(rig: &mut Rig, client: Conn) {
    let said = rig.ask(client, "STREAM.UPDATE.DEAD", r#"{"name":"DEAD","allow_direct":true}"#);
    assert!(said.contains(r#""allow_direct":true"#), "{said}");
}

#[test]
fn a_letter_says_what_died_and_why() {
    for shards in [1, 2, 3] {
        let mut rig = Rig::on_disk(shards, SimDisk::new(7));
        let client = set_up(&mut rig, S, "");
        with_direct(&mut rig, client);
        let header = "NATS/1.0\r\nKind: x\r\nNats-Msg-Id: one\r\nNats-Expected-Last-Sequence: 0\r\n\r\n";
        rig.say(client, &format!("HPUB s.a r.a {} {}\r\n{header}hello\r\n", header.len(), header.len() + 5));
        let acks = take(&mut rig, client, 1);
        let said = rig.say(client, &format!("PUB {} r.t 10\r\n+TERM evil\r\n", acks[0]));
        assert!(said.contains("MSG r.t 1 0"), "it is answered: {said}");
        let said = letter(&mut rig, client, 1);
        for line in [
            "Kind: x\r\n",
            "Nats-Subject: s.a\r\n",
            "Buster-Dead-Reason: terminated\r\n",
            "Buster-Dead-Said: evil\r\n",
            "Buster-Dead-Stream: S\r\n",
            "Buster-Dead-Consumer: C\r\n",
            "Buster-Dead-Sequence: 1\r\n",
            "Buster-Dead-Deliveries: 1\r\n",
            "Buster-Dead-Msg-Id: one\r\n",
            "Nats-Msg-Id: dead.S.C.",
            "\r\n\r\nhello\r\n",
        ] {
            assert!(said.contains(line), "{line:?} on {shards} shards: {said}");
        }
        assert!(!said.contains("Nats-Expected"), "{said}");
        let info = rig.ask(client, "CONSUMER.INFO.S.C", "");
        assert!(info.contains(r#""num_ack_pending":0"#), "{info}");
    }
}

#[test]
fn a_work_queue_lets_go_of_what_is_kept_elsewhere() {
    let mut rig = Rig::new(2);
    let stream = r#"{"name":"S","subjects":["s.>"],"retention":"workqueue","storage":"memory"}"#;
    let client = rig.client("a");
    rig.ask(client, "STREAM.CREATE.S", stream);
    rig.ask(client, "STREAM.CREATE.DEAD", r#"{"name":"DEAD","storage":"memory"}"#);
    rig.ask(client, "CONSUMER.CREATE.S.C", &consumer(r#""max_deliver":1,"#));
    rig.shards.feed(client, "SUB $JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.> 2\r\n");
    rig.publish(client, "s.a", "x");
    take(&mut rig, client, 1);
    rig.wait(1_100);
    rig.wait(1);
    let said = rig.shards.output(client);
    assert!(said.contains("MAX_DELIVERIES.S.C"), "{said}");
    let info = rig.ask(client, "STREAM.INFO.S", "");
    assert!(info.contains(r#""messages":0"#), "{info}");
    let info = rig.ask(client, "STREAM.INFO.DEAD", "");
    assert!(info.contains(r#""messages":1"#), "{info}");
}

#[test]
fn nothing_is_given_up_that_nobody_keeps() {
    let mut rig = Rig::on_disk(2, SimDisk::new(7));
    let client = set_up(&mut rig, S, "");
    rig.publish(client, "s.a", "x");
    let acks = take(&mut rig, client, 1);
    rig.ask(client, "STREAM.DELETE.DEAD", "");
    let said = rig.say(client, &format!("PUB {} r.t 5\r\n+TERM\r\n", acks[0]));
    assert!(!said.contains("MSG r.t"), "{said}");
    rig.wait(5_000);
    let info = rig.ask(client, "CONSUMER.INFO.S.C", "");
    assert!(info.contains(r#""num_ack_pending":1"#), "{info}");
    rig.ask(client, "STREAM.CREATE.DEAD", LETTERS);
    rig.shards.output(client);
    rig.wait(1_500);
    rig.wait(1);
    let said = rig.shards.output(client);
    assert!(said.contains("MSG r.t 1 0"), "it is answered once there is a stream again: {said}");
    let info = rig.ask(client, "CONSUMER.INFO.S.C", "");
    assert!(info.contains(r#""num_ack_pending":0"#), "{info}");
}

#[test]
fn mistakes_are_said_when_the_consumer_is_made() {
    let mut rig = Rig::new(2);
    let client = rig.client("a");
    rig.ask(client, "STREAM.CREATE.S", r#"{"name":"S","storage":"memory"}"#);
    let said = rig.ask(client, "CONSUMER.CREATE.S.C", &consumer(""));
    let why = r#""err_code":10012,"description":"metadata buster.dead_letters: there is no stream \"DEAD\"""#;
    assert!(said.contains(why), "{said}");
    let said = rig.ask(client, "CONSUMER.CREATE.S.C", &consumer("").replace("DEAD", "S"));
    assert!(said.contains("cannot be the consumer's own stream"), "{said}");
    let said = rig.ask(client, "CONSUMER.CREATE.S.C", &consumer("").replace("dead_letters", "dead_leters"));
    assert!(said.contains("buster.dead_leters is no key that this server knows"), "{said}");
}

/// Power is cut at every point of a life in which messages are terminated: what was confirmed is in the other stream once,
/// or, if it was not confirmed, it comes again.
#[test]
fn a_cut_of_the_power_loses_no_letter() {
    for cut in 0..60 {
        for shards in [1, 2] {
            lose_power_after(cut, shards);
        }
    }
}

fn lose_power_after(cut: usize, shards: usize) {
    let mut rig = Rig::on_disk(shards, SimDisk::new(100 + cut as u64));
    let client = set_up(&mut rig, S, r#""max_deliver":3,"#);
    for number in 0..6 {
        rig.publish(client, "s.a", &format!("message {number}"));
    }
    let acks = take(&mut rig, client, 6);
    rig.is_disk_slow = true;
    let mut confirmed = Vec::new();
    // The disk does a step now and then.
    let mut left = cut;
    for (number, ack) in acks.iter().enumerate() {
        rig.shards.feed(client, &format!("PUB {ack} r.t{number} 5\r\n+TERM\r\n"));
    }
    loop {
        rig.shards.settle();
        rig.turn();
        rig.shards.settle();
        let said = rig.shards.output(client);
        confirmed.extend((0..6_usize).filter(|number| said.contains(&format!("MSG r.t{number} "))));
        if left == 0 {
            break;
        }
        left -= 1;
        if left.is_multiple_of(3) {
            rig.run_disk();
        }
    }
    let mut rig = rig.restart(|disk| disk.cut_power());
    let client = rig.client("a");
    with_direct(&mut rig, client);
    // What was not confirmed comes again, and dies again.
    for _ in 0..4 {
        for ack in take(&mut rig, client, 6) {
            rig.say(client, &format!("PUB {ack} r.x 5\r\n+TERM\r\n"));
        }
        rig.wait(1_100);
    }
    let info = rig.ask(client, "STREAM.INFO.DEAD", "");
    let mut found = Vec::new();
    for seq in 1..=12 {
        let said = letter(&mut rig, client, seq);
        found.extend((0..6_usize).filter(|number| said.contains(&format!("message {number}\r\n"))));
    }
    found.sort_unstable();
    assert_eq!(found, (0..6).collect::<Vec<_>>(), "cut {cut} on {shards}: confirmed {confirmed:?}, {info}");
}
