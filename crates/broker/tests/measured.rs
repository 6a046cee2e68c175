//! Services that say how long they take, as it is told. What is told is what nats-server 2.14.5 tells.

mod shards;
mod users;

use std::sync::Arc;
use std::time::Duration;

use broker::ServiceLatency;
use nats_auth::{
    AccountConfig, Config, Export, ExportKind, Import, ImportKind, Latency, Sampling, ServiceTerms,
};
use shards::{Conn, Shards};
use users::{account, login, shards, user};

const THRESHOLD: Duration = Duration::from_secs(2);

fn export(subject: &str, sampling: Option<Sampling>) -> Export {
    let told = |sampling| Arc::new(Latency { sampling, subject: format!("lat.{subject}") });
    let latency = sampling.map(told);
    let terms = ServiceTerms { threshold: Some(THRESHOLD), latency, ..ServiceTerms::default() };
    let kind = ExportKind::Service(terms);
    Export { subject: subject.into(), accounts: Vec::new(), account_token_position: 0, kind }
}

fn import(account: &str, subject: &str, to: &str, share: bool) -> Import {
    let kind = ImportKind::Service { to: to.into(), share };
    Import { account: account.into(), subject: subject.into(), kind }
}

/// A has services, B imports them, and C what B exports of that: it is measured in B alone.
fn config() -> Config {
    let all = Some(Sampling::Percent(100));
    let a = AccountConfig {
        exports: vec![export("q", all), export("h", Some(Sampling::Headers)), export("p", None)],
        ..account("A", &[user("a", "x")])
    };
    let imports = ["q", "h", "p"].map(|subject| import("A", subject, subject, false));
    let b = AccountConfig {
        imports: imports.to_vec(),
        exports: vec![export("p", all)],
        ..account("B", &[user("b", "x")])
    };
    let c = AccountConfig { imports: vec![import("B", "p", "p", true)], ..account("C", &[user("c", "x")]) };
    Config { accounts: vec![a, b, c], ..Config::default() }
}

/// Somebody of each account, in the order of their shards.
fn all(count: usize) -> (Shards, [Conn; 3]) {
    let mut shards = shards(count, &config());
    let [a, b, c] = ["a", "b", "c"].map(|name| login(&mut shards, name));
    shards.feed(a, "SUB q 1\r\nSUB h 2\r\nSUB p 3\r\n");
    shards.feed(b, "SUB inbox.> 1\r\n");
    shards.feed(c, "SUB inbox.> 1\r\n");
    shards.settle();
    (shards, [a, b, c])
}

fn say(shards: &mut Shards, conn: Conn, text: &str) -> String {
    shards.feed(conn, text);
    shards.settle();
    shards.output(conn)
}

/// Responds to the only request.
fn respond(shards: &mut Shards, a: Conn) {
    let asked = shards.output(a);
    let reply = asked.split([' ', '\r']).find(|word| word.starts_with("_R_."));
    let reply = reply.unwrap_or_else(|| panic!("no reply in {asked}")).to_owned();
    say(shards, a, &format!("PUB {reply} 3\r\nyes\r\n"));
}

/// What is told of the only request that is measured.
fn told(shards: &mut Shards) -> ServiceLatency {
    let mut told = all_told(shards);
    assert_eq!(told.len(), 1, "{told:?}");
    told.remove(0)
}

fn all_told(shards: &mut Shards) -> Vec<ServiceLatency> {
    let told = shards
        .brokers
        .iter_mut()
        .flat_map(|broker| std::iter::from_fn(|| broker.take_service_latency()).collect::<Vec<_>>());
    told.collect()
}

fn text(json: &[u8]) -> String {
    String::from_utf8(json.to_vec()).unwrap()
}

