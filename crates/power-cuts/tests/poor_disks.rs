//! Disks that are full, slow, or may not be written to: the server says so, serves on, and loses nothing that it
//! acknowledged.

use std::thread;
use std::time::{Duration, Instant};

use brittle_disk::{BrittleDisk, DiskOptions, mount_or_say};
use power_cuts::{Answer, Requests};
use serde_json::{Value, json};
use test_kit::{ANSWER_DEADLINE, SETUPS, Server, ServerError, ServerOptions, Setup, on_every_setup};

/// Room where there is enough of it.
const ROOM: u64 = 4 << 30;

/// What the server says to publishers if there is no room, and if its log takes nothing any more.
const INSUFFICIENT_RESOURCES: u64 = 10023;
const STORE_FAILED: u64 = 10077;

/// Large enough for few to fill a file.
const PAYLOAD_BYTES: usize = 100_000;

/// More than there is room for in any case.
const MESSAGES_MAX: u64 = 1_000;

const PAUSE: Duration = Duration::from_millis(5);

fn mounted() -> Option<BrittleDisk> {
    mount_or_say("disks that are full or slow", DiskOptions { capacity: ROOM, ..DiskOptions::default() })
}

fn start(disk: &BrittleDisk, setup: Setup) -> Result<Server, ServerError> {
    let config = format!("jetstream {{ store_dir: \"{}\" }}\n", disk.path().join("store").display());
    Server::start(ServerOptions { setup, config: Some(config), ..ServerOptions::default() })
}

/// A stream in files that takes `f.>`, and one in memory that takes `m.>`.
fn with_streams(disk: &BrittleDisk, setup: Setup) -> Server {
    let server = start(disk, setup).expect("it starts");
    let mut requests = Requests::connect(server.addr(), "create");
    for (name, subjects, storage) in [("F", "f.>", "file"), ("M", "m.>", "memory")] {
        let config = json!({ "name": name, "subjects": [subjects], "storage": storage });
        let made = requests.ask(&format!("$JS.API.STREAM.CREATE.{name}"), &config.to_string());
        assert!(matches!(made, Answer::Body(_)), "{made:?}");
    }
    server
}

/// The payload of a message, which says which it is.
fn payload(number: u64) -> String {
    format!("{number} {}", "x".repeat(PAYLOAD_BYTES))
}

fn seq(ack: &Value) -> u64 {
    ack["seq"].as_u64().expect("an acknowledgement has a sequence")
}

/// Publishes until that is refused: the sequences that were acknowledged, and the error.
fn until_refused(requests: &mut Requests) -> (Vec<u64>, u64) {
    let mut acked = Vec::new();
    for number in 1..=MESSAGES_MAX {
        match requests.ask("f.x", &payload(number)) {
            Answer::Body(ack) => acked.push(seq(&ack)),
            Answer::Error(code, _) => return (acked, code),
            Answer::NoResponders => panic!("the stream is gone"),
        }
    }
    panic!("it takes everything");
}

/// Core traffic does not need the disk.
fn core_goes_on(server: &Server) {
    let mut client = server.connect();
    client.subscribe("core", 1);
    client.flush();
    let mut other = server.connect();
    for sender in [&mut client, &mut other] {
        sender.publish("core", "hello");
        sender.flush();
    }
    assert_eq!(client.flush().len(), 1, "of the other one: its own came before");
}

/// Nor do streams in memory.
fn the_rest_goes_on(server: &Server, requests: &mut Requests) {
    core_goes_on(server);
    assert!(matches!(requests.ask("m.x", "hello"), Answer::Body(_)));
}

fn is_there(requests: &mut Requests, seq: u64) -> bool {
    let body = json!({ "seq": seq }).to_string();
    matches!(requests.ask("$JS.API.STREAM.MSG.GET.F", &body), Answer::Body(_))
}

fn all_are_there(requests: &mut Requests, acked: &[u64]) {
    let lost: Vec<_> = acked.iter().filter(|seq| !is_there(requests, **seq)).collect();
    assert!(lost.is_empty(), "{lost:?} of {} are lost", acked.len());
}

/// Kill, cut, restart.
fn after_a_cut(server: &mut Server, disk: &mut BrittleDisk, acked: &[u64]) {
    server.kill().expect("a child can be killed");
    disk.cut(7).expect("the server was killed");
    server.restart().expect("it starts again");
    all_are_there(&mut Requests::connect(server.addr(), "after"), acked);
}

