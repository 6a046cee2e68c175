//! Ten thousand WebSockets that say nothing, and some who ask without end beside them.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use test_kit::{Io, Setup};

use super::client::Client;
use super::{BLOCK, start, web_address};

const WANTED: usize = 10_000;

/// Files that tests beside this one have open, and those of this one that are no WebSockets.
const SPARE_FILES: u64 = 2_000;

/// What one may cost the server, its sockets' own memory aside: about twice what it does.
const BYTES_EACH_MAX: u64 = 2500;

/// Each of so many is talked to.
const SAMPLED: usize = 97;

/// As many as there may be files for: this process and the server have one each.
fn as_many_as_there_may_be() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = WANTED as u64 + SPARE_FILES;
    let raised = maximum.map_or(wanted, |maximum| wanted.min(maximum));
    if current.is_some_and(|current| current < raised) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum })
            .expect("it may be raised so far");
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(wanted);
    let count = (WANTED as u64).min(files.saturating_sub(SPARE_FILES)) as usize;
    if count < WANTED {
        println!("{count} WebSockets instead of {WANTED}: `ulimit -n` allows {files} files");
    }
    count
}

#[test]
fn ten_thousand_idle_websockets_cost_little_and_harm_nobody() {
    let count = as_many_as_there_may_be();
    assert!(count > 100, "there have to be some");
    let server = start(Setup { shards: 2, io: Io::Auto }, BLOCK);
    let address = web_address(&server);
    let mut first = Client::connect(address);
    let before = server.resident_bytes().expect("it runs");
    let mut idle: Vec<Client> = (0..count).map(|_| Client::connect(address)).collect();
    let growth = server.resident_bytes().expect("it runs").saturating_sub(before);
    println!("{} bytes for each of {count}", growth / count as u64);
    assert!(growth < count as u64 * BYTES_EACH_MAX, "{growth} bytes for {count}");

    // A request of a megabyte, and some that have only begun.
    let line = format!("X-Long: {}\r\n", "x".repeat(8000));
    let mut endless = Client::dial(address);
    endless.send(b"GET / HTTP/1.1\r\nHost: h\r\n");
    let sent: io::Result<()> = (0..140).try_for_each(|_| endless.try_send(line.as_bytes()));
    let answer = endless.read_to_end();
    assert!(sent.is_err() || answer.starts_with(b"HTTP/1.1 431 "), "{}", answer.escape_ascii());
    let mut begun: Vec<Client> = (0..50).map(|_| Client::dial(address)).collect();
    begun.iter_mut().for_each(|client| client.send(b"G"));

    for client in [&mut first].into_iter().chain(idle.iter_mut().step_by(SAMPLED)) {
        client.say("PING\r\n");
        assert_eq!(client.text(), "PONG\r\n");
    }
    let mut late = Client::connect(address);
    late.say("PING\r\n");
    assert_eq!(late.text(), "PONG\r\n");
}
