//! Handshakes and data against a client of rustls', all in memory.

mod dialing;
mod handover;

use std::io::{Read, Write};
use std::sync::Arc;

use proptest::prelude::*;
use rcgen::{DnType, SanType};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{AlertDescription, ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};

use super::*;
use crate::config::{Config, KeyPair, Policy, Roots};
use crate::names::CIPHER_SUITES;
use crate::testing::{Authority, config, params};

static TLS12: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS12];
static TLS13: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS13];

/// What a client brings along.
struct Brings<'a> {
    authority: &'a Authority,
    host: &'static str,
    certificate: Option<KeyPair>,
    versions: &'static [&'static SupportedProtocolVersion],
    /// The only suite it knows; `None` is all.
    suite: Option<CipherSuite>,
}

impl<'a> Brings<'a> {
    fn nothing(authority: &'a Authority) -> Self {
        Self { authority, host: "a.example", certificate: None, versions: rustls::ALL_VERSIONS, suite: None }
    }

    fn client(&self) -> ClientConnection {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&self.authority.pem()).unwrap()).unwrap();
        let mut provider = rustls::crypto::aws_lc_rs::default_provider();
        let mut versions = self.versions;
        if let Some(suite) = self.suite {
            provider.cipher_suites = vec![suite.suite()];
            versions = if suite.is_tls13() { &TLS13 } else { &TLS12 };
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let config = match &self.certificate {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let chain = CertificateDer::pem_slice_iter(&pair.certificates).map(Result::unwrap).collect();
                let key = PrivateKeyDer::from_pem_slice(&pair.key).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        ClientConnection::new(Arc::new(config), ServerName::try_from(self.host).unwrap()).unwrap()
    }
}

/// The two sides, and what the server was told.
struct Pair {
    client: ClientConnection,
    session: Session,
    sealed: Sealed,
    heard: Vec<u8>,
    client_heard: Vec<u8>,
    /// The client heard the server's goodbye.
    ended_cleanly: bool,
}

impl Pair {
    fn new(client: ClientConnection, acceptor: &Acceptor) -> Self {
        Self {
            client,
            session: Session::new(acceptor),
            sealed: Sealed::default(),
            heard: Vec::new(),
            client_heard: Vec::new(),
            ended_cleanly: false,
        }
    }

    /// Takes what the client has for the server, `cut` bytes at a time.
    fn take_to_server(&mut self, cut: usize) -> Result<usize, SessionError> {
        let mut wire = Vec::new();
        while self.client.wants_write() {
            self.client.write_tls(&mut wire).unwrap();
        }
        for piece in wire.chunks_mut(cut) {
            self.session.receive(piece, |bytes| self.heard.extend_from_slice(bytes))?;
        }
        Ok(wire.len())
    }

    fn take_to_client(&mut self, wire: &[u8]) -> Result<(), rustls::Error> {
        let mut rest = wire;
        while !rest.is_empty() {
            self.client.read_tls(&mut rest).unwrap();
            self.client.process_new_packets()?;
            match self.client.reader().read_to_end(&mut self.client_heard) {
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => panic!("{error}"),
                outcome => self.ended_cleanly = outcome.is_ok(),
            }
        }
        Ok(())
    }

    /// Takes what waits for the client.
    fn deliver(&mut self) -> Result<usize, rustls::Error> {
        let wire = self.session.outgoing().to_vec();
        self.session.on_sent(wire.len());
        self.take_to_client(&wire)?;
        Ok(wire.len())
    }

    /// Goes on until nobody has anything to say.
    fn settle(&mut self, cut: usize) -> Result<(), SessionError> {
        loop {
            let moved = self.take_to_server(cut)?;
            if moved + self.deliver().unwrap() == 0 {
                return Ok(());
            }
        }
    }

    fn say(&mut self, mut text: &[u8]) {
        while !text.is_empty() {
            let pieces = text.chunks(1000);
            let taken = self.session.seal(pieces, &mut self.sealed).unwrap();
            let wire = self.sealed.bytes().to_vec();
            self.take_to_client(&wire).unwrap();
            text = &text[taken..];
        }
    }
}

