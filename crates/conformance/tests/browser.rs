//! The scenarios through nats.js in headless Chromium, over WebSockets.

use conformance::foreign::ForeignClient;
use conformance::{SCENARIOS, driver};
use test_kit::{ReservedPort, SETUPS, Server, ServerOptions, Setup};

#[test]
fn one_shard() {
    run(SETUPS[0], "", "");
}

/// What is compressed may come to no more than `max_payload` with the line in front of it, with nats-server too.
#[test]
fn two_shards_on_epoll_with_compression() {
    run(SETUPS[4], "compression: true", "max_payload: 2MB\n");
}

/// On a server with this in its block and beside it.
fn run(setup: Setup, block: &str, more: &str) {
    let mut program = ForeignClient::prepare_browser().unwrap_or_else(|error| panic!("{error}"));
    let port = ReservedPort::take().expect("there is a port");
    let at = format!("127.0.0.1:{}", port.number());
    let config = Some(format!("websocket {{ listen: \"{at}\", no_tls: true, {block} }}\n{more}"));
    let mut server =
        Server::start(ServerOptions { setup, config, ..ServerOptions::default() }).expect("it starts");
    if let Err(why) = driver::run_at(&format!("ws://{at}"), &mut program, &SCENARIOS, &mut server) {
        panic!("nats.js in Chromium with {setup}:\n{why}");
    }
}
