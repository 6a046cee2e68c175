//! The API: who is answered, and what of streams as such.

mod rig;

use rig::{Rig, config};

const STREAM: &str = r#"{"name":"S","subjects":["s.>"],"storage":"memory"}"#;

fn code(answer: &str) -> &str {
    answer.split_once(r#""err_code":"#).map_or("", |(_, rest)| &rest[..5])
}

#[test]
fn an_account_learns_what_it_has_and_how_often_it_asked() {
    for shards in [1, 3] {
        let mut rig = Rig::new(shards);
        let (first, second) = (rig.client("a"), rig.client("a"));
        let said = rig.ask(first, "INFO", "");
        assert!(said.contains(r#""api":{"level":4,"total":0,"errors":0}"#), "{said}");
        assert_eq!(code(&rig.ask(second, "STREAM.INFO.NONE", "")), "10059");
        rig.ask(second, "STREAM.CREATE.S", STREAM);
        let said = rig.ask(second, "INFO", "anything");
        assert!(said.contains(r#""streams":1,"#), "{said}");
        assert!(said.contains(r#""api":{"level":4,"total":3,"errors":1}"#), "{said}");
    }
}

#[test]
fn who_may_have_no_streams_is_told_so() {
    let mut rig = Rig::new(2);
    let (without, system) = (rig.client("n"), rig.client("s"));
    for what in ["INFO", "STREAM.NAMES", "STREAM.CREATE.S", "CONSUMER.LIST.S"] {
        assert_eq!(code(&rig.ask(without, what, "{}")), "10039", "{what}");
        let of_system = rig.ask(system, what, "{}");
        assert_eq!(code(&of_system), "10039", "{what}");
        assert_eq!(of_system.contains("system_response"), what != "INFO", "{of_system}");
    }
}

/// As nats-server 2.14.5 does.
#[test]
fn what_nobody_knows_is_heard_and_not_answered() {
    let mut rig = Rig::new(2);
    let (near, far) = (rig.client("a"), rig.client("a"));
    for conn in [near, far] {
        for what in ["NO.SUCH", "STREAM.INFO", "META.LEADER.STEPDOWN", "CONSUMER.RESET.S.C"] {
            assert_eq!(rig.ask(conn, what, ""), "", "{what}");
        }
        for what in ["CONSUMER.MSG.NEXT.S.C", "DIRECT.GET.S", "DIRECT.GET.S.s.a"] {
            assert!(rig.ask(conn, what, "").contains("503"), "{what}");
        }
        assert!(rig.publish(conn, "$JS.ACK.S.C.1.1.1.1.1", "").contains("503"));
    }
}

/// With more streams than go at a time. The account is told as of other streams that go, and has asked for nothing.
#[test]
fn the_system_has_all_streams_of_an_account_go() {
    for shards in [1, 3] {
        let mut rig = Rig::new(shards);
        let (a, b, system) = (rig.client("a"), rig.client("b"), rig.client("s"));
        for n in 0..150 {
            rig.ask(a, &format!("STREAM.CREATE.S{n}"), &format!(r#"{{"name":"S{n}","storage":"memory"}}"#));
        }
        rig.ask(b, "STREAM.CREATE.S", STREAM);
        assert_eq!(rig.ask(a, "ACCOUNT.PURGE.A", ""), "", "who is not the system is not answered");
        let before = rig.ask(a, "INFO", "");
        assert!(before.contains(r#""streams":150,"#), "{before}");
        rig.say(a, "SUB $JS.EVENT.ADVISORY.API 8\r\nSUB $JS.EVENT.ADVISORY.STREAM.DELETED.* 9\r\n");
        let said = rig.ask(system, "ACCOUNT.PURGE.A", "");
        assert!(said.contains(r#""initiated":true"#), "{said}");
        let told = rig.say(a, "PING\r\n");
        assert_eq!(
            (told.matches(r#""action":"delete""#).count(), told.matches("api_audit").count()),
            (150, 0)
        );
        let after = rig.ask(a, "INFO", "");
        assert!(after.contains(r#""streams":0,"#), "{after}");
        assert!(after.contains(r#""total":151,"errors":0"#), "{after}");
        assert!(rig.publish(a, "S7", "x").contains("503"));
        assert!(rig.ask(b, "STREAM.NAMES", "").contains(r#""streams":["S"]"#));
        for (account, answer) in [("NONE", r#""initiated":true"#), ("a/b", "path separators")] {
            let said = rig.ask(system, &format!("ACCOUNT.PURGE.{account}"), "");
            assert!(said.contains(answer), "{said}");
        }
    }
}

#[test]
fn a_stream_is_there_until_it_is_deleted_whoever_made_it() {
    let mut rig = Rig::new(2);
    let (first, second) = (rig.client("a"), rig.client("a"));
    let made = rig.ask(first, "STREAM.CREATE.S", STREAM);
    assert!(made.contains(r#""did_create":true"#) && made.contains(r#""_nats.ver":"2.14.5""#), "{made}");
    assert!(rig.ask(second, "STREAM.CREATE.S", STREAM).contains(r#""did_create":true"#), "it is the same");
    let other = STREAM.replace("s.>", "t.>");
    assert_eq!(code(&rig.ask(second, "STREAM.CREATE.S", &other)), "10058");
    assert!(rig.ask(second, "STREAM.INFO.S", "").contains(r#""cluster":{"leader":"srv"}"#));
    assert!(rig.ask(second, "STREAM.NAMES", "").contains(r#""streams":["S"]"#));
    assert!(rig.ask(first, "STREAM.DELETE.S", "").contains(r#""success":true"#));
    assert!(rig.ask(second, "STREAM.NAMES", "").contains(r#""streams":null"#));
    assert!(rig.ask(second, "STREAM.LIST", "").contains(r#""streams":[]"#));
    assert_eq!(code(&rig.ask(second, "STREAM.DELETE.S", "")), "10059");
}

#[test]
fn subjects_belong_to_one_stream_of_an_account() {
    let mut rig = Rig::new(2);
    let (a, b) = (rig.client("a"), rig.client("b"));
    rig.ask(a, "STREAM.CREATE.S", STREAM);
    let other = r#"{"name":"T","subjects":["s.a"],"storage":"memory"}"#;
    assert_eq!(code(&rig.ask(a, "STREAM.CREATE.T", other)), "10065");
    assert!(rig.ask(b, "STREAM.CREATE.T", other).contains("did_create"), "another account");
    rig.ask(a, "STREAM.CREATE.T", &other.replace("s.a", "t.a"));
    assert_eq!(code(&rig.ask(a, "STREAM.UPDATE.T", other)), "10065");
    let names = rig.ask(a, "STREAM.NAMES", r#"{"subject":"t.*"}"#);
    assert!(names.contains(r#""total":1,"#) && names.contains(r#"["T"]"#), "{names}");
}

#[test]
fn a_stream_that_changes_hears_what_it_is_told_to() {
    let mut rig = Rig::new(2);
    let (first, second) = (rig.client("a"), rig.client("a"));
    rig.ask(first, "STREAM.CREATE.S", STREAM);
    assert_eq!(code(&rig.ask(first, "STREAM.UPDATE.T", STREAM)), "10056");
    let wider = STREAM.replace("s.>", "t.>").replace('}', r#","max_msgs":5}"#);
    let said = rig.ask(first, "STREAM.UPDATE.S", &wider);
    assert!(said.contains(r#""max_msgs":5"#) && said.contains(r#""subjects":["t.\u003e"]"#), "{said}");
    assert!(rig.publish(second, "s.a", "x").contains("503"));
    assert!(!rig.publish(second, "t.a", "x").contains("503"));
    assert_eq!(code(&rig.ask(first, "STREAM.UPDATE.NONE", &STREAM.replace("\"S\"", "\"NONE\""))), "10059");
}

#[test]
fn limits_of_accounts_and_of_the_server_are_kept() {
    let mut config = config();
    config.accounts.get_mut("B").unwrap().max_streams = 1;
    let mut rig = Rig::with(1, config);
    let (a, b) = (rig.client("a"), rig.client("b"));
    let of = |name: &str, bytes: i64| {
        format!(r#"{{"name":"{name}","subjects":["{name}"],"storage":"memory","max_bytes":{bytes}}}"#)
    };
    assert!(rig.ask(b, "STREAM.CREATE.S", &of("S", 1000)).contains("did_create"));
    assert_eq!(code(&rig.ask(b, "STREAM.CREATE.T", &of("T", 1000))), "10027");
    assert_eq!(code(&rig.ask(a, "STREAM.CREATE.S", &of("S", 1 << 20))), "10028", "B has some of it");
    assert!(rig.ask(a, "STREAM.CREATE.S", &of("S", (1 << 20) - 1000)).contains("did_create"));
    let info = rig.ask(a, "INFO", "");
    assert!(info.contains(&format!(r#""reserved_memory":{}"#, (1 << 20) - 1000)), "{info}");
    assert_eq!(code(&rig.ask(a, "STREAM.CREATE.T", &of("T", -1))), "10028");
    assert!(rig.ask(a, "STREAM.UPDATE.S", &of("S", 5)).contains("\"max_bytes\":5"));
    assert!(rig.ask(a, "STREAM.CREATE.T", &of("T", -1)).contains("did_create"));
    rig.ask(a, "STREAM.DELETE.S", "");
    assert!(rig.ask(a, "INFO", "").contains(r#""reserved_memory":0"#));
}

/// Of two mistakes nats-server names the one that takes other consumers to know first.
#[test]
fn a_consumer_that_wants_what_another_one_does_hears_that_before_its_name_is_too_long() {
    let mut rig = Rig::new(1);
    let client = rig.client("a");
    let stream = STREAM.replace('}', r#","retention":"workqueue"}"#);
    assert!(rig.ask(client, "STREAM.CREATE.S", &stream).contains("did_create"));
    let long = "x".repeat(256);
    for (name, filter, outcome) in
        [("C", "s.a", ""), (&long, "s.*", "10100"), (&long, "s.b", "10102"), (&long[1..], "s.b", "")]
    {
        let config = format!(
            r#"{{"durable_name":"{name}","name":"{name}","ack_policy":"explicit","filter_subject":"{filter}"}}"#
        );
        let body = format!(r#"{{"stream_name":"S","config":{config}}}"#);
        let said = rig.ask(client, &format!("CONSUMER.DURABLE.CREATE.S.{name}"), &body);
        assert_eq!(code(&said), outcome, "{said}");
    }
}

/// As long as nothing keeps files.
#[test]
fn streams_in_files_are_refused() {
    let mut rig = Rig::new(1);
    let client = rig.client("a");
    let said = rig.ask(client, "STREAM.CREATE.S", r#"{"name":"S","subjects":["s"]}"#);
    assert_eq!(code(&said), "10047");
}

#[test]
fn who_listens_hears_of_requests_and_streams() {
    let mut rig = Rig::new(1);
    let (asks, listens) = (rig.client("a"), rig.client("a"));
    rig.say(listens, "SUB $JS.EVENT.ADVISORY.> 9\r\n");
    rig.ask(asks, "STREAM.CREATE.S", STREAM);
    let heard = rig.shards.output(listens);
    for subject in ["STREAM.CREATED.S", "API"] {
        assert!(heard.contains(&format!("MSG $JS.EVENT.ADVISORY.{subject} 9")), "{heard}");
    }
    assert!(heard.contains(r#""acc":"A","user":"a""#), "{heard}");
    assert!(heard.contains(r#""subject":"$JS.API.STREAM.CREATE.S""#), "{heard}");
    rig.ask(asks, "STREAM.DELETE.S", "");
    assert!(rig.shards.output(listens).contains("STREAM.DELETED.S"));
}

#[test]
fn the_domain_is_understood_in_subjects() {
    let mut rig = Rig::with(
        2,
        jetstream::Config {
            options: jetstream::ServiceOptions {
                domain: "hub".into(),
                ..jetstream::ServiceOptions::default()
            },
            ..config()
        },
    );
    let (near, far) = (rig.client("a"), rig.client("a"));
    for conn in [near, far] {
        assert!(rig.publish(conn, "$JS.hub.API.INFO", "").contains(r#""domain":"hub""#));
        assert!(rig.publish(conn, "$JS.other.API.INFO", "").contains("503"));
        assert!(rig.ask(conn, "INFO", "").contains(r#""domain":"hub""#));
    }
    rig.say(near, "SUB $JS.EVENT.ADVISORY.API 9\r\n");
    for conn in [near, far] {
        // Audits tell of requests as they are without it.
        let said = rig.publish(conn, "$JS.hub.API.STREAM.NAMES", "") + &rig.say(near, "PING\r\n");
        assert!(said.contains(r#""subject":"$JS.API.STREAM.NAMES""#), "{said}");
    }
}

/// As nats-server 2.14.5 does: the reply says that a message is one of a batch.
#[test]
fn a_stream_that_allows_no_fast_batches_refuses_and_stores_none() {
    let mut rig = Rig::new(1);
    let conn = rig.client("a");
    rig.ask(conn, "STREAM.CREATE.S", STREAM);
    let said = rig.say(conn, "SUB b.> 9\r\nPUB s.a b.id.10.fail.1.0.$FI 1\r\nx\r\n");
    assert_eq!(code(&said), "10205", "{said}");
    let said = rig.say(conn, "PUB s.a b.$FI 1\r\nx\r\n");
    assert_eq!(code(&said), "10205", "{said}");
    assert!(rig.ask(conn, "STREAM.INFO.S", "").contains(r#""messages":0"#));
}

/// As nats-server 2.14.5 does both: found by `cargo xtask differ`.
#[test]
fn a_pause_is_told_with_each_create_and_a_message_that_is_not_there_is_no_error() {
    let mut rig = Rig::new(1);
    let client = rig.client("a");
    rig.ask(client, "STREAM.CREATE.S", r#"{"name":"S","subjects":["s"],"storage":"memory"}"#);
    rig.say(client, "SUB $JS.EVENT.ADVISORY.CONSUMER.PAUSE.> 9\r\n");
    let config = r#"{"stream_name":"S","config":{"name":"C","durable_name":"C","pause_until":"2100-01-01T00:00:00Z"}}"#;
    for _ in 0..2 {
        let said = rig.ask(client, "CONSUMER.CREATE.S.C", config);
        let event = r#""stream":"S","consumer":"C","paused":true,"pause_until":"2100-01-01T00:00:00Z"}"#;
        assert_eq!(said.matches(event).count(), 1, "{said}");
    }
    let said = rig.ask(client, "STREAM.MSG.DELETE.S", r#"{"seq":7}"#);
    assert!(said.contains("10043"), "{said}");
    assert!(rig.ask(client, "INFO", "").contains(r#""errors":0"#));
    rig.ask(client, "STREAM.MSG.DELETE.NONE", r#"{"seq":7}"#);
    assert!(rig.ask(client, "INFO", "").contains(r#""errors":1"#));
}

/// As in nats-server, where one routine takes in what was asked before another delivers.
#[test]
fn of_requests_that_come_together_the_one_of_higher_priority_is_served_first() {
    let mut rig = Rig::new(1);
    let client = rig.client("a");
    assert!(
        rig.ask(client, "STREAM.CREATE.S", r#"{"name":"S","subjects":["s"],"storage":"memory"}"#)
            .contains("did_create")
    );
    let consumer = r#"{"stream_name":"S","config":{"name":"C","durable_name":"C","ack_policy":"explicit",
        "priority_policy":"prioritized","priority_groups":["g"]}}"#;
    assert!(rig.ask(client, "CONSUMER.CREATE.S.C", consumer).contains("num_pending"));
    rig.publish(client, "s", "m");
    let next = |reply: &str, priority: u8| {
        let body = format!(r#"{{"batch":1,"expires":1000000000,"group":"g","priority":{priority}}}"#);
        format!("PUB $JS.API.CONSUMER.MSG.NEXT.S.C {reply} {}\r\n{body}\r\n", body.len())
    };
    rig.say(client, "SUB r.high 2\r\n");
    let got = rig.say(client, &(next("r.low", 1) + &next("r.high", 0)));
    assert!(got.contains("MSG s 2 $JS.ACK.S.C.1.1.1."), "{got}");
}