fn verifying(authority: &Authority, pinned_certs: Vec<Pin>) -> Acceptor {
    let config = Config {
        roots: Roots::Pem(authority.pem()),
        policy: Policy { verify: true, pinned_certs, ..Policy::default() },
        ..config([authority.sign(&params("a.example"))])
    };
    Acceptor::new(&config).unwrap()
}

#[test]
fn a_session_moves_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<Session>();
}

#[test]
fn both_sides_hear_each_other_in_each_version() {
    let authority = Authority::new();
    let acceptor = Acceptor::new(&config([authority.sign(&params("a.example"))])).unwrap();
    for (offered, version) in [(&TLS12[..], Version::Tls12), (&TLS13, Version::Tls13)] {
        let client = Brings { versions: offered, ..Brings::nothing(&authority) }.client();
        let mut pair = Pair::new(client, &acceptor);
        assert_eq!(pair.session.secured(), None);
        pair.settle(usize::MAX).unwrap();
        let secured = pair.session.secured().unwrap();
        assert_eq!((secured.version, secured.certificates.len()), (version, 0));
        assert!(secured.cipher_suite.as_str().starts_with("TLS_"));
        pair.client.writer().write_all(b"PING\r\n").unwrap();
        pair.settle(usize::MAX).unwrap();
        assert_eq!(pair.heard, b"PING\r\n");
        pair.say(&[b'x'; 100_000]);
        assert_eq!(pair.client_heard, [b'x'; 100_000]);
        assert!(pair.session.incoming.capacity() == 0 && pair.session.outgoing.capacity() == 0);
    }
}

#[test]
fn what_a_full_socket_leaves_goes_before_the_rest() {
    let authority = Authority::new();
    let acceptor = Acceptor::new(&config([authority.sign(&params("a.example"))])).unwrap();
    let mut pair = Pair::new(Brings::nothing(&authority).client(), &acceptor);
    pair.settle(usize::MAX).unwrap();
    pair.session.seal([&b"hello"[..]].into_iter(), &mut pair.sealed).unwrap();
    let (sent, rest) = pair.sealed.bytes().split_at(7);
    let sent = sent.to_vec();
    pair.session.keep(rest);
    pair.take_to_client(&sent).unwrap();
    assert_eq!(pair.client_heard, b"");
    pair.deliver().unwrap();
    assert_eq!(pair.client_heard, b"hello");
}

#[test]
fn ends_are_told_both_ways() {
    let authority = Authority::new();
    let acceptor = Acceptor::new(&config([authority.sign(&params("a.example"))])).unwrap();
    let mut pair = Pair::new(Brings::nothing(&authority).client(), &acceptor);
    pair.settle(usize::MAX).unwrap();
    pair.client.send_close_notify();
    pair.settle(usize::MAX).unwrap();
    assert!(pair.session.is_closed());
    pair.say(b"still here");
    pair.session.close();
    pair.deliver().unwrap();
    assert!(pair.ended_cleanly);
    assert_eq!(pair.client_heard, b"still here");
    assert_eq!(pair.session.seal([&b"x"[..]].into_iter(), &mut pair.sealed), Err(SessionError::NotOpen));
}

#[test]
fn who_does_not_speak_tls_is_told_nothing() {
    let acceptor = Acceptor::new(&config([Authority::new().sign(&params("a.example"))])).unwrap();
    for garbage in ["CONNECT {}\r\n", "GET / HTTP/1.1\r\n\r\n", "\0\0\0\0\0\0\0\0"] {
        let mut session = Session::new(&acceptor);
        let mut bytes = garbage.as_bytes().to_vec();
        assert_eq!(session.receive(&mut bytes, |_| ()), Err(SessionError::NotTls), "{garbage:?}");
        assert!(session.outgoing().is_empty());
    }
}

#[test]
fn a_first_record_is_judged_by_its_header() {
    let acceptor = Acceptor::new(&config([Authority::new().sign(&params("a.example"))])).unwrap();
    for (record, error) in [
        (&b"\x17\x03\x03\x00\x04abcd"[..], SessionError::NotTls),
        (b"\x14\x03\x03\x00\x01\x01", SessionError::NotTls),
        (b"\x16\x03\x01\xff\xffxxxx", SessionError::Oversized(65535)),
    ] {
        let mut session = Session::new(&acceptor);
        assert_eq!(session.receive(&mut record.to_vec(), |_| ()), Err(error));
    }
}