#[test]
fn a_response_is_told_with_who_asked_and_who_responded() {
    for count in [1, 2, 4] {
        let (mut shards, [a, b, _]) = all(count);
        say(&mut shards, b, "PUB q inbox.1 2\r\nhi\r\n");
        shards.pass(Duration::from_millis(5));
        respond(&mut shards, a);
        assert!(shards.output(b).ends_with("\r\nyes\r\n"));
        let told = told(&mut shards);
        assert_eq!((told.status, told.description, &*told.subject), (200, "", &b"lat.q"[..]));
        let (requestor, responder) = (text(&told.requestor), text(&told.responder));
        assert!(requestor.starts_with(r#"{"acc":"B","rtt":"#), "{requestor}");
        assert!(responder.contains(r#""id":"#) && responder.contains(r#""acc":"A","user":"a""#));
        assert!(told.header.is_empty() && told.total >= Duration::from_millis(5));
        assert!(told.service + told.system <= told.total, "{told:?}");
        respond_again(&mut shards, a, b);
    }
}

/// There is one response, and it is told of once.
fn respond_again(shards: &mut Shards, a: Conn, b: Conn) {
    say(shards, b, "PUB q inbox.1 2\r\nhi\r\n");
    let asked = shards.output(a);
    let reply = asked.split([' ', '\r']).find(|word| word.starts_with("_R_.")).unwrap();
    say(shards, a, &format!("PUB {reply} 1\r\n1\r\nPUB {reply} 1\r\n2\r\n"));
    assert_eq!(told(shards).status, 200);
    assert_eq!(shards.output(b).matches("MSG").count(), 1);
}

#[test]
fn requests_without_a_response_are_told_with_the_reason() {
    for count in [1, 2, 4] {
        let (mut shards, [a, b, _]) = all(count);
        let failed = |shards: &mut Shards| {
            let told = told(shards);
            assert!(told.responder.is_empty() && told.total.is_zero());
            assert!(text(&told.requestor).starts_with(r#"{"acc":"B","rtt":"#));
            (told.status, told.description)
        };
        say(&mut shards, b, "PUB q 2\r\nhi\r\n");
        assert_eq!(failed(&mut shards), (400, "Bad Request"));
        say(&mut shards, b, "PUB q inbox.1 2\r\nhi\r\n");
        shards.pass(THRESHOLD);
        shards.settle();
        assert_eq!(failed(&mut shards), (504, "Service Timeout"));
        for [filter, reply] in [["one", "one"], ["some.*", "some.x"]] {
            say(&mut shards, b, &format!("SUB {filter} 7\r\nPUB q {reply} 2\r\nhi\r\n"));
            assert_eq!(all_told(&mut shards), []);
            say(&mut shards, b, "UNSUB 7\r\n");
            assert_eq!(failed(&mut shards), (408, "Request Timeout"));
        }
        shards.output(a);
        say(&mut shards, a, "UNSUB 1\r\n");
        say(&mut shards, b, "PUB q inbox.1 2\r\nhi\r\n");
        assert_eq!(failed(&mut shards), (503, "Service Unavailable"));
    }
}

/// Another one of the account still wants the response.
#[test]
fn a_response_that_somebody_wants_is_not_given_up() {
    let (mut shards, [a, b, _]) = all(2);
    let other = login(&mut shards, "b");
    say(&mut shards, other, "SUB inbox.1 1\r\n");
    say(&mut shards, b, "PUB q inbox.1 2\r\nhi\r\n");
    say(&mut shards, b, "UNSUB 1\r\n");
    assert_eq!(all_told(&mut shards), []);
    respond(&mut shards, a);
    assert_eq!((told(&mut shards).status, shards.output(other)), (200, "MSG inbox.1 1 3\r\nyes\r\n".into()));
}

#[test]
fn headers_say_which_requests_are_measured() {
    let (mut shards, [a, b, _]) = all(2);
    say(&mut shards, b, "PUB h inbox.1 2\r\nhi\r\n");
    respond(&mut shards, a);
    assert_eq!(all_told(&mut shards), []);
    let headers = "NATS/1.0\r\ntraceparent: 00-4b-00-01\r\n\r\n";
    let (len, all) = (headers.len(), headers.len() + 2);
    say(&mut shards, b, &format!("HPUB h inbox.1 {len} {all}\r\n{headers}hi\r\n"));
    respond(&mut shards, a);
    assert_eq!(text(&told(&mut shards).header), r#"{"Traceparent":["00-4b-00-01"]}"#);
}

/// The service of A says nothing of it, but B does of what it exports of that.
#[test]
fn who_responded_is_known_behind_borders_that_do_not_measure() {
    for count in [1, 2, 4] {
        let (mut shards, [a, b, c]) = all(count);
        say(&mut shards, c, "PUB p inbox.1 2\r\nhi\r\n");
        respond(&mut shards, a);
        let told = told(&mut shards);
        assert!(text(&told.responder).contains(r#""acc":"A","user":"a""#), "{told:?}");
        assert!(text(&told.requestor).contains(r#""acc":"C","user":"c""#), "the import shares it");
        assert!(shards.output(c).ends_with("\r\nyes\r\n") && shards.output(b).is_empty());
    }
}

/// What waits to be told has room for so much; the rest is counted.
#[test]
fn no_more_waits_than_there_is_room_for() {
    let (mut shards, [_, b, _]) = all(1);
    for _ in 0..1030 {
        say(&mut shards, b, "PUB q 2\r\nhi\r\n");
    }
    assert_eq!(all_told(&mut shards).len(), 1024);
    assert_eq!(shards.brokers[0].totals().untold_events, 6);
}
