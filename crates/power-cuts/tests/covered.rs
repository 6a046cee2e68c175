//! Each acknowledgement is held against the disk in the moment it arrives: its message is what a cut would leave.

use std::collections::BTreeMap;

use brittle_disk::{BrittleDisk, DiskOptions, mount_or_say};
use power_cuts::{Answer, Requests};
use serde_json::{Value, json};
use test_kit::{SETUPS, Server, ServerOptions, Setup, on_every_setup};

/// Messages in all, and how many are on their way at a time.
const MESSAGES: u64 = 300;
const WINDOW: usize = 20;

fn started(disk: &BrittleDisk, setup: Setup, more: &str) -> Server {
    let store = disk.path().join("store");
    let config = format!("jetstream {{ store_dir: \"{}\"\n {more} }}\n", store.display());
    let options = ServerOptions { setup, config: Some(config), ..ServerOptions::default() };
    let server = Server::start(options).expect("it starts");
    let config = json!({ "name": "S", "subjects": ["s.>"], "storage": "file", "allow_batched": true });
    let made = Requests::connect(server.addr(), "create").ask("$JS.API.STREAM.CREATE.S", &config.to_string());
    assert!(matches!(made, Answer::Body(_)), "{made:?}");
    server
}

/// How many messages were acknowledged that a cut could have taken in that moment.
fn uncovered(setup: Setup, more: &str) -> Option<u64> {
    let disk = mount_or_say("that acknowledgements are covered", DiskOptions::default())?;
    let server = started(&disk, setup, more);
    let mut requests = Requests::connect(server.addr(), "publisher");
    let mut waiting = BTreeMap::new();
    let (mut next, mut uncovered) = (0, 0);
    while next < MESSAGES || !waiting.is_empty() {
        while next < MESSAGES && waiting.len() < WINDOW {
            let (reply, payload) = (requests.fresh_inbox(), format!("message {next:06} of this test"));
            requests.publish("s.x", &reply, "", payload.as_bytes()).expect("the server is there");
            waiting.insert(reply, payload);
            next += 1;
        }
        let message = requests.next_message().expect("the server is there");
        let ack: Value = serde_json::from_slice(&message.payload).expect("it is JSON");
        assert!(ack["seq"].is_u64(), "{ack}");
        let payload = waiting.remove(&message.subject).expect("it was asked for");
        uncovered += u64::from(!disk.disk().is_durable(payload.as_bytes()));
    }
    Some(uncovered)
}

fn no_acknowledgement_leaves_before_the_sync_that_covers_it(setup: Setup) {
    assert!(matches!(uncovered(setup, ""), None | Some(0)));
}

/// Whether a fast batch was told of some that a cut could have taken in that moment.
fn uncovered_of_a_fast_batch(setup: Setup, more: &str) -> Option<u64> {
    let disk = mount_or_say("that words of fast batches are covered", DiskOptions::default())?;
    let server = started(&disk, setup, more);
    let mut requests = Requests::connect(server.addr(), "publisher");
    let payload = |seq: u64| format!("message {seq:06} of this test");
    let to = requests.fresh_inbox();
    for seq in 1..=MESSAGES {
        let op = if seq == 1 { 0 } else { 1 + u64::from(seq == MESSAGES) };
        let reply = format!("{to}.B.7.fail.{seq}.{op}.$FI");
        requests.publish("s.x", &reply, "", payload(seq).as_bytes()).expect("the server is there");
    }
    let mut told = 0;
    while told < MESSAGES {
        let message = requests.next_message().expect("the server is there");
        let word: Value = serde_json::from_slice(&message.payload).expect("it is JSON");
        assert!(word["error"].is_null(), "{word}");
        let up_to = if word["type"] == "ack" { &word["seq"] } else { &word["count"] };
        let up_to = up_to.as_u64().expect("a number");
        let is_open = |seq: &u64| !disk.disk().is_durable(payload(*seq).as_bytes());
        // To find that bytes are not there takes long, and once is enough.
        if (told + 1..=up_to).any(|seq| is_open(&seq)) {
            return Some(1);
        }
        told = up_to;
    }
    Some(0)
}

fn no_word_of_a_fast_batch_leaves_before_the_sync_that_covers_it(setup: Setup) {
    assert!(matches!(uncovered_of_a_fast_batch(setup, ""), None | Some(0)));
}

/// How many messages were said to be terminated for good whose letter a cut could have taken in that moment.
fn uncovered_letters(setup: Setup, more: &str) -> Option<u64> {
    const LETTERS: u64 = 40;
    let disk = mount_or_say("that dead letters are covered", DiskOptions::default())?;
    let server = started(&disk, setup, more);
    let mut requests = Requests::connect(server.addr(), "terminator");
    let consumer = json!({
        "name": "C", "durable_name": "C", "ack_policy": "explicit", "metadata": { "buster.dead_letters": "DEAD" },
    });
    for (subject, body) in [
        ("$JS.API.STREAM.CREATE.DEAD", json!({ "name": "DEAD" })),
        ("$JS.API.CONSUMER.CREATE.S.C", json!({ "stream_name": "S", "config": consumer })),
    ] {
        let made = requests.ask(subject, &body.to_string());
        assert!(matches!(&made, Answer::Body(body) if body["error"].is_null()), "{made:?}");
    }
    for seq in 1..=LETTERS {
        let put = requests.ask("s.x", &format!("message {seq}"));
        assert!(matches!(put, Answer::Body(_)), "{put:?}");
    }
    let inbox = requests.fresh_inbox();
    requests.publish("$JS.API.CONSUMER.MSG.NEXT.S.C", &inbox, "", b"40").expect("the server is there");
    let mut waiting = BTreeMap::new();
    for seq in 1..=LETTERS {
        let to = requests.next_message().expect("the server is there").reply.expect("it can be acknowledged");
        let reply = requests.fresh_inbox();
        requests.publish(&to, &reply, "", b"+TERM").expect("the server is there");
        waiting.insert(reply, format!("Buster-Dead-Sequence: {seq}\r\n"));
    }
    let mut uncovered = 0;
    while !waiting.is_empty() {
        let message = requests.next_message().expect("the server is there");
        let letter = waiting.remove(&message.subject).expect("it was asked for");
        uncovered += u64::from(!disk.disk().is_durable(letter.as_bytes()));
    }
    Some(uncovered)
}

fn no_message_is_given_up_before_the_sync_that_covers_its_letter(setup: Setup) {
    assert!(matches!(uncovered_letters(setup, ""), None | Some(0)));
}

on_every_setup!(
    no_message_is_given_up_before_the_sync_that_covers_its_letter,
    no_acknowledgement_leaves_before_the_sync_that_covers_it,
    no_word_of_a_fast_batch_leaves_before_the_sync_that_covers_it,
);

/// This finds something where there is something to be found.
#[test]
fn with_less_than_always_some_do() {
    const INTERVAL: &str = "sync_interval: \"2m\"";
    for uncovered in [uncovered(SETUPS[0], INTERVAL), uncovered_of_a_fast_batch(SETUPS[0], INTERVAL)] {
        assert!(uncovered.is_none_or(|uncovered| uncovered > 0));
    }
}
