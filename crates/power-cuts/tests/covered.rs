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
    let config = json!({ "name": "S", "subjects": ["s.>"], "storage": "file" });
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

on_every_setup!(no_acknowledgement_leaves_before_the_sync_that_covers_it);

/// This finds something where there is something to be found.
#[test]
fn with_less_than_always_some_do() {
    assert!(uncovered(SETUPS[0], "sync_interval: \"2m\"").is_none_or(|uncovered| uncovered > 0));
}
