//! Requests and what is answered to them, byte for byte as nats-server 2.14.5 did it, dates aside.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::*;
use crate::web::{Tools, Web};

const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Version: 13\r\n";

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

const NOW: i64 = 1_795_971_860;
const DATE: &str = "Date: Sun, 29 Nov 2026 17:04:20 GMT\r\n";

/// What a connection was answered, what was logged, whether it was granted, and whether it ended.
#[derive(Debug, Default, PartialEq, Eq)]
struct Run {
    answered: String,
    refused: Vec<String>,
    is_granted: bool,
    has_ended: bool,
}

fn run_in_pieces<'a>(policy: &Arc<WebPolicy>, pieces: impl Iterator<Item = &'a [u8]>) -> Run {
    let mut tools = Tools::default();
    tools.now = NOW;
    let (mut web, mut run) = (Web::new(Arc::clone(policy), ADDRESS), Run::default());
    for piece in pieces {
        if run.has_ended || run.is_granted {
            break;
        }
        let outcome = web.receive(&mut piece.to_vec(), &mut tools, &mut |news| match news {
            News::Refused(words) => run.refused.push(words.to_owned()),
            News::Upgraded(_) => run.is_granted = true,
            other => panic!("nothing was granted yet: {other:?}"),
        });
        run.has_ended = outcome.is_err();
        assert!(outcome.is_ok() || outcome == Err(Ended::Guest));
    }
    assert!(!web.claim().is_some_and(Claim::is_waiting), "there is room for one");
    run.answered = String::from_utf8(web.out.rest().to_vec()).expect("answers are text");
    run
}

fn run(input: &str) -> Run {
    let policy = Arc::default();
    let whole = run_in_pieces(&policy, [input.as_bytes()].into_iter());
    for size in [1, 7] {
        assert_eq!(run_in_pieces(&policy, input.as_bytes().chunks(size)), whole, "cut every {size} bytes");
    }
    whole
}

fn refused(status: &str, connection: &str, version: &str) -> String {
    let body = status.split_once(' ').expect("a status has words").1;
    let len = body.len() + 1;
    format!(
        "HTTP/{version} {status}\r\nContent-Type: text/plain; charset=utf-8\r\nSec-Websocket-Version: 13\r\n\
         X-Content-Type-Options: nosniff\r\n{DATE}Content-Length: {len}\r\n{connection}\r\n{body}\n"
    )
}

#[test]
fn who_is_refused_is_told_so_and_may_ask_again() {
    let (bad, not_allowed) = ("400 Bad Request", "405 Method Not Allowed");
    let close = "Connection: close\r\n";
    for (input, answered, has_ended) in [
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", refused(bad, "", "1.1"), false),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
            refused(not_allowed, "", "1.1"),
            false,
        ),
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", refused(bad, close, "1.1"), true),
        ("GET / HTTP/1.0\r\n\r\n", refused(bad, "", "1.0"), true),
        (
            "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            refused(bad, "Connection: keep-alive\r\n", "1.0"),
            false,
        ),
        ("CONNECT / HTTP/1.1\r\nHost: h\r\n\r\n", refused(not_allowed, close, "1.1"), true),
        ("OPTIONS / HTTP/1.1\r\nHost: h\r\n\r\n", refused(not_allowed, "", "1.1"), false),
        ("GET /mqtt HTTP/1.1\r\nHost: h\r\n\r\n", refused("404 Not Found", "", "1.1"), false),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n",
            refused(not_allowed, close, "1.1"),
            true,
        ),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
            refused(not_allowed, close, "1.1"),
            true,
        ),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n", String::new(), false),
        (
            "GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /x HTTP/1.1\r\nHost: h\r\n\r\n",
            [refused(bad, "", "1.1"), refused(bad, "", "1.1")].concat(),
            false,
        ),
    ] {
        let run = run(input);
        assert_eq!((run.answered, run.has_ended, run.is_granted), (answered, has_ended, false), "{input}");
    }
    let head = run("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n").answered;
    assert_eq!(format!("{head}Method Not Allowed\n"), refused(not_allowed, "", "1.1"));
}

