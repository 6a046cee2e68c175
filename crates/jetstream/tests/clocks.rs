//! A clock on the wall that is put forward and back by an hour: what has a time on that clock keeps it, what is counted
//! from now on does not notice, and nothing is lost.

mod rig;

use jetstream::Config;
use rig::{Conn, Rig, config};
use sim_disk::SimDisk;

const HOUR: i64 = 3_600_000_000_000;

/// Streams in memory, and in files.
fn rigs() -> [(Rig, &'static str); 2] {
    let memory = Rig::with(1, Config { max_memory: 1 << 30, ..config() });
    [(memory, "memory"), (Rig::on_disk(1, SimDisk::new(7)), "file")]
}

fn create(rig: &mut Rig, client: Conn, storage: &str, more: &str) {
    let stream = format!(r#"{{"name":"S","subjects":["s.>"],"storage":"{storage}"{more}}}"#);
    let said = rig.ask(client, "STREAM.CREATE.S", &stream);
    assert!(said.contains("did_create"), "{said}");
}

fn consume(rig: &mut Rig, client: Conn, more: &str) {
    let config = format!(r#"{{"stream_name":"S","config":{{"name":"C","ack_policy":"explicit"{more}}}}}"#);
    assert!(rig.ask(client, "CONSUMER.CREATE.S.C", &config).contains("num_pending"));
}

fn has(rig: &mut Rig, client: Conn, what: &str) -> bool {
    rig.ask(client, "STREAM.INFO.S", "").contains(what)
}

/// Puts the clock somewhere else, and has a while go by there.
fn put(rig: &mut Rig, offset: i64, millis: u64) {
    rig.wall_offset = offset;
    rig.wait(millis);
}

#[test]
fn messages_go_when_their_time_on_the_wall_is_over_and_none_before() {
    for (mut rig, storage) in rigs() {
        let client = rig.client("a");
        create(&mut rig, client, storage, r#","max_age":7200000000000,"allow_msg_ttl":true"#);
        let header = "NATS/1.0\r\nNats-TTL: 5400s\r\n\r\n";
        let publish = format!("HPUB s.ttl r.a {} {}\r\n{header}x\r\n", header.len(), header.len() + 1);
        assert!(rig.say(client, &publish).contains(r#""seq":1}"#));
        assert!(rig.publish(client, "s.a", "x").contains(r#""seq":2}"#));
        for offset in [HOUR, 0, -HOUR, HOUR, -HOUR, 0] {
            put(&mut rig, offset, 1_000);
            assert!(has(&mut rig, client, r#""messages":2,"#), "{storage} {offset}");
        }
        // What comes while the clock is behind has no earlier time than what was there.
        put(&mut rig, -HOUR, 1_000);
        assert!(rig.publish(client, "s.a", "x").contains(r#""seq":3}"#));
        put(&mut rig, 0, 1_000);
        assert!(has(&mut rig, client, r#""messages":3,"#), "{storage}");
        // An hour and a half: the one with a time of its own.
        put(&mut rig, HOUR, 1_800_000);
        assert!(has(&mut rig, client, r#""first_seq":2,"#), "{storage}");
        put(&mut rig, HOUR, 1_800_000);
        assert!(has(&mut rig, client, r#""messages":0,"#), "{storage}: two hours");
        assert!(rig.publish(client, "s.a", "x").contains(r#""seq":4}"#));
    }
}

#[test]
fn deliveries_do_not_notice() {
    for (mut rig, storage) in rigs() {
        let client = rig.client("a");
        create(&mut rig, client, storage, "");
        consume(&mut rig, client, r#","ack_wait":60000000000,"inactive_threshold":600000000000"#);
        for n in 0..3 {
            rig.publish(client, "s.a", &format!("m{n}"));
        }
        let body = r#"{"batch":2,"expires":10000000000000}"#;
        let ask = format!("PUB $JS.API.CONSUMER.MSG.NEXT.S.C r.m {}\r\n{body}\r\n", body.len());
        let got = rig.say(client, &ask);
        assert_eq!(got.matches("$JS.ACK.S.C.1.").count(), 2, "{got}");
        // Nothing comes again, no request is over, nobody is gone.
        for offset in [HOUR, -HOUR, 0, -HOUR, HOUR] {
            put(&mut rig, offset, 1_000);
            assert_eq!(rig.shards.output(client), "", "{storage} {offset}");
            let info = rig.ask(client, "CONSUMER.INFO.S.C", "");
            assert!(info.contains(r#""num_ack_pending":2,"#), "{storage} {offset}: {info}");
        }
        // A minute after they were delivered they come again, whatever the clock says.
        rig.wait(54_000);
        assert_eq!(rig.shards.output(client), "");
        rig.say(client, "PUB $JS.API.CONSUMER.MSG.NEXT.S.C r.n 1\r\n3\r\n");
        rig.wait(2_000);
        let got = rig.shards.output(client);
        assert_eq!(got.matches("$JS.ACK.S.C.2.").count(), 2, "{got}");
        // Unused for ten minutes, and looked at once before.
        put(&mut rig, -HOUR, 590_000);
        put(&mut rig, HOUR, 1_000);
        assert!(rig.ask(client, "CONSUMER.NAMES.S", "").contains(r#"["C"]"#), "{storage}");
        rig.wait(620_000);
        let names = rig.ask(client, "CONSUMER.NAMES.S", "");
        assert!(names.contains(r#""total":0,"#), "{storage}: {names}");
        assert!(has(&mut rig, client, r#""messages":3,"#), "{storage}");
    }
}
