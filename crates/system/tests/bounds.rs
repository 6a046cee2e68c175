//! How much is read, found out, answered and published in a turn, and whose.

mod rig;

use monitor::Moment;
use nats_auth::{AccountConfig, Config, Permissions, SubjectPermission, User};
use rig::{Rig, config, user};
use system::{INQUIRIES_MAX, InquiryKind, SystemEvent};

/// What one client asks at once: more than is answered in a turn, and more than is found out at a time.
#[test]
fn all_that_is_asked_is_answered_in_its_turn() {
    const REQUESTS: usize = 1000;
    let mut rig = Rig::new(1);
    let client = rig.client("s");
    rig.shards.feed(client, &"PUB $SYS.REQ.USER.INFO r 0\r\n\r\n".repeat(REQUESTS));
    rig.shards.settle();
    rig.turn();
    let first = rig.shards.output(client).matches("MSG r 1").count();
    assert!((1..100).contains(&first), "{first} at once");
    rig.settle();
    assert_eq!(first + rig.shards.output(client).matches("MSG r 1").count(), REQUESTS);
    rig.shards.feed(client, &"PUB $SYS.REQ.SERVER.PING r 0\r\n\r\n".repeat(REQUESTS));
    rig.shards.settle();
    assert_eq!(rig.turn().len(), INQUIRIES_MAX);
}

