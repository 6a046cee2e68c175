//! Connections from their first byte on, against clients in the clear and clients of rustls', all in memory.

use std::io::{Read, Write};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion, version};
use tls_session::{Curve, HandshakeFirst, Policy, TLS_TIMEOUT};

use super::*;
use crate::handshake::HELD_BYTES_MAX;
use crate::testing::acceptor;

const DELAY: Duration = Duration::from_millis(50);
const NEVER: HandshakeFirst = HandshakeFirst::Never;
const ALWAYS: HandshakeFirst = HandshakeFirst::Always;
const WAIT: HandshakeFirst = HandshakeFirst::Wait(DELAY);

fn policy(handshake_first: HandshakeFirst, allow_non_tls: bool) -> Policy {
    // A small key share keeps what the client sends first short.
    let curves = Curve::all().find(|curve| curve.as_str() == "X25519").map(|curve| vec![curve]);
    Policy { handshake_first, allow_non_tls, curves, ..Policy::default() }
}

/// What the protocol heard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Heard {
    /// In order, a word for each; what was said is apart.
    words: Vec<&'static str>,
    said: Vec<u8>,
}

impl Heard {
    fn hear(&mut self, news: News<'_>) {
        self.words.push(match news {
            News::Greet => "greet",
            News::Securing => "securing",
            News::Clear => "clear",
            News::Secured { first: false, .. } => "secured",
            News::Secured { first: true, .. } => "secured first",
            News::Refused(_) | News::Upgraded(_) => panic!("there is no WebSocket"),
            News::Said(bytes) | News::Frames { bytes, .. } => return self.said.extend_from_slice(bytes),
        });
    }
}

/// A connection, as its shell and its protocol see it.
struct Server {
    transport: Transport,
    heard: Heard,
    now: u64,
    ended: Option<Ended>,
}

impl Server {
    fn new(acceptor: &Arc<Acceptor>) -> Self {
        let mut heard = Heard::default();
        let transport = Transport::new(Arc::clone(acceptor), 0, |news| heard.hear(news)).unwrap();
        Self { transport, heard, now: 0, ended: None }
    }

    fn note(&mut self, outcome: Result<(), Ended>) {
        self.ended = self.ended.take().or(outcome.err());
    }

    fn receive(&mut self, bytes: &[u8]) {
        let mut input = bytes.to_vec();
        let outcome =
            self.transport.receive(self.now, &mut input, &mut Tools::default(), |news| self.heard.hear(news));
        self.note(outcome);
    }

    fn done(&mut self, done: HandshakeDone) {
        let outcome = self.transport.on_done(
            done,
            self.now,
            &mut Tools::default(),
            |_, _| false,
            |news| self.heard.hear(news),
        );
        self.note(outcome);
    }

    /// Does the step there is, if there is one.
    fn work_on(&mut self) {
        if let Some(step) = self.transport.take_step(self.now) {
            self.done(step.run().expect("it is awaited"));
        }
    }

    /// The same. Returns what the client is sent.
    fn work(&mut self) -> Vec<u8> {
        self.work_on();
        let outgoing = self.transport.outgoing().to_vec();
        assert_eq!(self.transport.on_sent(outgoing.len()), 0, "no output was sealed");
        outgoing
    }

    fn wait(&mut self, time: Duration) {
        self.now += time.as_nanos() as u64;
        let outcome = self.transport.on_deadline(self.now, |news| self.heard.hear(news));
        self.note(outcome);
    }

    fn seal(&mut self, output: &[u8]) -> Vec<u8> {
        let mut sealed = Sealed::default();
        assert_eq!(self.transport.seal([output].into_iter(), &mut sealed), Ok(output.len()));
        assert_eq!(self.transport.keep(&[], output.len()), output.len());
        sealed.bytes().to_vec()
    }
}

struct Client(ClientConnection);