#[test]
fn it_is_known_whether_a_record_is_whole() {
    let acceptor = Acceptor::new(&config([Authority::new().sign(&params("a.example"))])).unwrap();
    // The first eight bytes of a message that is longer.
    let record = b"\x16\x03\x01\x00\x08\x01\x00\x01\x00\x03\x03\x00\x00";
    for (bytes, is_part) in [(0, false), (1, true), (5, true), (12, true), (13, false)] {
        let mut session = Session::new(&acceptor);
        session.receive(&mut record[..bytes].to_vec(), |_| ()).unwrap();
        assert_eq!(session.has_part_of_record(), is_part, "{bytes}");
    }
}

#[test]
fn client_certificates_are_verified_and_read() {
    let authority = Authority::new();
    let acceptor = verifying(&authority, Vec::new());
    let mut wanted = params("c.example");
    wanted.distinguished_name.push(DnType::OrganizationName, "Acme");
    wanted.subject_alt_names.push(SanType::Rfc822Name("me@c.example".try_into().unwrap()));
    wanted.subject_alt_names.push(SanType::URI("spiffe://c.example/me".try_into().unwrap()));
    let certificate = Some(authority.sign(&wanted));
    let mut pair = Pair::new(Brings { certificate, ..Brings::nothing(&authority) }.client(), &acceptor);
    pair.settle(usize::MAX).unwrap();
    let secured = pair.session.secured().unwrap();
    let [first] = &secured.certificates[..] else { panic!("{secured:?}") };
    assert_eq!(first.subject.to_string(), "CN=c.example,O=Acme");
    assert_eq!(first.dns_names, ["c.example"]);
    assert_eq!(first.emails, ["me@c.example"]);
    assert_eq!(first.uris, ["spiffe://c.example/me"]);
}

/// What the log says of a client with this certificate, and what the client is told. Both are those of
/// nats-server 2.14.5.
fn refused(
    acceptor: &Acceptor,
    authority: &Authority,
    versions: &'static [&'static SupportedProtocolVersion],
    certificate: Option<&KeyPair>,
) -> (String, AlertDescription) {
    let certificate = certificate.cloned();
    let client = Brings { certificate, versions, ..Brings::nothing(authority) }.client();
    let mut pair = Pair::new(client, acceptor);
    let error = pair.settle(usize::MAX).unwrap_err();
    let told = pair.deliver().unwrap_err();
    assert!(pair.session.secured().is_none());
    let rustls::Error::AlertReceived(alert) = told else { panic!("{told:?}") };
    (error.to_string(), alert)
}

// All but the expired one came with other alerts, and none was named in the log.
#[test]
fn a_wrong_client_certificate_is_refused_and_named() {
    let (authority, namesake, stranger) = (Authority::new(), Authority::new(), Authority::named("other"));
    let acceptor = verifying(&authority, Vec::new());
    let mut old = params("c.example");
    old.not_after = rcgen::date_time_ymd(2001, 1, 1);
    let mut signer = params("c.example");
    signer.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let mut server = params("c.example");
    server.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let unknown = "certificate signed by unknown authority";
    let hint = " (possibly because of \"x509: ECDSA verification failure\" while trying to verify candidate \
                authority certificate \"authority\")";
    let expired =
        "certificate has expired or is not yet valid: current time NOW is after 2001-01-01T00:00:00Z";
    for (certificate, reason, alert) in [
        (namesake.sign(&params("c.example")), &*format!("{unknown}{hint}"), AlertDescription::UnknownCA),
        (stranger.sign(&params("c.example")), unknown, AlertDescription::UnknownCA),
        (stranger.sign(&signer), unknown, AlertDescription::UnknownCA),
        (authority.sign(&old), expired, AlertDescription::CertificateExpired),
        (
            authority.sign(&server),
            "certificate specifies an incompatible key usage",
            AlertDescription::BadCertificate,
        ),
        // The peer lets these in.
        (authority.sign(&signer), "certificate may sign others", AlertDescription::BadCertificate),
    ] {
        let der = CertificateDer::from_pem_slice(&certificate.certificates).unwrap();
        let sha256 = Certificate::read(&der).unwrap().sha256;
        for versions in [&TLS12[..], &TLS13] {
            let (line, told) = refused(&acceptor, &authority, versions, Some(&certificate));
            let line = match (line.split_once("current time "), line.split_once(" is after")) {
                (Some((front, _)), Some((_, behind))) => format!("{front}current time NOW is after{behind}"),
                _ => line,
            };
            let expected =
                format!("tls: failed to verify certificate: x509: {reason} (CN=c.example SHA-256: {sha256})");
            assert_eq!((line, told), (expected, alert));
        }
    }
}

