//! Passwords that take long to check: who floods the server with wrong ones keeps nobody else out, and who
//! comes back in a herd gets in.

use std::net::{IpAddr, Ipv4Addr};

use test_kit::{RawClient, Server, ServerOp, ServerOptions, Setup, on_every_setup};

on_every_setup!(who_shares_address_or_user_with_a_flood_gets_in);

/// Of `bar`: more than ten milliseconds of work.
const HASH: &str = "$2b$08$2VDDv9pROu2V/y95kUOIjePGkxIuL5HD0fYI3DClI0/E/CRs6uL5a";

/// The same, at a cost that is common: a tenth of a second of work.
const DEAR_HASH: &str = "$2b$11$2VDDv9pROu2V/y95kUOIjeamDnkuzpnqseW/xbwPfgOqyFeiDRjLq";

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1));
const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// A client that sent its CONNECT and a PING.
fn attempt(server: &Server, from: IpAddr, user: &str, password: &str) -> RawClient {
    let mut client = RawClient::dial_from(from, server.addr());
    assert!(matches!(client.next_op(), ServerOp::Info(_)));
    let connect = format!("{{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"{password}\"}}");
    client.send(format!("CONNECT {connect}\r\nPING\r\n"));
    client
}

// 256 checks that waited kept everybody out, whoever they were for.
fn who_shares_address_or_user_with_a_flood_gets_in(setup: Setup) {
    let users = ["bob", "eve"].map(|user| format!("{{user: {user}, password: \"{HASH}\"}}")).join(", ");
    let config = Some(format!("authorization {{ timeout: 60, users: [ {users} ] }}"));
    let server =
        Server::start(ServerOptions { setup, config, ..ServerOptions::default() }).expect("it starts");
    let mut flood = Vec::new();
    while !server.log().contains("Too many passwords to check: a client is refused") {
        flood.push(attempt(&server, THERE, "bob", &format!("guess {}", flood.len())));
    }
    let honest = [(HERE, "bob"), (HERE, "eve"), (THERE, "eve")];
    let clients = honest.map(|(from, user)| attempt(&server, from, user, "bar"));
    for mut client in clients {
        client.read_to_pong();
    }
    // Whoever there was no room for is to come again.
    let is_late = |client: &mut RawClient| client.read_to_close() == b"-ERR 'Authentication Timeout'\r\n";
    assert!(flood.iter_mut().rev().any(is_late));
}

// The time to say who one is ran out for all but 16 of 200 while they waited for us.
#[test]
fn a_herd_of_one_user_gets_in() {
    const HERD: usize = 200;
    let config = format!("authorization {{ users: [ {{user: bob, password: \"{DEAR_HASH}\"}} ] }}");
    let server = Server::configured(Setup::default(), &config);
    let guesses: Vec<_> = (0..20).map(|guess| attempt(&server, HERE, "bob", &guess.to_string())).collect();
    let herd: Vec<_> = (0..HERD).map(|_| attempt(&server, HERE, "bob", "bar")).collect();
    for mut client in herd {
        client.read_to_pong();
    }
    for mut guess in guesses {
        let last_words = String::from_utf8(guess.read_to_close()).expect("it is text");
        assert_eq!(last_words, "-ERR 'Authorization Violation'\r\n");
    }
}
