//! Rules that are easily got wrong, one test each: where a consumer begins, what waits, and what comes again.

mod rig;

use js_proto::MsgMetadata;
use rig::Rig;

const EXPLICIT: &str = r#"{"ack_policy":"explicit"}"#;

/// A consumer with further settings that acknowledges each message.
fn explicit(more: &str) -> String {
    format!(r#"{{"ack_policy":"explicit",{more}}}"#)
}

fn after(rig: &mut Rig, act: impl FnOnce(&mut Rig)) -> Vec<String> {
    rig.take();
    act(rig);
    rig.take()
}

fn info(rig: &mut Rig) -> String {
    after(rig, Rig::info).pop().unwrap()
}

/// The sequences and counts of what was delivered.
fn delivered(lines: &[String]) -> Vec<(u64, u64)> {
    let replies = lines.iter().filter_map(|line| line.split_once("$JS.ACK.S.C."));
    let numbers =
        replies.map(|(_, rest)| rest.split('.').map(|number| number.parse().unwrap_or(0)).collect());
    numbers.map(|numbers: Vec<u64>| (numbers[1], numbers[0])).collect()
}

#[test]
fn pending_is_exact_with_filters_deletes_and_purges() {
    let mut rig = Rig::stream(0, false);
    for subject in ["s.a", "s.b", "s.a", "s.b", "s.a"] {
        rig.publish(subject, 2);
    }
    rig.create(&explicit(r#""filter_subject":"s.a""#));
    assert_eq!(rig.take(), ["info 0/0 0/0 ack_pending 0 pending 3 redelivered 0 waiting 0"]);
    rig.delete(1);
    rig.delete(2);
    assert_eq!(rig.consumer.num_pending(), 2);
    rig.publish("s.a", 2);
    assert_eq!(after(&mut rig, |rig| rig.request("_INBOX.1", "1")), ["s.a $JS.ACK.S.C.1.3.1.T.2"]);
    rig.purge(Some("s.b"));
    assert_eq!(rig.consumer.num_pending(), 2);
    rig.purge(Some("s.a"));
    assert_eq!(info(&mut rig), "info 1/6+ 1/6+ ack_pending 0 pending 0 redelivered 0 waiting 0");
}

#[test]
fn what_waits_and_is_purged_counts_as_acknowledged_then() {
    for filter in [None, Some("s.a")] {
        let mut rig = Rig::stream(0, false);
        rig.publish("s.a", 2);
        rig.create(EXPLICIT);
        rig.request("_INBOX.1", "1");
        rig.purge(filter);
        let line = info(&mut rig);
        assert!(line.starts_with("info 1/1+ 1/1+ ack_pending 0 pending 0"), "{line}");
    }
}

#[test]
fn a_purge_moves_only_who_wants_nothing_else() {
    let mut rig = Rig::stream(0, false);
    for subject in ["s.a", "s.b", "s.a", "s.b"] {
        rig.publish(subject, 2);
    }
    rig.create(EXPLICIT);
    rig.request("_INBOX.1", "3");
    rig.purge(Some("s.a"));
    assert_eq!(info(&mut rig), "info 3/3+ 1/1+ ack_pending 1 pending 1 redelivered 0 waiting 0");
    rig.purge(None);
    assert_eq!(info(&mut rig), "info 3/4+ 3/4+ ack_pending 0 pending 0 redelivered 0 waiting 0");
}

#[test]
fn a_start_past_the_end_waits_and_new_is_behind_the_last() {
    let mut rig = Rig::with(3, &explicit(r#""deliver_policy":"by_start_sequence","opt_start_seq":5"#));
    rig.request("_INBOX.1", "9");
    assert!(delivered(&rig.take()).is_empty());
    let lines = after(&mut rig, |rig| rig.publish_many(3, 2));
    assert_eq!(delivered(&lines), [(5, 1), (6, 1)]);
    let mut rig = Rig::with(3, &explicit(r#""deliver_policy":"new""#));
    assert_eq!(rig.take(), ["info 0/3 0/3 ack_pending 0 pending 0 redelivered 0 waiting 0"]);
}

#[test]
fn last_messages_are_listed_in_slices_and_keep_their_places() {
    let mut rig = Rig::stream(0, false);
    for number in 0..50 {
        rig.publish(&format!("s.{}", number % 10), 2);
    }
    rig.steps = 3;
    rig.create(&explicit(r#""deliver_policy":"last_per_subject","filter_subject":"s.*""#));
    assert_eq!(rig.take(), ["info 0/40 0/40 ack_pending 0 pending 10 redelivered 0 waiting 0"]);
    // One gets a newer message and stays in its place, one is gone.
    rig.publish("s.1", 2);
    rig.delete(43);
    rig.request("_INBOX.1", "4");
    assert_eq!(delivered(&rig.take()), [(41, 1), (42, 1), (44, 1), (45, 1)]);
    rig.restart();
    rig.request("_INBOX.1", "9");
    assert_eq!(delivered(&rig.take()), [46, 47, 48, 49, 50, 51].map(|seq| (seq, 1)));
    assert_eq!(rig.consumer.num_pending(), 0);
}

#[test]
fn the_floor_lies_before_the_next_that_waits() {
    let mut rig = Rig::with(5, EXPLICIT);
    rig.delete(3);
    rig.request("_INBOX.1", "4");
    for (seq, floor) in [(2, (0, 0)), (1, (2, 3)), (5, (2, 3)), (4, (4, 5))] {
        rig.ack(seq, "+ACK", "");
        let is = rig.consumer.ack_floor();
        assert_eq!((is.consumer, is.stream), floor, "{seq}");
    }
}

#[test]
fn what_was_never_delivered_is_not_answered_and_repeats_are() {
    let mut rig = Rig::with(3, EXPLICIT);
    rig.request("_INBOX.1", "1");
    let metadata = rig.replies[&1];
    for body in ["+ACK", "", "+TERM"] {
        let beyond = MsgMetadata { stream_seq: 2, consumer_seq: 2, ..metadata };
        assert!(after(&mut rig, |rig| rig.ack_as(&beyond, body, "_INBOX.2")).is_empty(), "{body}");
    }
    for body in ["+ACK", "+ACK", "-NAK", "+WPI", "hello"] {
        assert_eq!(after(&mut rig, |rig| rig.ack(1, body, "_INBOX.2")), ["_INBOX.2 -"], "{body}");
    }
    assert_eq!(info(&mut rig), "info 1/1+ 1/1+ ack_pending 0 pending 2 redelivered 0 waiting 0");
}

#[test]
fn ack_all_costs_what_waits_and_not_the_gap() {
    let mut rig = Rig::stream(1_000_000_000, false);
    rig.publish_many(3, 2);
    rig.keeps_until_acked = true;
    rig.create(r#"{"ack_policy":"all","deliver_policy":"all"}"#);
    rig.request("_INBOX.1", "3");
    let second = 1_000_000_001;
    let lines = after(&mut rig, |rig| rig.ack(second, "+ACK", ""));
    assert_eq!(lines, ["acked 1000000000 to 1000000001"]);
    assert_eq!(rig.consumer.ack_floor().stream, second);
    assert!(!rig.consumer.needs(second, b"s.a") && rig.consumer.needs(second + 1, b"s.a"));
}

#[test]
fn what_comes_again_goes_first_also_when_no_more_may_wait() {
    let mut rig = Rig::with(5, &explicit(r#""max_ack_pending":3,"ack_wait":10000000"#));
    rig.request("_INBOX.1", "3");
    rig.take();
    rig.ack(3, "-NAK", "");
    rig.ack(1, "-NAK", "");
    rig.request("_INBOX.1", "9");
    assert_eq!(delivered(&rig.take()), [(3, 2), (1, 2)], "in the order they were handed back");
    rig.wait(11);
    assert_eq!(delivered(&rig.take()), [(1, 3), (2, 2), (3, 3)], "in the order of the stream");
    rig.ack(1, "+ACK", "");
    assert_eq!(delivered(&rig.take()), [(4, 1)]);
    // It counts as the first delivery for the floor.
    assert_eq!((rig.consumer.ack_floor().consumer, rig.consumer.ack_floor().stream), (1, 1));
}

#[test]
fn with_one_delivery_the_end_of_a_wait_is_the_end() {
    let mut rig = Rig::with(2, &explicit(r#""max_deliver":1,"ack_wait":10000000"#));
    rig.request("_INBOX.1", "2");
    let lines = after(&mut rig, |rig| rig.wait(20));
    let told = |seq| format!("CONSUMER.MAX_DELIVERIES stream_seq={seq} deliveries=1");
    assert_eq!(lines, [told(1), told(2)]);
    assert_eq!(info(&mut rig), "info 2/2+ 0/0 ack_pending 0 pending 0 redelivered 0 waiting 0");
    assert!(rig.consumer.needs(1, b"s.a"));
    assert_eq!(after(&mut rig, |rig| rig.ack(1, "+ACK", "_INBOX.2")), ["_INBOX.2 -"]);
    assert!(!rig.consumer.needs(1, b"s.a") && rig.consumer.needs(2, b"s.a"));
    rig.restart();
    assert!(after(&mut rig, |rig| rig.wait(100)).is_empty(), "it is told once");
    assert!(rig.consumer.needs(2, b"s.a"));
    rig.delete(2);
    assert!(!rig.consumer.needs(2, b"s.a"));
}

#[test]
fn with_more_deliveries_the_next_request_is_the_end() {
    let mut rig = Rig::with(1, &explicit(r#""max_deliver":2,"ack_wait":10000000"#));
    rig.request("_INBOX.1", "1");
    rig.wait(20);
    rig.request("_INBOX.1", "1");
    assert_eq!(delivered(&rig.take()), [(1, 1), (1, 2)]);
    assert!(after(&mut rig, |rig| rig.wait(3_000)).is_empty(), "nobody asks");
    assert_eq!(info(&mut rig), "info 2/1+ 0/0 ack_pending 1 pending 0 redelivered 1 waiting 0");
    let lines = after(&mut rig, |rig| rig.request("_INBOX.1", r#"{"no_wait":true}"#));
    assert_eq!(
        lines,
        ["CONSUMER.MAX_DELIVERIES stream_seq=1 deliveries=2", "_INBOX.1 - NATS/1.0 404 No Messages"]
    );
    assert_eq!(info(&mut rig), "info 2/1+ 0/0 ack_pending 0 pending 0 redelivered 1 waiting 0");
}

#[test]
fn raising_what_may_be_delivered_revives_nothing() {
    let mut rig = Rig::with(1, &explicit(r#""max_deliver":1,"ack_wait":10000000"#));
    rig.request("_INBOX.1", "1");
    rig.wait(20);
    rig.update(r#"{"durable_name":"C","ack_policy":"explicit","max_deliver":5,"ack_wait":10000000}"#);
    rig.request("_INBOX.1", "1");
    rig.take();
    assert!(delivered(&after(&mut rig, |rig| rig.wait(1_000))).is_empty());
}

#[test]
fn each_delivery_waits_by_its_own_backoff() {
    let mut rig = Rig::with(2, &explicit(r#""backoff":[10000000,50000000]"#));
    rig.request("_INBOX.1", "99");
    rig.take();
    for (millis, again) in
        [(11, vec![(1, 2), (2, 2)]), (49, vec![]), (2, vec![(1, 3), (2, 3)]), (51, vec![(1, 4), (2, 4)])]
    {
        let lines = after(&mut rig, |rig| rig.wait(millis));
        assert_eq!(delivered(&lines), again);
    }
    rig.publish("s.a", 2);
    let lines = after(&mut rig, |rig| rig.wait(11));
    assert_eq!(delivered(&lines), [(3, 2)], "others in flight wait longer");
}

#[test]
fn progress_restarts_the_wait_and_a_delay_counts_from_now() {
    let mut rig = Rig::with(2, &explicit(r#""ack_wait":100000000"#));
    rig.request("_INBOX.1", "9");
    rig.wait(80);
    rig.ack(1, "+WPI", "");
    let lines = after(&mut rig, |rig| rig.wait(21));
    assert_eq!(delivered(&lines), [(2, 2)]);
    rig.ack(1, "-NAK", "");
    // Put off before it could be delivered.
    let mut rig = Rig::with(1, &explicit(r#""ack_wait":100000000"#));
    rig.request("_INBOX.1", "1");
    rig.ack(1, "-NAK", "");
    rig.ack(1, "-NAK 300ms", "");
    rig.request("_INBOX.1", "1");
    rig.take();
    assert!(delivered(&after(&mut rig, |rig| rig.wait(300))).is_empty());
    assert_eq!(delivered(&after(&mut rig, |rig| rig.wait(1))), [(1, 2)]);
}

#[test]
fn a_deleted_message_is_as_good_as_acknowledged_and_lets_others_come() {
    let mut rig = Rig::with(3, &explicit(r#""max_ack_pending":1"#));
    rig.request("_INBOX.1", "9");
    rig.take();
    rig.delete(1);
    let lines = rig.take();
    let reason = "reason=Unacknowledged message was deleted";
    assert_eq!(
        lines[0],
        format!("CONSUMER.MSG_TERMINATED stream_seq=1 consumer_seq=1 deliveries=1 {reason}")
    );
    assert_eq!(delivered(&lines), [(2, 1)]);
}

#[test]
fn a_lost_message_is_passed_over() {
    let mut rig = Rig::with(3, EXPLICIT);
    rig.lost = vec![1, 3];
    rig.request("_INBOX.1", r#"{"batch":5,"no_wait":true}"#);
    let lines = rig.take();
    assert_eq!(lines[1..], ["s.a $JS.ACK.S.C.1.2.1.T.1", "_INBOX.1 - NATS/1.0 404 No Messages"]);
    rig.lost = vec![2];
    rig.ack(2, "-NAK", "");
    rig.request("_INBOX.1", "1");
    assert_eq!(info(&mut rig), "info 1/2+ 1/2+ ack_pending 0 pending 0 redelivered 0 waiting 1");
}

#[test]
fn filters_that_change_count_again_from_where_it_stands() {
    let mut rig = Rig::stream(0, false);
    for subject in ["s.a", "s.b", "s.a", "s.b"] {
        rig.publish(subject, 2);
    }
    rig.create(&explicit(r#""filter_subject":"s.a""#));
    rig.request("_INBOX.1", "2");
    rig.update(r#"{"durable_name":"C","ack_policy":"explicit","filter_subject":"s.b"}"#);
    assert_eq!(rig.consumer.num_pending(), 1);
    let same = rig.consumer.config();
    rig.take();
    rig.store();
    let updated = rig.consumer.update(&rig.at, same);
    assert_eq!((updated, rig.consumer.has_changes()), (consumers::Updated::default(), false));
    rig.request("_INBOX.1", "2");
    assert_eq!(delivered(&rig.take()), [(4, 1)]);
}

#[test]
fn what_may_wait_and_how_long_changes_for_what_waits() {
    let mut rig = Rig::with(4, &explicit(r#""max_ack_pending":1,"ack_wait":1000000000"#));
    rig.request("_INBOX.1", "9");
    rig.take();
    rig.wait(10);
    rig.update(r#"{"durable_name":"C","ack_policy":"explicit","max_ack_pending":2,"ack_wait":30000000}"#);
    assert_eq!(delivered(&rig.take()), [(2, 1)]);
    assert_eq!(delivered(&after(&mut rig, |rig| rig.wait(21))), [(1, 2)]);
}

#[test]
fn a_reset_forgets_what_waits() {
    let mut rig = Rig::with(4, &explicit(r#""deliver_policy":"by_start_sequence","opt_start_seq":2"#));
    rig.request("_INBOX.1", "3");
    rig.ack(2, "+ACK", "");
    rig.ack(3, "-NAK", "");
    assert_eq!(after(&mut rig, |rig| rig.reset(1)), ["error invalid reset: below start seq"]);
    let reset = after(&mut rig, |rig| rig.reset(0));
    assert_eq!(reset, ["info 0/2 0/2 ack_pending 0 pending 2 redelivered 0 waiting 0 reset 3"]);
    rig.request("_INBOX.1", "1");
    assert_eq!(rig.take(), ["s.a $JS.ACK.S.C.1.3.1.T.1"]);
    let time = rig.at.wall;
    let mut rig = Rig::with(2, EXPLICIT);
    assert_eq!(rig.at.wall, time);
    let reset = after(&mut rig, |rig| rig.reset(99));
    assert_eq!(reset, ["info 0/98 0/98 ack_pending 0 pending 0 redelivered 0 waiting 0 reset 99"]);
}

#[test]
fn acknowledgements_are_told_as_often_as_asked() {
    let mut rig = Rig::with(400, &explicit(r#""sample_freq":"25%""#));
    rig.request("_INBOX.1", "400");
    rig.take();
    rig.wait(7);
    (1..=400).for_each(|seq| rig.ack(seq, "+ACK", ""));
    let told = rig.take().len();
    assert!((60..=140).contains(&told), "{told}");
    let mut rig = Rig::with(1, &explicit(r#""sample_freq":"100""#));
    rig.request("_INBOX.1", "1");
    rig.take();
    rig.ack(1, "+TERM", "");
    assert_eq!(rig.take(), ["CONSUMER.MSG_TERMINATED stream_seq=1 consumer_seq=1 deliveries=1"]);
}

#[test]
fn a_wait_beyond_all_clocks_never_ends_and_is_stored_so() {
    let mut rig = Rig::with(1, EXPLICIT);
    rig.request("_INBOX.1", "1");
    for delay in [i64::MAX, i64::MAX - 1_000_000_000, i64::MAX / 3 * 2] {
        rig.ack(1, &format!("-NAK {{\"delay\":{delay}}}"), "");
        rig.check_stored();
        assert_eq!(rig.consumer.next_deadline(), None);
    }
    rig.ack(1, "-NAK 1h", "");
    assert!(rig.consumer.next_deadline().is_some());
}
