//! Rules of priority groups, one test each.

mod rig;

use rig::Rig;

const OVERFLOW: &str = r#"{"ack_policy":"explicit","priority_groups":["g"],"priority_policy":"overflow"}"#;

const PRIORITIZED: &str =
    r#"{"ack_policy":"explicit","priority_groups":["g"],"priority_policy":"prioritized"}"#;

/// Who is pinned may be silent for a second.
const PINNED: &str = r#"{"ack_policy":"explicit","priority_groups":["g"],"priority_policy":"pinned_client","priority_timeout":1000000000}"#;

fn ask(more: &str) -> String {
    format!(r#"{{"batch":2,"group":"g"{more}}}"#)
}

/// Asks, and says what comes of that besides messages.
fn told(rig: &mut Rig, reply: &str, body: &str) -> Vec<String> {
    rig.take();
    rig.request(reply, body);
    rig.take().into_iter().filter(|line| !line.starts_with("s.a ")).collect()
}

fn unpin(rig: &mut Rig, group: &str) -> bool {
    let mut out = Vec::new();
    let is_there = rig.consumer.unpin(group, &mut out);
    rig.turn(out);
    is_there
}

#[test]
fn what_a_request_says_of_groups_has_to_be_what_the_consumer_is() {
    let bad = |text: &str| vec![format!("_INBOX.1 - NATS/1.0 400 Bad Request - {text}")];
    for (consumer, body, text) in [
        (OVERFLOW, r#"{"batch":1}"#, "Priority Group missing"),
        (OVERFLOW, r#"{"batch":1,"group":"x"}"#, "Invalid Priority Group"),
        (OVERFLOW, &ask(r#","id":"x""#), "Not a Pinned Client Priority consumer"),
        (PINNED, &ask(r#","min_pending":1"#), "Not a Overflow Priority consumer"),
        (PRIORITIZED, &ask(r#","min_ack_pending":1"#), "Not a Overflow Priority consumer"),
        (PRIORITIZED, &ask(r#","priority":10"#), "Priority must be between 0 and 9"),
        (PRIORITIZED, &ask(r#","priority":-1"#), "Priority must be between 0 and 9"),
    ] {
        let mut rig = Rig::with(1, consumer);
        assert_eq!(told(&mut rig, "_INBOX.1", body), bad(text), "{body}");
        assert!(rig.takers().is_empty());
    }
}

#[test]
fn numbers_ask_for_no_group_and_are_served_in_all() {
    for consumer in [OVERFLOW, PRIORITIZED, PINNED] {
        let mut rig = Rig::with(1, consumer);
        rig.request("_INBOX.1", "1");
        assert_eq!(rig.takers(), ["_INBOX.1 1"], "{consumer}");
    }
}

#[test]
fn who_takes_what_overflows_waits_until_so_much_is_pending() {
    let mut rig = Rig::with(0, OVERFLOW);
    rig.request("_INBOX.1", &ask(r#","min_pending":3"#));
    rig.publish_many(2, 2);
    assert!(rig.takers().is_empty());
    rig.publish_many(1, 2);
    // With the first there were three.
    assert_eq!(rig.takers(), ["_INBOX.1 1"]);
    rig.request("_INBOX.2", &ask(""));
    assert_eq!(rig.takers(), ["_INBOX.2 2", "_INBOX.2 3"]);
}

#[test]
fn who_takes_what_overflows_waits_until_so_much_is_not_acknowledged() {
    let mut rig = Rig::with(4, OVERFLOW);
    rig.request("_INBOX.1", &ask(r#","min_ack_pending":2"#));
    assert!(rig.takers().is_empty());
    rig.request("_INBOX.2", &ask(""));
    assert_eq!(rig.takers(), ["_INBOX.2 1", "_INBOX.2 2", "_INBOX.1 3", "_INBOX.1 4"]);
}

#[test]
fn one_of_two_floors_is_enough() {
    let mut rig = Rig::with(2, OVERFLOW);
    rig.request("_INBOX.1", &ask(r#","min_pending":9,"min_ack_pending":1"#));
    assert!(rig.takers().is_empty());
    rig.request("_INBOX.2", r#"{"batch":1,"group":"g"}"#);
    assert_eq!(rig.takers(), ["_INBOX.2 1", "_INBOX.1 2"]);
}

#[test]
fn lower_numbers_are_served_before_higher_ones() {
    let mut rig = Rig::with(0, PRIORITIZED);
    rig.request("_INBOX.0", "2");
    rig.request("_INBOX.1", &ask(r#","priority":5"#));
    rig.request("_INBOX.2", &ask(r#","priority":1"#));
    rig.request("_INBOX.3", &ask(r#","priority":1"#));
    rig.publish_many(8, 2);
    let order =
        ["2 1", "3 2", "2 3", "3 4", "1 5", "1 6", "0 7", "0 8"].map(|taker| format!("_INBOX.{taker}"));
    assert_eq!(rig.takers(), order);
}

#[test]
fn the_first_is_pinned_and_others_wait() {
    let mut rig = Rig::with(0, PINNED);
    rig.request("_INBOX.1", &ask(""));
    rig.request("_INBOX.2", &ask(""));
    rig.take();
    rig.publish_many(3, 2);
    let pinned = "CONSUMER.PINNED group=g";
    assert_eq!(rig.take(), [pinned, "s.a $JS.ACK.S.C.1.1.1.T.0", "s.a $JS.ACK.S.C.1.2.2.T.0"]);
    let taken = std::mem::take(&mut rig.taken);
    let id = taken[0].2.clone().unwrap();
    assert!(taken.iter().all(|(to, _, pin)| to == "_INBOX.1" && *pin == Some(id.clone())), "{taken:?}");
    assert_eq!(rig.consumer.look(&rig.at, false).priority_groups[0].pinned_client_id, id);

    let as_pinned = ask(&format!(r#","id":"{id}""#));
    assert!(told(&mut rig, "_INBOX.3", &as_pinned).is_empty());
    assert_eq!(rig.takers(), ["_INBOX.3 3"]);
    let mismatch = ["_INBOX.4 - NATS/1.0 423 Nats-Pin-Id mismatch"];
    assert_eq!(told(&mut rig, "_INBOX.4", &ask(r#","id":"other""#)), mismatch);
}

#[test]
fn who_is_pinned_and_asks_for_nothing_is_not_any_more() {
    let mut rig = Rig::with(0, PINNED);
    rig.request("_INBOX.1", &ask(""));
    rig.request("_INBOX.2", &ask(""));
    rig.publish_many(1, 2);
    rig.take();
    rig.wait(999);
    rig.publish_many(1, 2);
    assert_eq!(rig.takers(), ["_INBOX.1 1", "_INBOX.1 2"]);
    rig.publish_many(1, 2);
    assert!(rig.takers().is_empty());
    rig.take();
    rig.wait(1);
    assert_eq!(
        rig.take(),
        ["CONSUMER.UNPINNED group=g reason=timeout", "CONSUMER.PINNED group=g", "s.a $JS.ACK.S.C.1.3.3.T.0"]
    );
    assert_eq!(rig.takers(), ["_INBOX.2 3"]);
}

#[test]
fn asking_again_keeps_somebody_pinned() {
    let mut rig = Rig::with(1, PINNED);
    rig.request("_INBOX.1", &ask(""));
    let id = rig.taken[0].2.clone().unwrap();
    rig.wait(900);
    rig.request("_INBOX.2", &ask(&format!(r#","id":"{id}""#)));
    rig.take();
    rig.wait(999);
    assert!(rig.take().is_empty());
    rig.wait(1);
    assert_eq!(rig.take(), ["CONSUMER.UNPINNED group=g reason=timeout"]);
}

#[test]
fn who_waits_with_an_old_id_is_told_and_ends() {
    let mut rig = Rig::with(1, PINNED);
    rig.request("_INBOX.1", &ask(""));
    rig.take();
    assert!(unpin(&mut rig, "g"));
    assert_eq!(rig.take(), ["CONSUMER.UNPINNED group=g reason=admin"]);
    rig.request("_INBOX.2", &ask(""));
    rig.taken.clear();
    rig.publish_many(1, 2);
    let over = "_INBOX.1 - NATS/1.0 423 Nats-Wrong-Pin-Id|Nats-Pending-Messages: 1|Nats-Pending-Bytes: 0";
    assert_eq!(rig.take(), [over, "CONSUMER.PINNED group=g", "s.a $JS.ACK.S.C.1.2.2.T.0"]);
    assert_eq!(rig.takers(), ["_INBOX.2 2"]);
}

#[test]
fn only_groups_that_there_are_are_unpinned() {
    let mut rig = Rig::with(0, PINNED);
    rig.take();
    assert!(!unpin(&mut rig, "x"));
    assert!(rig.take().is_empty());
    assert!(!unpin(&mut Rig::with(0, r#"{"ack_policy":"explicit"}"#), "g"));
}

#[test]
fn nobody_is_pinned_for_a_message_that_is_too_large() {
    let mut rig = Rig::with(1, PINNED);
    let lines = told(&mut rig, "_INBOX.1", &ask(r#","max_bytes":5"#));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("409 Message Size Exceeds MaxBytes"), "{lines:?}");
    assert!(rig.consumer.look(&rig.at, false).priority_groups[0].pinned_client_id.is_empty());
}

#[test]
fn who_is_pinned_and_gone_leaves_others_waiting_until_its_time_is_over() {
    let mut rig = Rig::with(0, PINNED);
    rig.subs.push(("w.*".into(), String::new()));
    rig.request("w.1", &ask(""));
    rig.publish_many(1, 2);
    rig.request("_INBOX.2", &ask(""));
    rig.subs.clear();
    rig.taken.clear();
    rig.publish_many(1, 2);
    assert!(rig.takers().is_empty());
    rig.wait(1_000);
    assert_eq!(rig.takers(), ["_INBOX.2 2"]);
}

#[test]
fn nobody_stays_pinned_in_a_consumer_that_is_told_to_be_something_else() {
    let mut rig = Rig::with(1, PINNED);
    rig.request("_INBOX.1", &ask(""));
    rig.update(&OVERFLOW.replacen('{', r#"{"durable_name":"C","#, 1));
    let state = rig.consumer.look(&rig.at, false).priority_groups;
    assert_eq!((state.len(), state[0].pinned_client_id.as_str()), (1, ""));
}

/// Nobody else would tell it.
#[test]
fn who_does_not_wait_ends_when_somebody_else_got_all_there_was() {
    let mut rig = Rig::with(0, PINNED);
    rig.request("_INBOX.1", &ask(""));
    rig.publish_many(3, 2);
    let id = rig.taken[0].2.clone().unwrap();
    assert!(told(&mut rig, "_INBOX.2", &ask(r#","no_wait":true"#)).is_empty());
    let one = format!(r#"{{"batch":1,"group":"g","id":"{id}"}}"#);
    assert_eq!(told(&mut rig, "_INBOX.3", &one), ["_INBOX.2 - NATS/1.0 404 No Messages"]);
}