impl Client {
    fn new(certificate: &[u8], versions: &[&'static SupportedProtocolVersion]) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(certificate)).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap())
    }

    fn sends(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.0.wants_write() {
            self.0.write_tls(&mut bytes).unwrap();
        }
        bytes
    }

    /// Returns what it was told.
    fn receive(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        while !bytes.is_empty() {
            self.0.read_tls(&mut bytes).unwrap();
            self.0.process_new_packets().unwrap();
        }
        let mut told = Vec::new();
        let _ = self.0.reader().read_to_end(&mut told);
        told
    }

    /// What it says, as it sends it.
    fn says(&mut self, words: &[u8]) -> Vec<u8> {
        self.0.writer().write_all(words).unwrap();
        self.sends()
    }
}

/// A handshake in which `cut` says how what the client sends arrives. What the client says first comes right behind
/// the end of its handshake.
fn shake(acceptor: &Arc<Acceptor>, client: &mut Client, mut cut: impl FnMut(&mut Server, &[u8])) -> Server {
    let mut server = Server::new(acceptor);
    let mut has_spoken = false;
    loop {
        let mut bytes = client.sends();
        if !client.0.is_handshaking() && !has_spoken {
            has_spoken = true;
            bytes.extend(client.says(b"PING\r\n"));
        }
        if bytes.is_empty() {
            return server;
        }
        cut(&mut server, &bytes);
        let reply = server.work();
        client.receive(&reply);
    }
}

const SECURED: [&str; 2] = ["securing", "secured"];

// First bytes.

#[test]
fn what_a_connection_is_by_its_first_byte() {
    let tls = ["securing"].as_slice();
    // Policy, then what is heard when the client says nothing, begins with a handshake, or with words.
    let table = [
        (policy(NEVER, false), tls, tls, tls),
        (policy(NEVER, true), &[], tls, &["clear"]),
        (policy(ALWAYS, false), tls, tls, tls),
        (policy(ALWAYS, true), tls, tls, tls),
        (policy(WAIT, false), &[], tls, tls),
        (policy(WAIT, true), &[], tls, tls),
    ];
    for (policy, nothing, handshake, words) in table {
        let (acceptor, _) = acceptor(policy.clone());
        assert_eq!(Server::new(&acceptor).heard.words, nothing, "{policy:?}");
        for (bytes, heard) in [(&b"\x16\x03\x01"[..], handshake), (b"CONNECT {}\r\n", words), (b"G", words)] {
            let mut server = Server::new(&acceptor);
            server.receive(bytes);
            assert_eq!(server.heard.words, heard, "{policy:?} {bytes:?}");
            let is_clear = heard == ["clear"];
            assert_eq!(server.heard.said, if is_clear { bytes } else { b"" });
            assert_eq!((server.transport.is_clear(), server.transport.is_opening()), (is_clear, false));
        }
    }
}

#[test]
fn words_where_tls_has_to_be_are_told_from_a_handshake_that_fails() {
    let (acceptor, _) = acceptor(policy(NEVER, false));
    let mut server = Server::new(&acceptor);
    server.receive(b"CONNECT {}\r\nPING\r\n");
    assert!(server.work().is_empty(), "they would not understand");
    let ended = server.ended.expect("there is no handshake");
    assert_eq!(ended, Ended::Handshake(SessionError::NotTls.into()));
    assert_eq!(server.transport.next_deadline(), None);
    assert!(server.heard.said.is_empty());
}

// Handshakes.

#[test]
fn a_handshake_cut_in_two_anywhere_is_the_same() {
    for versions in [[&version::TLS12], [&version::TLS13]] {
        let (acceptor, certificate) = acceptor(policy(NEVER, false));
        let mut at = 0;
        loop {
            let mut is_cut = false;
            let mut client = Client::new(&certificate, &versions);
            let mut server = shake(&acceptor, &mut client, |server, bytes| {
                let (start, rest) = bytes.split_at(at.min(bytes.len()));
                is_cut |= !rest.is_empty();
                server.receive(start);
                server.work_on();
                server.receive(rest);
            });
            assert_eq!((&server.heard.words[..], &server.heard.said[..]), (&SECURED[..], &b"PING\r\n"[..]));
            assert_eq!((server.ended.take(), server.transport.next_deadline()), (None, None));
            let sealed = server.seal(b"PONG\r\n");
            assert_eq!(client.receive(&sealed), b"PONG\r\n");
            if !is_cut {
                break;
            }
            at += 1;
        }
    }
}

#[test]
fn a_handshake_that_comes_byte_by_byte_step_by_step_is_the_same() {
    for versions in [[&version::TLS12], [&version::TLS13]] {
        let (acceptor, certificate) = acceptor(policy(ALWAYS, false));
        let mut client = Client::new(&certificate, &versions);
        let server = shake(&acceptor, &mut client, |server, bytes| {
            for byte in bytes {
                server.receive(&[*byte]);
                server.work_on();
            }
        });
        assert_eq!(
            (&server.heard.words[..], &server.heard.said[..]),
            (&["securing", "secured first"][..], &b"PING\r\n"[..])
        );
        assert_eq!(server.ended, None);
    }
}

#[test]
fn what_comes_while_a_step_is_elsewhere_waits_and_is_bounded() {
    let (acceptor, certificate) = acceptor(policy(NEVER, false));
    let mut client = Client::new(&certificate, &[&version::TLS13]);
    let mut server = Server::new(&acceptor);
    server.receive(&client.sends());
    let step = server.transport.take_step(0).expect("there is something to be done");
    assert!(server.transport.take_step(0).is_none(), "one at a time");
    server.receive(&[0; HELD_BYTES_MAX - 1]);
    assert!(server.transport.wants_input());
    server.receive(&[0]);
    assert!(!server.transport.wants_input());
    assert_eq!(server.transport.output(), Output::Withheld);
    drop(step);
}

#[test]
fn a_step_whose_connection_is_gone_is_not_done() {
    let (acceptor, _) = acceptor(policy(NEVER, false));
    let mut server = Server::new(&acceptor);
    server.receive(b"\x16\x03\x01");
    let step = server.transport.take_step(0).unwrap();
    drop(server);
    assert!(step.run().is_none());
}

// Patience.

#[test]
fn who_may_begin_with_tls_and_does_not_is_greeted_after_a_while() {
    for (allow_non_tls, then) in [(false, ["greet", "securing"].as_slice()), (true, &["greet"])] {
        let (acceptor, _) = acceptor(policy(WAIT, allow_non_tls));
        let mut server = Server::new(&acceptor);
        assert_eq!(server.transport.next_deadline(), Some(DELAY.as_nanos() as u64));
        server.wait(DELAY - Duration::from_nanos(1));
        assert_eq!(server.heard, Heard::default());
        server.wait(Duration::from_nanos(1));
        assert_eq!(server.heard.words, then);
        let rest = (DELAY + TLS_TIMEOUT).as_nanos() as u64;
        assert_eq!(server.transport.next_deadline(), Some(rest), "its time begins anew");
        server.wait(TLS_TIMEOUT);
        if allow_non_tls {
            assert_eq!((server.heard.words.last(), server.ended), (Some(&"clear"), None));
        } else {
            assert_eq!(server.ended, Some(Ended::Handshake(HandshakeError::Timeout)));
        }
    }
}

#[test]
fn who_has_to_begin_with_tls_has_its_time_for_it() {
    for first in [NEVER, ALWAYS] {
        let (acceptor, _) = acceptor(policy(first, false));
        let mut server = Server::new(&acceptor);
        // To begin does not prolong it.
        server.receive(b"\x16\x03\x01");
        assert!(server.work().is_empty());
        server.wait(TLS_TIMEOUT - Duration::from_nanos(1));
        assert_eq!(server.ended, None);
        server.wait(Duration::from_nanos(1));
        assert_eq!(server.ended, Some(Ended::Handshake(HandshakeError::Timeout)));
        assert_eq!(server.transport.next_deadline(), None);
    }
}

#[test]
fn time_stands_still_while_a_client_waits_for_us() {
    let (acceptor, _) = acceptor(policy(NEVER, false));
    let mut server = Server::new(&acceptor);
    server.receive(b"\x16\x03\x01");
    let step = server.transport.take_step(0).unwrap();
    assert_eq!(server.transport.next_deadline(), None);
    server.wait(10 * TLS_TIMEOUT);
    assert_eq!(server.ended, None);
    server.done(step.run().unwrap());
    assert_eq!(server.transport.next_deadline(), Some((11 * TLS_TIMEOUT).as_nanos() as u64));
}

#[test]
fn time_runs_on_for_a_client_that_has_left() {
    let (acceptor, _) = acceptor(policy(NEVER, false));
    let mut server = Server::new(&acceptor);
    server.receive(b"\x16\x03\x01");
    let step = server.transport.take_step(0).unwrap();
    assert_eq!(server.transport.on_hangup(Hangup::Closed), Ok(()));
    assert_eq!(server.transport.next_deadline(), Some(TLS_TIMEOUT.as_nanos() as u64));
    server.done(step.run().unwrap());
    assert_eq!(server.ended, Some(Ended::Handshake(HandshakeError::UnexpectedEof)));
}

// Ends.

/// The log had both: that it failed, and that the client left.
#[test]
fn a_handshake_that_fails_behind_its_client_ends_once() {
    let (acceptor, _) = acceptor(policy(NEVER, false));
    let mut server = Server::new(&acceptor);
    server.receive(b"CONNECT {}\r\n");
    let step = server.transport.take_step(0).unwrap();
    assert_eq!(server.transport.on_hangup(Hangup::Closed), Ok(()));
    server.done(step.run().unwrap());
    assert_eq!(server.ended, Some(Ended::Handshake(SessionError::NotTls.into())));
    assert_eq!(server.transport.next_deadline(), None);
}

#[test]
fn what_a_client_said_before_it_left_still_counts() {
    let (acceptor, certificate) = acceptor(policy(NEVER, false));
    let mut client = Client::new(&certificate, &[&version::TLS13]);
    let mut server = Server::new(&acceptor);
    server.receive(&client.sends());
    client.receive(&server.work());
    let mut bytes = client.sends();
    bytes.extend(client.says(b"PUB a 0\r\n\r\n"));
    server.receive(&bytes);
    let step = server.transport.take_step(0).unwrap();
    assert_eq!(server.transport.on_hangup(Hangup::Closed), Ok(()));
    server.done(step.run().unwrap());
    assert_eq!((&server.heard.words[..], &server.heard.said[..]), (&SECURED[..], &b"PUB a 0\r\n\r\n"[..]));
    assert_eq!(server.ended, Some(Ended::Hangup(Hangup::Closed)));
}

#[test]
fn an_end_is_told_by_what_came_before() {
    use HandshakeError::{Eof, Reset, UnexpectedEof};
    let handshake = |error| Err(Ended::Handshake(error));
    let table = [
        (policy(NEVER, false), &b""[..], Hangup::Closed, handshake(Eof)),
        (policy(NEVER, false), b"", Hangup::Broken, handshake(Reset)),
        (policy(NEVER, false), b"\x16\x03", Hangup::Closed, handshake(UnexpectedEof)),
        (policy(WAIT, true), b"", Hangup::Closed, handshake(Eof)),
        (policy(NEVER, true), b"", Hangup::Closed, Err(Ended::Hangup(Hangup::Closed))),
    ];
    for (policy, bytes, hangup, outcome) in table {
        let mut server = Server::new(&acceptor(policy).0);
        server.receive(bytes);
        server.work();
        assert_eq!(server.transport.on_hangup(hangup), outcome);
        assert_eq!(server.transport.next_deadline(), None);
    }
}

#[test]
fn the_goodbye_goes_both_ways() {
    let (acceptor, certificate) = acceptor(policy(NEVER, false));
    let mut client = Client::new(&certificate, &[&version::TLS13]);
    let mut server = shake(&acceptor, &mut client, |server, bytes| server.receive(bytes));
    server.transport.close();
    let goodbye = server.transport.outgoing().to_vec();
    client.0.read_tls(&mut &goodbye[..]).unwrap();
    assert!(client.0.process_new_packets().unwrap().peer_has_closed());
    client.0.send_close_notify();
    server.receive(&client.sends());
    assert_eq!(server.ended, Some(Ended::Hangup(Hangup::Closed)));
}

#[test]
fn handshakes_beyond_the_rate_are_refused() {
    let (acceptor, _) = acceptor(Policy { rate_limit: Some(1), ..policy(NEVER, true) });
    let mut first = Server::new(&acceptor);
    let mut second = Server::new(&acceptor);
    first.receive(b"\x16");
    second.receive(b"\x16");
    assert_eq!((first.ended, second.ended), (None, Some(Ended::Throttled)));
    assert!(second.transport.is_clear() && second.heard.said.is_empty());
    let (acceptor, _) = acceptor_of_one_a_second();
    assert!(Transport::new(Arc::clone(&acceptor), 0, |_| ()).is_ok());
    assert_eq!(Transport::new(acceptor, 0, |_| ()).unwrap_err(), Ended::Throttled);
}

fn acceptor_of_one_a_second() -> (Arc<Acceptor>, Vec<u8>) {
    acceptor(Policy { rate_limit: Some(1), ..policy(NEVER, false) })
}

// Output.

#[test]
fn output_has_left_when_its_last_byte_has() {
    let (acceptor, certificate) = acceptor(policy(NEVER, false));
    let mut client = Client::new(&certificate, &[&version::TLS13]);
    let mut server = shake(&acceptor, &mut client, |server, bytes| server.receive(bytes));
    assert_eq!(server.transport.output(), Output::Sealed);
    let mut sealed = Sealed::default();
    let count = server.transport.seal([&b"MSG a 1 0\r\n"[..], b"\r\n"].into_iter(), &mut sealed).unwrap();
    assert_eq!(count, 13);
    let (taken, rest) = sealed.bytes().split_at(5);
    assert_eq!(server.transport.keep(rest, count), 0);
    assert_eq!(server.transport.outgoing(), rest);
    assert_eq!(server.transport.on_sent(rest.len() - 1), 0);
    assert_eq!(server.transport.on_sent(1), count);
    assert_eq!(client.receive(&[taken, rest].concat()), b"MSG a 1 0\r\n\r\n");
}

// The kernel.

#[test]
fn the_kernel_gets_a_connection_between_two_records_only() {
    let (acceptor, certificate) = acceptor(Policy { hand_over: true, ..policy(NEVER, false) });
    let mut client = Client::new(&certificate, &[&version::TLS13]);
    let mut server = Server::new(&acceptor);
    server.receive(&client.sends());
    client.receive(&server.work());
    server.receive(&client.sends());
    let done = server.transport.take_step(0).unwrap().run().unwrap();
    server.transport.on_done(done, 0, &mut Tools::default(), |_, _| true, |_| ()).unwrap();
    assert!(server.transport.is_for_kernel());
    assert!(!server.transport.stops_for_kernel(), "its tickets have not been sent");
    let tickets = server.transport.outgoing().len();
    server.transport.on_sent(tickets);
    let record = client.says(b"PING\r\n");
    server.receive(&record[..7]);
    assert!(!server.transport.stops_for_kernel() && server.transport.wants_input());
    server.receive(&record[7..]);
    assert!(server.transport.stops_for_kernel() && !server.transport.wants_input());
    assert!(server.transport.hand_over().is_ok());
    assert!(server.transport.is_in_kernel() && server.transport.wants_input());
    assert_eq!(server.transport.output(), Output::Plain);
    server.receive(b"PONG\r\n");
    assert_eq!(server.heard.said, b"PING\r\nPONG\r\n");
}
