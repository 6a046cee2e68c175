//! Rules that are easily got wrong, one test each: requests, who pushes, pauses, and who goes unused.

mod rig;

use rig::Rig;

const EXPLICIT: &str = r#"{"ack_policy":"explicit"}"#;

fn explicit(more: &str) -> String {
    format!(r#"{{"ack_policy":"explicit",{more}}}"#)
}

fn after(rig: &mut Rig, act: impl FnOnce(&mut Rig)) -> Vec<String> {
    rig.take();
    act(rig);
    rig.take()
}

fn push(more: &str) -> String {
    format!(r#"{{"deliver_subject":"d"{more}}}"#)
}

#[test]
fn who_does_not_wait_waits_while_no_more_may_be_acknowledged() {
    let mut rig = Rig::with(2, &explicit(r#""max_ack_pending":1"#));
    rig.request("_INBOX.1", "1");
    assert!(after(&mut rig, |rig| rig.request("_INBOX.2", r#"{"no_wait":true}"#)).is_empty());
    assert_eq!(after(&mut rig, |rig| rig.ack(1, "+ACK", "")), ["s.a $JS.ACK.S.C.1.2.2.T.0"]);
    let lines = after(&mut rig, |rig| rig.request("_INBOX.3", r#"{"no_wait":true}"#));
    assert_eq!(lines, ["_INBOX.3 - NATS/1.0 404 No Messages"], "nothing is to come at all");
}

/// As nats-server 2.14.5 does: nats.py goes by it when it fetches what is there.
#[test]
fn who_does_not_wait_ends_with_somebodys_time_while_no_more_may_be_acknowledged() {
    let mut rig = Rig::with(3, &explicit(r#""max_ack_pending":1"#));
    rig.request("_INBOX.1", r#"{"batch":9,"no_wait":true,"expires":2000000000,"idle_heartbeat":300000000}"#);
    assert!(after(&mut rig, |rig| rig.wait(299)).is_empty());
    assert_eq!(after(&mut rig, |rig| rig.wait(1)), ["_INBOX.1 - NATS/1.0 404 No Messages"]);
    rig.request("_INBOX.1", r#"{"no_wait":true}"#);
    rig.request("_INBOX.2", r#"{"batch":1,"expires":500000000}"#);
    let timeout = "408 Request Timeout|Nats-Pending-Messages: 1|Nats-Pending-Bytes: 0";
    let ends = ["_INBOX.1 - NATS/1.0 404 No Messages".to_owned(), format!("_INBOX.2 - NATS/1.0 {timeout}")];
    assert_eq!(after(&mut rig, |rig| rig.wait(500)), ends);
}

#[test]
fn who_does_not_wait_gets_what_comes_again_while_no_more_may_be_acknowledged() {
    let mut rig = Rig::with(3, &explicit(r#""max_ack_pending":1,"ack_wait":400000000"#));
    rig.request("_INBOX.1", "1");
    rig.request("_INBOX.2", r#"{"no_wait":true}"#);
    rig.request("_INBOX.3", r#"{"expires":600000000}"#);
    rig.take();
    assert_eq!(after(&mut rig, |rig| rig.wait(500)), ["s.a $JS.ACK.S.C.2.1.2.T.2"]);
}

#[test]
fn who_waits_is_told_that_the_server_stops() {
    let mut rig = Rig::with(0, EXPLICIT);
    rig.request("_INBOX.1", r#"{"batch":5,"max_bytes":700}"#);
    rig.request("_INBOX.2", r#"{"batch":1,"expires":500000000}"#);
    let told = |reply: &str, messages: u32, bytes: u32| {
        format!(
            "{reply} - NATS/1.0 409 Server Shutdown|Nats-Pending-Messages: {messages}|Nats-Pending-Bytes: {bytes}"
        )
    };
    let lines = after(&mut rig, Rig::stop);
    assert_eq!(lines, [told("_INBOX.1", 5, 700), told("_INBOX.2", 1, 0)]);
}

#[test]
fn who_does_not_wait_finds_others_waiting() {
    let mut rig = Rig::with(3, &explicit(r#""max_ack_pending":1"#));
    rig.request("_INBOX.1", "9");
    let lines = after(&mut rig, |rig| rig.request("_INBOX.2", r#"{"no_wait":true}"#));
    assert_eq!(lines, ["_INBOX.2 - NATS/1.0 408 Requests Pending"]);
}

#[test]
fn bytes_count_subject_reply_header_and_payload() {
    let mut rig = Rig::stream(0, false);
    rig.publish_with("s.a", 20, 50);
    rig.publish_with("s.a", 20, 50);
    rig.create(EXPLICIT);
    // 3 + 42 + 20 + 50.
    let size = 3 + "$JS.ACK.S.C.1.1.1.1795959639000000000.1".len() + 70;
    let ask = |bytes: usize| format!(r#"{{"batch":2,"max_bytes":{bytes}}}"#);
    let lines = after(&mut rig, |rig| rig.request("_INBOX.1", &ask(size - 1)));
    let rest = |messages: u32, bytes: usize| {
        format!("|Nats-Pending-Messages: {messages}|Nats-Pending-Bytes: {bytes}")
    };
    let too_large = |rest| format!("_INBOX.1 - NATS/1.0 409 Message Size Exceeds MaxBytes{rest}");
    assert_eq!(lines, [too_large(rest(2, size - 1))]);
    let lines = after(&mut rig, |rig| rig.request("_INBOX.1", &ask(size + 1)));
    assert_eq!(lines, ["s.a $JS.ACK.S.C.1.1.1.T.1".to_owned(), too_large(rest(1, 1))]);
    let lines = after(&mut rig, |rig| rig.request("_INBOX.1", &ask(size)));
    assert_eq!(lines, ["s.a $JS.ACK.S.C.1.2.2.T.0"], "all of it, and nothing is left to say");
}

#[test]
fn a_request_that_nobody_waits_for_is_out() {
    let mut rig = Rig::with(0, EXPLICIT);
    rig.request("gone.1", "1");
    rig.request("_INBOX.1", "1");
    assert_eq!(after(&mut rig, |rig| rig.publish_many(1, 2)), ["s.a $JS.ACK.S.C.1.1.1.T.0"]);
}

#[test]
fn what_did_not_arrive_comes_again_at_once_and_does_not_count() {
    let mut rig = Rig::with(2, &explicit(r#""max_deliver":1"#));
    rig.vanished = "_INBOX.1".into();
    rig.request("_INBOX.1", "2");
    assert_eq!(rig.take()[1..], ["s.a $JS.ACK.S.C.1.1.2.T.1", "s.a $JS.ACK.S.C.1.2.3.T.0"]);
}

#[test]
fn requests_are_served_in_turn_and_no_more_wait_than_may() {
    let mut rig = Rig::with(0, &explicit(r#""max_waiting":2"#));
    rig.subs.push(("w.*".into(), String::new()));
    rig.request("_INBOX.1", "2");
    rig.request("w.1", "2");
    let full = after(&mut rig, |rig| rig.request("_INBOX.2", "1"));
    assert_eq!(full, ["_INBOX.2 - NATS/1.0 409 Exceeded MaxWaiting"]);
    let beats = r#"{"expires":5000000000,"idle_heartbeat":1000000000}"#;
    assert!(after(&mut rig, |rig| rig.request("_INBOX.2", beats)).is_empty(), "it listens for heartbeats");
    rig.take();
    rig.publish_many(4, 2);
    let to: Vec<char> = rig.lines.iter().map(|line| line.0).collect();
    assert_eq!(to, ['i', 'w', 'i', 'w']);
    // Whoever is gone makes room, once a second at most.
    rig.request("gone.1", "1");
    rig.request("gone.2", "1");
    rig.wait(1_001);
    assert!(after(&mut rig, |rig| rig.request("_INBOX.3", "1")).is_empty());
}

#[test]
fn requests_say_what_only_others_understand() {
    let mut rig = Rig::with(1, EXPLICIT);
    for (body, reason) in [
        (r#"{"min_pending":1}"#, "Not a Overflow Priority consumer"),
        (r#"{"min_ack_pending":1}"#, "Not a Overflow Priority consumer"),
        (r#"{"id":"x"}"#, "Not a Pinned Client Priority consumer"),
        (r#"{"priority":10}"#, "Priority must be between 0 and 9"),
        (r#"{bad"#, "invalid character 'b' looking for beginning of object key string"),
    ] {
        let lines = after(&mut rig, |rig| rig.request("_INBOX.1", body));
        assert_eq!(lines, [format!("_INBOX.1 - NATS/1.0 400 Bad Request - {reason}")]);
    }
    assert_eq!(after(&mut rig, |rig| rig.request("_INBOX.1", r#"{"group":"g","priority":3}"#)).len(), 1);
}

#[test]
fn who_is_paused_beats_and_its_requests_end() {
    let mut rig = Rig::with(1, EXPLICIT);
    let until = |rig: &Rig, millis: i64| js_proto::Timestamp::from_unix_nanos(rig.at.wall + millis * rig::MS);
    let past = until(&rig, -1);
    assert_eq!(after(&mut rig, |rig| rig.pause(Some(past))), ["CONSUMER.PAUSE paused=False"], "no pause");
    let later = until(&rig, 1_000);
    assert_eq!(after(&mut rig, |rig| rig.pause(Some(later))), ["CONSUMER.PAUSE paused=True"]);
    rig.request("_INBOX.1", r#"{"expires":500000000,"idle_heartbeat":200000000}"#);
    let beat = "_INBOX.1 - NATS/1.0 100 Idle Heartbeat|Nats-Last-Consumer: 0|Nats-Last-Stream: 0";
    let end = "_INBOX.1 - NATS/1.0 408 Request Timeout|Nats-Pending-Messages: 0|Nats-Pending-Bytes: 0";
    assert_eq!(after(&mut rig, |rig| rig.wait(600)), [beat, beat, end]);
    rig.request("_INBOX.1", "1");
    assert_eq!(
        after(&mut rig, |rig| rig.wait(600)),
        ["CONSUMER.PAUSE paused=False", "s.a $JS.ACK.S.C.1.1.1.T.0"]
    );
}

#[test]
fn a_pause_outlives_a_restart_and_a_change() {
    let mut rig = Rig::with(1, EXPLICIT);
    let until = js_proto::Timestamp::from_unix_nanos(rig.at.wall + 1_000 * rig::MS);
    rig.pause(Some(until));
    rig.update(r#"{"durable_name":"C","ack_policy":"explicit","description":"x"}"#);
    rig.restart();
    rig.request("_INBOX.1", "1");
    assert!(after(&mut rig, |rig| rig.wait(990)).is_empty());
    assert_eq!(after(&mut rig, |rig| rig.wait(20)).len(), 2);
}

#[test]
fn flow_control_waits_for_its_reader_and_says_so() {
    let mut rig = Rig::stream(0, false);
    rig.publish_many(300, 10_000);
    rig.sub("d", "");
    rig.create(&push(r#","ack_policy":"none","flow_control":true,"idle_heartbeat":5000000000"#));
    let lines = rig.take();
    assert_eq!(lines[105], "d $JS.FC.S.C.X NATS/1.0 100 FlowControl Request");
    assert_eq!(lines.len(), 1 + 209 + 1, "the info, 209 messages and a question");
    let stalled = after(&mut rig, |rig| rig.wait(5_000));
    let beat = "d - NATS/1.0 100 Idle Heartbeat|Nats-Last-Consumer: 209|Nats-Last-Stream: 209";
    assert_eq!(stalled, [format!("{beat}|Nats-Consumer-Stalled: $JS.FC.S.C.X")]);
    let question = std::mem::replace(&mut rig.question, "$JS.FC.S.C.old1".into());
    assert!(after(&mut rig, Rig::flow_answer).is_empty(), "that is not what was asked last");
    rig.question = question;
    assert_eq!(after(&mut rig, Rig::flow_answer).len(), 91);
}

#[test]
fn answers_to_flow_control_may_be_the_acknowledgements() {
    let mut rig = Rig::with(6, "{\"ack_policy\":\"none\"}");
    rig.sub("d", "");
    rig.take();
    rig.create(r#"{"deliver_subject":"d","ack_policy":"flow_control","max_ack_pending":3}"#);
    let question = "d $JS.FC.S.C.X NATS/1.0 100 FlowControl Request";
    assert_eq!(rig.take()[2..4], ["s.a $JS.ACK.S.C.1.3.3.T.3", question]);
    let mut out = Vec::new();
    rig.consumer.on_flow_answer(&rig.at, rig.question.as_bytes(), Some((2, 2)), &mut out);
    assert_eq!((rig.consumer.ack_floor().stream, out.len()), (2, 0));
    let lines = after(&mut rig, |rig| rig.wait(0));
    assert!(lines.is_empty());
    rig.publish_many(1, 2);
    assert_eq!(rig.take(), ["s.a $JS.ACK.S.C.1.4.4.T.3", "s.a $JS.ACK.S.C.1.5.5.T.2", question]);
}

#[test]
fn who_pushes_does_so_while_somebody_listens() {
    let mut rig = Rig::with(2, &push(r#","inactive_threshold":50000000"#));
    assert!(after(&mut rig, |rig| rig.wait(20)).is_empty());
    assert_eq!(after(&mut rig, |rig| rig.sub("d", "")).len(), 2);
    assert!(after(&mut rig, |rig| rig.wait(500)).is_empty(), "it is in use");
    rig.unsub("d", "");
    rig.publish("s.a", 2);
    assert!(after(&mut rig, |rig| rig.wait(49)).is_empty());
    assert_eq!(after(&mut rig, |rig| rig.wait(1)), ["UNUSED"]);
}

#[test]
fn a_group_is_pushed_to_while_one_of_it_listens() {
    let mut rig = Rig::with(1, &push(r#","deliver_group":"q""#));
    rig.sub("d", "");
    rig.sub("d", "other");
    assert_eq!(rig.take().len(), 1, "the info");
    rig.sub("d", "q");
    assert_eq!(rig.take().len(), 3, "all of them hear it");
}

#[test]
fn silence_is_broken_when_nothing_was_pushed_for_so_long() {
    let mut rig = Rig::with(0, &push(r#","idle_heartbeat":100000000"#));
    assert!(after(&mut rig, |rig| rig.wait(150)).is_empty(), "nobody listens");
    rig.sub("d", "");
    rig.wait(60);
    rig.publish("s.a", 2);
    rig.take();
    assert!(after(&mut rig, |rig| rig.wait(99)).is_empty());
    let beat = "d - NATS/1.0 100 Idle Heartbeat|Nats-Last-Consumer: 1|Nats-Last-Stream: 1";
    assert_eq!(after(&mut rig, |rig| rig.wait(1)), [beat]);
}

#[test]
fn who_pushes_elsewhere_pushes_all_that_waits_again() {
    let mut rig = Rig::with(2, &push(r#","ack_policy":"explicit""#));
    rig.sub("d", "");
    rig.sub("d2", "");
    rig.take();
    rig.update(r#"{"durable_name":"C","ack_policy":"explicit","deliver_subject":"d2"}"#);
    let lines = rig.take();
    assert_eq!(lines[..2], ["s.a $JS.ACK.S.C.2.1.3.T.0", "s.a $JS.ACK.S.C.2.2.4.T.0"]);
}

#[test]
fn who_pulls_is_in_use_while_it_waits_or_may_acknowledge() {
    let config =
        r#"{"name":"C","ack_policy":"explicit","ack_wait":300000000,"inactive_threshold":100000000}"#;
    let mut rig = Rig::with(1, config);
    rig.request("_INBOX.1", "1");
    assert!(after(&mut rig, |rig| rig.wait(399)).is_empty(), "it may be acknowledged until 300");
    assert_eq!(after(&mut rig, |rig| rig.wait(1)), ["UNUSED"]);
    let mut rig = Rig::with(0, config);
    rig.request("_INBOX.1", r#"{"expires":1000000000}"#);
    assert_eq!(after(&mut rig, |rig| rig.wait(1_099)).len(), 1, "the request waits, and then may come again");
    assert_eq!(after(&mut rig, |rig| rig.wait(1)), ["UNUSED"]);
    let mut rig = Rig::with(0, r#"{"name":"C","inactive_threshold":100000000}"#);
    rig.wait(90);
    rig.restart();
    assert!(after(&mut rig, |rig| rig.wait(99)).is_empty(), "it counts from the start");
    assert_eq!(after(&mut rig, |rig| rig.wait(1)), ["UNUSED"]);
}

#[test]
fn messages_are_replayed_as_they_came_in() {
    let mut rig = Rig::stream(0, false);
    for gap in [100, 250, 0] {
        rig.publish("s.a", 2);
        rig.wait(gap);
    }
    rig.wait(5_000);
    rig.create(&explicit(r#""replay_policy":"original""#));
    rig.request("_INBOX.1", "9");
    assert_eq!(rig.take().len(), 2);
    for (millis, messages) in [(99, 0), (1, 1), (249, 0), (1, 1)] {
        assert_eq!(after(&mut rig, |rig| rig.wait(millis)).len(), messages, "{millis}");
    }
    rig.wait(70);
    assert_eq!(after(&mut rig, |rig| rig.publish_many(1, 2)).len(), 1, "what came since comes at once");
}

#[test]
fn a_rate_counts_what_is_delivered() {
    let mut rig = Rig::stream(0, false);
    rig.publish_many(3, 1 << 20);
    rig.sub("d", "");
    // A mebibyte a second, and a message is a mebibyte and some.
    rig.create(&push(r#","rate_limit_bps":8388608"#));
    assert_eq!(rig.take().len(), 2);
    assert_eq!(after(&mut rig, |rig| rig.wait(990)).len(), 0);
    assert_eq!(after(&mut rig, |rig| rig.wait(20)).len(), 1);
    assert_eq!(after(&mut rig, |rig| rig.wait(1_001)).len(), 1);
}

#[test]
fn headers_alone_count_as_they_are_sent() {
    let mut rig = Rig::with(1, &explicit(r#""headers_only":true"#));
    rig.publish("s.a", 100_000);
    let lines = after(&mut rig, |rig| rig.request("_INBOX.1", r#"{"batch":2,"max_bytes":200}"#));
    let end = "_INBOX.1 - NATS/1.0 409 Batch Completed|Nats-Pending-Messages: 0|Nats-Pending-Bytes: ";
    assert_eq!((lines.len(), lines[2].starts_with(end)), (3, true), "{lines:?}");
}
