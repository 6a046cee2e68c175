//! Messages that a consumer gives up and that are kept elsewhere, one test for each way.

mod rig;

use consumers::{DeadLetter, Death};
use js_proto::errors;
use rig::{MS, Rig};

fn consumer(more: &str) -> String {
    format!(
        r#"{{"ack_policy":"explicit","ack_wait":1000000000,{more}"metadata":{{"buster.dead_letters":"DEAD"}}}}"#
    )
}

/// The letters that left, and how often their messages were delivered.
fn sent(rig: &mut Rig) -> Vec<(u64, Death, u64)> {
    let letters = std::mem::take(&mut rig.letters).into_iter();
    letters.map(|DeadLetter { seq, death, deliveries, .. }| (seq, death, deliveries)).collect()
}

fn kept(rig: &mut Rig, seq: u64) -> Vec<String> {
    rig.take();
    let mut out = Vec::new();
    rig.consumer.on_letter_kept(&rig.at, seq, &mut out);
    rig.turn(out);
    rig.take()
}

#[test]
fn what_is_terminated_is_answered_once_it_is_kept() {
    let mut rig = Rig::with(3, &consumer(""));
    rig.request("_INBOX.1", "3");
    rig.take();
    rig.ack(1, "+TERM no good", "_INBOX.a");
    rig.ack(1, "+TERM", "_INBOX.b");
    assert_eq!(rig.take(), Vec::<String>::new(), "nothing is said yet");
    assert_eq!(sent(&mut rig), [(1, Death::Terminated, 1)]);
    assert_eq!((sent(&mut rig), rig.consumer.unacked()), (vec![], 3));
    let lines = kept(&mut rig, 1);
    let event = "CONSUMER.MSG_TERMINATED stream_seq=1 consumer_seq=1 deliveries=1 reason=no good";
    assert_eq!(lines, [event, "_INBOX.a -", "_INBOX.b -"]);
    assert_eq!((rig.consumer.unacked(), rig.consumer.ack_floor().stream), (2, 1));
    assert!(kept(&mut rig, 1).is_empty(), "once");
}

#[test]
fn what_was_delivered_often_enough_dies_without_a_request() {
    let mut rig = Rig::with(2, &consumer(r#""max_deliver":2,"#));
    rig.request("_INBOX.1", "4");
    rig.ack(2, "", "");
    rig.wait(3_000);
    assert_eq!(rig.takers().len(), 3, "one of them twice");
    assert_eq!(sent(&mut rig), [(1, Death::MaxDeliver, 2)]);
    rig.request("_INBOX.2", "4");
    rig.wait(10_000);
    assert!(rig.takers().is_empty(), "it is not delivered again");
    assert_eq!(sent(&mut rig), [(1, Death::MaxDeliver, 2)], "nobody said what became of it");
    let lines = kept(&mut rig, 1);
    assert_eq!(lines, ["CONSUMER.MAX_DELIVERIES stream_seq=1 deliveries=2"]);
    assert_eq!((rig.consumer.unacked(), rig.consumer.ack_floor().stream), (0, 2));
}

#[test]
fn what_is_handed_back_for_the_last_time_dies() {
    let mut rig = Rig::with(1, &consumer(r#""max_deliver":1,"#));
    rig.request("_INBOX.1", "1");
    rig.ack(1, "-NAK", "");
    assert_eq!(sent(&mut rig), [(1, Death::MaxDeliver, 1)]);
}

#[test]
fn what_cannot_be_read_dies_and_counts_as_delivered() {
    let mut rig = Rig::with(2, &consumer(""));
    rig.lost = vec![1];
    rig.request("_INBOX.1", "2");
    assert_eq!(rig.takers(), ["_INBOX.1 2"]);
    assert_eq!(sent(&mut rig), [(1, Death::Unreadable, 1)]);
    let lines = kept(&mut rig, 1);
    assert_eq!(
        lines,
        ["CONSUMER.MSG_TERMINATED stream_seq=1 consumer_seq=1 deliveries=1 reason=Message cannot be read"]
    );
    assert_eq!(rig.consumer.ack_floor().stream, 1);
}

#[test]
fn a_refused_letter_is_sent_again_and_why_is_known() {
    let mut rig = Rig::with(1, &consumer(""));
    rig.request("_INBOX.1", "1");
    rig.ack(1, "+TERM", "");
    sent(&mut rig);
    let why = errors::STREAM_NOT_FOUND.error();
    assert!(rig.consumer.on_letter_refused(&rig.at, 1, why.clone()), "that is news");
    let info = rig.consumer.dead_letters().unwrap();
    assert_eq!((&*info.into, info.waiting, info.refused.as_ref()), ("DEAD", 1, Some(&why)));
    assert!(sent(&mut rig).is_empty());
    assert_eq!(rig.consumer.next_deadline(), Some(rig.at.mono + 1_000 * MS));
    rig.wait(1_000);
    assert_eq!(sent(&mut rig).len(), 1);
    assert!(!rig.consumer.on_letter_refused(&rig.at, 1, why));
}

#[test]
fn what_is_acknowledged_or_gone_after_all_does_not_die() {
    let mut rig = Rig::with(2, &consumer(""));
    rig.request("_INBOX.1", "2");
    rig.ack(1, "+TERM", "_INBOX.a");
    rig.ack(2, "+TERM", "");
    assert_eq!(sent(&mut rig).len(), 2);
    rig.take();
    rig.ack(1, "+ACK", "_INBOX.b");
    assert_eq!(rig.take(), ["_INBOX.b -"]);
    rig.delete(2);
    assert!(kept(&mut rig, 1).is_empty() && kept(&mut rig, 2).is_empty());
    assert_eq!(rig.consumer.unacked(), 0);
    rig.wait(20_000);
    assert!(sent(&mut rig).is_empty(), "nothing waits");
}

#[test]
fn what_was_not_kept_before_a_crash_comes_again() {
    let mut rig = Rig::with(2, &consumer(r#""max_deliver":1,"#));
    rig.request("_INBOX.1", "2");
    rig.ack(1, "+TERM", "_INBOX.a");
    rig.wait(3_000);
    assert_eq!(sent(&mut rig).len(), 2);
    rig.restart();
    rig.wait(10);
    assert_eq!(sent(&mut rig), [(1, Death::MaxDeliver, 1), (2, Death::MaxDeliver, 1)]);
}

#[test]
fn few_are_under_way_at_once() {
    let mut rig = Rig::with(200, &consumer(""));
    rig.request("_INBOX.1", "200");
    (1..=200).for_each(|seq| rig.ack(seq, "+TERM", ""));
    assert_eq!(sent(&mut rig).len(), 64);
    (1..=10).for_each(|seq| drop(kept(&mut rig, seq)));
    assert_eq!(sent(&mut rig).len(), 10);
    assert!(rig.consumer.next_deadline().is_some_and(|due| due > rig.at.mono), "it is waited for");
}

#[test]
fn who_keeps_no_letters_any_more_delivers_again() {
    let mut rig = Rig::with(1, &consumer(""));
    rig.request("_INBOX.1", "1");
    rig.ack(1, "+TERM", "");
    rig.update(r#"{"durable_name":"C","ack_policy":"explicit","ack_wait":1000000000}"#);
    rig.takers();
    rig.request("_INBOX.1", "1");
    assert_eq!(rig.takers(), ["_INBOX.1 1"]);
}