#[test]
fn a_missing_client_certificate_is_told_in_the_words_of_the_version() {
    let authority = Authority::new();
    let acceptor = verifying(&authority, Vec::new());
    let line = || "tls: client didn't provide a certificate".to_owned();
    for (versions, alert) in
        [(&TLS12[..], AlertDescription::HandshakeFailure), (&TLS13, AlertDescription::CertificateRequired)]
    {
        assert_eq!(refused(&acceptor, &authority, versions, None), (line(), alert));
    }
}

#[test]
fn only_pinned_certificates_are_heard() {
    let authority = Authority::new();
    let certificate = authority.sign(&params("c.example"));
    let der = CertificateDer::from_pem_slice(&certificate.certificates).unwrap();
    let pin = Certificate::read(&der).unwrap().spki_sha256;
    for (pins, outcome) in [
        (vec![pin, Pin([0; 32])], Ok(())),
        (vec![Pin([0; 32])], Err(SessionError::NotPinned { key: Some(pin) })),
    ] {
        let acceptor = verifying(&authority, pins);
        let brings = Brings { certificate: Some(certificate.clone()), ..Brings::nothing(&authority) };
        let mut pair = Pair::new(brings.client(), &acceptor);
        // What is said along with the end of the handshake.
        pair.client.writer().write_all(b"CONNECT {}\r\n").unwrap();
        assert_eq!(pair.settle(usize::MAX), outcome);
        assert_eq!(pair.heard.is_empty(), outcome.is_err());
        pair.deliver().unwrap();
        assert_eq!(pair.ended_cleanly, outcome.is_err(), "who is not heard is told goodbye");
    }
}

#[test]
fn the_host_chooses_the_certificate() {
    let authority = Authority::new();
    let pairs = ["a.example", "b.example", "*.c.example"].map(|host| authority.sign(&params(host)));
    let acceptor = Acceptor::new(&config(pairs)).unwrap();
    for host in ["a.example", "b.example", "x.c.example"] {
        let client = Brings { host, ..Brings::nothing(&authority) }.client();
        Pair::new(client, &acceptor).settle(usize::MAX).unwrap();
    }
    // The first is for those whose host has none; this client minds.
    let client = Brings { host: "d.example", ..Brings::nothing(&authority) }.client();
    let mut pair = Pair::new(client, &acceptor);
    pair.take_to_server(usize::MAX).unwrap();
    assert!(matches!(pair.deliver(), Err(rustls::Error::InvalidCertificate(_))));
    let error = pair.settle(usize::MAX).unwrap_err().to_string();
    assert_eq!(error, "remote error: tls: bad certificate");
}

#[test]
fn versions_and_suites_are_what_was_asked_for() {
    let authority = Authority::new();
    let pair = |policy, versions| {
        let config = Config { policy, ..config([authority.sign(&params("a.example"))]) };
        let client = Brings { versions, ..Brings::nothing(&authority) }.client();
        let mut pair = Pair::new(client, &Acceptor::new(&config).unwrap());
        pair.settle(usize::MAX).map(|()| pair.session.secured().unwrap())
    };
    let suite: CipherSuite = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256".parse().unwrap();
    let policy = Policy { cipher_suites: Some(vec![suite]), ..Policy::default() };
    assert_eq!(pair(policy.clone(), &TLS12).unwrap().cipher_suite, suite);
    assert_eq!(pair(policy, rustls::ALL_VERSIONS).unwrap().version, Version::Tls13);

    let rsa_only = vec!["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".parse().unwrap()];
    let policy = Policy { cipher_suites: Some(rsa_only), ..Policy::default() };
    let error = pair(policy, &TLS12).unwrap_err().to_string();
    assert_eq!(error, "tls: no cipher suite supported by both client and server");

    let policy = Policy { min_version: Version::Tls13, ..Policy::default() };
    let error = pair(policy, &TLS12).unwrap_err().to_string();
    assert_eq!(error, "tls: client offered only unsupported versions");

    let policy = Policy { curves: Some(vec!["CurveP384".parse().unwrap()]), ..Policy::default() };
    assert!(pair(policy, rustls::ALL_VERSIONS).is_ok());
}

