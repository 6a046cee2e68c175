//! Streams on all shards: where they live, who finds them, and what becomes of them when the shards are others.

mod rig;

use jetstream::Config;
use rig::{Conn, Rig, config};
use sim_disk::SimDisk;

fn code(answer: &str) -> &str {
    answer.split_once(r#""err_code":"#).map_or("", |(_, rest)| &rest[..5])
}

fn stream(name: &str, storage: &str) -> String {
    format!(r#"{{"name":"{name}","subjects":["{name}.>"],"storage":"{storage}"}}"#)
}

fn create(rig: &mut Rig, client: Conn, name: &str, storage: &str) {
    let said = rig.ask(client, &format!("STREAM.CREATE.{name}"), &stream(name, storage));
    assert!(said.contains(r#""did_create":true"#), "{said}");
}

const NAMES: [&str; 7] = ["D", "A", "C", "B", "F", "E", "G"];

/// One client a shard: connections go round.
fn clients(rig: &mut Rig, shards: usize) -> Vec<Conn> {
    (0..shards).map(|_| rig.client("a")).collect()
}

fn consumer(stream: &str) -> String {
    format!(
        r#"{{"stream_name":"{stream}","config":{{"durable_name":"C","name":"C","ack_policy":"explicit"}}}}"#
    )
}

/// The whole life of streams that live on all shards, seen from all of them.
#[test]
fn streams_on_all_shards_are_there_for_clients_of_all() {
    for shards in [1, 2, 4] {
        let mut rig = Rig::on_disk(shards, SimDisk::new(7));
        let clients = clients(&mut rig, shards);
        for (number, name) in NAMES.iter().enumerate() {
            create(&mut rig, clients[number % shards], name, if number % 2 == 0 { "file" } else { "memory" });
        }
        assert_eq!(rig.streams_by_shard(), rig::evenly(NAMES.len(), shards));
        for client in clients {
            let names = rig.ask(client, "STREAM.NAMES", "");
            assert!(names.contains(r#""streams":["A","B","C","D","E","F","G"]"#), "{names}");
            let some = rig.ask(client, "STREAM.NAMES", r#"{"offset":5}"#);
            assert!(some.contains(r#""total":7,"offset":5"#) && some.contains(r#"["F","G"]"#), "{some}");
            for name in NAMES {
                let said = rig.publish(client, &format!("{name}.x"), "hello");
                assert!(said.contains(&format!(r#"{{"stream":"{name}","seq":"#)), "{said}");
                let info = rig.ask(client, &format!("STREAM.INFO.{name}"), "");
                assert!(info.contains(&format!(r#""name":"{name}""#)), "{info}");
                let got = rig.ask(client, &format!("STREAM.MSG.GET.{name}"), r#"{"seq":1}"#);
                assert!(got.contains(r#""data":"aGVsbG8=""#), "{got}");
            }
            let list = rig.ask(client, "STREAM.LIST", r#"{"offset":1}"#);
            let told: Vec<&str> =
                list.split(r#""config":{"name":""#).skip(1).map(|rest| &rest[..1]).collect();
            assert_eq!(told, ["B", "C", "D", "E", "F", "G"], "{list}");
            let info = rig.ask(client, "INFO", "");
            assert!(info.contains(r#""streams":7,"#), "{info}");
        }
    }
}

#[test]
fn consumers_are_served_from_any_shard() {
    for shards in [2, 3] {
        let mut rig = Rig::on_disk(shards, SimDisk::new(7));
        let clients = clients(&mut rig, shards);
        for name in NAMES {
            create(&mut rig, clients[0], name, "file");
            rig.ask(clients[1], &format!("CONSUMER.CREATE.{name}.C"), &consumer(name));
        }
        for client in clients {
            for name in NAMES {
                rig.publish(client, &format!("{name}.x"), "m");
                let got = rig.say(client, &format!("PUB $JS.API.CONSUMER.MSG.NEXT.{name}.C r.m 1\r\n1\r\n"));
                let ack =
                    got.split(' ').find(|word| word.starts_with("$JS.ACK.")).expect("a message").to_owned();
                assert!(rig.say(client, &format!("PUB {ack} r.ack 4\r\n+ACK\r\n")).contains("MSG r.ack"));
                let info = rig.ask(client, &format!("CONSUMER.INFO.{name}.C"), "");
                assert!(
                    info.contains(r#""num_ack_pending":0"#) && info.contains(r#""num_pending":0"#),
                    "{info}"
                );
            }
        }
        let client = rig.client("a");
        assert!(rig.ask(client, "INFO", "").contains(r#""consumers":7,"#));
    }
}

/// What one shard alone can know is known on all.
#[test]
fn names_subjects_and_limits_are_those_of_all_shards() {
    let mut config = config();
    config.accounts.get_mut("B").unwrap().max_streams = 3;
    let mut rig = Rig::with(3, config);
    let (a, b, far) = (rig.client("a"), rig.client("b"), rig.client("a"));
    // What one of an account is told the other hears as well.
    let ask = |rig: &mut Rig, client: Conn, what: &str, body: &str| {
        rig.shards.output(client);
        rig.ask(client, what, body)
    };
    for name in ["A", "B", "C"] {
        create(&mut rig, a, name, "memory");
        create(&mut rig, b, name, "memory");
    }
    assert_eq!(code(&ask(&mut rig, b, "STREAM.CREATE.D", &stream("D", "memory"))), "10027");
    let other = r#"{"name":"D","subjects":["B.x"],"storage":"memory"}"#;
    for client in [a, far] {
        assert_eq!(code(&ask(&mut rig, client, "STREAM.CREATE.D", other)), "10065");
        assert_eq!(
            code(&ask(&mut rig, client, "STREAM.UPDATE.A", &other.replace("\"D\"", "\"A\""))),
            "10065"
        );
        assert_eq!(
            code(&ask(&mut rig, client, "STREAM.CREATE.B", &other.replace("\"D\"", "\"B\""))),
            "10058"
        );
        let same = ask(&mut rig, client, "STREAM.CREATE.B", &stream("B", "memory"));
        assert!(same.contains(r#""did_create":true"#), "{same}");
        for what in ["STREAM.INFO.NONE", "STREAM.DELETE.NONE", "STREAM.PURGE.NONE", "CONSUMER.NAMES.NONE"] {
            assert_eq!(code(&ask(&mut rig, client, what, "")), "10059", "{what}");
        }
    }
    let of = |name: &str, bytes: i64| {
        format!(r#"{{"name":"{name}","subjects":["{name}.>"],"storage":"memory","max_bytes":{bytes}}}"#)
    };
    assert!(ask(&mut rig, far, "STREAM.UPDATE.B", &of("B", 1 << 20)).contains(r#""max_bytes":1048576"#));
    assert_eq!(code(&ask(&mut rig, a, "STREAM.CREATE.D", &of("D", 1))), "10028", "another shard has it");
    assert!(ask(&mut rig, far, "INFO", "").contains(r#""reserved_memory":1048576"#));
    assert!(ask(&mut rig, a, "STREAM.DELETE.B", "").contains("success"));
    assert!(ask(&mut rig, far, "STREAM.CREATE.D", &of("D", 1)).contains("did_create"));
    assert!(ask(&mut rig, far, "INFO", "").contains(r#""reserved_memory":1,"#));
}

/// What is asked for at once is done in turn: nobody finds a stream half made, and a name is never had twice.
#[test]
fn what_is_asked_of_a_name_waits_for_what_is_done_to_it() {
    let mut rig = Rig::on_disk(3, SimDisk::new(7));
    let clients = clients(&mut rig, 3);
    create(&mut rig, clients[0], "X", "file");
    let ask = |what: &str, body: &str| format!("PUB $JS.API.{what} r.{what} {}\r\n{body}\r\n", body.len());
    let all = [
        ask("STREAM.CREATE.S", &stream("S", "file")),
        ask("STREAM.INFO.S", ""),
        ask("STREAM.UPDATE.S", &stream("S", "file").replace('}', r#","max_msgs":5}"#)),
        ask("STREAM.DELETE.S", ""),
        ask("STREAM.CREATE.S", &stream("S", "file").replace("S.>", "T.>")),
        ask("STREAM.NAMES", ""),
    ];
    let said = rig.say(clients[0], &all.concat());
    let answers: Vec<&str> = said.split("\r\nMSG ").filter(|answer| answer.contains("STREAM.")).collect();
    assert_eq!(answers.len(), 6, "{said}");
    assert!(!said.contains("error"), "{said}");
    assert_eq!(said.matches(r#""did_create":true"#).count(), 2, "{said}");
    assert!(said.contains(r#""max_msgs":5"#) && said.contains(r#""success":true"#), "{said}");
    for client in clients {
        let info = rig.ask(client, "STREAM.INFO.S", "");
        assert!(info.contains(r#""subjects":["T.\u003e"]"#) && info.contains(r#""max_msgs":-1"#), "{info}");
    }
}

/// A server with more or fewer shards serves all logs that there are, and nothing twice.
#[test]
fn streams_are_found_again_on_any_number_of_shards() {
    let mut rig = Rig::on_disk(3, SimDisk::new(7));
    let client = rig.client("a");
    for name in NAMES {
        create(&mut rig, client, name, "file");
        rig.ask(client, &format!("CONSUMER.CREATE.{name}.C"), &consumer(name));
        rig.publish(client, &format!("{name}.x"), "hello");
    }
    let mut messages = 1;
    for (shards, fresh) in [(1, "K"), (2, "L"), (5, "M"), (4, "N"), (3, "O")] {
        rig = rig.restart_on(shards, SimDisk::cut_power);
        let clients = clients(&mut rig, shards);
        messages += 1;
        for (number, name) in NAMES.iter().enumerate() {
            let client = clients[number % shards];
            let said = rig.publish(client, &format!("{name}.x"), "hello");
            assert!(said.contains(&format!(r#""seq":{messages}}}"#)), "{shards} {name}: {said}");
            let info = rig.ask(client, &format!("CONSUMER.INFO.{name}.C"), "");
            assert!(info.contains(&format!(r#""num_pending":{messages},"#)), "{info}");
            let got = rig.ask(client, &format!("STREAM.MSG.GET.{name}"), r#"{"seq":1}"#);
            assert!(got.contains(r#""data":"aGVsbG8=""#), "{got}");
        }
        let taken = stream(fresh, "file").replace(&format!("{fresh}.>"), "A.x");
        assert_eq!(code(&rig.ask(clients[0], &format!("STREAM.CREATE.{fresh}"), &taken)), "10065");
        create(&mut rig, clients[0], fresh, "file");
        assert!(rig.publish(clients[0], &format!("{fresh}.x"), "1").contains(r#""seq":1}"#));
        assert!(rig.ask(clients[0], &format!("STREAM.DELETE.{fresh}"), "").contains("success"));
    }
    let client = rig.client("a");
    assert!(rig.ask(client, "INFO", "").contains(r#""streams":7,"#));
}

/// What one log does not take concerns nobody else.
#[test]
fn a_disk_that_is_slow_or_fails_stops_its_own_streams_alone() {
    let mut rig = Rig::on_disk(2, SimDisk::new(7));
    let client = rig.client("a");
    create(&mut rig, client, "A", "file");
    create(&mut rig, client, "B", "file");
    rig.is_disk_slow = true;
    assert_eq!(rig.publish(client, "A.x", "1"), "");
    assert_eq!(rig.publish(client, "B.x", "1"), "");
    rig.run_disk_of(1);
    rig.settle();
    let said = rig.shards.output(client);
    assert!(said.contains(r#"{"stream":"B","seq":1}"#) && !said.contains(r#""stream":"A""#), "{said}");
    rig.is_disk_slow = false;
    rig.disk.as_mut().unwrap().faults.failed_writes = 1000;
    rig.settle();
    assert!(rig.shards.output(client).contains("10077"));
    assert!(rig.publish(client, "B.x", "2").contains(r#"{"stream":"B","seq":2}"#));
    assert_eq!(code(&rig.ask(client, "STREAM.DELETE.A", "")), "10077");
    let again = rig.ask(client, "STREAM.CREATE.A", &stream("A", "memory"));
    assert!(again.contains("err_code"), "it may come back at the next start: {again}");
    // Where new ones would go if that log took them.
    create(&mut rig, client, "C", "file");
    create(&mut rig, client, "D", "file");
    create(&mut rig, client, "E", "memory");
    assert_eq!(rig.streams_by_shard(), [1, 4]);
    assert!(rig.ask(client, "STREAM.DELETE.B", "").contains("success"));
}

/// Whose a request was is known on the shard of the connection.
#[test]
fn who_asked_is_told_wherever_the_stream_is() {
    let mut rig = Rig::on_disk(3, SimDisk::new(7));
    let clients = clients(&mut rig, 3);
    let listens = rig.client("a");
    rig.say(listens, "SUB $JS.EVENT.ADVISORY.API 9\r\n");
    let mut asked = 0;
    for name in ["A", "B", "C"] {
        create(&mut rig, clients[asked % 3], name, "file");
        asked += 1;
    }
    for client in clients {
        for name in ["A", "B", "C"] {
            for (what, body) in [
                ("STREAM.INFO", String::new()),
                ("STREAM.UPDATE", stream(name, "file")),
                ("CONSUMER.NAMES", String::new()),
            ] {
                let said = rig.ask(client, &format!("{what}.{name}"), &body);
                assert!(!said.contains("error"), "{said}");
                asked += 1;
            }
        }
        rig.ask(client, "STREAM.NAMES", "");
        asked += 1;
    }
    let told = rig.shards.output(listens);
    assert_eq!(told.matches("api_audit").count(), asked, "{told}");
    assert_eq!(told.matches(r#""user":"a""#).count(), asked, "{told}");
}

/// What is stored elsewhere in the same turn, and what waits to be safe there, is not counted yet. That is bounded.
#[test]
fn an_account_comes_to_have_more_than_its_limit_by_what_waits_to_be_safe_at_most() {
    const LIMIT: i64 = 1 << 20;
    const BEYOND_MAX: i64 = 16 << 20;
    for shards in [1, 2] {
        let mut most = Config { max_storage: 1 << 30, ..config() };
        most.accounts.get_mut("A").expect("it has streams").max_storage = LIMIT;
        let mut rig = Rig::on_disk_with(shards, SimDisk::new(7), most);
        let clients = clients(&mut rig, shards);
        let names = &NAMES[..2 * shards];
        names.iter().for_each(|name| create(&mut rig, clients[0], name, "file"));
        rig.is_disk_slow = true;
        let body = "x".repeat(64 << 10);
        let round: String =
            names.iter().map(|name| format!("PUB {name}.x {}\r\n{body}\r\n", body.len())).collect();
        for _ in 0..40 {
            for client in &clients {
                if rig.shards.brokers[client.shard].wants_input(client.id) {
                    rig.shards.feed(*client, &round.repeat(8));
                }
            }
            rig.settle();
        }
        rig.is_disk_slow = false;
        (0..100).for_each(|_| rig.wait(10));
        let info = rig.ask(clients[0], "INFO", "");
        let (_, rest) = info.split_once(r#""storage":"#).expect("it says how much there is");
        let used: i64 = rest.split(',').next().expect("a number").parse().expect("a number");
        assert!(used > LIMIT && used <= LIMIT + shards as i64 * BEYOND_MAX, "{shards} shards: {used}");
        let said = rig.publish(clients[0], &format!("{}.x", names[0]), "x");
        assert_eq!(code(&said), "10002", "{said}");
    }
}
