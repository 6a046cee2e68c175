use std::io::{Read, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use test_kit::{ANSWER_DEADLINE, RawClient, Server, ServerOptions, Setup};

use crate::client::{ask, dial};

/// A server with a port that takes all beside its own, and with its own as one.
fn start(setup: Setup, config: &str) -> (Server, SocketAddr) {
    let options = ServerOptions { setup, config: Some(config.to_owned()), ..ServerOptions::default() };
    let server = Server::start(options).expect("the server starts");
    let line = server.log().wait_for("Listening for NATS, HTTP and WebSocket clients on ", ANSWER_DEADLINE);
    let line = line.unwrap_or_else(|| panic!("{}", server.log().text()));
    let address = line.rsplit(' ').next().expect("an address").trim().parse().expect("an address");
    (server, address)
}

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// What is said to these bytes first.
fn first(address: SocketAddr, pieces: &[&[u8]]) -> String {
    let mut stream = dial(address);
    for piece in pieces {
        stream.write_all(piece).expect("it is taken");
        thread::sleep(Duration::from_millis(5));
    }
    let mut bytes = [0; 64];
    let count = stream.read(&mut bytes).expect("an answer");
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

pub(crate) fn all_come_in_by_one_port(setup: Setup) {
    for config in ["one_port { listen: \"127.0.0.1:-1\" }\n", "one_port: true\n"] {
        let (server, address) = start(setup, config);
        let is_own = config.contains("true");
        assert_eq!(server.addr() == address, is_own);
        // Who says nothing is greeted, after a while.
        let begun = Instant::now();
        let mut reader = RawClient::connect(address);
        assert!(begun.elapsed() >= Duration::from_millis(100), "{:?}", begun.elapsed());
        reader.subscribe("a", 1);
        assert_eq!(ask(address, "PUT /v1/nats/subjects/a", &[], "x").status, 204);
        assert_eq!(ask(address, "GET /v1/healthz", &[], "").status, 200);
        assert_eq!(reader.flush().len(), 1);
        assert!(first(address, &[UPGRADE.as_bytes(), b"\r\n"]).starts_with("HTTP/1.1 101 "));
        let foreign = format!("{UPGRADE}Origin: http://evil.example\r\n\r\n");
        assert!(first(address, &[foreign.as_bytes()]).starts_with("HTTP/1.1 403 "));
        assert!(first(address, &[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]).starts_with("HTTP/1.1 505 "));
        // Who speaks first is greeted, and what he said counts.
        let mut hasty = dial(address);
        hasty.write_all(b"CONNECT {\"verbose\":false}\r\nPING\r\n").expect("it is taken");
        let mut said = String::new();
        while !said.ends_with("PONG\r\n") {
            let mut byte = [0];
            hasty.read_exact(&mut byte).expect("it goes on");
            said.push(char::from(byte[0]));
        }
        assert!(said.starts_with("INFO {"), "{said}");
        if !is_own {
            // The other port keeps speaking first.
            assert!(first(server.addr(), &[]).starts_with("INFO {"));
        }
    }
}

pub(crate) fn words_cut_anywhere_are_understood(setup: Setup) {
    let (_server, address) = start(setup, "one_port { listen: \"127.0.0.1:-1\", wait: \"1s\" }\n");
    let get = "GET /v1/healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    for cut in 1..get.len() {
        let said = first(address, &[&get.as_bytes()[..cut], &get.as_bytes()[cut..]]);
        assert!(said.starts_with("HTTP/1.1 200 "), "cut at {cut}: {said}");
    }
    for cut in [1, 2, 3] {
        let pub_op = "PUB a 0\r\n\r\n";
        let said = first(address, &[&pub_op.as_bytes()[..cut], &pub_op.as_bytes()[cut..]]);
        assert!(said.starts_with("INFO {"), "cut at {cut}: {said}");
    }
}
