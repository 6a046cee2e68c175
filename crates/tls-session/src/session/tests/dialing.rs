//! Sessions of ours on both sides.

use super::*;
use crate::connector::Connector;

/// What a server brings along: its own certificate, and whom it trusts.
fn brings(own: KeyPair, trusted: &Authority, policy: Policy) -> Config {
    Config { roots: Roots::Pem(trusted.pem()), policy, ..config([own]) }
}

/// Both, once neither has anything more to say, and what became of each.
fn meet(dialer: &Config, dialed: &Config, name: &str) -> [(Session, Result<(), SessionError>); 2] {
    let acceptor = Acceptor::new(dialed).unwrap();
    let mut here = Session::dialing(&Connector::new(dialer).unwrap(), name).unwrap();
    let mut there = Session::new(&acceptor);
    let (mut outcome, mut other) = (here.receive(&mut [], |_| ()), Ok(()));
    while !here.outgoing().is_empty() || !there.outgoing().is_empty() {
        let (mut to, mut from) = (here.outgoing().to_vec(), there.outgoing().to_vec());
        here.on_sent(to.len());
        there.on_sent(from.len());
        other = other.and(there.receive(&mut to, |_| ()));
        outcome = outcome.and(here.receive(&mut from, |_| ()));
    }
    [(here, outcome), (there, other)]
}

fn verifying(insecure: bool) -> Policy {
    Policy { verify: true, insecure, ..Policy::default() }
}

#[test]
fn two_servers_that_trust_one_authority_hear_each_other() {
    let authority = Authority::new();
    let [a, b] = ["a.example", "b.example"].map(|host| authority.sign(&params(host)));
    let [a, b] = [a, b].map(|own| brings(own, &authority, verifying(false)));
    let [(mut here, outcome), (mut there, other)] = meet(&a, &b, "b.example");
    assert_eq!((outcome, other), (Ok(()), Ok(())));
    let subject = |session: &Session| session.secured().unwrap().certificates[0].subject.to_string();
    assert_eq!((&*subject(&here), &*subject(&there)), ("CN=b.example", "CN=a.example"));
    let mut sealed = Sealed::default();
    for (from, to) in [(0, 1), (1, 0)] {
        let sessions = [&mut here, &mut there];
        let [one, other] = sessions;
        let (from, to) = if from < to { (one, other) } else { (other, one) };
        assert_eq!(from.seal([&b"PING\r\n"[..]].into_iter(), &mut sealed), Ok(6));
        let mut heard = Vec::new();
        to.receive(&mut sealed.bytes().to_vec(), |bytes| heard.extend_from_slice(bytes)).unwrap();
        assert_eq!(heard, b"PING\r\n");
    }
}

#[test]
fn who_was_dialed_has_to_be_who_it_should_be() {
    let [authority, stranger] = [Authority::new(), Authority::named("stranger")];
    let own = || authority.sign(&params("a.example"));
    let refusal = |trusted: &Authority, insecure, name: &str| {
        let dialer = brings(own(), trusted, verifying(insecure));
        let [(_, outcome), (_, other)] = meet(&dialer, &brings(own(), &authority, Policy::default()), name);
        let text = outcome.err().map(|error| error.to_string());
        let alert = other.err().map(|error| error.to_string());
        assert!(alert.is_none_or(|alert| alert == "remote error: tls: bad certificate"));
        text.map(|text| text.split(" (CN=").next().unwrap_or_default().to_owned())
    };
    let unverified = |words: &str| Some(format!("tls: failed to verify certificate: x509: {words}"));
    assert_eq!(refusal(&authority, false, "a.example"), None);
    assert_eq!(refusal(&stranger, false, "a.example"), unverified("certificate signed by unknown authority"));
    for trusted in [&authority, &stranger] {
        assert_eq!(
            refusal(trusted, false, "b.example"),
            unverified("certificate is valid for a.example, not b.example")
        );
        assert_eq!(
            refusal(trusted, false, "127.0.0.1"),
            unverified("cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs")
        );
        assert_eq!(refusal(trusted, true, "b.example"), None);
    }
    let dialer = Connector::new(&brings(own(), &authority, verifying(false))).unwrap();
    assert!(Session::dialing(&dialer, "no name").is_none());
}

#[test]
fn who_was_dialed_and_says_something_else_is_known_for_it() {
    let authority = Authority::new();
    let own = authority.sign(&params("a.example"));
    let connector = Connector::new(&brings(own, &authority, verifying(false))).unwrap();
    let mut session = Session::dialing(&connector, "a.example").unwrap();
    session.receive(&mut [], |_| ()).unwrap();
    let mut info = b"INFO {}\r\n".to_vec();
    assert_eq!(session.receive(&mut info, |_| ()), Err(SessionError::NotTls));
}
