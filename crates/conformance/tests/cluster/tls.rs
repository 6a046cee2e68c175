//! Routes over TLS: ours with ours, and ours with nats-server, whoever dials.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use rcgen::CertificateParams;
use test_kit::ANSWER_DEADLINE;

use crate::certificates::Certificates;
use crate::kit::{eventually, ours};
use crate::node::{Kind, Node, Place, Setting};
use crate::{await_link, pairs, two_with};

/// A server, and another one that dials it, each with lines of its own in the block `cluster`.
fn two_of((dialer, dialed): &(Kind, Kind), of_dialer: &str, of_dialed: &str) -> (Node, Node) {
    let places = [Place::take("A"), Place::take("B")];
    let [a, b] = &places;
    let a = Node::start_with(dialed, a, &[], Setting { routes: of_dialed, ..Setting::default() });
    let b = Node::start_with(dialer, b, &[&a.place], Setting { routes: of_dialer, ..Setting::default() });
    (a, b)
}

fn await_line(node: &Node, words: &str) {
    eventually(words, || node.log().contains(words).then_some(()));
}

/// What Go says before why a certificate is not good: since 1.20, and before of who dials and of who was dialed.
const UNVERIFIED: [&str; 3] =
    ["tls: failed to verify certificate: ", "tls: failed to verify client certificate: ", ""];

/// A handshake fails on a certificate.
fn await_unverified(node: &Node, words: &str) {
    let lines = UNVERIFIED.map(|prefix| format!("TLS route handshake error: {prefix}x509: {words}"));
    eventually(words, || lines.iter().any(|line| node.log().contains(line)).then_some(()));
}

const UNKNOWN: &str = "certificate signed by unknown authority";

#[test]
fn messages_cross_routes_that_are_secured() {
    let certificates = Certificates::new();
    let block = certificates.block("verify: true");
    for pair in pairs() {
        let (a, b) = two_with(&pair, Setting { routes: &block, ..Setting::default() });
        for node in [&a, &b] {
            let cluster = &node.monitored_json("/varz")["cluster"];
            assert_eq!((&cluster["tls_required"], &cluster["tls_verify"]), (&true.into(), &true.into()));
            assert_eq!(cluster["tls_timeout"], 30);
            assert_eq!(node.monitored_json("/varz")["remotes"], 1);
        }
    }
}

#[test]
fn nothing_is_said_in_the_clear_where_routes_are_secured() {
    let certificates = Certificates::new();
    let block = certificates.block("");
    let setting = Setting { routes: &block, ..Setting::default() };
    let node = Node::start_with(&ours(1), &Place::take("A"), &[], setting);
    let at = (Ipv4Addr::LOCALHOST, node.place.route_port());
    let mut socket = TcpStream::connect(at).expect("it accepts");
    socket.set_read_timeout(Some(ANSWER_DEADLINE)).expect("a deadline");
    socket.write_all(b"CONNECT {}\r\nPING\r\n").expect("it reads");
    let mut said = Vec::new();
    // Whether it is reset does not matter.
    let _ = socket.read_to_end(&mut said);
    assert_eq!(String::from_utf8_lossy(&said), "");
    await_line(&node, "TLS route handshake error: tls: first record does not look like a TLS handshake");
}

#[test]
fn a_server_without_tls_does_not_come_in() {
    let certificates = Certificates::new();
    for pair in pairs() {
        let (a, b) = two_of(&pair, "", &certificates.block(""));
        await_line(&a, "TLS route handshake error: tls: first record does not look like a TLS handshake");
        assert_eq!(b.monitored_json("/routez")["num_routes"], 0);
    }
}

#[test]
fn who_is_vouched_for_by_somebody_else_is_left() {
    let [here, there] = [Certificates::new(), Certificates::new()];
    for pair in pairs() {
        let (a, b) = two_of(&pair, &there.block(""), &here.block(""));
        await_unverified(&b, UNKNOWN);
        await_line(&a, "TLS route handshake error: remote error: tls: bad certificate");
    }
}

#[test]
fn who_dials_shows_a_certificate_that_is_vouched_for() {
    let [here, there] = [Certificates::new(), Certificates::new()];
    for pair in pairs() {
        let (a, _b) = two_of(&pair, &there.block("insecure: true"), &here.block(""));
        await_unverified(&a, UNKNOWN);
    }
}

#[test]
fn a_certificate_is_for_who_was_dialed_unless_that_is_not_asked() {
    let certificates = Certificates::new();
    certificates.sign_as("other", &CertificateParams::new(["other.example".to_owned()]).expect("a name"));
    let of_dialed = certificates.block_of("other", "");
    for pair in pairs() {
        let (_a, b) = two_of(&pair, &certificates.block(""), &of_dialed);
        let words = "cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs";
        await_unverified(&b, words);
        let (a, b) = two_of(&pair, &certificates.block("insecure: true"), &of_dialed);
        await_link(&a, &b);
        await_line(&b, "hostname of solicited routes will not be verified. DO NOT USE IN PRODUCTION!");
    }
}