#[test]
fn the_server_behind_is_gos() {
    let plain = "Content-Type: text/plain; charset=utf-8\r\n";
    for (input, answered, has_ended) in [
        (
            "GET //a HTTP/1.1\r\nHost: h\r\n\r\n",
            format!(
                "HTTP/1.1 307 Temporary Redirect\r\nContent-Type: text/html; charset=utf-8\r\nLocation: /a\r\n{DATE}\
                 Content-Length: 38\r\n\r\n<a href=\"/a\">Temporary Redirect</a>.\n\n"
            ),
            false,
        ),
        (
            "POST /a/../b?x=1 HTTP/1.1\r\nHost: h\r\n\r\n",
            format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: /b?x=1\r\n{DATE}Content-Length: 0\r\n\r\n"),
            false,
        ),
        (
            "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n",
            format!(
                "HTTP/1.1 404 Not Found\r\n{plain}X-Content-Type-Options: nosniff\r\n{DATE}Content-Length: 19\r\n\
                 Connection: close\r\n\r\n404 page not found\n"
            ),
            true,
        ),
        (
            "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
            format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{DATE}\r\n"),
            false,
        ),
        (
            "GET * HTTP/1.1\r\nHost: h\r\n\r\n",
            format!("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n{DATE}Content-Length: 0\r\n\r\n"),
            true,
        ),
        (
            "GET / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n",
            format!(
                "HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\n{DATE}Content-Length: 0\r\n\r\n"
            ),
            true,
        ),
        (
            "GET / HTTP/1.1\r\n\r\n",
            format!(
                "HTTP/1.1 400 Bad Request: missing required Host header\r\n{plain}Connection: close\r\n\r\n\
                 400 Bad Request: missing required Host header"
            ),
            true,
        ),
        (
            "garbage\r\n\r\n",
            format!("HTTP/1.1 400 Bad Request\r\n{plain}Connection: close\r\n\r\n400 Bad Request"),
            true,
        ),
    ] {
        let run = run(input);
        assert_eq!((run.answered, run.has_ended), (answered, has_ended), "{input}");
        assert!(run.refused.is_empty(), "nobody logs that");
    }
}

#[test]
fn who_asks_rightly_is_granted_it() {
    let accepted = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: C/0nmHhBztSRGR1CwL6Tf4ZjwpY=\r\n\r\n";
    for first in
        ["GET / HTTP/1.1\r\nHost: h\r\n", "GET / HTTP/1.0\r\nHost: h\r\n", "GET http://x/ HTTP/1.0\r\n"]
    {
        let run = run(&format!("{first}{UPGRADE}\r\n"));
        assert!(run.is_granted && !run.has_ended && run.answered == accepted, "{first}: {run:?}");
    }
    let again = run(&format!("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n{UPGRADE}\r\n"));
    assert_eq!(again.answered, [refused("400 Bad Request", "", "1.1"), accepted.to_owned()].concat());
    assert_eq!(again.refused, ["invalid value for header 'Upgrade'"]);

    let leaf = run(&format!("GET /leafnode HTTP/1.1\r\nHost: h\r\n{UPGRADE}\r\n"));
    assert!(leaf.has_ended && !leaf.is_granted && leaf.answered == accepted);
}

#[test]
fn who_goes_on_before_it_was_granted_is_cut_off_unanswered() {
    let input = format!("GET / HTTP/1.1\r\nHost: h\r\n{UPGRADE}\r\nx");
    let run = run_in_pieces(&Arc::default(), [input.as_bytes()].into_iter());
    assert!(run.has_ended && !run.is_granted && run.answered.is_empty(), "{run:?}");
    assert_eq!(run.refused, ["client sent data before handshake is complete"]);
}

#[test]
fn requests_have_bounds() {
    let begun = "GET / HTTP/1.1\r\nHost: h\r\n";
    let mut large = begun.to_owned();
    (0..5).for_each(|_| large.push_str(&format!("Cookie: {}\r\n", "x".repeat(8 << 10))));
    let run_large = run(&large);
    assert!(run_large.has_ended && run_large.answered.starts_with("HTTP/1.1 431 "), "{run_large:?}");
    // What nobody asked for is not kept, up to the length of a head.
    let mut long = begun.to_owned();
    (0..90).for_each(|_| long.push_str(&format!("X: {}\r\n", "x".repeat(8 << 10))));
    let run_long = run_in_pieces(&Arc::default(), [long.as_bytes()].into_iter());
    assert!(!run_long.has_ended);
    let endless = format!("{long}{}", &long[begun.len()..]);
    let run_endless = run_in_pieces(&Arc::default(), endless.as_bytes().chunks(4096));
    assert!(run_endless.has_ended && run_endless.answered.starts_with("HTTP/1.1 431 "));
}

/// An address that asks for too much leaves others served.
#[test]
fn requests_have_bounds_by_address() {
    let mut tools = Tools::default();
    let begun = "GET / HTTP/1.1\r\nHost: h\r\n";
    let kept = format!("{begun}Cookie: {}\r\n", "x".repeat(16 << 10));
    let mut ask = |address: IpAddr, text: &str| {
        let mut web = Web::new(Arc::default(), address);
        let outcome = web.receive(&mut text.to_owned().into_bytes(), &mut tools, &mut |_| ());
        outcome.is_ok().then_some(web)
    };
    let webs: Vec<Web> = (0..2_000).map_while(|_| ask(ADDRESS, &kept)).collect();
    assert!((50..80).contains(&webs.len()), "{}", webs.len());
    assert!(ask(ADDRESS, begun).is_some(), "a short one has room");
    assert!(ask([10, 0, 0, 1].into(), &kept).is_some(), "and others have");
}