fn a_full_disk_refuses_and_takes_again(setup: Setup) {
    let Some(mut disk) = mounted() else { return };
    let mut server = with_streams(&disk, setup);
    let mut requests = Requests::connect(server.addr(), "full");
    let first = requests.ask("f.x", "first");
    assert!(matches!(first, Answer::Body(_)), "{first:?}");
    disk.disk().set_capacity(0);
    let (mut acked, code) = until_refused(&mut requests);
    assert_eq!(code, INSUFFICIENT_RESOURCES);
    assert!(acked.len() > 10, "{acked:?}");
    the_rest_goes_on(&server, &mut requests);
    // What is there is served, and what frees room may still be done.
    all_are_there(&mut requests, &acked);
    let gone = acked.remove(3);
    let deleted = requests.ask("$JS.API.STREAM.MSG.DELETE.F", &json!({ "seq": gone }).to_string());
    assert!(matches!(&deleted, Answer::Body(body) if body["success"] == true), "{deleted:?}");
    assert!(!is_there(&mut requests, gone));
    assert!(server.log().contains("JetStream has no room for its files"), "{}", server.log().text());
    disk.disk().set_capacity(ROOM);
    let start = Instant::now();
    let again = loop {
        match requests.ask("f.x", "again") {
            Answer::Body(ack) => break seq(&ack),
            other => assert!(start.elapsed() < ANSWER_DEADLINE, "it has room: {other:?}"),
        }
        thread::sleep(PAUSE);
    };
    acked.push(again);
    after_a_cut(&mut server, &mut disk, &acked);
    assert!(!is_there(&mut Requests::connect(server.addr(), "gone"), gone));
}

fn a_disk_that_turns_read_only_loses_nothing(setup: Setup) {
    let Some(mut disk) = mounted() else { return };
    let mut server = with_streams(&disk, setup);
    let mut requests = Requests::connect(server.addr(), "read-only");
    let acked: Vec<u64> = (0..5)
        .map(|number| match requests.ask("f.x", &payload(number)) {
            Answer::Body(ack) => seq(&ack),
            other => panic!("{other:?}"),
        })
        .collect();
    disk.disk().set_read_only(true);
    let (more, code) = until_refused(&mut requests);
    assert_eq!((more, code), (vec![], STORE_FAILED));
    the_rest_goes_on(&server, &mut requests);
    all_are_there(&mut requests, &acked);
    let said = server.log().text();
    assert!(
        said.contains("JetStream takes nothing more to its files") && said.contains("Read-only"),
        "{said}"
    );
    disk.disk().set_read_only(false);
    after_a_cut(&mut server, &mut disk, &acked);
}

/// While no sync comes to its end the server takes what it has room for, and who does not use streams is served, also
/// across shards.
fn a_disk_that_hangs_holds_publishers_alone(setup: Setup) {
    const MESSAGES: u64 = 200;
    let Some(mut disk) = mounted() else { return };
    let mut server = with_streams(&disk, setup);
    let (addr, held) = (server.addr(), disk.hold_syncs());
    let publisher = thread::spawn(move || {
        let mut requests = Requests::connect(addr, "slow");
        let reply = requests.fresh_inbox();
        for number in 0..MESSAGES {
            requests.publish("f.x", &reply, "", payload(number).as_bytes()).expect("the server is there");
        }
        let ack = |_| {
            let message = requests.next_message().expect("the server is there");
            seq(&serde_json::from_slice(&message.payload).expect("it is JSON"))
        };
        (0..MESSAGES).map(ack).collect::<Vec<_>>()
    });
    assert!(held.wait_for_one(ANSWER_DEADLINE), "nothing is synced");
    for _ in 0..20 {
        core_goes_on(&server);
    }
    assert!(!publisher.is_finished());
    drop(held);
    let acked = publisher.join().expect("all are acknowledged");
    assert!(acked.iter().copied().eq(1..=MESSAGES), "{acked:?}");
    after_a_cut(&mut server, &mut disk, &acked);
}

on_every_setup!(
    a_full_disk_refuses_and_takes_again,
    a_disk_that_turns_read_only_loses_nothing,
    a_disk_that_hangs_holds_publishers_alone,
);

#[test]
fn a_read_only_disk_is_named_at_the_start() {
    let Some(disk) = mounted() else { return };
    disk.disk().set_read_only(true);
    let log = match start(&disk, SETUPS[0]) {
        Err(ServerError::EndedEarly { log, .. }) => log,
        other => panic!("it starts: {other:?}"),
    };
    let store = disk.path().join("store");
    let names_it = log.contains(&store.display().to_string()) && log.contains("read-only file system");
    assert!(log.contains("Can't start JetStream") && names_it, "{log}");
}