#[test]
fn accounts_that_change_leave_room_for_who_asks() {
    let account = |number: usize| AccountConfig {
        name: format!("X{number}"),
        users: vec![user(&format!("x{number}"), None)],
        ..AccountConfig::default()
    };
    let mut accounts = config().accounts;
    accounts.extend((0..INQUIRIES_MAX).map(account));
    let mut rig = Rig::with(1, &Config { accounts, ..Config::default() });
    let system = rig.client("s");
    rig.say(system, "SUB $SYS.ACCOUNT.*.SERVER.CONNS 9\r\n");
    for number in 0..INQUIRIES_MAX {
        rig.client(&format!("x{number}"));
    }
    rig.shards.feed(system, "PUB $SYS.REQ.SERVER.PING r 0\r\n\r\n");
    rig.shards.settle();
    let inquiries = rig.turn();
    assert!(inquiries.iter().any(|inquiry| inquiry.about == InquiryKind::Statsz));
    assert!(!rig.systems[0].has_work_left(), "until an answer comes");
    inquiries.into_iter().for_each(|inquiry| rig.answer(inquiry));
    assert!(rig.systems[0].has_work_left());
    rig.settle();
    let told = rig.shards.output(system);
    assert_eq!(told.matches(".SERVER.CONNS 9 ").count(), INQUIRIES_MAX, "{told}");
    assert!(told.contains(r#"},"statsz":{"#), "{told}");
}

/// All that had come was read in one turn, which took it as long as there was of it.
#[test]
fn a_turn_reads_so_much_and_those_who_want_no_answer_hold_up_nobody() {
    const LETTERS: usize = 5000;
    let mut rig = Rig::new(1);
    let client = rig.client("s");
    let text = "PUB $SYS.REQ.USER.INFO 0\r\n\r\n".repeat(LETTERS) + "PUB $SYS.REQ.USER.INFO r 0\r\n\r\n";
    rig.shards.feed(client, &text);
    rig.shards.settle();
    let mut turns = 0;
    while rig.shards.output(client).is_empty() {
        assert!(turns == 0 || rig.systems[0].has_work_left(), "it is forgotten");
        rig.turn();
        turns += 1;
    }
    assert!((5..20).contains(&turns), "{turns} turns");
    assert!(!rig.systems[0].has_work_left());
}

/// What comes while letters are left is not forgotten when the last of these is the last that a turn reads.
#[test]
fn what_comes_while_letters_are_left_is_read_behind_them() {
    for letters in [2047, 2048, 2049] {
        let mut rig = Rig::new(1);
        let client = rig.client("s");
        let ask = "PUB $SYS.REQ.USER.INFO 0\r\n\r\n";
        rig.shards.feed(client, &ask.repeat(letters));
        rig.shards.settle();
        rig.turn();
        rig.shards.feed(client, "PUB $SYS.REQ.USER.INFO r 0\r\n\r\n");
        rig.shards.settle();
        rig.turn();
        while rig.systems[0].has_work_left() {
            rig.turn();
        }
        assert!(rig.shards.output(client).contains("MSG r 1"), "after {letters}");
    }
}

/// A user with so many permissions that one answer is enough for a turn.
#[test]
fn a_turn_makes_few_long_answers() {
    let allow = (0..5000).map(|number| format!("x.{number:010}")).chain(["$SYS.>".to_owned()]).collect();
    let publish = Some(SubjectPermission { allow, deny: Vec::new() });
    let user =
        User { permissions: Some(Permissions { publish, ..Permissions::default() }), ..user("a", None) };
    let accounts = vec![AccountConfig { name: "A".into(), users: vec![user], ..AccountConfig::default() }];
    let mut rig = Rig::with(1, &Config { accounts, ..Config::default() });
    let client = rig.client("a");
    rig.shards.feed(client, &"PUB $SYS.REQ.USER.INFO r 0\r\n\r\n".repeat(3));
    rig.shards.settle();
    rig.turn();
    assert_eq!(rig.shards.output(client).matches("MSG r 1").count(), 1);
    assert!(rig.systems[0].has_work_left());
    rig.settle();
    assert_eq!(rig.shards.output(client).matches("MSG r 1").count(), 2);
}

/// One account asked, and all others waited until it had its answers.
#[test]
fn accounts_take_turns_in_what_is_found_out() {
    let mut rig = Rig::new(1);
    let (crowd, system) = (rig.client("a"), rig.client("s"));
    rig.shards.feed(crowd, &"PUB $SYS.REQ.ACCOUNT.PING.CONNZ r 0\r\n\r\n".repeat(100));
    rig.shards.feed(system, "PUB $SYS.REQ.SERVER.PING r 0\r\n\r\n");
    rig.shards.settle();
    let inquiries = rig.turn();
    assert_eq!(inquiries.len(), INQUIRIES_MAX);
    assert_eq!(inquiries[1].about, InquiryKind::Statsz);
}

/// One message of 40 MiB was published in one turn, for anybody who asked.
#[test]
fn an_answer_that_is_too_long_is_refused() {
    let mut rig = Rig::new(1);
    let client = rig.client("a");
    rig.shards.feed(client, "PUB $SYS.REQ.ACCOUNT.PING.CONNZ r 0\r\n\r\n");
    rig.shards.settle();
    for inquiry in rig.turn() {
        let reply = inquiry.answer(Moment(0), &"x".repeat(5 << 20));
        rig.systems[0].on_event(&mut rig.shards.brokers[0], SystemEvent::Answered(Some(reply)));
    }
    rig.turn();
    let said = rig.shards.output(client);
    let words =
        r#""error":{"code":500,"description":"answer of more than 4194304 bytes, ask for parts of it"}}"#;
    assert!(said.contains(words), "{} bytes", said.len());
}

/// All that came back was published in the turn in which it came.
#[test]
fn a_turn_publishes_few_long_answers() {
    let mut rig = Rig::new(1);
    let client = rig.client("a");
    rig.shards.feed(client, &"PUB $SYS.REQ.ACCOUNT.PING.CONNZ r 0\r\n\r\n".repeat(4));
    rig.shards.settle();
    for inquiry in rig.turn() {
        let reply = inquiry.answer(Moment(0), &"x".repeat(1 << 20));
        rig.systems[0].on_event(&mut rig.shards.brokers[0], SystemEvent::Answered(Some(reply)));
    }
    for _ in 0..4 {
        assert!(rig.systems[0].has_work_left());
        rig.turn();
        assert_eq!(rig.shards.output(client).matches("MSG r 1").count(), 1);
    }
    assert!(!rig.systems[0].has_work_left());
}

/// However long they were, a thousand were read at once.
#[test]
fn a_turn_reads_few_long_requests() {
    let mut rig = Rig::new(1);
    let client = rig.client("s");
    let others = format!(r#"{{"server_name":"other","host":"{}"}}"#, "x".repeat(3000));
    let long = format!("PUB $SYS.REQ.SERVER.PING.HEALTHZ r {}\r\n{others}\r\n", others.len());
    rig.shards.feed(client, &(long.repeat(64) + "PUB $SYS.REQ.SERVER.PING.IDZ r 0\r\n\r\n"));
    rig.shards.settle();
    rig.turn();
    assert_eq!(rig.shards.output(client), "", "three turns read that");
    rig.settle();
    assert_eq!(rig.shards.output(client).matches("MSG r 1").count(), 1);
}
