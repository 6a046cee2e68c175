//! Snapshots of streams, and streams that are made of them.

mod copying;
mod rig;

use copying::{Frame, restore, snapshot};
use rig::{Conn, Rig, config};
use sim_disk::SimDisk;

/// What nats-server 2.14.5 wrote of a stream: crates/foreign-store has more to say about it.
const WRITTEN_BY_NATS_SERVER: &[u8] = include_bytes!("../../foreign-store/testdata/snapshot.s2");

const STREAM: &str = r#"{"name":"S","subjects":["s.>"],"allow_msg_ttl":true,"max_msgs_per_subject":40}"#;

fn restore_request(config: &str) -> String {
    format!(r#"{{"config":{config},"state":{{}}}}"#)
}

/// A stream with holes, ids, times to live and two consumers.
fn fill(rig: &mut Rig, client: Conn) {
    let said = rig.ask(client, "STREAM.CREATE.S", STREAM);
    assert!(said.contains(r#""did_create":true"#), "{said}");
    for number in 0..90 {
        let field = match number % 10 {
            3 => format!("Nats-Msg-Id: id {number}\r\n"),
            5 => "Nats-TTL: 1h\r\n".to_owned(),
            7 => "Other: x\r\n".to_owned(),
            _ => String::new(),
        };
        let header = format!("NATS/1.0\r\n{field}\r\n");
        let payload = format!("{number}:").repeat(700);
        let (subject, len) = (format!("s.{}", number % 3), header.len());
        let total = len + payload.len();
        let said = rig.say(client, &format!("HPUB {subject} r.a {len} {total}\r\n{header}{payload}\r\n"));
        assert!(said.contains(r#""seq":"#), "{number}: {said}");
    }
    for name in ["C", "D"] {
        let config = format!(
            r#"{{"stream_name":"S","config":{{"durable_name":"{name}","name":"{name}","ack_policy":"explicit","max_deliver":3}}}}"#
        );
        rig.ask(client, &format!("CONSUMER.DURABLE.CREATE.S.{name}"), &config);
    }
    let said = rig.say(client, "PUB $JS.API.CONSUMER.MSG.NEXT.S.C r.m 1\r\n7\r\n");
    let acks: Vec<&str> = said.split_whitespace().filter(|word| word.starts_with("$JS.ACK.")).collect();
    assert_eq!(acks.len(), 7);
    for ack in [acks[0], acks[1], acks[4]] {
        rig.say(client, &format!("PUB {ack} 0\r\n\r\n"));
    }
    for seq in [2, 40, 41, 42, 90] {
        let said = rig.ask(client, "STREAM.MSG.DELETE.S", &format!(r#"{{"seq":{seq}}}"#));
        assert!(said.contains("success"), "{said}");
    }
    rig.ask(client, "STREAM.PURGE.S", r#"{"filter":"s.1","keep":20}"#);
    rig.wait(1_000);
}

/// What can be asked of it, without the moment at which it is.
fn said(rig: &mut Rig, client: Conn) -> Vec<String> {
    let asked = [
        ("STREAM.INFO.S", r#"{"deleted_details":true,"subjects_filter":">"}"#),
        ("CONSUMER.INFO.S.C", ""),
        ("CONSUMER.INFO.S.D", ""),
        ("STREAM.MSG.GET.S", r#"{"seq":1}"#),
        ("STREAM.MSG.GET.S", r#"{"seq":6}"#),
        ("STREAM.MSG.GET.S", r#"{"seq":88}"#),
        ("STREAM.MSG.GET.S", r#"{"last_by_subj":"s.0"}"#),
    ];
    asked.map(|(what, body)| timeless(&rig.ask(client, what, body))).into()
}

/// Without when it was said, and when somebody was last there.
fn timeless(said: &str) -> String {
    let mut kept = said.to_owned();
    for key in [r#""ts":""#, r#","last_active":""#] {
        while let Some(at) = kept.find(key) {
            let end = at + key.len() + kept[at + key.len()..].find('"').expect("texts end") + 1;
            kept.replace_range(at..end, "");
        }
    }
    kept.split_once('{').map_or(String::new(), |(_, body)| body.to_owned())
}

#[test]
fn a_stream_comes_back_as_it_was() {
    let mut rig = Rig::on_disk(1, SimDisk::new(7));
    let client = rig.client("a");
    fill(&mut rig, client);
    let before = said(&mut rig, client);
    let (answer, bytes, end) = snapshot(&mut rig, client, "S", "");
    assert!(
        answer.contains(r#""type":"io.nats.jetstream.api.v1.stream_snapshot_response","config":{"name":"S""#)
    );
    assert!(bytes.len() < 90 * 700, "it is packed: {}", bytes.len());
    assert_eq!(end, b"", "nothing is said of the end of what is no whole part");
    rig.ask(client, "STREAM.DELETE.S", "");
    let answer = restore(&mut rig, client, "S", &restore_request(STREAM), &bytes, 3_000);
    assert!(
        answer.contains(r#""type":"io.nats.jetstream.api.v1.stream_create_response","config""#),
        "{answer}"
    );
    assert_eq!(said(&mut rig, client), before);
    // Its ids are known.
    let header = "NATS/1.0\r\nNats-Msg-Id: id 83\r\n\r\n";
    let publish = format!("HPUB s.x r.a {} {}\r\n{header}\r\n", header.len(), header.len());
    assert!(rig.say(client, &publish).contains(r#""seq":84,"duplicate": true"#));
    let next = rig.publish(client, "s.0", "x");
    assert!(next.contains(r#""seq":91"#), "{next}");
    rig.ask(client, "STREAM.MSG.DELETE.S", r#"{"seq":91}"#);
    let before = said(&mut rig, client);
    let mut rig = rig.restart(|disk| disk.cut_power());
    let client = rig.client("a");
    assert_eq!(said(&mut rig, client), before, "after a cut of the power");
}

#[test]
fn a_snapshot_is_of_one_moment() {
    let mut rig = Rig::on_disk(1, SimDisk::new(7));
    let client = rig.client("a");
    fill(&mut rig, client);
    let before = said(&mut rig, client);
    let mut copying =
        copying::Copying::begin(&mut rig, client, "S", r#","chunk_size":1024,"window_size":1024"#);
    assert!(copying.step(&mut rig), "there is more");
    // All of it goes, one way or the other, and there are others.
    rig.ask(client, "STREAM.MSG.DELETE.S", r#"{"seq":60}"#);
    rig.ask(client, "STREAM.PURGE.S", r#"{"filter":"s.2"}"#);
    for number in 0..50 {
        rig.publish(client, "s.0", &format!("late {number}"));
    }
    rig.ask(client, "STREAM.PURGE.S", "");
    rig.publish(client, "s.0", "later");
    while copying.step(&mut rig) {}
    assert!(copying.end.starts_with(b"NATS/1.0 204"), "parts were whole");
    rig.ask(client, "STREAM.DELETE.S", "");
    restore(&mut rig, client, "S", &restore_request(STREAM), &copying.bytes, 100_000);
    assert_eq!(said(&mut rig, client), before);
}

#[test]
fn what_nats_server_wrote_is_taken() {
    let mut rig = Rig::on_disk(2, SimDisk::new(7));
    let client = rig.client("a");
    let request = restore_request(r#"{"name":"S","subjects":["s.>"]}"#);
    let answer = restore(&mut rig, client, "S", &request, WRITTEN_BY_NATS_SERVER, 500);
    assert!(answer.contains(r#""state":{"messages":32,"bytes":2145,"first_seq":2,"#), "{answer}");
    let info = rig.ask(client, "STREAM.INFO.S", r#"{"deleted_details":true}"#);
    assert!(info.contains(r#""deleted":[3,4,7,10,13,17,40]"#), "{info}");
    let message = rig.ask(client, "STREAM.MSG.GET.S", r#"{"seq":5}"#);
    assert!(message.contains(r#""subject":"s.2","seq":5,"hdrs":"#), "{message}");
    let consumer = rig.ask(client, "CONSUMER.INFO.S.C", "");
    let stands = r#""delivered":{"consumer_seq":8,"stream_seq":14},"ack_floor":{"consumer_seq":2,"stream_seq":5},"num_ack_pending":5,"num_redelivered":0,"num_waiting":0,"num_pending":24"#;
    assert!(consumer.contains(stands), "{consumer}");
}

#[test]
fn a_restore_that_is_cut_off_leaves_nothing() {
    let mut rig = Rig::on_disk(1, SimDisk::new(7));
    let client = rig.client("a");
    fill(&mut rig, client);
    let (_, bytes, _) = snapshot(&mut rig, client, "S", "");
    rig.ask(client, "STREAM.DELETE.S", "");
    let to = copying::begin_restore(&mut rig, client, "S", &restore_request(STREAM));
    let answer = copying::send_part(&mut rig, client, &to, &bytes[..bytes.len() / 2]);
    assert_eq!(answer, Some(Vec::new()), "what came so far is safe");
    for (what, code) in
        [("CREATE.S", "10058"), ("RESTORE.S", "10130"), ("DELETE.S", "10059"), ("INFO.S", "10059")]
    {
        let body = match what {
            "CREATE.S" => STREAM.to_owned(),
            "RESTORE.S" => restore_request(STREAM),
            _ => String::new(),
        };
        let said = rig.ask(client, &format!("STREAM.{what}"), &body);
        assert!(said.contains(code), "{what}: {said}");
    }
    assert_eq!(rig.streams_shown(), 0);
    // A start that finds it lets go of it.
    let mut rig = rig.restart(|disk| disk.cut_power());
    let client = rig.client("a");
    assert!(rig.ask(client, "STREAM.NAMES", "").contains(r#""streams":null"#));
    // So does who waits for more in vain.
    let to = copying::begin_restore(&mut rig, client, "S", &restore_request(STREAM));
    copying::send_part(&mut rig, client, &to, &bytes[..bytes.len() / 2]);
    rig.wait(4_900);
    assert!(rig.ask(client, "STREAM.CREATE.S", STREAM).contains("10058"), "it is waited for");
    rig.wait(200);
    assert!(rig.ask(client, "STREAM.CREATE.S", STREAM).contains(r#""messages":0"#));
}

#[test]
fn what_is_no_snapshot_is_refused() {
    let mut rig = Rig::on_disk(1, SimDisk::new(7));
    let client = rig.client("a");
    let to = copying::begin_restore(&mut rig, client, "S", &restore_request(STREAM));
    // Recorded: `snap-restore-garbage`.
    let answer = copying::send_part(&mut rig, client, &to, b"garbage").unwrap_or_default();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let refused = r#"{"type":"io.nats.jetstream.api.v1.stream_create_response","error":{"code":500,"err_code":10062,"description":"restore failed: s2: corrupt input"}}"#;
    assert_eq!(answer, refused);
    let said = rig.say(client, &format!("PUB {to} r.e 0\r\n\r\n"));
    assert!(said.contains("NATS/1.0 503"), "nobody listens: {said}");
    assert!(rig.ask(client, "STREAM.NAMES", "").contains(r#""streams":null"#));
    for (config, code) in [(r#"{"name":"T"}"#, "10056"), (r#"{"name":"S","mirror":{"name":"O"}}"#, "10052")] {
        let said = rig.ask(client, "STREAM.RESTORE.S", &restore_request(config));
        assert!(said.contains(code), "{said}");
    }
    // Half of one is none.
    let half = &WRITTEN_BY_NATS_SERVER[..1_500];
    let answer = restore(&mut rig, client, "S", &restore_request(STREAM), half, 1_000);
    assert!(answer.contains("restore failed: unexpected EOF"), "{answer}");
    // Neither is one of another stream.
    let request = restore_request(r#"{"name":"T","subjects":["t"]}"#);
    let answer = restore(&mut rig, client, "T", &request, WRITTEN_BY_NATS_SERVER, 5_000);
    assert!(answer.contains("restore failed: stream names do not match"), "{answer}");
}

#[test]
fn limits_of_the_account_hold() {
    let mut told = config();
    if let Some(limits) = told.accounts.get_mut("A") {
        limits.max_storage = 1_000;
    }
    let mut rig = Rig::on_disk_told(SimDisk::new(7), told);
    let client = rig.client("a");
    let request = restore_request(r#"{"name":"S","subjects":["s.>"]}"#);
    let answer = restore(&mut rig, client, "S", &request, WRITTEN_BY_NATS_SERVER, 5_000);
    assert!(answer.contains("10047"), "{answer}");
    let said = rig.ask(client, "STREAM.CREATE.S", r#"{"name":"S"}"#);
    assert!(said.contains(r#""did_create":true"#), "its name is free: {said}");
}

#[test]
fn limits_of_the_stream_hold_once_it_is_whole() {
    let mut rig = Rig::on_disk(1, SimDisk::new(7));
    let client = rig.client("a");
    let request = restore_request(r#"{"name":"S","subjects":["s.>"],"max_msgs":10}"#);
    let answer = restore(&mut rig, client, "S", &request, WRITTEN_BY_NATS_SERVER, 5_000);
    assert!(answer.contains(r#""messages":10,"#), "{answer}");
    assert!(answer.contains(r#""last_seq":40,"#), "{answer}");
}

#[test]
fn a_large_stream_holds_nobody_up() {
    let mut rig =
        Rig::on_disk_with(1, SimDisk::new(7), jetstream::Config { max_storage: 64 << 20, ..config() });
    let client = rig.client("a");
    rig.ask(client, "STREAM.CREATE.S", r#"{"name":"S","subjects":["s.>"]}"#);
    for number in 0..2_000 {
        rig.shards.feed(client, &format!("PUB s.{number} 1000\r\n{number:01000}\r\n"));
        if number % 100 == 0 {
            rig.settle();
        }
    }
    rig.settle();
    (rig.longest, rig.turns) = (0, 0);
    let (_, bytes, end) = snapshot(&mut rig, client, "S", r#","chunk_size":65536"#);
    assert!(end.starts_with(b"NATS/1.0 204"));
    rig.ask(client, "STREAM.DELETE.S", "");
    let request = restore_request(r#"{"name":"S","subjects":["s.>"]}"#);
    let answer = restore(&mut rig, client, "S", &request, &bytes, 128 << 10);
    assert!(answer.contains(r#""messages":2000,"#), "{answer}");
    let most = jetstream::JetStream::TURN_STEPS * 2;
    assert!(rig.longest < most, "{} steps of {most}", rig.longest);
}

#[test]
fn who_does_not_listen_or_answer_is_given_up() {
    let mut rig = Rig::on_disk(1, SimDisk::new(7));
    let client = rig.client("a");
    fill(&mut rig, client);
    copying::Copying::begin(&mut rig, client, "S", r#","chunk_size":1024,"window_size":1024"#);
    let said = rig.ask(client, "STREAM.SNAPSHOT.S", r#"{"deliver_subject":"elsewhere"}"#);
    assert!(
        said.contains(r#""err_code":10064,"description":"snapshot failed: snapshot in progress""#),
        "{said}"
    );
    rig.wait(5_100);
    let frames = copying::frames(&rig.shards.output_bytes(client));
    let is_late = |frame: &Frame| frame.header.starts_with(b"NATS/1.0 408 No Flow Response");
    assert!(frames.iter().any(is_late));
    // Nobody listens there any more.
    let mut copying =
        copying::Copying::begin(&mut rig, client, "S", r#","chunk_size":1024,"window_size":1024"#);
    rig.say(client, "UNSUB 9\r\n");
    copying.acknowledge(&mut rig);
    let said = rig.ask(client, "STREAM.SNAPSHOT.S", r#"{"deliver_subject":"elsewhere"}"#);
    assert!(said.contains(r#""config":"#), "it is over: {said}");
}
