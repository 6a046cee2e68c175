//! No memory is asked for on behalf of one message: what is asked for holds many of them.
//!
//! Counted in the turns of JetStream, once all that grows with use has grown.

#[path = "allocations/sys.rs"]
mod sys;

mod rig;

use jetstream::Config;
use rig::{Conn, Rig, config};
use sim_disk::SimDisk;

/// Messages whose memory is counted, as many as chunks of an index have.
const MESSAGES: u64 = 4_096;

/// For so many messages memory may be asked for once.
const MESSAGES_EACH_MIN: u64 = 25;

const STREAM: &str = "STREAM.CREATE.S";

fn roomy() -> Config {
    Config { max_memory: 1 << 30, max_storage: 1 << 30, ..config() }
}

fn in_memory() -> (Rig, Conn) {
    let mut rig = Rig::with(1, roomy());
    let client = rig.client("a");
    let said =
        rig.ask(client, STREAM, r#"{"name":"S","subjects":["s.*"],"storage":"memory","allow_direct":true}"#);
    assert!(said.contains("did_create"), "{said}");
    (rig, client)
}

fn in_files() -> (Rig, Conn) {
    let mut rig = Rig::on_disk_with(1, SimDisk::new(7), roomy());
    let client = rig.client("a");
    let said = rig.ask(client, STREAM, r#"{"name":"S","subjects":["s.*"],"allow_direct":true}"#);
    assert!(said.contains("did_create"), "{said}");
    (rig, client)
}

/// How often memory was asked for while JetStream had its turns, once it had three times as much to do before.
fn counted(rig: &mut Rig, client: Conn, mut act: impl FnMut(&mut Rig, Conn)) -> u64 {
    rig.counter = sys::allocations;
    for _ in 0..3 {
        act(rig, client);
    }
    rig.counted = 0;
    act(rig, client);
    rig.counted
}

/// In parts, as they come from a socket. Answers have the length of those that clients wait for.
fn publish(rig: &mut Rig, client: Conn) {
    for _ in 0..MESSAGES / 256 {
        let text = format!("PUB s.a r.{} 128\r\n{}\r\n", "i".repeat(50), "x".repeat(128));
        let said = rig.say(client, &text.repeat(256));
        assert_eq!(said.matches(r#"{"stream":"S","seq":"#).count(), 256);
    }
}

fn assert_few(counted: u64) {
    assert!(counted <= MESSAGES / MESSAGES_EACH_MIN, "{counted} times for {MESSAGES} messages");
}

#[test]
fn publishing_into_memory() {
    let (mut rig, client) = in_memory();
    assert_few(counted(&mut rig, client, publish));
}

#[test]
fn publishing_into_files() {
    let (mut rig, client) = in_files();
    assert_few(counted(&mut rig, client, publish));
}

/// Has a consumer deliver as many messages as are counted, and what else is said be said.
fn pull(rig: &mut Rig, client: Conn, consumer: &str) -> String {
    let request = format!(r#"{{"batch":{MESSAGES},"expires":60000000000}}"#);
    let next = format!("PUB $JS.API.CONSUMER.MSG.NEXT.S.{consumer} r.m {}\r\n{request}\r\n", request.len());
    let mut said = rig.say(client, &next);
    while said.matches("MSG s.a 1 ").count() < MESSAGES as usize {
        let before = said.len();
        rig.settle();
        said += &rig.shards.output(client);
        assert!(said.len() > before, "it delivers all");
    }
    said
}

/// Makes one. Returns what the client is sent by then.
fn consumer(rig: &mut Rig, client: Conn, name: &str, more: &str) -> String {
    let config = format!(r#"{{"stream_name":"S","config":{{"durable_name":"{name}",{more}}}}}"#);
    let said = rig.ask(client, &format!("CONSUMER.DURABLE.CREATE.S.{name}"), &config);
    assert!(said.contains("\"created\""), "{said}");
    said
}

#[test]
fn pulling() {
    for (mut rig, client) in [in_memory(), in_files()] {
        consumer(&mut rig, client, "C", r#""ack_policy":"none""#);
        (0..4).for_each(|_| publish(&mut rig, client));
        let counted = counted(&mut rig, client, |rig, client| drop(pull(rig, client, "C")));
        assert_few(counted);
    }
}

#[test]
fn pulling_and_acknowledging() {
    for (mut rig, client) in [in_memory(), in_files()] {
        consumer(&mut rig, client, "C", r#""ack_policy":"explicit","max_ack_pending":100000"#);
        (0..4).for_each(|_| publish(&mut rig, client));
        let counted = counted(&mut rig, client, |rig, client| {
            let said = pull(rig, client, "C");
            let lines = said.lines().filter(|line| line.starts_with("MSG s.a "));
            let acks: Vec<String> = lines
                .map(|line| format!("PUB {} 4\r\n+ACK\r\n", line.split(' ').nth(3).expect("a reply")))
                .collect();
            for some in acks.chunks(256) {
                rig.say(client, &some.concat());
                rig.wait(1);
            }
        });
        assert_few(counted);
    }
}

#[test]
fn pushing() {
    for (mut rig, client) in [in_memory(), in_files()] {
        (0..4).for_each(|_| publish(&mut rig, client));
        let mut number = 0;
        let counted = counted(&mut rig, client, |rig, client| {
            number += 1;
            let more = r#""deliver_subject":"r.p","ack_policy":"none""#;
            let said = consumer(rig, client, &format!("P{number}"), more);
            assert_eq!(said.matches("MSG s.a 1 ").count() as u64, 4 * MESSAGES);
        });
        // It delivers all that there is.
        assert_few(counted / 4);
    }
}

#[test]
fn getting_the_last_of_a_subject() {
    for (mut rig, client) in [in_memory(), in_files()] {
        publish(&mut rig, client);
        let counted = counted(&mut rig, client, |rig, client| {
            for _ in 0..MESSAGES / 256 {
                let said = rig.say(client, &"PUB $JS.API.DIRECT.GET.S.s.a r.m 0\r\n\r\n".repeat(256));
                assert_eq!(said.matches("HMSG r.m 1 ").count(), 256);
            }
        });
        assert_few(counted);
    }
}
