//! What a client sees on the wire, on one shard, with time as an argument. The expected texts are
//! nats-server's.

mod shards;

use std::time::Duration;

use conns::CloseReason;
use fabric::ShardId;
use shards::{Conn, Shards};

fn one() -> Shards {
    Shards::new(1)
}

/// The server has let the connection go, and said this last.
fn assert_closed(shards: &mut Shards, conn: Conn, last_words: &str) {
    assert_eq!(shards.output(conn), last_words);
    assert!(shards.is_closed(conn));
    assert!(!shards.brokers[0].wants_input(conn.id));
}

// Greeting and CONNECT.

#[test]
fn info_greets_and_comes_again_after_the_first_pong() {
    let mut shards = one();
    let conn = shards.accept();
    let greeting = shards.output(conn);
    assert!(greeting.starts_with("INFO {\"server_id\":\"NTEST\","), "{greeting}");
    assert!(greeting.contains("\"client_id\":1,\"client_ip\":\"127.0.0.1\""), "{greeting}");
    assert!(greeting.ends_with("} \r\n"), "{greeting}");
    assert!(!greeting.contains("connect_info"));

    let second = shards.say(conn, "CONNECT {\"verbose\":false,\"protocol\":1}\r\nPING\r\n");
    assert!(second.starts_with("PONG\r\nINFO {"), "{second}");
    assert!(second.contains("\"connect_info\":true,\"remote_account\":\"$G\""), "{second}");
    assert_eq!(shards.say(conn, "PING\r\n"), "PONG\r\n");
}

