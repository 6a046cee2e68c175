//! Streams that take messages from others: mirrors and sources.

mod rig;

use rig::{Conn, Rig};
use sim_disk::SimDisk;

/// Long enough for all that is asked for at first.
const SOON: u64 = 300;

/// Long enough for silence to be noticed, and for what follows.
const LONG: u64 = 11_000;

fn create(rig: &mut Rig, client: Conn, stream: &str) {
    let name = text(stream, "name");
    let said = rig.ask(client, &format!("STREAM.CREATE.{name}"), stream);
    assert!(said.contains(r#""did_create":true"#), "{said}");
}

fn update(rig: &mut Rig, client: Conn, stream: &str) -> String {
    rig.ask(client, &format!("STREAM.UPDATE.{}", text(stream, "name")), stream)
}

/// What stands behind a name in JSON, up to a comma or a bracket.
fn text<'j>(json: &'j str, name: &str) -> &'j str {
    let rest = json.split_once(&format!(r#""{name}":"#)).map_or("", |(_, rest)| rest);
    rest.split([',', '}', ']']).next().unwrap_or_default().trim_matches('"')
}

fn info(rig: &mut Rig, client: Conn, stream: &str) -> String {
    rig.ask(client, &format!("STREAM.INFO.{stream}"), r#"{"deleted_details":true}"#)
}

/// Its messages, first and last sequence.
fn state(rig: &mut Rig, client: Conn, stream: &str) -> [u64; 3] {
    let info = info(rig, client, stream);
    ["messages", "first_seq", "last_seq"].map(|name| {
        let state = info.split_once(r#""state":"#).unwrap_or_else(|| panic!("{info}")).1;
        text(state, name).parse().unwrap_or_else(|_| panic!("{info}"))
    })
}

/// The message of a sequence, as the API tells it.
fn message(rig: &mut Rig, client: Conn, stream: &str, seq: u64) -> String {
    rig.ask(client, &format!("STREAM.MSG.GET.{stream}"), &format!(r#"{{"seq":{seq}}}"#))
}

/// The `Nats-Stream-Source` of a message that has nothing else in its header.
fn source(rig: &mut Rig, client: Conn, stream: &str, seq: u64) -> String {
    let told = message(rig, client, stream, seq);
    let header = decoded(text(&told, "hdrs"));
    header.trim_end().strip_prefix("NATS/1.0\r\nNats-Stream-Source: ").unwrap_or(&header).to_owned()
}

fn decoded(base64: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    for digit in base64.bytes().filter(|byte| *byte != b'=') {
        let value = DIGITS.iter().position(|known| *known == digit).expect("base64");
        (bits, count) = (bits << 6 | value as u32, count + 6);
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    String::from_utf8(out).unwrap()
}

/// On one, two and three shards: the streams of a test are on other shards then.
fn on_shards(test: impl Fn(Rig, Conn)) {
    for shards in 1..=3 {
        let mut rig = Rig::on_disk(shards, SimDisk::new(7));
        let client = rig.client("a");
        test(rig, client);
    }
}

const ORIGIN: &str = r#"{"name":"O","subjects":["o.>"]}"#;

#[test]
fn a_mirror_has_what_its_origin_has() {
    on_shards(|mut rig, client| {
        create(&mut rig, client, ORIGIN);
        for payload in ["1", "2", "3"] {
            rig.publish(client, "o.a", payload);
        }
        rig.ask(client, "STREAM.MSG.DELETE.O", r#"{"seq":2}"#);
        create(&mut rig, client, r#"{"name":"M","mirror":{"name":"O"}}"#);
        let told = info(&mut rig, client, "M");
        assert!(told.contains(r#""mirror":{"name":"O","lag":0,"active":-1}"#), "{told}");
        rig.wait(SOON);
        assert_eq!(state(&mut rig, client, "M"), [2, 1, 3]);
        assert!(info(&mut rig, client, "M").contains(r#""deleted":[2]"#));
        let (here, there) = (message(&mut rig, client, "M", 3), message(&mut rig, client, "O", 3));
        assert_eq!(here, there, "with its time");
        rig.publish(client, "o.b", "4");
        assert_eq!(state(&mut rig, client, "M"), [3, 1, 4]);
        let told = info(&mut rig, client, "M");
        assert!(!told.contains(r#""active":-1"#), "{told}");
        assert!(rig.publish(client, "M", "x").contains("503"), "nobody publishes to it");
    });
}

#[test]
fn a_filtered_mirror_keeps_sequences_and_changes_subjects() {
    on_shards(|mut rig, client| {
        create(&mut rig, client, ORIGIN);
        for subject in ["o.a", "o.b", "o.a", "o.b"] {
            rig.publish(client, subject, "x");
        }
        create(&mut rig, client, r#"{"name":"F","mirror":{"name":"O","filter_subject":"o.b"}}"#);
        let transforms = r#"[{"src":"o.b","dest":"t.{{partition(1,1)}}b"},{"src":"o.a","dest":"t.a"}]"#;
        let transforms = transforms.replace("{{partition(1,1)}}", "");
        create(
            &mut rig,
            client,
            &format!(r#"{{"name":"T","mirror":{{"name":"O","subject_transforms":{transforms}}}}}"#),
        );
        rig.wait(SOON);
        assert_eq!(state(&mut rig, client, "F"), [2, 2, 4]);
        assert_eq!(state(&mut rig, client, "T"), [4, 1, 4]);
        let told = [1, 2].map(|seq| text(&message(&mut rig, client, "T", seq), "subject").to_owned());
        assert_eq!(told, ["t.a", "t.b"]);
    });
}

#[test]
fn a_mirror_begins_where_it_is_told_to_and_where_its_origin_does() {
    on_shards(|mut rig, client| {
        create(&mut rig, client, ORIGIN);
        create(&mut rig, client, r#"{"name":"N","subjects":["n"],"first_seq":100}"#);
        for _ in 0..5 {
            rig.publish(client, "o.a", "x");
        }
        create(&mut rig, client, r#"{"name":"M","mirror":{"name":"O","opt_start_seq":4}}"#);
        create(&mut rig, client, r#"{"name":"E","mirror":{"name":"N"}}"#);
        rig.wait(SOON);
        assert_eq!(state(&mut rig, client, "M"), [2, 4, 5]);
        assert_eq!(state(&mut rig, client, "E"), [0, 100, 99]);
        rig.publish(client, "n", "x");
        assert_eq!(state(&mut rig, client, "E"), [1, 100, 100]);
    });
}

#[test]
fn a_mirror_that_was_purged_goes_on_behind() {
    on_shards(|mut rig, client| {
        create(&mut rig, client, ORIGIN);
        create(&mut rig, client, r#"{"name":"M","mirror":{"name":"O"}}"#);
        rig.wait(SOON);
        rig.publish(client, "o.a", "1");
        rig.ask(client, "STREAM.PURGE.M", "");
        rig.publish(client, "o.a", "2");
        assert_eq!(state(&mut rig, client, "M"), [1, 2, 2]);
        // It was told to begin further on.
        rig.ask(client, "STREAM.PURGE.M", r#"{"seq":5}"#);
        for _ in 3..=6 {
            rig.publish(client, "o.a", "x");
        }
        rig.wait(LONG);
        assert_eq!(state(&mut rig, client, "M"), [2, 5, 6]);
    });
}

#[test]
fn what_comes_by_a_source_says_where_it_was() {
    on_shards(|mut rig, client| {
        create(&mut rig, client, r#"{"name":"A","subjects":["a.>"]}"#);
        create(&mut rig, client, r#"{"name":"B","subjects":["b.>"]}"#);
        rig.publish(client, "a.x", "1");
        create(
            &mut rig,
            client,
            r#"{"name":"T","subjects":["t"],"sources":[{"name":"A"},
                {"name":"B","subject_transforms":[{"src":"b.*","dest":"c.{{wildcard(1)}}.b"}]}]}"#,
        );
        rig.wait(SOON);
        rig.publish(client, "b.y", "2");
        rig.publish(client, "t", "own");
        assert_eq!(state(&mut rig, client, "T"), [3, 1, 3]);
        assert_eq!(source(&mut rig, client, "T", 1), "A 1 > > a.x");
        assert_eq!(source(&mut rig, client, "T", 2), "B 1 b.* c.{{wildcard(1)}}.b b.y");
        assert_eq!(text(&message(&mut rig, client, "T", 2), "subject"), "c.y.b");
        // A stream behind it says the last way only.
        create(&mut rig, client, r#"{"name":"U","sources":[{"name":"T","filter_subject":"a.>"}]}"#);
        rig.wait(SOON);
        assert_eq!(source(&mut rig, client, "U", 1), "T 1 a.> > a.x");
        assert_eq!(state(&mut rig, client, "U"), [1, 1, 1]);
    });
}

#[test]
fn sources_come_and_go_and_go_on_where_they_were() {
    on_shards(|mut rig, client| {
        for name in ["A", "B"] {
            create(&mut rig, client, &format!(r#"{{"name":"{name}","subjects":["{name}"]}}"#));
            rig.publish(client, name, "1");
        }
        let with = |names: &[&str]| {
            let sources: Vec<String> = names.iter().map(|name| format!(r#"{{"name":"{name}"}}"#)).collect();
            format!(r#"{{"name":"T","sources":[{}]}}"#, sources.join(","))
        };
        create(&mut rig, client, &with(&["A"]));
        rig.wait(SOON);
        assert_eq!(state(&mut rig, client, "T")[0], 1);
        let told = update(&mut rig, client, &with(&["A", "B"]));
        assert!(told.contains(r#"{"name":"B","lag":0,"active":-1}"#), "{told}");
        rig.wait(SOON);
        assert_eq!(state(&mut rig, client, "T")[0], 2);
        update(&mut rig, client, &with(&["B"]));
        rig.publish(client, "A", "2");
        rig.wait(LONG);
        assert_eq!(state(&mut rig, client, "T")[0], 2, "it is no source");
        update(&mut rig, client, &with(&["A", "B"]));
        rig.wait(SOON);
        assert_eq!(state(&mut rig, client, "T")[0], 3);
        assert_eq!(source(&mut rig, client, "T", 3), "A 2 > > A");
    });
}

#[test]
fn what_was_taken_is_not_taken_again_after_a_restart() {
    for shards in 1..=3 {
        let mut rig = Rig::on_disk(shards, SimDisk::new(shards as u64));
        let client = rig.client("a");
        create(&mut rig, client, ORIGIN);
        create(&mut rig, client, r#"{"name":"M","mirror":{"name":"O"}}"#);
        create(&mut rig, client, r#"{"name":"T","sources":[{"name":"O"}]}"#);
        create(&mut rig, client, r#"{"name":"P","sources":[{"name":"O"}]}"#);
        rig.wait(SOON);
        for number in 0..20 {
            rig.publish(client, "o.a", &number.to_string());
        }
        rig.ask(client, "STREAM.PURGE.P", "");
        for round in 1..4 {
            rig = rig.restart_on(1 + (shards + round) % 3, |disk| disk.cut_power());
            let client = rig.client("a");
            rig.publish(client, "o.a", "more");
            rig.wait(SOON);
            let all = 20 + round as u64;
            assert_eq!(state(&mut rig, client, "M"), [all, 1, all]);
            assert_eq!(state(&mut rig, client, "T"), [all, 1, all]);
            assert_eq!(state(&mut rig, client, "P"), [round as u64, 21, all], "also where all was purged");
            assert_eq!(source(&mut rig, client, "T", all), format!("O {all} > > o.a"));
        }
    }
}

#[test]
fn a_mirror_becomes_a_stream_of_its_own() {
    on_shards(|mut rig, client| {
        create(&mut rig, client, ORIGIN);
        create(&mut rig, client, r#"{"name":"M","mirror":{"name":"O"}}"#);
        rig.wait(SOON);
        rig.publish(client, "o.a", "1");
        assert!(update(&mut rig, client, r#"{"name":"M","mirror":{"name":"X"}}"#).contains("10055"));
        rig.ask(client, "STREAM.DELETE.O", "");
        let told = update(&mut rig, client, r#"{"name":"M","subjects":["o.>"]}"#);
        assert!(!told.contains("mirror\":{"), "{told}");
        assert!(rig.publish(client, "o.a", "2").contains(r#"{"stream":"M","seq":2}"#));
        create(&mut rig, client, r#"{"name":"O","subjects":["p"]}"#);
        rig.publish(client, "p", "3");
        rig.wait(LONG);
        assert_eq!(state(&mut rig, client, "M"), [2, 1, 2]);
    });
}

#[test]
fn a_stream_that_is_made_anew_is_taken_from_its_beginning() {
    on_shards(|mut rig, client| {
        create(&mut rig, client, r#"{"name":"T","sources":[{"name":"O"}]}"#);
        rig.wait(SOON);
        let told = info(&mut rig, client, "T");
        assert!(told.contains(r#""err_code":10059"#) && told.contains(r#""active":-1"#), "{told}");
        create(&mut rig, client, ORIGIN);
        for number in 0..3 {
            rig.publish(client, "o.a", &number.to_string());
        }
        rig.wait(SOON);
        assert_eq!(state(&mut rig, client, "T")[0], 3, "it is not waited for long");
        rig.ask(client, "STREAM.DELETE.O", "");
        create(&mut rig, client, ORIGIN);
        rig.publish(client, "o.a", "new");
        rig.wait(SOON);
        assert_eq!(state(&mut rig, client, "T")[0], 4);
        assert_eq!(source(&mut rig, client, "T", 4), "O 1 > > o.a");
    });
}

/// One in memory is gone with the server, and made anew by its clients.
#[test]
fn a_stream_that_is_made_anew_after_a_restart_is_taken_from_its_beginning() {
    let mut rig = Rig::on_disk(2, SimDisk::new(7));
    let client = rig.client("a");
    let origin = r#"{"name":"O","subjects":["o.>"],"storage":"memory"}"#;
    create(&mut rig, client, origin);
    create(&mut rig, client, r#"{"name":"T","sources":[{"name":"O"}]}"#);
    rig.wait(SOON);
    for _ in 0..9 {
        rig.publish(client, "o.a", "x");
    }
    let mut rig = rig.restart(SimDisk::cut_power);
    let client = rig.client("a");
    create(&mut rig, client, origin);
    rig.publish(client, "o.a", "1");
    rig.publish(client, "o.a", "2");
    rig.wait(SOON);
    rig.wait(SOON);
    assert_eq!(state(&mut rig, client, "T")[0], 11);
    assert_eq!(source(&mut rig, client, "T", 11), "O 2 > > o.a");
}

#[test]
fn a_work_queue_lets_go_of_what_is_on_the_disk_elsewhere() {
    for shards in 1..=3 {
        let mut rig = Rig::on_disk(shards, SimDisk::new(7));
        let client = rig.client("a");
        create(&mut rig, client, r#"{"name":"W","subjects":["w"],"retention":"workqueue"}"#);
        create(&mut rig, client, r#"{"name":"T","sources":[{"name":"W"}]}"#);
        rig.wait(SOON);
        let names = rig.ask(client, "CONSUMER.NAMES.W", "");
        assert!(names.contains(r#""consumers":["JS_SRC_"#), "{names}");
        for number in 0..10 {
            rig.publish(client, "w", &number.to_string());
        }
        assert_eq!(state(&mut rig, client, "W")[0], 10);
        // A cut of the power now loses nothing, and brings nothing twice.
        let mut rig = rig.restart(SimDisk::cut_power);
        let client = rig.client("a");
        rig.wait(SOON);
        assert_eq!(state(&mut rig, client, "T"), [10, 1, 10]);
        rig.wait(3_000);
        assert_eq!(state(&mut rig, client, "W"), [0, 11, 10]);
        rig.publish(client, "w", "x");
        rig.wait(3_000);
        assert_eq!([state(&mut rig, client, "T")[0], state(&mut rig, client, "W")[0]], [11, 0]);
        rig.ask(client, "STREAM.DELETE.T", "");
        assert!(rig.ask(client, "CONSUMER.NAMES.W", "").contains(r#""consumers":[]"#));
    }
}

/// What is said to a work queue is as safe as what publishers are told.
#[test]
fn a_work_queue_hears_of_nothing_that_is_not_on_the_disk() {
    for shards in 1..=3 {
        let mut rig = Rig::on_disk(shards, SimDisk::new(7));
        let client = rig.client("a");
        create(
            &mut rig,
            client,
            r#"{"name":"W","subjects":["w"],"retention":"workqueue","storage":"memory"}"#,
        );
        create(&mut rig, client, r#"{"name":"T","sources":[{"name":"W"}]}"#);
        rig.wait(SOON);
        rig.shards.feed(client, "SUB $JS.FC.W.> 2\r\n");
        rig.settle();
        rig.is_disk_slow = true;
        for number in 0..10 {
            rig.publish(client, "w", &number.to_string());
        }
        for _ in 0..5 {
            rig.wait(1_000);
        }
        assert!(!rig.shards.output(client).contains("MSG $JS.FC.W."));
        rig.is_disk_slow = false;
        rig.run_disk();
        for _ in 0..3 {
            rig.wait(1_000);
        }
        assert!(rig.shards.output(client).contains("MSG $JS.FC.W."));
        assert_eq!([state(&mut rig, client, "W")[0], state(&mut rig, client, "T")[0]], [0, 10]);
    }
}

#[test]
fn what_has_no_room_comes_when_there_is_some() {
    on_shards(|mut rig, client| {
        create(&mut rig, client, ORIGIN);
        create(&mut rig, client, r#"{"name":"T","max_msgs":2,"discard":"new","sources":[{"name":"O"}]}"#);
        rig.wait(SOON);
        for _ in 0..5 {
            rig.publish(client, "o.a", "x");
        }
        assert_eq!(state(&mut rig, client, "T"), [2, 1, 2]);
        rig.ask(client, "STREAM.PURGE.T", "");
        rig.wait(3_000);
        assert_eq!(state(&mut rig, client, "T"), [2, 3, 4]);
        assert_eq!(source(&mut rig, client, "T", 4), "O 4 > > o.a");
    });
}

#[test]
fn counters_of_several_streams_add_up() {
    on_shards(|mut rig, client| {
        let add = |rig: &mut Rig, subject: &str, more: &str| {
            let header = format!("NATS/1.0\r\nNats-Incr: {more}\r\n\r\n");
            rig.say(client, &format!("HPUB {subject} r.a {0} {0}\r\n{header}\r\n", header.len()))
        };
        for name in ["A", "B"] {
            let config = format!(r#"{{"name":"{name}","subjects":["{name}.>"],"allow_msg_counter":true}}"#);
            create(&mut rig, client, &config);
            add(&mut rig, &format!("{name}.x"), "3");
        }
        create(
            &mut rig,
            client,
            r#"{"name":"T","allow_msg_counter":true,"sources":[
                {"name":"A","subject_transforms":[{"src":"A.>","dest":"t.>"}]},
                {"name":"B","subject_transforms":[{"src":"B.>","dest":"t.>"}]}]}"#,
        );
        rig.wait(SOON);
        add(&mut rig, "A.x", "4");
        let told = rig.ask(client, "STREAM.MSG.GET.T", r#"{"last_by_subj":"t.x"}"#);
        assert_eq!(decoded(text(&told, "data")), r#"{"val":"10"}"#);
        let header = decoded(text(&told, "hdrs"));
        assert!(header.contains("Nats-Incr: 4\r\nNats-Stream-Source: A 2 A.> t.> A.x\r\n"), "{header}");
    });
}

#[test]
fn a_mirror_stands_in_for_its_origin() {
    on_shards(|mut rig, client| {
        create(&mut rig, client, r#"{"name":"O","subjects":["o.>"],"allow_direct":true}"#);
        create(&mut rig, client, r#"{"name":"M","mirror":{"name":"O"}}"#);
        assert!(info(&mut rig, client, "M").contains(r#""mirror_direct":true"#));
        rig.wait(SOON);
        rig.publish(client, "o.a", "hello");
        let get = |rig: &mut Rig| rig.publish(client, "$JS.API.DIRECT.GET.O.o.a", "");
        assert!(get(&mut rig).contains("Nats-Stream: O\r\n"));
        assert!(rig.publish(client, "$JS.API.DIRECT.GET.M.o.a", "").contains("503"));
        rig.ask(client, "STREAM.DELETE.O", "");
        let got = get(&mut rig);
        assert!(got.contains("Nats-Stream: M\r\n") && got.contains("hello"), "{got}");
        rig.ask(client, "STREAM.DELETE.M", "");
        assert!(get(&mut rig).contains("503"));
    });
}

#[test]
fn what_would_come_back_or_is_not_here_is_refused() {
    on_shards(|mut rig, client| {
        create(&mut rig, client, r#"{"name":"A","subjects":["a"]}"#);
        create(&mut rig, client, r#"{"name":"B","subjects":["b"],"sources":[{"name":"A"}]}"#);
        create(&mut rig, client, r#"{"name":"M","mirror":{"name":"B"}}"#);
        let told = update(&mut rig, client, r#"{"name":"A","subjects":["a"],"sources":[{"name":"M"}]}"#);
        assert!(told.contains("detected cycle"), "{told}");
        let elsewhere = r#"{"name":"X","mirror":{"name":"O","external":{"api":"$JS.x.API","deliver":"d"}}}"#;
        let told = rig.ask(client, "STREAM.CREATE.X", elsewhere);
        assert!(told.contains(r#"\"$JS.x.API\" is not served"#), "{told}");
    });
}

/// Nothing comes of the consumer any more, and nobody says so.
#[test]
fn a_consumer_that_is_lost_is_made_again() {
    on_shards(|mut rig, client| {
        create(&mut rig, client, ORIGIN);
        create(&mut rig, client, r#"{"name":"T","sources":[{"name":"O"}]}"#);
        rig.shards.feed(client, "SUB $JS.EVENT.ADVISORY.CONSUMER.CREATED.O.* 2\r\n");
        rig.settle();
        rig.wait(SOON);
        let made = rig.shards.output(client);
        let consumer = made.split_once("CREATED.O.").and_then(|(_, rest)| rest.split(' ').next());
        let consumer = consumer.expect("a consumer was made").to_owned();
        let names = rig.ask(client, "CONSUMER.NAMES.O", "");
        assert!(names.contains(r#""total":0"#) && names.contains(r#""consumers":[]"#), "{names}");
        let told = info(&mut rig, client, "O");
        assert!(told.contains(r#""consumer_count":0"#), "{told}");
        assert!(
            rig.ask(client, &format!("CONSUMER.DELETE.O.{consumer}"), "").contains("success"),
            "{made:?}"
        );
        rig.publish(client, "o.a", "1");
        assert_eq!(state(&mut rig, client, "T")[0], 0);
        rig.wait(LONG);
        rig.wait(SOON);
        assert_eq!(state(&mut rig, client, "T")[0], 1);
    });
}
