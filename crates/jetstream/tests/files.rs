//! Streams in files: what is acknowledged is there after whatever happens.

mod rig;

use std::time::Duration;

use jetstream::{Buffer, Config, ServiceOptions};
use rig::{Conn, Rig, config};
use sim_disk::SimDisk;
use stream_log::Span;

const STREAM: &str = r#"{"name":"S","subjects":["s.>"]}"#;

fn new(shards: usize) -> (Rig, Conn) {
    let mut rig = Rig::on_disk(shards, SimDisk::new(7));
    let client = rig.client("a");
    (rig, client)
}

fn restarted(rig: Rig) -> (Rig, Conn) {
    let mut rig = rig.restart(SimDisk::cut_power);
    let client = rig.client("a");
    (rig, client)
}

#[test]
fn an_acknowledgement_means_on_disk() {
    for shards in [1, 2] {
        let (mut rig, client) = new(shards);
        let said = rig.ask(client, "STREAM.CREATE.S", STREAM);
        assert!(said.contains("did_create") && said.contains(r#""storage":"file""#), "{said}");
        rig.is_disk_slow = true;
        assert_eq!(rig.publish(client, "s.a", "one"), "", "it is not safe yet");
        assert_eq!(rig.ask(client, "STREAM.INFO.S", ""), "", "nobody sees what is not safe");
        rig.run_disk();
        rig.settle();
        let said = rig.shards.output(client);
        assert!(said.contains(r#"{"stream":"S","seq":1}"#) && said.contains(r#""messages":1"#), "{said}");
    }
}

/// In the words of nats-server 2.14.5.
#[test]
fn what_comes_faster_than_it_is_stored_is_refused_where_that_is_asked_for() {
    for buffer in [Buffer { messages: 2, bytes: 0 }, Buffer { messages: 0, bytes: 50 }] {
        let mut rig = Rig::on_disk_told(
            SimDisk::new(7),
            Config { options: ServiceOptions { buffer, ..ServiceOptions::default() }, ..config() },
        );
        let client = rig.client("a");
        rig.ask(client, "STREAM.CREATE.S", STREAM);
        rig.is_disk_slow = true;
        let said = rig.say(client, &"PUB s.a r.a 1\r\nx\r\n".repeat(4));
        let refusal = "NATS/1.0 429 Too Many Requests\r\n\r\n{\"error\":{\"code\":429,\"err_code\":10167,\
                       \"description\":\"too many requests\"},\"stream\":\"S\",\"seq\":0}";
        assert_eq!((said.matches("MSG r.a").count(), said.matches(refusal).count()), (2, 2), "{said}");
        rig.run_disk();
        rig.settle();
        assert!(rig.shards.output(client).contains(r#"{"stream":"S","seq":2}"#));
        rig.is_disk_slow = false;
        assert!(rig.publish(client, "s.a", "x").contains(r#"{"stream":"S","seq":3}"#), "there is room again");
    }
}

/// Those that ask what there is are counted apart.
#[test]
fn as_many_requests_wait_as_may() {
    for (max_infos, infos) in [(0, 3), (2, 2), (4, 4)] {
        let told = Config {
            options: ServiceOptions { max_requests: 3, max_infos, ..ServiceOptions::default() },
            ..config()
        };
        let mut rig = Rig::on_disk_told(SimDisk::new(7), told);
        let client = rig.client("a");
        rig.ask(client, "STREAM.CREATE.S", STREAM);
        rig.is_disk_slow = true;
        rig.publish(client, "s.a", "x");
        let get = "PUB $JS.API.STREAM.MSG.GET.S r.get 9\r\n{\"seq\":1}\r\n";
        let asks = "PUB $JS.API.STREAM.INFO.S r.info 0\r\n\r\n".to_owned() + get;
        assert_eq!(rig.say(client, &asks.repeat(5)), "");
        rig.run_disk();
        rig.settle();
        let said = rig.shards.output(client);
        let answers = |inbox: &str| said.matches(&format!("MSG {inbox} 1 ")).count();
        assert_eq!((answers("r.info"), answers("r.get")), (infos, 3));
    }
}

#[test]
fn streams_and_messages_survive_a_power_cut() {
    let (mut rig, client) = new(2);
    rig.ask(client, "STREAM.CREATE.S", STREAM);
    rig.ask(client, "STREAM.CREATE.GONE", r#"{"name":"GONE","subjects":["gone"]}"#);
    for n in 1..=5 {
        let said = rig.publish(client, "s.a", &format!("m{n}"));
        assert!(said.contains(&format!(r#""seq":{n}"#)), "{said}");
    }
    rig.publish(client, "gone", "x");
    assert!(rig.ask(client, "STREAM.DELETE.GONE", "").contains("success"));
    assert!(rig.ask(client, "STREAM.MSG.DELETE.S", r#"{"seq":2}"#).contains("success"));
    let (mut rig, client) = restarted(rig);
    let names = rig.ask(client, "STREAM.NAMES", "");
    assert!(names.contains(r#""streams":["S"]"#), "{names}");
    let info = rig.ask(client, "STREAM.INFO.S", r#"{"deleted_details":true}"#);
    assert!(info.contains(r#""messages":4"#) && info.contains(r#""deleted":[2]"#), "{info}");
    assert!(rig.ask(client, "STREAM.MSG.GET.S", r#"{"seq":3}"#).contains(r#""data":"bTM=""#));
    assert!(rig.publish(client, "s.b", "m6").contains(r#""seq":6"#));
    let info = rig.ask(client, "INFO", "");
    assert!(info.contains(r#""streams":1,"#), "{info}");
}

/// One sequence, one message, whatever became of those before.
#[test]
fn no_sequence_is_given_out_twice() {
    let (mut rig, client) = new(1);
    let queue = r#"{"name":"S","subjects":["s.>"],"retention":"workqueue"}"#;
    rig.ask(client, "STREAM.CREATE.S", queue);
    rig.ask(
        client,
        "CONSUMER.CREATE.S.C",
        r#"{"stream_name":"S","config":{"durable_name":"C","name":"C","ack_policy":"explicit"}}"#,
    );
    for n in 1..=3 {
        rig.publish(client, "s.a", &format!("m{n}"));
    }
    let got = rig.say(client, "PUB $JS.API.CONSUMER.MSG.NEXT.S.C r.m 1\r\n3\r\n");
    let acks: Vec<&str> = got.split(' ').filter(|word| word.starts_with("$JS.ACK.")).collect();
    assert_eq!(acks.len(), 3, "{got}");
    for ack in acks {
        assert!(rig.say(client, &format!("PUB {ack} r.ack 4\r\n+ACK\r\n")).contains("MSG r.ack"), "{ack}");
    }
    assert!(rig.ask(client, "STREAM.INFO.S", "").contains(r#""messages":0"#));
    let (mut rig, client) = restarted(rig);
    let info = rig.ask(client, "STREAM.INFO.S", "");
    assert!(info.contains(r#""messages":0"#) && info.contains(r#""last_seq":3"#), "{info}");
    assert!(rig.publish(client, "s.a", "m4").contains(r#""seq":4"#));
    let (mut rig, client) = restarted(rig);
    rig.ask(client, "CONSUMER.DELETE.S.C", "");
    let (mut rig, client) = restarted(rig);
    let info = rig.ask(client, "STREAM.INFO.S", "");
    assert!(info.contains(r#""messages":1"#) && info.contains(r#""last_seq":4"#), "{info}");
}

#[test]
fn a_confirmed_acknowledgement_is_never_forgotten() {
    let (mut rig, client) = new(2);
    rig.ask(client, "STREAM.CREATE.S", STREAM);
    rig.ask(
        client,
        "CONSUMER.CREATE.S.C",
        r#"{"stream_name":"S","config":{"durable_name":"C","name":"C","ack_policy":"explicit"}}"#,
    );
    for n in 1..=4 {
        rig.publish(client, "s.a", &format!("m{n}"));
    }
    let got = rig.say(client, "PUB $JS.API.CONSUMER.MSG.NEXT.S.C r.m 1\r\n2\r\n");
    let ack = got.split(' ').find(|word| word.starts_with("$JS.ACK.S.C.1.1.")).unwrap().to_owned();
    rig.is_disk_slow = true;
    assert_eq!(rig.say(client, &format!("PUB {ack} r.ack 4\r\n+ACK\r\n")), "", "it is not safe yet");
    rig.is_disk_slow = false;
    rig.settle();
    rig.run_disk();
    rig.settle();
    assert!(rig.shards.output(client).contains("MSG r.ack"));
    let (mut rig, client) = restarted(rig);
    let info = rig.ask(client, "CONSUMER.INFO.S.C", "");
    assert!(info.contains(r#""ack_floor":{"consumer_seq":1,"stream_seq":1"#), "{info}");
    assert!(info.contains(r#""num_ack_pending":1"#) && info.contains(r#""num_pending":2"#), "{info}");
    let got = rig.say(client, "PUB $JS.API.CONSUMER.MSG.NEXT.S.C r.m 1\r\n1\r\n");
    assert!(got.contains("$JS.ACK.S.C.1.3."), "{got}");
}

#[test]
fn a_disk_that_fails_is_told_of() {
    let (mut rig, client) = new(1);
    rig.ask(client, "STREAM.CREATE.S", STREAM);
    rig.publish(client, "s.a", "one");
    rig.disk.as_mut().unwrap().faults.failed_writes = 1000;
    let said = rig.publish(client, "s.a", "two");
    assert!(said.contains(r#""err_code":10077"#), "{said}");
    let said = rig.publish(client, "s.a", "three");
    assert!(said.contains(r#""err_code":10077"#), "{said}");
    let info = rig.ask(client, "STREAM.INFO.S", "");
    assert!(info.contains(r#""messages":1"#) && info.contains(r#""last_seq":1"#), "{info}");
}

#[test]
fn once_a_disk_has_failed_every_request_is_answered_and_nothing_is_confirmed() {
    const CONSUMER: &str =
        r#"{"stream_name":"S","config":{"durable_name":"C","name":"C","ack_policy":"explicit"}}"#;
    let (mut rig, client) = new(2);
    rig.ask(client, "STREAM.CREATE.S", STREAM);
    rig.ask(client, "CONSUMER.CREATE.S.C", CONSUMER);
    rig.publish(client, "s.a", "one");
    let got = rig.say(client, "PUB $JS.API.CONSUMER.MSG.NEXT.S.C r.m 1\r\n1\r\n");
    let ack = got.split(' ').find(|word| word.starts_with("$JS.ACK.S.C.1.1.")).unwrap().to_owned();
    rig.fail_disks();
    for (request, body) in [
        // The first finds a log that has yet to fail.
        ("STREAM.CREATE.T", r#"{"name":"T","subjects":["t"]}"#),
        ("STREAM.CREATE.U", r#"{"name":"U","subjects":["u"]}"#),
        ("STREAM.UPDATE.S", r#"{"name":"S","subjects":["s.>"],"max_msgs":5}"#),
        ("STREAM.PURGE.S", ""),
        ("STREAM.MSG.DELETE.S", r#"{"seq":1}"#),
        ("CONSUMER.DURABLE.CREATE.S.D", &CONSUMER.replace(r#""C""#, r#""D""#)),
        ("CONSUMER.RESET.S.C", ""),
        ("CONSUMER.DELETE.S.C", ""),
        ("STREAM.DELETE.S", ""),
    ] {
        let said = rig.ask(client, request, body);
        assert!(said.contains(r#""err_code":10077"#), "{request}: {said}");
    }
    assert_eq!(rig.say(client, &format!("PUB {ack} r.ack 4\r\n+ACK\r\n")), "");
    let info = rig.ask(client, "STREAM.INFO.S", "");
    assert!(info.contains(r#""messages":1"#), "{info}");
}

#[test]
fn messages_are_read_from_the_disk() {
    let (mut rig, client) = new(2);
    rig.ask(client, "STREAM.CREATE.S", r#"{"name":"S","subjects":["s.>"],"allow_direct":true}"#);
    for n in 1..=4 {
        rig.publish(client, "s.a", &format!("m{n}"));
    }
    let (mut rig, client) = restarted(rig);
    rig.ask(
        client,
        "CONSUMER.CREATE.S.C",
        r#"{"stream_name":"S","config":{"durable_name":"C","name":"C","ack_policy":"none"}}"#,
    );
    let got = rig.say(client, "PUB $JS.API.CONSUMER.MSG.NEXT.S.C r.m 1\r\n4\r\n");
    assert_eq!(got.matches("MSG s.a 1 $JS.ACK").count(), 4, "{got}");
    let got = rig.ask(client, "DIRECT.GET.S", r#"{"seq":1,"batch":10}"#);
    assert!(got.contains("\r\n\r\nm1\r\n") && got.contains("\r\n\r\nm4\r\n") && got.contains("204"), "{got}");
}

/// The subjects of acknowledgements that are asked for.
fn acks(said: &str) -> Vec<String> {
    said.split(' ').filter(|word| word.starts_with("$JS.ACK.")).map(ToOwned::to_owned).collect()
}

/// Messages that wait to be acknowledged, of twenty that were delivered.
fn with_twenty_delivered() -> (Rig, Conn, Vec<String>) {
    let (mut rig, client) = new(1);
    rig.ask(client, "STREAM.CREATE.S", STREAM);
    let config = r#"{"stream_name":"S","config":{"durable_name":"C","name":"C","ack_policy":"explicit"}}"#;
    rig.ask(client, "CONSUMER.CREATE.S.C", config);
    for n in 1..=20 {
        rig.publish(client, "s.a", &format!("m{n}"));
    }
    let got = rig.say(client, "PUB $JS.API.CONSUMER.MSG.NEXT.S.C r.m 2\r\n20\r\n");
    let acks = acks(&got);
    assert_eq!(acks.len(), 20, "{got}");
    rig.wait(100);
    (rig, client, acks)
}

#[test]
fn acknowledgements_that_nobody_waits_for_are_written_together() {
    let (mut rig, client, acks) = with_twenty_delivered();
    rig.writes = 0;
    for ack in &acks[..15] {
        rig.say(client, &format!("PUB {ack} 4\r\n+ACK\r\n"));
    }
    assert_eq!(rig.writes, 0, "each had a turn of its own");
    rig.wait(20);
    assert_eq!(rig.writes, 1);
    // Whoever wants to hear of it does not wait that long.
    assert!(rig.say(client, &format!("PUB {} r.ack 4\r\n+ACK\r\n", acks[15])).contains("MSG r.ack"));
    let (mut rig, client) = restarted(rig);
    let info = rig.ask(client, "CONSUMER.INFO.S.C", "");
    assert!(info.contains(r#""num_ack_pending":4"#), "{info}");
}

#[test]
fn what_was_not_written_yet_is_when_the_server_stops() {
    let (mut rig, client, acks) = with_twenty_delivered();
    for ack in &acks[..15] {
        rig.say(client, &format!("PUB {ack} 4\r\n+ACK\r\n"));
    }
    rig.stop();
    let (mut rig, client) = restarted(rig);
    let info = rig.ask(client, "CONSUMER.INFO.S.C", "");
    assert!(info.contains(r#""num_ack_pending":5"#), "{info}");
}

/// Nobody knows whether what was found is on the disk: none of it is shown, and whoever asks is told.
#[test]
fn a_log_that_fails_before_its_first_sync_answers_all_the_same() {
    for shards in [1, 2] {
        let (mut rig, client) = new(shards);
        rig.ask(client, "STREAM.CREATE.S", r#"{"name":"S","subjects":["s.>"],"allow_direct":true}"#);
        rig.ask(
            client,
            "CONSUMER.CREATE.S.C",
            r#"{"stream_name":"S","config":{"durable_name":"C","name":"C","ack_policy":"explicit"}}"#,
        );
        rig.publish(client, "s.a", "one");
        let mut rig = rig.restart(|disk| {
            disk.kill();
            disk.faults.failed_syncs = 1000;
        });
        let client = rig.client("a");
        let said = rig.publish(client, "s.a", "two");
        assert!(said.contains(r#""err_code":10077"#) && said.contains(r#""stream":"S""#), "{said}");
        for (request, body) in [
            ("STREAM.INFO.S", ""),
            ("STREAM.MSG.GET.S", r#"{"seq":1}"#),
            ("CONSUMER.INFO.S.C", ""),
            // The log of another shard may be a good one.
            ("STREAM.CREATE.S", r#"{"name":"S","subjects":["s.>"]}"#),
        ] {
            let said = rig.ask(client, request, body);
            assert!(said.contains(r#""err_code":10077"#), "{request}: {said}");
        }
        for (request, body) in [("DIRECT.GET.S", r#"{"seq":1}"#), ("CONSUMER.MSG.NEXT.S.C", "1")] {
            let said = rig.ask(client, request, body);
            assert!(said.contains("NATS/1.0 409 Server Shutdown"), "{request}: {said}");
        }
        // A start that can sync has all of it.
        let mut rig = rig.restart(|disk| {
            disk.kill();
            disk.faults.failed_syncs = 0;
        });
        let client = rig.client("a");
        let info = rig.ask(client, "STREAM.INFO.S", "");
        assert!(info.contains(r#""messages":1"#), "{info}");
    }
}

/// How many of five messages a power cut took after all were acknowledged, and so many milliseconds had passed.
fn lost_after(millis: u64, seed: u64) -> u64 {
    let mut rig = Rig::on_disk_synced(1, SimDisk::new(seed), Duration::from_secs(10));
    let client = rig.client("a");
    rig.ask(client, "STREAM.CREATE.S", STREAM);
    rig.wait(10_000);
    for n in 1..=5 {
        assert!(rig.publish(client, "s.a", &format!("m{n}")).contains(&format!(r#""seq":{n}"#)));
    }
    rig.wait(millis);
    let (mut rig, client) = restarted(rig);
    (1..=5)
        .filter(|n| !rig.ask(client, "STREAM.MSG.GET.S", &format!(r#"{{"seq":{n}}}"#)).contains("data"))
        .count() as u64
}

#[test]
fn with_an_interval_a_cut_takes_what_was_acknowledged_since_the_last_sync() {
    let lost: u64 = (0..20).map(|seed| lost_after(9_000, seed)).sum();
    assert!(lost > 0, "nothing was lost, so nothing is tested");
    let lost: u64 = (0..20).map(|seed| lost_after(10_000, seed)).sum();
    assert_eq!(lost, 0);
}

/// Whether some bytes are in any file.
fn disk_has(rig: &Rig, bytes: &[u8]) -> bool {
    let disk = rig.disk.as_ref().unwrap();
    disk.files().into_iter().any(|(segment, len)| {
        let there = disk.read(Span { segment, offset: 0, len: len as u32 });
        there.windows(bytes.len()).any(|window| window == bytes)
    })
}

#[test]
fn a_deleted_message_is_overwritten_before_that_is_said() {
    let (mut rig, client) = new(2);
    rig.ask(client, "STREAM.CREATE.S", STREAM);
    for secret in ["the first secret", "the second secret", "the third secret"] {
        rig.publish(client, "s.a", secret);
    }
    rig.ask(client, "STREAM.MSG.DELETE.S", r#"{"seq":1,"no_erase":true}"#);
    assert!(disk_has(&rig, b"the first secret"));
    rig.is_disk_slow = true;
    let said = rig.ask(client, "STREAM.MSG.DELETE.S", r#"{"seq":2}"#);
    assert_eq!(said, "");
    rig.is_disk_slow = false;
    rig.settle();
    rig.run_disk();
    rig.settle();
    let said = rig.shards.output(client);
    assert!(said.contains(r#""success":true"#), "{said}");
    let (mut rig, client) = restarted(rig);
    assert!(!disk_has(&rig, b"the second secret") && disk_has(&rig, b"the third secret"));
    let info = rig.ask(client, "STREAM.INFO.S", r#"{"deleted_details":true}"#);
    assert!(info.contains(r#""messages":1"#) && info.contains(r#""last_seq":3"#), "{info}");
}

/// The server ends between the two.
#[test]
fn a_message_that_was_deleted_and_not_overwritten_is_when_the_server_starts() {
    for is_power_cut in [true, false] {
        let (mut rig, client) = new(1);
        rig.ask(client, "STREAM.CREATE.S", STREAM);
        rig.publish(client, "s.a", "the first secret");
        rig.publish(client, "s.a", "the second secret");
        rig.is_disk_slow = true;
        assert_eq!(rig.ask(client, "STREAM.MSG.DELETE.S", r#"{"seq":1}"#), "");
        rig.run_disk();
        rig.settle();
        assert_eq!(rig.shards.output(client), "");
        assert!(disk_has(&rig, b"the first secret"), "it is not overwritten yet");
        let mut rig = rig.restart(if is_power_cut { SimDisk::cut_power } else { SimDisk::kill });
        assert!(!disk_has(&rig, b"the first secret") && disk_has(&rig, b"the second secret"));
        let client = rig.client("a");
        assert!(rig.ask(client, "STREAM.MSG.DELETE.S", r#"{"seq":2}"#).contains("success"));
        assert!(!disk_has(&rig, b"the second secret"));
    }
}

/// The system account is told that the disk is full, once for each time.
#[test]
fn a_disk_that_is_full_is_told_of() {
    let mut log = stream_log::Config::new(*b"a store of tests", 0);
    log.segment_bytes = 256 << 10;
    let mut rig = Rig::on_logs(1, vec![SimDisk::new(7)], log);
    let (client, system) = (rig.client("a"), rig.client("s"));
    rig.say(system, "SUB $JS.EVENT.ADVISORY.SERVER.> r.event\r\n");
    rig.ask(client, "STREAM.CREATE.S", STREAM);
    let payload = "x".repeat(32 << 10);
    for _ in 0..2 {
        rig.disk.as_mut().unwrap().faults.room = Some(0);
        let refused =
            (0..40).map(|_| rig.publish(client, "s.a", &payload)).find(|said| said.contains("error"));
        assert!(refused.is_some_and(|said| said.contains(r#""err_code":10023"#)));
        rig.wait(1_001);
        rig.wait(1_001);
        let told = rig.shards.output(system);
        let event = r#"{"type":"io.nats.jetstream.advisory.v1.server_out_of_space","id":""#;
        assert_eq!(told.matches(event).count(), 1, "{told}");
        assert!(told.contains(r#""server":"srv","server_id":"SID","cluster":""}"#), "{told}");
        rig.disk.as_mut().unwrap().faults.room = None;
        rig.wait(1_001);
        assert!(rig.publish(client, "s.a", "x").contains(r#""seq":"#));
    }
}

/// Whether a file of another log has these bytes.
fn other_disk_has(rig: &Rig, bytes: &[u8]) -> bool {
    let disk = &rig.other_disks[0];
    disk.files().into_iter().any(|(segment, len)| {
        let there = disk.read(Span { segment, offset: 0, len: len as u32 });
        there.windows(bytes.len()).any(|window| window == bytes)
    })
}

/// As when a part of a backup was put back.
#[test]
fn of_two_logs_with_one_stream_the_second_is_left_as_it_is() {
    for shards in [1, 2] {
        let (mut rig, client) = new(2);
        rig.ask(client, "STREAM.CREATE.OTHER", r#"{"name":"OTHER","subjects":["other"]}"#);
        rig.ask(client, "STREAM.CREATE.S", STREAM);
        rig.publish(client, "s.a", "an old message");
        rig.ask(
            client,
            "CONSUMER.CREATE.S.C",
            r#"{"stream_name":"S","config":{"durable_name":"C","name":"C","ack_policy":"explicit"}}"#,
        );
        let mut old = rig.other_disks.pop().unwrap();
        let (mut rig, client) = new(1);
        rig.ask(client, "STREAM.CREATE.S", STREAM);
        rig.publish(client, "s.a", "one");
        let mut fresh = rig.disk.take().unwrap();
        old.kill();
        fresh.kill();
        let mut rig = Rig::on_disks(shards, vec![fresh, old]);
        for message in 2..5 {
            let client = rig.client("a");
            let said = rig.publish(client, "s.a", &format!("message {message}"));
            assert_eq!(said.matches("PUB").count() + said.matches("MSG r.a 1 ").count(), 1, "{said}");
            assert!(said.contains(&format!(r#""seq":{message}}}"#)), "{said}");
            let info = rig.ask(client, "STREAM.INFO.S", "");
            assert!(info.contains(r#""consumer_count":0"#), "{info}");
            let query = monitor::HealthzQuery::default();
            let ailing: Vec<_> =
                (0..shards).flat_map(|shard| rig.jetstream(shard).0.health(&query).ailing).collect();
            let [one] = &ailing[..] else { panic!("{ailing:?}") };
            assert_eq!((&*one.stream, &one.ailment), ("S", &monitor::Ailment::Twice));
            assert!(other_disk_has(&rig, b"an old message") && !other_disk_has(&rig, b"message 3"));
            rig = rig.restart_on(shards, SimDisk::cut_power);
        }
    }
}