#[test]
fn an_old_client_gets_no_second_info() {
    let mut shards = one();
    let conn = shards.connect(r#""verbose":false,"protocol":0"#);
    assert_eq!(shards.say(conn, "PING\r\n"), "PONG\r\n");
}

#[test]
fn a_client_without_connect_is_verbose_and_pedantic() {
    let mut shards = one();
    let conn = shards.accept();
    shards.output(conn);
    assert_eq!(shards.say(conn, "SUB a 1\r\nPING\r\n"), "+OK\r\nPONG\r\n");
    assert_eq!(shards.say(conn, "PUB a.* 0\r\n\r\n"), "-ERR 'Invalid Publish Subject'\r\n+OK\r\n");
}

#[test]
fn connect_that_asks_for_the_impossible_is_refused() {
    let cases = [
        (r#"{"protocol":2}"#, "-ERR 'invalid client protocol'\r\n"),
        (r#"{"no_responders":true,"headers":false}"#, "-ERR 'no responders requires headers support'\r\n"),
        (r#"{"account":"A"}"#, "-ERR 'Authorization Violation'\r\n"),
        (r#"{"#, ""),
    ];
    for (json, last_words) in cases {
        let mut shards = one();
        let conn = shards.accept();
        shards.output(conn);
        shards.feed(conn, &format!("CONNECT {json}\r\nPING\r\n"));
        assert_closed(&mut shards, conn, last_words);
    }
}

#[test]
fn a_second_connect_drops_the_subscriptions() {
    let mut shards = one();
    let conn = shards.quiet();
    let text = "SUB a 1\r\nCONNECT {\"verbose\":false,\"pedantic\":false}\r\nPUB a 0\r\n\r\nPING\r\n";
    assert_eq!(shards.say(conn, text), "PONG\r\n");
}

// SUB, UNSUB, delivery.

#[test]
fn a_sid_in_use_keeps_its_subscription() {
    let mut shards = one();
    let conn = shards.connect(r#""verbose":true,"pedantic":false"#);
    assert_eq!(shards.say(conn, "SUB a 1\r\nSUB b 1\r\n"), "+OK\r\n+OK\r\n");
    assert_eq!(shards.say(conn, "PUB b 0\r\n\r\n"), "+OK\r\n");
    assert_eq!(shards.say(conn, "PUB a 0\r\n\r\n"), "+OK\r\nMSG a 1 0\r\n\r\n");
}

#[test]
fn verbose_acknowledges_each_verb_before_its_messages() {
    let mut shards = one();
    let conn = shards.accept();
    shards.output(conn);
    let text = concat!(
        "CONNECT {\"headers\":true,\"pedantic\":false}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\n",
        "HPUB a 12 14\r\nNATS/1.0\r\n\r\nho\r\nUNSUB 1\r\nPING\r\nPONG\r\n",
    );
    assert_eq!(
        shards.say(conn, text),
        concat!(
            "+OK\r\n+OK\r\n+OK\r\nMSG a 1 2\r\nhi\r\n",
            "+OK\r\nHMSG a 1 12 14\r\nNATS/1.0\r\n\r\nho\r\n+OK\r\nPONG\r\n",
        )
    );
}

#[test]
fn an_invalid_subject_is_refused_without_closing() {
    let mut shards = one();
    let conn = shards.connect(r#""verbose":true,"pedantic":false"#);
    for subject in ["a..b", ".a", "a.", "a.>.b"] {
        assert_eq!(shards.say(conn, &format!("SUB {subject} 1\r\n")), "-ERR 'Invalid Subject'\r\n");
    }
    assert_eq!(shards.say(conn, "SUB a.fo*.b>c 1\r\n"), "+OK\r\n");
}

#[test]
fn pedantic_says_so_and_publishes_all_the_same() {
    let mut shards = one();
    let conn = shards.connect(r#""verbose":false,"pedantic":true"#);
    let text = "SUB > 1\r\nPUB a..b 1\r\nx\r\n";
    let expected = "-ERR 'Invalid Publish Subject'\r\n";
    assert!(shards.say(conn, text).starts_with(expected));
    let text = "SUB a.* 2\r\nPUB a.* 1\r\nx\r\n";
    assert_eq!(
        shards.say(conn, text),
        "-ERR 'Invalid Publish Subject'\r\nMSG a.* 1 1\r\nx\r\nMSG a.* 2 1\r\nx\r\n"
    );
}

#[test]
fn a_client_gets_its_own_messages_unless_it_said_no() {
    let mut shards = one();
    let loud = shards.quiet();
    let deaf = shards.connect(r#""verbose":false,"pedantic":false,"echo":false"#);
    shards.feed(loud, "SUB a 1\r\n");
    shards.feed(deaf, "SUB a 1\r\nSUB a q 2\r\n");
    assert_eq!(shards.say(deaf, "PUB a 1\r\nx\r\nPING\r\n"), "PONG\r\n");
    assert_eq!(shards.output(loud), "MSG a 1 1\r\nx\r\n");
    assert_eq!(shards.say(loud, "PUB a 1\r\ny\r\n"), "MSG a 1 1\r\ny\r\n");
    assert_eq!(shards.output(deaf), "MSG a 1 1\r\ny\r\nMSG a 2 1\r\ny\r\n");
}

#[test]
fn queue_members_share_and_plain_subscriptions_do_not() {
    let mut shards = one();
    let conn = shards.quiet();
    shards.feed(conn, "SUB a q 1\r\nSUB a q 2\r\nSUB * q 3\r\nSUB a r 4\r\nSUB a 5\r\n");
    for _ in 0..20 {
        let got = shards.say(conn, "PUB a 0\r\n\r\n");
        assert_eq!(got.matches("MSG a").count(), 3, "{got}");
        assert_eq!(got.matches("MSG a 4 0").count(), 1);
        assert_eq!(got.matches("MSG a 5 0").count(), 1);
    }
}

#[test]
fn the_servers_own_queue_and_subjects_are_off_limits() {
    let mut shards = one();
    let conn = shards.quiet();
    assert_eq!(
        shards.say(conn, "SUB a _sys_ 1\r\n"),
        "-ERR 'Permissions Violation for Subscription to \"a\" using queue \"_sys_\"'\r\n"
    );
    assert_eq!(
        shards.say(conn, "PUB $NRG.x 0\r\n\r\n"),
        "-ERR 'Permissions Violation for Publish to \"$NRG.x\"'\r\n"
    );
    assert_eq!(
        shards.say(conn, "PUB a $JS.ACK.x 0\r\n\r\nPING\r\n"),
        "-ERR 'Permissions Violation for Publish with Reply of \"$JS.ACK.x\"'\r\nPONG\r\n"
    );
}

#[test]
fn a_subscription_ends_after_its_maximum() {
    let mut shards = one();
    let conn = shards.quiet();
    shards.feed(conn, "SUB a 1\r\nPUB a 1\r\n1\r\nUNSUB 1 3\r\n");
    let got = shards.say(conn, "PUB a 1\r\n2\r\nPUB a 1\r\n3\r\nPUB a 1\r\n4\r\nPING\r\n");
    assert_eq!(got, "MSG a 1 1\r\n1\r\nMSG a 1 1\r\n2\r\nMSG a 1 1\r\n3\r\nPONG\r\n");
    assert_eq!(shards.say(conn, "SUB b 1\r\nPUB b 0\r\n\r\n"), "MSG b 1 0\r\n\r\n", "the sid is free");
}

#[test]
fn a_maximum_that_is_reached_already_ends_it_at_once() {
    let mut shards = one();
    let conn = shards.quiet();
    shards.say(conn, "SUB a 1\r\nPUB a 0\r\n\r\nPUB a 0\r\n\r\nUNSUB 1 2\r\n");
    assert_eq!(shards.say(conn, "PUB a 0\r\n\r\nPING\r\n"), "PONG\r\n");
    assert_eq!(shards.say(conn, "UNSUB 9\r\nUNSUB 9 5\r\nPING\r\n"), "PONG\r\n", "unknown sids are no error");
}

#[test]
fn headers_are_stripped_for_clients_without() {
    let mut shards = one();
    let modern = shards.connect(r#""verbose":false,"pedantic":false,"headers":true"#);
    let plain = shards.quiet();
    shards.feed(plain, "SUB a 1\r\n");
    shards.feed(modern, "SUB a 1\r\nHPUB a r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
    assert_eq!(shards.output(modern), "HMSG a 1 r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
    assert_eq!(shards.output(plain), "MSG a 1 r 2\r\nhi\r\n");
    shards.feed(plain, "HPUB a 12 12\r\nNATS/1.0\r\n\r\n\r\n");
    assert_closed(&mut shards, plain, "");
}

#[test]
fn no_responders_answers_who_can_hear_it() {
    let mut shards = one();
    let options = r#""verbose":false,"pedantic":false,"headers":true,"no_responders":true"#;
    let asker = shards.connect(options);
    let other = shards.quiet();
    assert_eq!(shards.say(asker, "PUB req.1 in.1 0\r\n\r\n"), "", "it does not listen for the reply");
    assert_eq!(
        shards.say(asker, "SUB in.* 7\r\nPUB req.1 in.1 0\r\n\r\n"),
        "HMSG in.1 7 37 37\r\nNATS/1.0 503\r\nNats-Subject: req.1\r\n\r\n\r\n"
    );
    assert_eq!(shards.say(asker, "PUB req.1 0\r\n\r\n"), "", "no reply wanted");
    shards.feed(other, "SUB req.* q 1\r\n");
    assert_eq!(shards.say(asker, "PUB req.1 in.2 0\r\n\r\n"), "");
    assert_eq!(shards.output(other), "MSG req.1 1 in.2 0\r\n\r\n");
    shards.feed(other, "UNSUB 1\r\nSUB in.* 2\r\n");
    shards.feed(asker, "UNSUB 7\r\n");
    assert_eq!(shards.say(asker, "PUB req.1 in.3 0\r\n\r\n"), "", "a 503 is for the requester alone");
    assert_eq!(shards.output(other), "");
}

// Limits.

#[test]
fn too_large_a_payload_closes() {
    let mut shards = Shards::with(1, |settings| settings.options.limits.payload_bytes_max = 10);
    let conn = shards.quiet();
    shards.feed(conn, "PUB a 10\r\n0123456789\r\nPUB a 11\r\n");
    assert_closed(&mut shards, conn, "-ERR 'Maximum Payload Violation'\r\n");
}

#[test]
fn too_long_a_line_closes() {
    let mut shards = Shards::with(1, |settings| settings.options.limits.control_line_bytes_max = 20);
    let conn = shards.accept();
    shards.output(conn);
    shards.feed(conn, "SUB a.subject.of.more.than.twenty.bytes 1\r\n");
    assert_closed(&mut shards, conn, "-ERR 'maximum control line exceeded'\r\n");
}

#[test]
fn an_unknown_verb_closes_and_bad_arguments_close_without_a_word() {
    for (text, last_words) in [
        ("HELLO\r\n", "-ERR 'Unknown Protocol Operation'\r\n"),
        ("MSG a 1 0\r\n\r\n", "-ERR 'Unknown Protocol Operation'\r\n"),
        ("PUB a\r\n", ""),
        ("PUB a -1\r\n", ""),
        ("SUB\r\n", "-ERR 'Unknown Protocol Operation'\r\n"),
        ("SUB a\r\n", ""),
        ("PUB a 1\r\nxyz", "-ERR 'Unknown Protocol Operation'\r\n"),
        ("-ERR 'no'\r\n", ""),
    ] {
        let mut shards = one();
        let conn = shards.quiet();
        shards.feed(conn, text);
        shards.feed(conn, "PING\r\n");
        assert_closed(&mut shards, conn, last_words);
    }
}

#[test]
fn one_subscription_too_many_is_refused_without_closing() {
    let mut shards = Shards::with(1, |settings| settings.options.max_subscriptions = 2);
    let conn = shards.connect(r#""verbose":true,"pedantic":false"#);
    assert_eq!(
        shards.say(conn, "SUB a 1\r\nSUB a 2\r\nSUB a 3\r\nPING\r\n"),
        "+OK\r\n+OK\r\n-ERR 'maximum subscriptions exceeded'\r\nPONG\r\n"
    );
    assert_eq!(shards.say(conn, "UNSUB 1\r\nSUB a 3\r\n"), "+OK\r\n+OK\r\n");
}

#[test]
fn a_server_without_headers_takes_none_and_closes_who_needs_them() {
    let mut shards = Shards::with(1, |settings| settings.info.headers = false);
    let conn = shards.connect(r#""verbose":false,"pedantic":false,"headers":true"#);
    shards.feed(conn, "HPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
    assert_closed(&mut shards, conn, "");
    let picky = shards.accept();
    shards.output(picky);
    shards.feed(picky, "CONNECT {\"headers\":true,\"no_responders\":true}\r\n");
    assert_closed(&mut shards, picky, "-ERR 'no responders requires headers support'\r\n");
}

#[test]
fn one_connection_too_many_is_told_so_and_leaves_no_trace() {
    let mut shards = Shards::with(1, |settings| settings.options.max_connections = 1);
    let first = shards.quiet();
    let second = shards.accept();
    let last_words = shards.output(second);
    assert!(last_words.starts_with("INFO "), "{last_words}");
    assert!(last_words.ends_with("-ERR 'maximum connections exceeded'\r\n"), "{last_words}");
    assert!(shards.is_closed(second));

    shards.brokers[0].on_hangup(first.id, CloseReason::ClientClosed);
    assert!(shards.is_closed(first));
    let third = shards.quiet();
    assert_eq!(shards.say(third, "PING\r\n"), "PONG\r\n");
    assert_eq!(shards.brokers[0].connections(), 1);
}

// PING and PONG.

#[test]
fn the_first_ping_comes_about_two_seconds_after_connect() {
    let mut shards = one();
    let conn = shards.quiet();
    shards.pass(Duration::from_millis(1999));
    assert_eq!(shards.output(conn), "");
    shards.pass(Duration::from_millis(401));
    assert_eq!(shards.output(conn), "PING\r\n");
    shards.feed(conn, "PONG\r\n");
    shards.pass(Duration::from_secs(119));
    assert_eq!(shards.output(conn), "", "then each ping_interval");
}

#[test]
fn a_silent_client_is_asked_twice_and_then_given_up() {
    let mut shards = Shards::with(1, |settings| settings.options.ping_interval = Duration::from_secs(1));
    let conn = shards.quiet();
    shards.pass(Duration::from_millis(1200));
    assert_eq!(shards.output(conn), "PING\r\n");
    shards.pass(Duration::from_secs(1));
    assert_eq!(shards.output(conn), "PING\r\n");
    shards.pass(Duration::from_secs(1));
    assert_closed(&mut shards, conn, "-ERR 'Stale Connection'\r\n");
}

#[test]
fn an_answer_in_time_keeps_the_connection() {
    let mut shards = Shards::with(1, |settings| settings.options.ping_interval = Duration::from_secs(1));
    let conn = shards.quiet();
    for _ in 0..10 {
        shards.pass(Duration::from_millis(1200));
        if !shards.output(conn).is_empty() {
            shards.feed(conn, "PONG\r\n");
        }
    }
    assert!(!shards.is_closed(conn));
}

// Input that waits, and the end.

#[test]
fn held_input_goes_on_in_order() {
    let mut shards = Shards::new(2);
    let (conn, other) = (shards.quiet(), shards.quiet());
    assert_eq!(shards.say(conn, "SUB a 1\r\nPUB a 1\r\n1\r\nPING\r\n"), "");
    assert_eq!(shards.say(conn, "PUB a 1\r\n2\r\nPI"), "");
    assert_eq!(shards.say(conn, "NG\r\n"), "");
    shards.settle();
    assert_eq!(shards.output(conn), "MSG a 1 1\r\n1\r\nPONG\r\nMSG a 1 1\r\n2\r\nPONG\r\n");
    assert!(shards.brokers[0].wants_input(conn.id));
    shards.feed(other, "PUB a 1\r\n3\r\n");
    shards.settle();
    assert_eq!(shards.output(conn), "MSG a 1 1\r\n3\r\n");
}

#[test]
fn a_held_client_is_read_from_only_so_far() {
    let mut shards = Shards::new(2);
    let (conn, _other) = (shards.quiet(), shards.quiet());
    shards.feed(conn, "SUB a 1\r\nPING\r\n");
    let (pings, mut fed) = ("PING\r\n".repeat(1000), 1);
    while shards.brokers[0].wants_input(conn.id) {
        shards.feed(conn, &pings);
        fed += 1000;
        assert!(fed < 100_000, "a held client's input must be bounded");
    }
    shards.settle();
    assert!(shards.brokers[0].wants_input(conn.id));
    assert_eq!(shards.output(conn), "PONG\r\n".repeat(fed));
}

#[test]
fn a_verbose_ok_waits_for_the_other_shards() {
    let mut shards = Shards::new(2);
    let conn = shards.connect(r#""verbose":true,"pedantic":false"#);
    let _other = shards.quiet();
    assert_eq!(shards.say(conn, "SUB a 1\r\nUNSUB 1\r\nPING\r\n"), "");
    shards.settle();
    assert_eq!(shards.output(conn), "+OK\r\n+OK\r\nPONG\r\n");
}

#[test]
fn a_shard_without_connections_is_not_waited_for() {
    let mut shards = Shards::new(2);
    let conn = shards.quiet();
    assert_eq!(shards.say(conn, "SUB a 1\r\nPING\r\n"), "PONG\r\n");
    assert!(shards.brokers[0].take_batch(ShardId(1)).is_none(), "nobody there needs to be woken");

    let other = shards.quiet();
    shards.feed(other, "PUB a 1\r\n1\r\n");
    shards.settle();
    assert_eq!(shards.output(conn), "MSG a 1 1\r\n1\r\n", "its first client came behind what was to tell");
    assert_eq!(shards.say(conn, "SUB b 2\r\nPING\r\n"), "", "that client may publish");
    shards.settle();
    assert_eq!(shards.output(conn), "PONG\r\n");

    assert_eq!(shards.say(conn, "SUB c 3\r\nPING\r\n"), "");
    shards.brokers[1].on_hangup(other.id, CloseReason::ClientClosed);
    shards.output(other);
    shards.settle();
    assert_eq!(shards.output(conn), "PONG\r\n");
    assert_eq!(shards.say(conn, "SUB d 4\r\nPING\r\n"), "PONG\r\n", "nobody is there any more");
}

#[test]
fn a_sid_can_be_used_again_while_its_unsub_is_under_way() {
    let mut shards = Shards::new(2);
    let (conn, other) = (shards.quiet(), shards.quiet());
    shards.feed(conn, "SUB a 1\r\n");
    shards.settle();
    shards.feed(conn, "UNSUB 1\r\nSUB b 1\r\nPING\r\n");
    shards.feed(other, "PUB a 1\r\n1\r\n");
    shards.settle();
    assert_eq!(shards.output(conn), "MSG a 1 1\r\n1\r\nPONG\r\n", "sent before the UNSUB was known");
    shards.feed(other, "PUB a 1\r\n2\r\nPUB b 1\r\n3\r\n");
    shards.settle();
    assert_eq!(shards.output(conn), "MSG b 1 1\r\n3\r\n");
}

#[test]
fn any_cut_of_the_input_gives_the_same_output() {
    let text = "SUB a 1\r\nPUB a r 5\r\nhello\r\nPING\r\nUNSUB 1 1\r\nPUB a 1\r\nx\r\nPING\r\n";
    let expected = one_reply(&[text]);
    for cut in 1..text.len() {
        assert_eq!(one_reply(&[&text[..cut], &text[cut..]]), expected, "cut at {cut}");
    }
    let bytes: Vec<&str> = (0..text.len()).map(|at| &text[at..=at]).collect();
    assert_eq!(one_reply(&bytes), expected);
}

fn one_reply(pieces: &[&str]) -> String {
    let mut shards = one();
    let conn = shards.quiet();
    pieces.iter().map(|piece| shards.say(conn, piece)).collect()
}

#[test]
fn shutdown_lets_output_leave_and_closes_everyone() {
    let mut shards = one();
    let (reader, publisher) = (shards.quiet(), shards.quiet());
    shards.feed(reader, "SUB a 1\r\n");
    shards.feed(publisher, "PUB a 1\r\nx\r\n");
    shards.brokers[0].on_shutdown();
    assert_closed(&mut shards, reader, "MSG a 1 1\r\nx\r\n");
    assert_closed(&mut shards, publisher, "");
    assert_eq!(shards.brokers[0].connections(), 0);
}
