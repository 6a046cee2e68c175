//! Very many streams and consumers: what each takes, and that those which nobody uses take no time.

mod rig;

use jetstream::Config;
use rig::{Conn, Rig, config};

/// Bytes that a stream takes on whom nobody says anything, and a consumer. Theirs are entries in tables as well, and a
/// stream has room for its schedules and batches, also where it has none.
const STREAM_BYTES_MAX: i64 = 14 << 9;
const CONSUMER_BYTES_MAX: i64 = 2 << 10;

fn rig() -> (Rig, Conn) {
    let mut rig = Rig::with(1, Config { max_memory: 1 << 30, ..config() });
    let client = rig.client("a");
    (rig, client)
}

fn make_streams(rig: &mut Rig, client: Conn, streams: usize) {
    for n in 0..streams {
        let config = format!(r#"{{"name":"S{n}","subjects":["s.{n}.>"],"storage":"memory"}}"#);
        rig.ask(client, &format!("STREAM.CREATE.S{n}"), &config);
    }
}

fn make_consumers(rig: &mut Rig, client: Conn, stream: usize, consumers: usize) {
    for n in 0..consumers {
        let config = format!(
            r#"{{"stream_name":"S{stream}","config":{{"durable_name":"C{n}","name":"C{n}","ack_policy":"explicit"}}}}"#
        );
        rig.ask(client, &format!("CONSUMER.DURABLE.CREATE.S{stream}.C{n}"), &config);
    }
}

/// Bytes of memory that the process has.
fn resident() -> i64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux says it");
    let pages: i64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    pages * 4096
}

/// Bytes that each of so many takes, by what it takes to make them.
fn bytes_each(many: usize, make: impl FnOnce()) -> i64 {
    let before = resident();
    make();
    (resident() - before) / many as i64
}

/// One test, so that nothing else takes memory meanwhile.
#[test]
fn who_is_not_used_takes_little_room_and_no_time() {
    let (mut rig, client) = rig();
    make_streams(&mut rig, client, 10);
    let stream = bytes_each(1_000, || {
        for n in 10..1_010 {
            let config = format!(r#"{{"name":"S{n}","subjects":["s.{n}.>"],"storage":"memory"}}"#);
            rig.ask(client, &format!("STREAM.CREATE.S{n}"), &config);
        }
    });
    let consumer = bytes_each(4_000, || (0..10).for_each(|n| make_consumers(&mut rig, client, n, 400)));
    println!("{stream} bytes for a stream, {consumer} for a consumer");
    assert!(stream <= STREAM_BYTES_MAX, "{stream} bytes for a stream");
    assert!(consumer <= CONSUMER_BYTES_MAX, "{consumer} bytes for a consumer");
    // Nothing is due, ever.
    assert_eq!(rig.next_deadline(), None);
    rig.wait(3_600_000);
    (rig.longest, rig.turns) = (0, 0);
    let said = rig.publish(client, "s.5.x", "x");
    assert!(said.contains(r#""seq":1}"#), "{said}");
    let said = rig.ask(client, "INFO", "");
    assert!(said.contains(r#""streams":1010,"#) && said.contains(r#""consumers":4000,"#), "{said}");
    assert!(rig.longest < 200, "{} steps for a message", rig.longest);
}
