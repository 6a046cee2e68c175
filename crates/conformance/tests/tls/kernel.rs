//! `--ktls`: the kernel encrypts and decrypts, and nobody notices. Where the kernel has no TLS each of these
//! tests checks that the server says so instead of starting.

use std::fs;

use rustls::version::{TLS12, TLS13};
use test_kit::{Server, ServerError, ServerOptions, Setup, on_every_setup};

use crate::certificates::Certificates;
use crate::line_client::{Clear, Secure};
use crate::moving::until_moved;
use crate::{ANSWER_DEADLINE, awaits, check_payloads};

/// What the server says of each connection that the kernel goes on with.
const IN_KERNEL: &str = "The kernel goes on with the TLS of a client connection";

fn kernel_offers_tls() -> bool {
    let offered = fs::read_to_string("/proc/sys/net/ipv4/tcp_available_ulp").unwrap_or_default();
    offered.split_whitespace().any(|name| name == "tls")
}

/// The server, where there can be one.
fn start(setup: Setup, config: String, more: &[&str]) -> Option<Server> {
    let args = ["-D", "--ktls"].iter().chain(more).map(|&arg| arg.to_owned()).collect();
    let options = ServerOptions { setup, config: Some(config), args, ..ServerOptions::default() };
    match (Server::start(options), kernel_offers_tls()) {
        (Ok(server), true) => Some(server),
        (Err(ServerError::EndedEarly { log, .. }), false) => {
            assert!(log.contains("[FTL] --ktls: the kernel offers no TLS ("), "{log}");
            assert!(log.contains("modprobe tls") && log.lines().count() == 1, "{log}");
            None
        }
        (other, offers) => panic!("the kernel offers TLS: {offers}, and {other:?}"),
    }
}

/// Waits until the kernel has gone on with so many connections.
fn awaits_in_kernel(server: &Server, connections: usize) {
    let said = server.log().wait_for_nth(IN_KERNEL, connections - 1, ANSWER_DEADLINE);
    assert!(said.is_some(), "{}", server.log().text());
}

/// A client whose connection the kernel goes on with.
fn connect(server: &Server, certificates: &Certificates) -> Secure {
    let before = server.log().count(IN_KERNEL);
    let mut clear = Clear::dial(server.addr());
    clear.line();
    let mut secure = clear.secure(&certificates.client_config(false));
    assert_eq!(secure.connect().expect("the handshake succeeds"), "PONG\r\n");
    awaits_in_kernel(server, before + 1);
    secure.send(b"PING\r\n");
    assert_eq!(secure.line().expect("it goes on"), "PONG\r\n");
    secure
}

fn payloads_arrive_whole(setup: Setup) {
    let certificates = Certificates::new();
    for version in [&TLS12, &TLS13] {
        let Some(server) = start(setup, certificates.block(""), &[]) else { return };
        check_payloads(&server, &certificates.client_config_in(&[version]));
        awaits_in_kernel(&server, 2);
        assert!(!server.log().text().contains("The kernel refuses"), "{}", server.log().text());
    }
}

/// ChaCha20 has its nonce in another place.
fn payloads_arrive_whole_in_every_cipher(setup: Setup) {
    let certificates = Certificates::new();
    for suite in [
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    ] {
        let block = certificates.block(&format!("cipher_suites: [{suite}]"));
        let Some(server) = start(setup, block, &[]) else { return };
        check_payloads(&server, &certificates.client_config_in(&[&TLS12]));
        awaits(&server, suite);
        awaits_in_kernel(&server, 2);
    }
}

fn goodbyes_are_said_and_heard(setup: Setup) {
    let certificates = Certificates::new();
    let Some(mut server) = start(setup, certificates.block(""), &[]) else { return };
    let (mut leaving, mut staying) = (connect(&server, &certificates), connect(&server, &certificates));
    leaving.say_goodbye();
    awaits(&server, "Client connection closed: Client Closed");
    assert_eq!(leaving.line().expect("the server says goodbye as well"), "");
    assert!(server.stop().expect("it stops").success());
    while !staying.line().expect("the server says goodbye").is_empty() {}
}

/// The kernels that we know keep the first keys: a client that wants others has to come again.
fn new_keys_end_a_connection(setup: Setup) {
    let certificates = Certificates::new();
    let Some(server) = start(setup, certificates.block(""), &[]) else { return };
    let mut client = connect(&server, &certificates);
    client.change_keys();
    client.send(b"PING\r\n");
    awaits(&server, "Client connection closed: Read Error");
    let mut other = connect(&server, &certificates);
    other.send(b"PING\r\n");
    assert_eq!(other.line().expect("others go on"), "PONG\r\n");
}

on_every_setup!(
    payloads_arrive_whole,
    payloads_arrive_whole_in_every_cipher,
    goodbyes_are_said_and_heard,
    new_keys_end_a_connection,
);

fn connections_move_between_shards(setup: Setup) {
    let certificates = Certificates::new();
    let Some(server) = start(setup, certificates.block("verify: true"), &["--colocate"]) else { return };
    until_moved(&server, &certificates);
    awaits_in_kernel(&server, 8);
}

#[test]
fn connections_move_between_two_shards() {
    connections_move_between_shards(test_kit::SETUPS[1]);
}

#[test]
fn connections_move_between_two_shards_on_epoll() {
    connections_move_between_shards(test_kit::SETUPS[4]);
}
