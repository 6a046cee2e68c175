//! Requests that become WebSockets, and those that do not.

use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

use test_kit::Setup;

use super::client::Client;
use super::{BLOCK, awaits, start, web_address};

/// What nats-server 2.14.5 answered, with `D` for the date.
const REFUSALS: &str = include_str!("../../testdata/websocket_refusals.txt");

/// An answer with its date blanked.
fn blanked(answer: &[u8]) -> String {
    let text = String::from_utf8(answer.to_vec()).expect("answers are text");
    let lines = text.split("\r\n").map(|line| if line.starts_with("Date: ") { "Date: D" } else { line });
    lines.collect::<Vec<_>>().join("\r\n")
}

/// The script has a request on a line, and below it, indented, what is answered until the end of the connection.
/// Requests end the connection themselves where they ask for that.
pub(crate) fn refusals_are_the_peers(setup: Setup) {
    let server = start(setup, BLOCK);
    let unescape = |text: &str| text.replace("\\r\\n", "\r\n").replace("\\n", "\n");
    let mut lines = REFUSALS.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).peekable();
    let mut count = 0;
    while let Some(request) = lines.next() {
        let mut expected = String::new();
        while let Some(answer) = lines.next_if(|line| line.starts_with("  ")) {
            expected += &unescape(answer.trim_start());
        }
        for is_cut in [false, true] {
            let mut client = Client::dial(web_address(&server));
            let request = unescape(request);
            let pieces = if is_cut { 1 } else { request.len() };
            // The server may have ended it already.
            let _ = request.as_bytes().chunks(pieces).try_for_each(|piece| client.try_send(piece));
            assert_eq!(blanked(&client.read_to_end()), expected, "{request}");
        }
        count += 1;
    }
    assert!(count >= 20, "{count}");
    let line = awaits(&server, "websocket handshake error: invalid value for header 'Upgrade'");
    assert!(line.contains("[ERR] 127.0.0.1:"), "{line}");
    assert!(!server.log().contains(" - wid:"), "none of them was a client");
}

pub(crate) fn pages_come_from_where_they_may(setup: Setup) {
    let block = "websocket { listen: \"127.0.0.1:-1\", no_tls: true, same_origin: true, \
        allowed_origins: [\"http://h\", \"https://x\"], headers { X-A: b } }";
    let server = start(setup, block);
    let (mut client, _) = Client::connect_with(web_address(&server), "Origin: http://H:80\r\n");
    client.say("PING\r\n");
    assert_eq!(client.text(), "PONG\r\n");
    Client::connect(web_address(&server));
    for (origin, words) in [
        ("https://x", "not same origin"),
        ("http://other", "not same origin"),
        ("null", "parse \"null\": invalid URI for request"),
    ] {
        let mut client = Client::dial(web_address(&server));
        client.send(
            format!(
                "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Key: \
                 AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Version: 13\r\nOrigin: {origin}\r\n\r\n"
            )
            .as_bytes(),
        );
        let answer = blanked(&client.read_to_end());
        assert!(
            answer.starts_with("HTTP/1.1 403 Forbidden\r\n") && answer.ends_with("\r\n\r\nForbidden\n"),
            "{answer}"
        );
        awaits(&server, &format!("websocket handshake error: origin not allowed: {words}"));
    }
}

pub(crate) fn a_head_of_a_mebibyte_or_a_byte_a_second_is_refused(setup: Setup) {
    let block = BLOCK.replace("no_tls", "handshake_timeout: \"1500ms\", no_tls");
    let server = start(setup, &block);
    let address = web_address(&server);
    let before = server.resident_bytes().expect("it runs");
    let line = format!("X-Long: {}\r\n", "x".repeat(8000));
    for _ in 0..10 {
        let mut client = Client::dial(address);
        client.send(b"GET / HTTP/1.1\r\nHost: h\r\n");
        let _ = (0..140).try_for_each(|_| client.try_send(line.as_bytes()));
        // The answer may be lost with what was on its way when the connection ended.
        let answer = client.read_to_end();
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "), "{}", answer.escape_ascii());
    }
    let growth = server.resident_bytes().expect("it runs").saturating_sub(before);
    assert!(growth < 16 << 20, "{growth} bytes more");
    // Who takes its time is cut off, however it does; nobody else is.
    let mut other = Client::connect(address);
    let (mut silent, mut slow) = (Client::dial(address), Client::dial(address));
    let drip = thread::spawn(move || {
        for byte in b"GET / HTTP/1.1\r\nHost: h\r\n".iter().cycle() {
            if slow.try_send(&[*byte]).is_err() {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
    });
    assert_eq!(silent.read_to_end(), b"");
    drip.join().expect("it ends");
    other.say("PING\r\n");
    assert_eq!(other.text(), "PONG\r\n");
}

/// Some addresses ask for all the room that requests have together, and do not finish. Others are served: at once if
/// one address alone was greedy, and else when there is room again.
pub(crate) fn greedy_addresses_leave_others_served(setup: Setup) {
    let server = start(setup, BLOCK);
    let address = web_address(&server);
    let mut greedy: Vec<Client> = Vec::new();
    // As many as fill the share of an address on each shard.
    let mut fill = |host: u8| {
        for _ in 0..setup.shards * 40 {
            let mut client = Client::dial_from(Ipv4Addr::new(127, 0, 1, host), address);
            let _ = client.try_send(begun(30_000).as_bytes());
            greedy.push(client);
        }
    };
    fill(1);
    let (mut client, end) = (Client::dial(address), "X-A: b\r\n\r\n");
    client.begin_upgrade(&format!("Cookie: {}\r\n", "c".repeat(10_000)));
    client.send(end.as_bytes());
    client.upgraded();
    (2..8).for_each(&mut fill);
    let mut small = Client::connect(address);
    small.say("PING\r\n");
    assert_eq!(small.text(), "PONG\r\n");
    let mut late = Client::dial(address);
    late.begin_upgrade(&format!("Cookie: {}\r\n", "c".repeat(10_000)));
    drop(greedy);
    late.send(end.as_bytes());
    late.upgraded();
}

/// The start of a request of which so much is kept.
fn begun(bytes: usize) -> String {
    let line = format!("Cookie: {}\r\n", "x".repeat(10_000));
    format!("GET / HTTP/1.1\r\nHost: h\r\n{}", line.repeat(bytes / 10_000))
}
