//! What a broker does about TLS: wait, greet, and remember.

mod shards;

use broker::{Greeting, Security};
use monitor::{ConnectionFilter, TlsFacts};
use shards::{Conn, Shards};

fn security(first: bool) -> Security {
    let tls = TlsFacts { version: "1.3".into(), cipher_suite: "TLS_X".into(), first, peer_certs: Vec::new() };
    Security { tls, peer: None }
}

fn secure(shards: &mut Shards, conn: Conn, first: bool) {
    let now = shards.now;
    shards.brokers[conn.shard].on_secured(now, conn.id, security(first));
}

#[test]
fn info_comes_before_the_handshake_or_after_it() {
    let mut shards = Shards::with(1, |settings| settings.info.tls_available = true);
    let before = shards.accept_with(Greeting::BeforeTls);
    assert!(shards.output(before).contains(r#""tls_available":true"#));
    secure(&mut shards, before, false);
    assert_eq!(shards.output(before), "");
    assert_eq!(shards.say(before, "CONNECT {\"verbose\":false}\r\nPING\r\n"), "PONG\r\n");

    let after = shards.accept_with(Greeting::AfterTls);
    assert_eq!(shards.output(after), "");
    secure(&mut shards, after, true);
    let info = shards.output(after);
    assert!(info.starts_with("INFO {") && info.contains(r#""tls_required":true"#), "{info}");
}

#[test]
fn who_does_not_begin_in_time_is_greeted_in_the_clear() {
    let mut shards = Shards::new(1);
    let conn = shards.accept_with(Greeting::AfterTls);
    shards.brokers[0].greet(conn.id);
    assert!(shards.output(conn).starts_with("INFO {"));
}

#[test]
fn monitoring_sees_what_was_agreed_on() {
    let mut shards = Shards::new(1);
    let conn = shards.accept_with(Greeting::BeforeTls);
    let facts = |shards: &mut Shards| {
        let page = shards.brokers[0].connection_page(0, &ConnectionFilter::default());
        page.rows[0].tls.clone()
    };
    assert_eq!(facts(&mut shards), None);
    secure(&mut shards, conn, false);
    assert_eq!(facts(&mut shards).as_deref(), Some(&security(false).tls));
}

#[test]
fn a_failed_handshake_says_nothing_and_a_refused_one_says_why() {
    let mut shards = Shards::new(1);
    let [failed, throttled] = [Greeting::BeforeTls; 2].map(|greeting| shards.accept_with(greeting));
    shards.output(failed);
    shards.output(throttled);
    shards.brokers[0].on_handshake_failed(failed.id, "EOF", false);
    assert_eq!(shards.output(failed), "");
    shards.brokers[0].on_throttled(throttled.id);
    assert_eq!(
        shards.output(throttled),
        "-ERR 'Connection throttling is active. Please try again later.'\r\n"
    );
    assert!(shards.is_closed(failed) && shards.is_closed(throttled));
}