#[test]
fn who_comes_back_skips_the_certificate_unless_it_is_verified() {
    let authority = Authority::new();
    let certificate = Some(authority.sign(&params("c.example")));
    let brings = Brings { certificate, ..Brings::nothing(&authority) };
    let plain = Acceptor::new(&config([authority.sign(&params("a.example"))])).unwrap();
    let verifying = verifying(&authority, Vec::new());
    for (acceptor, resumes) in [(plain, true), (verifying, false)] {
        let first = brings.client();
        let mut pair = Pair::new(first, &acceptor);
        pair.settle(usize::MAX).unwrap();
        let tickets = pair.client.tls13_tickets_received();
        assert_eq!(tickets > 0, resumes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn the_cuts_of_the_wire_do_not_matter(
        cut in prop_oneof![1..30_usize, 30..40_000_usize],
        lens in prop::collection::vec(1..50_000_usize, 1..5),
    ) {
        let authority = Authority::new();
        let acceptor = Acceptor::new(&config([authority.sign(&params("a.example"))])).unwrap();
        let mut pair = Pair::new(Brings::nothing(&authority).client(), &acceptor);
        pair.client.set_buffer_limit(None);
        let mut said = Vec::new();
        for (index, len) in lens.into_iter().enumerate() {
            let piece = vec![index as u8; len];
            pair.client.writer().write_all(&piece).unwrap();
            said.extend_from_slice(&piece);
            pair.settle(cut).unwrap();
            prop_assert_eq!(pair.heard.len(), said.len());
            if index == 1 {
                pair.client.refresh_traffic_keys().unwrap();
            }
        }
        prop_assert_eq!(&pair.heard, &said);
        prop_assert!(pair.session.incoming.is_empty());
        pair.say(&said);
        prop_assert_eq!(&pair.client_heard, &said);
    }

    #[test]
    fn garbage_ends_a_session_and_nothing_is_heard(bytes in prop::collection::vec(any::<u8>(), 0..2000), cut in 1..500_usize) {
        let acceptor = Acceptor::new(&config([Authority::new().sign(&params("a.example"))])).unwrap();
        let mut session = Session::new(&acceptor);
        let mut bytes = bytes;
        for piece in bytes.chunks_mut(cut) {
            if session.receive(piece, |_| panic!("nobody was let in")).is_err() {
                break;
            }
        }
        prop_assert!(session.secured().is_none());
    }

    #[test]
    fn a_wire_that_lies_is_noticed(at in 0..4000_usize, flip in 1..=255_u8, cut in 1..3000_usize) {
        let authority = Authority::new();
        let acceptor = verifying(&authority, Vec::new());
        let certificate = Some(authority.sign(&params("c.example")));
        let brings = Brings { certificate, ..Brings::nothing(&authority) };
        let mut pair = Pair::new(brings.client(), &acceptor);
        pair.client.writer().write_all(&[b'x'; 1000]).unwrap();
        let mut passed = 0;
        loop {
            let mut wire = Vec::new();
            while pair.client.wants_write() {
                pair.client.write_tls(&mut wire).unwrap();
            }
            if let Some(byte) = at.checked_sub(passed).and_then(|at| wire.get_mut(at)) {
                *byte ^= flip;
            }
            passed += wire.len();
            let heard = &mut pair.heard;
            let received = wire
                .chunks_mut(cut)
                .try_for_each(|piece| pair.session.receive(piece, |bytes| heard.extend_from_slice(bytes)));
            // The client may not understand an answer that nobody asked for.
            let delivered = pair.deliver();
            if received.is_err() || delivered.is_err() || (wire.is_empty() && delivered == Ok(0)) {
                break;
            }
        }
        prop_assert!(pair.heard.iter().all(|byte| *byte == b'x'));
        prop_assert!(pair.heard.is_empty() || pair.session.secured);
    }
}
