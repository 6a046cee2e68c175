//! Readers that fall behind, by the rules that a configuration can choose.
//!
//! All of this holds for nats-server 2.14.5 too (`BUSTER_SERVER_BIN=nats-server BUSTER_PEER=1`).

use std::thread::sleep;
use std::time::Duration;

use test_kit::{RawClient, Server, Setup, on_every_setup};

const MIB: usize = 1 << 20;

/// More than the socket buffers on the way and `max_pending` hold.
const FLOOD_BYTES: usize = 64 * MIB;

const BODY_BYTES: usize = 60_000;

const PATIENCE: Duration = Duration::from_secs(30);

/// It misses what would have to wait, stays connected, and gets what comes once it has caught up.
fn a_reader_that_is_behind_misses_messages_where_nobody_waits(setup: Setup) {
    let server = Server::configured(setup, "no_fast_producer_stall: true\nmax_pending: 2MB\n");
    let (mut reader, mut publisher) = (server.connect(), server.connect());
    reader.subscribe("flood", 1);
    reader.flush();
    let sent = FLOOD_BYTES / BODY_BYTES;
    for number in 0..sent {
        publisher.publish("flood", format!("{number:BODY_BYTES$}"));
    }
    publisher.flush();
    let got = reader.flush();
    assert!(got.len() < sent, "all of them came");
    let number = |payload: &[u8]| String::from_utf8_lossy(payload).trim().parse::<usize>().expect("a number");
    assert!(got.is_sorted_by_key(|message| number(&message.payload)));
    assert_eq!(number(&got[0].payload), 0);
    publisher.publish("flood", "last");
    publisher.flush();
    while reader.next_message().payload != b"last" {}
    assert!(!server.log().contains("Slow Consumer"), "{}", server.log().text());
}

/// Sends a reader more than it takes within `write_deadline`, though it takes something all the time, and
/// reads on until the log calls it slow. Returns it, and how many messages are still to come.
fn called_slow(server: &Server) -> (RawClient, usize) {
    let (mut reader, mut publisher) = (server.connect(), server.connect());
    reader.subscribe("flood", 1);
    reader.flush();
    let sent = FLOOD_BYTES / BODY_BYTES;
    let body = vec![b'x'; BODY_BYTES];
    for _ in 0..sent {
        publisher.publish("flood", &body);
    }
    publisher.flush();
    let mut left = sent;
    while !server.log().contains("Slow Consumer Detected: WriteDeadline of 2s exceeded") {
        reader.next_message();
        left -= 1;
        sleep(Duration::from_millis(10));
    }
    (reader, left)
}

fn a_late_reader_is_cut_off(setup: Setup) {
    let server = Server::configured(setup, "write_deadline: \"2s\"\nmax_pending: 128MB\n");
    let (mut reader, left) = called_slow(&server);
    let got = std::iter::from_fn(|| reader.message_or_close()).count();
    assert!(got < left, "all of them came");
}

fn a_late_reader_gets_more_time_where_writes_are_tried_again(setup: Setup) {
    let config = "write_deadline: \"2s\"\nmax_pending: 128MB\nwrite_timeout: retry\n";
    let server = Server::configured(setup, config);
    let (mut reader, left) = called_slow(&server);
    for _ in 0..left {
        reader.next_message();
    }
    assert!(server.log().wait_for("Slow Consumer Recovered", PATIENCE).is_some(), "{}", server.log().text());
}

on_every_setup!(
    a_reader_that_is_behind_misses_messages_where_nobody_waits,
    a_late_reader_is_cut_off,
    a_late_reader_gets_more_time_where_writes_are_tried_again,
);

#[test]
fn whether_publishers_wait_may_change() {
    let server = Server::configured(Setup::default(), "no_fast_producer_stall: true\n");
    for (on, words) in [("false", "be stalled"), ("true", "not be stalled")] {
        let log = server.reloaded(&format!("no_fast_producer_stall: {on}\n"));
        assert!(log.contains(&format!("[INF] Reloaded: fast producers will {words}\n")), "{log}");
    }
}

#[test]
fn what_becomes_of_late_writes_may_not_change() {
    let server = Server::configured(Setup::default(), "write_timeout: close\n");
    for (config, refusal) in [
        ("write_timeout: retry\n", "WriteTimeout: old=close, new=retry"),
        ("write_timeout: close\ndisable_sublist_cache: true\n", "NoSublistCache: old=false, new=true"),
        ("write_timeout: close\nno_system_account: true\n", "NoSystemAccount: old=false, new=true"),
    ] {
        let line = server.reload(config).expect("it answers");
        assert!(line.ends_with(&format!("config reload not supported for {refusal}")), "{line}");
    }
}
