//! Connections that are let go: in lame duck mode, or because they are too many.

mod shards;

use conns::CloseReason;
use shards::{Conn, Shards};

/// A client that may get an INFO at any time.
fn informed(shards: &mut Shards) -> Conn {
    let conn = shards.connect(r#""verbose":false,"protocol":1"#);
    assert!(shards.say(conn, "PING\r\n").starts_with("PONG\r\nINFO "));
    conn
}

#[test]
fn lame_duck_mode_is_told_to_those_who_may_be_told() {
    let mut shards = Shards::with(1, |settings| settings.info.connect_urls = vec!["here:4222".into()]);
    let told = informed(&mut shards);
    let before_its_pong = shards.connect(r#""verbose":false,"protocol":1"#);
    let old = shards.quiet();
    shards.say(old, "PING\r\n");
    assert_eq!(shards.brokers[0].on_lame_duck(0).count, 3);
    let info = shards.output(told);
    assert!(info.starts_with("INFO {") && info.contains(r#""ldm":true"#), "{info}");
    assert!(!info.contains("connect_urls") && !info.contains("connect_info"), "{info}");
    assert_eq!(shards.output(before_its_pong), "");
    assert_eq!(shards.output(old), "");
    // Nothing else changes.
    assert_eq!(shards.say(told, "SUB a 1\r\nPUB a 1\r\nx\r\n"), "MSG a 1 1\r\nx\r\n");
    let newcomer = shards.accept();
    assert!(!shards.output(newcomer).contains("ldm"));
}

#[test]
fn connections_go_a_few_at_a_time_until_there_are_none() {
    let mut shards = Shards::new(1);
    let conns: Vec<Conn> = (0..5).map(|_| shards.quiet()).collect();
    let mut left = conns.len();
    for closed in [2, 2, 1, 0] {
        assert_eq!(shards.brokers[0].shed(2, CloseReason::ServerShutdown), closed);
        left -= closed;
        let open = conns.iter().filter(|conn| !shards.is_closed(**conn)).count();
        assert_eq!(open, left);
    }
    for conn in conns {
        assert_eq!(shards.output(conn), "");
    }
}

#[test]
fn those_that_are_too_many_are_told_so() {
    let mut shards = Shards::new(1);
    let conns = [shards.quiet(), shards.quiet()];
    assert_eq!(shards.brokers[0].shed(1, CloseReason::MaxConnectionsExceeded), 1);
    let said = conns.map(|conn| shards.output(conn)).concat();
    assert_eq!(said, "-ERR 'maximum connections exceeded'\r\n");
    assert_eq!(shards.brokers[0].connections(), 1);
}

#[test]
fn where_nobody_is_nobody_goes() {
    let mut shards = Shards::new(1);
    assert_eq!(shards.brokers[0].on_lame_duck(0).count, 0);
    assert_eq!(shards.brokers[0].shed(10, CloseReason::ServerShutdown), 0);
}

#[test]
fn very_many_are_told_in_parts() {
    let mut shards = Shards::new(1);
    let conns: Vec<Conn> = (0..300).map(|_| informed(&mut shards)).collect();
    let (mut told, mut parts, mut from) = (0, 0, Some(0));
    while let Some(at) = from {
        let part = shards.brokers[0].on_lame_duck(at);
        (told, parts, from) = (told + part.count, parts + 1, part.next);
    }
    assert_eq!((told, parts), (300, 10));
    assert!(conns.iter().all(|conn| shards.output(*conn).contains(r#""ldm":true"#)));
}
