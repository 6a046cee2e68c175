//! Groups by key: members, the group that is made with them, and what is told of both.

mod rig;

use jetstream::JetStream;
use rig::{Conn, Rig};
use sim_disk::SimDisk;

const S: &str = r#"{"name":"S","subjects":["s.>"]}"#;

fn member(name: &str, more: &str) -> String {
    format!(
        r#"{{"stream_name":"S","config":{{"name":"{name}","ack_policy":"explicit","inactive_threshold":2000000000,{more}"metadata":{{"buster.group":"G","buster.key":"2","buster.lanes":"8"}}}}}}"#
    )
}

fn create(rig: &mut Rig, client: Conn, name: &str, more: &str) -> String {
    rig.ask(client, &format!("CONSUMER.CREATE.S.{name}"), &member(name, more))
}

fn set_up(rig: &mut Rig) -> Conn {
    let client = rig.client("a");
    let said = rig.ask(client, "STREAM.CREATE.S", S);
    assert!(said.contains(r#""did_create":true"#), "{said}");
    client
}

fn pull(rig: &mut Rig, client: Conn, name: &str, count: usize) -> Vec<String> {
    let body = format!(r#"{{"batch":{count},"expires":60000000000}}"#);
    let said = rig.say(
        client,
        &format!("PUB $JS.API.CONSUMER.MSG.NEXT.S.{name} r.{name} {}\r\n{body}\r\n", body.len()),
    );
    acks(&said)
}

/// Where the messages that came can be acknowledged.
fn acks(said: &str) -> Vec<String> {
    said.split_whitespace().filter(|word| word.starts_with("$JS.ACK.")).map(str::to_owned).collect()
}

fn seq_of(ack: &str) -> u64 {
    ack.split('.').nth(5).and_then(|seq| seq.parse().ok()).expect("a sequence")
}

/// How many lanes each of these members has.
fn lanes(rig: &mut Rig, client: Conn, members: &[&str]) -> Vec<usize> {
    let said = rig.ask(client, "CONSUMER.INFO.S.G", "");
    members.iter().map(|name| said.matches(&format!(r#""pinned_client_id":"{name}""#)).count()).collect()
}

#[test]
fn a_group_is_made_with_its_first_member_and_stays() {
    for shards in [1, 3] {
        let mut rig = Rig::on_disk(shards, SimDisk::new(7));
        let client = set_up(&mut rig);
        let said = create(&mut rig, client, "anna", "");
        assert!(said.contains(r#""name":"anna""#) && !said.contains("error"), "{said}");
        create(&mut rig, client, "bert", "");
        let said = rig.ask(client, "CONSUMER.NAMES.S", "");
        assert!(said.contains(r#""consumers":["G","anna","bert"]"#), "{said}");
        assert_eq!(lanes(&mut rig, client, &["anna", "bert"]), [4, 4]);
        rig.ask(client, "CONSUMER.DELETE.S.anna", "");
        assert_eq!(lanes(&mut rig, client, &["anna", "bert"]), [0, 8]);
        // Silent for too long.
        rig.wait(2_100);
        rig.wait(1);
        let said = rig.ask(client, "CONSUMER.NAMES.S", "");
        assert!(said.contains(r#""consumers":["G"]"#), "{said}");
    }
}

#[test]
fn members_have_to_agree() {
    let mut rig = Rig::on_disk(2, SimDisk::new(7));
    let client = set_up(&mut rig);
    create(&mut rig, client, "anna", r#""max_deliver":5,"#);
    let said = create(&mut rig, client, "bert", "");
    assert!(said.contains(r#""err_code":10012"#) && said.contains("has another max_deliver"), "{said}");
    let said = rig.ask(
        client,
        "CONSUMER.CREATE.S.bert",
        &member("bert", r#""max_deliver":5,"#).replace("\"8\"", "\"9\""),
    );
    assert!(said.contains("has another metadata buster.key, buster.lanes or buster.order"), "{said}");
    rig.ask(
        client,
        "CONSUMER.CREATE.S.H",
        r#"{"stream_name":"S","config":{"durable_name":"H","name":"H","ack_policy":"explicit"}}"#,
    );
    let said = rig.ask(client, "CONSUMER.CREATE.S.bert", &member("bert", "").replace("\"G\"", "\"H\""));
    assert!(said.contains("names a consumer that is no group"), "{said}");
    let said = rig.ask(
        client,
        "CONSUMER.CREATE.S.anna",
        &member("anna", r#""max_deliver":5,"#).replace("\"G\"", "\"K\""),
    );
    assert!(said.contains("cannot change"), "{said}");
    let said = rig.ask(client, "CONSUMER.PAUSE.S.anna", r#"{"pause_until":"2100-01-01T00:00:00Z"}"#);
    assert!(said.contains("it is a member of group"), "{said}");
}

#[test]
fn keys_stay_with_one_member_over_a_restart() {
    let mut rig = Rig::on_disk(1, SimDisk::new(7));
    let client = set_up(&mut rig);
    for name in ["anna", "bert"] {
        create(&mut rig, client, name, r#""ack_wait":1000000000,"#);
    }
    for number in 0..30 {
        rig.publish(client, &format!("s.{}.x", number % 6), &number.to_string());
    }
    let mut before = pull(&mut rig, client, "anna", 30);
    before.extend(pull(&mut rig, client, "bert", 30));
    let mut seqs: Vec<u64> = before.iter().map(|ack| seq_of(ack)).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6], "one of each key");
    let said = rig.say(client, &format!("PUB {} r.x 0\r\n\r\n", before[0]));
    assert!(said.contains("MSG r.x 1 0"), "{said}");
    assert_eq!(acks(&said).len(), 1, "the next of that key: {said}");
    rig.wait(100);
    let first = seq_of(&before[0]);
    let mut rig = rig.restart(|disk| disk.cut_power());
    let client = rig.client("a");
    assert_eq!(lanes(&mut rig, client, &["anna", "bert"]), [4, 4]);
    let mut again = pull(&mut rig, client, "anna", 30);
    again.extend(pull(&mut rig, client, "bert", 30));
    assert!(again.is_empty(), "they may be with somebody: {again:?}");
    rig.wait(1_100);
    let said = rig.say(client, "PING\r\n");
    let mut seqs: Vec<u64> = acks(&said).iter().map(|ack| seq_of(ack)).collect();
    seqs.sort_unstable();
    let mut expected: Vec<u64> = (1..=6).map(|seq| if seq == first { seq + 6 } else { seq }).collect();
    expected.sort_unstable();
    assert_eq!(seqs, expected, "{said}");
}

#[test]
fn a_work_queue_may_have_a_group() {
    let mut rig = Rig::on_disk(1, SimDisk::new(7));
    let client = rig.client("a");
    rig.ask(client, "STREAM.CREATE.S", r#"{"name":"S","subjects":["s.>"],"retention":"workqueue"}"#);
    for name in ["anna", "bert"] {
        let said = create(&mut rig, client, name, "");
        assert!(!said.contains("error"), "{said}");
    }
    rig.publish(client, "s.1", "x");
    let mut all = pull(&mut rig, client, "anna", 1);
    all.extend(pull(&mut rig, client, "bert", 1));
    assert_eq!(all.len(), 1);
    rig.say(client, &format!("PUB {} 0\r\n\r\n", all[0]));
    rig.wait(50);
    let said = rig.ask(client, "STREAM.INFO.S", "");
    assert!(said.contains(r#""messages":0"#), "{said}");
    rig.ask(client, "CONSUMER.DELETE.S.G", "");
    let said = rig.ask(client, "CONSUMER.NAMES.S", "");
    assert!(
        said.contains(r#""consumers":null"#) || said.contains(r#""consumers":[]"#),
        "members go with it: {said}"
    );
}

#[test]
fn lanes_that_move_are_told_of() {
    let mut rig = Rig::on_disk(1, SimDisk::new(7));
    let client = set_up(&mut rig);
    rig.shards.feed(client, "SUB $JS.EVENT.ADVISORY.CONSUMER.*.S.G 2\r\n");
    create(&mut rig, client, "anna", "");
    let said = create(&mut rig, client, "bert", "");
    assert_eq!(said.matches(r#""reason":"joined""#).count(), 4, "{said}");
    assert_eq!(said.matches(r#""pinned_id":"bert""#).count(), 4, "{said}");
    let said = rig.ask(client, "CONSUMER.UNPIN.S.bert", r#"{"group":"G"}"#);
    assert_eq!(said.matches(r#""reason":"admin""#).count(), 4, "{said}");
    assert_eq!(lanes(&mut rig, client, &["anna", "bert"]), [8, 0]);
    let said = rig.ask(client, "CONSUMER.INFO.S.bert", "");
    assert!(said.contains(r#""num_ack_pending":0"#), "{said}");
}

#[test]
fn why_a_consumer_stands_and_where_a_message_is_can_be_asked() {
    let mut rig = Rig::on_disk(2, SimDisk::new(7));
    let client = set_up(&mut rig);
    let explain = |rig: &mut Rig, what: &str| rig.publish(client, &format!("$BUSTER.EXPLAIN.{what}"), "");
    let consumer = |more: &str| {
        format!(
            r#"{{"stream_name":"S","config":{{"durable_name":"C","name":"C","ack_policy":"explicit",{more}"max_ack_pending":2}}}}"#
        )
    };
    rig.ask(client, "CONSUMER.CREATE.S.C", &consumer(""));
    let said = explain(&mut rig, "CONSUMER.S.C");
    assert!(said.contains(r#""is_stuck":true,"reasons":[{"reason":"no_request""#), "{said}");
    assert!(said.contains(r#""command":"nats consumer next S C""#), "{said}");
    (0..3).for_each(|_| drop(rig.publish(client, "s.a", "x")));
    pull(&mut rig, client, "C", 5);
    let said = explain(&mut rig, "CONSUMER.S.C");
    assert!(
        said.contains(r#""reasons":[{"reason":"max_ack_pending""#) && said.contains(r#""seq":1"#),
        "{said}"
    );
    for (seq, state) in [(1, "to_be_acknowledged"), (3, "to_be_delivered")] {
        let said = explain(&mut rig, &format!("MESSAGE.S.{seq}"));
        assert!(said.contains(&format!(r#""consumer":"C","state":"{state}""#)), "{said}");
    }
    assert!(explain(&mut rig, "MESSAGE.S.4").contains(r#""state":"to_come""#));
    rig.ask(client, "STREAM.MSG.DELETE.S", r#"{"seq":2}"#);
    assert!(explain(&mut rig, "MESSAGE.S.2").contains(r#""state":"gone""#));
    assert!(explain(&mut rig, "MESSAGE.T.1").contains(r#""err_code":10059"#));
    assert!(explain(&mut rig, "CONSUMER.S.D").contains(r#""err_code":10014"#));
    rig.ask(client, "CONSUMER.PAUSE.S.C", r#"{"pause_until":"2100-01-01T00:00:00Z"}"#);
    let said = explain(&mut rig, "CONSUMER.S.C");
    assert!(
        said.contains(r#""reasons":[{"reason":"paused""#)
            && said.contains(r#""until":"2100-01-01T00:00:00Z""#),
        "{said}"
    );
}

#[test]
fn who_has_a_message_of_a_group_is_told() {
    let mut rig = Rig::on_disk(1, SimDisk::new(7));
    let client = set_up(&mut rig);
    create(&mut rig, client, "anna", "");
    (0..2).for_each(|_| drop(rig.publish(client, "s.1", "x")));
    assert_eq!(pull(&mut rig, client, "anna", 5).len(), 1);
    let said = rig.publish(client, "$BUSTER.EXPLAIN.MESSAGE.S.1", "");
    assert!(
        said.contains(r#""consumer":"G","state":"to_be_acknowledged","deliveries":1,"member":"anna""#),
        "{said}"
    );
    let said = rig.publish(client, "$BUSTER.EXPLAIN.MESSAGE.S.2", "");
    assert!(
        said.contains(r#""state":"waits_for_its_turn","member":"anna""#) && said.contains(r#""behind":1"#),
        "{said}"
    );
}

/// As many as a group may have: to take all of them out in one turn would hold everybody up.
#[test]
fn a_group_goes_with_all_its_members_in_turns_that_are_short() {
    const MEMBERS: usize = 1_000;
    for shards in [1, 2] {
        let mut rig = Rig::on_disk(shards, SimDisk::new(7));
        let client = set_up(&mut rig);
        for number in 0..MEMBERS {
            let said = create(&mut rig, client, &format!("m{number}"), "");
            assert!(!said.contains("error"), "{said}");
        }
        (rig.longest, rig.turns) = (0, 0);
        let said = rig.ask(client, "CONSUMER.DELETE.S.G", "");
        assert!(said.contains(r#""success":true"#), "{said}");
        // Whatever it was at when its steps were over it ends.
        let most = JetStream::TURN_STEPS + 2_000;
        assert!(rig.longest <= most && rig.turns > MEMBERS / 100, "{} in {} turns", rig.longest, rig.turns);
        let said = rig.ask(client, "CONSUMER.NAMES.S", "");
        assert!(said.contains(r#""consumers":[]"#), "all are gone when that is said: {said}");
        // The name is free, with nobody in it.
        create(&mut rig, client, "late", "");
        assert_eq!(lanes(&mut rig, client, &["late", "m1"]), [8, 0]);
    }
}

#[test]
fn lanes_that_move_by_the_thousand_are_told_in_turns_that_are_short() {
    const LANES: usize = 1_024;
    let mut rig = Rig::on_disk(1, SimDisk::new(7));
    let client = set_up(&mut rig);
    rig.shards.feed(client, "SUB $JS.EVENT.ADVISORY.CONSUMER.*.S.G 2\r\n");
    rig.settle();
    let many = |name: &str| member(name, "").replace(r#""buster.lanes":"8""#, r#""buster.lanes":"1024""#);
    for (name, pinned, unpinned) in [("anna", LANES, 0), ("bert", LANES / 2, LANES / 2)] {
        (rig.longest, rig.turns) = (0, 0);
        let said = rig.ask(client, &format!("CONSUMER.CREATE.S.{name}"), &many(name));
        assert!(said.contains(&format!(r#""name":"{name}""#)), "{said}");
        let told = |what: &str| said.matches(&format!("MSG $JS.EVENT.ADVISORY.CONSUMER.{what}.S.G ")).count();
        assert_eq!((told("PINNED"), told("UNPINNED")), (pinned, unpinned), "{name}");
        let most = JetStream::TURN_STEPS + 2_000;
        assert!(rig.longest <= most && rig.turns > 2, "{} in {} turns", rig.longest, rig.turns);
    }
    assert_eq!(lanes(&mut rig, client, &["anna", "bert"]), [LANES / 2, LANES / 2]);
}
