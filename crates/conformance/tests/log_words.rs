//! What clients bring the server to log and to answer, line by line.
//!
//! The lines are nats-server 2.14.5's; all of this holds for it too
//! (`BUSTER_SERVER_BIN=nats-server BUSTER_PEER=1`). Rules that watch its log match them.

use std::time::Instant;

use test_kit::{ANSWER_DEADLINE, RawClient, Server, ServerOp, Setup, on_every_setup};

on_every_setup!(
    mistakes_are_shown_with_their_bytes,
    who_is_refused_is_told_with_what_it_showed,
    requests_that_are_turned_down_are_told,
    limits_are_told_but_not_to_every_one_of_a_crowd,
    a_reload_tells_what_it_took_away,
    texts_of_errors_are_quoted_as_in_go,
    a_lenient_reader_of_json_lets_clients_in,
    hashes_are_for_those_who_know_the_password,
    a_published_wildcard_is_mapped_by_what_covers_it,
    a_message_that_only_asks_for_a_trace_reaches_nobody,
);

const CONNECT: &str = r#"{"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"name":"x"}"#;

/// A client and the number that its lines in the log bear.
struct Client {
    wire: RawClient,
    mark: String,
}

impl Client {
    fn dial(server: &Server) -> Self {
        let mut wire = RawClient::dial(server.addr());
        let ServerOp::Info(info) = wire.next_op() else { panic!("no INFO") };
        let (_, behind) = info.split_once("\"client_id\":").expect("INFO says which client this is");
        let cid = behind.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        Self { wire, mark: format!(" - cid:{cid} - ") }
    }

    /// One that sent CONNECT and was answered.
    fn connect(server: &Server, options: &str) -> Self {
        let mut client = Self::dial(server);
        client.wire.send(format!("CONNECT {options}\r\nPING\r\n"));
        client.wire.read_to_pong();
        client
    }

    /// What the log says of the client, once there are so many lines.
    fn lines(&self, server: &Server, count: usize) -> Vec<String> {
        let last = server.log().wait_for_nth(&self.mark, count - 1, ANSWER_DEADLINE);
        assert!(last.is_some(), "{count} lines with {}:\n{}", self.mark, server.log().text());
        let log = server.log().text();
        let of_ours = log.lines().filter_map(|line| {
            let (front, text) = line.split_once(&self.mark)?;
            let level = front.rsplit_once('[')?.1.split_once(']')?.0;
            Some(format!("[{level}] {text}"))
        });
        of_ours.collect()
    }
}

/// What is said to a client that sends this right away, until it is closed, and logged of it.
fn refusal(server: &Server, said: &str) -> (String, Vec<String>) {
    let mut client = Client::dial(server);
    client.wire.send(said);
    let told = String::from_utf8(client.wire.read_to_close()).expect("what servers say is text");
    (told, client.lines(server, 1))
}

fn mistakes_are_shown_with_their_bytes(setup: Setup) {
    let server = Server::with(setup);
    let unknown = "-ERR 'Unknown Protocol Operation'\r\n";
    let long = format!("SUB {} 1\r\n", "x".repeat(5000));
    for (said, told, line) in [
        ("FOO\r\n", unknown, r#"Client parser ERROR, state=0, i=0: proto='"FOO\r"...'"#),
        (
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            unknown,
            r#"Client parser ERROR, state=0, i=0: proto='"GET / HTTP/1.1\r\nHost: x\r\n\r"...'"#,
        ),
        ("PUB a 2\r\nabcd\r\n", unknown, r#"Client parser ERROR, state=41, i=11: proto='"cd\r"...'"#),
        ("PUBX\r\n", unknown, r#"Client parser ERROR, state=31, i=3: proto='"X\r"...'"#),
        ("SUB 1\r\n", "", r#"processSub Parse Error: "1""#),
        ("PUB a b\r\n", "", r#"processPub Bad or Missing Size: "a b""#),
        ("PUB a\x1b[2J\r\n", "", r#"processPub Parse Error: "a\x1b[2J""#),
        ("UNSUB 1 2 3\r\n", "", r#"processUnsub Parse Error: "1 2 3""#),
        ("HPUB a 3 2\r\n", "", r#"processHeaderPub Header Size larger then TotalSize: "a 3 2""#),
        (
            "PUB a 1048577\r\n",
            "-ERR 'Maximum Payload Violation'\r\n",
            "maximum payload exceeded: 1048577 vs 1048576",
        ),
        (&long, "-ERR 'maximum control line exceeded'\r\n", "maximum control line exceeded"),
        ("-ERR 'x'\r\n", "", "Client Error 'x'"),
        ("INFO foo\r\n", "", "invalid character 'o' in literal false (expecting 'a')"),
        (
            "CONNECT {\"verbose\":\"x\"}\r\n",
            "",
            "json: cannot unmarshal string into Go struct field ClientOpts.verbose of type bool",
        ),
    ] {
        let mut client = Client::connect(&server, CONNECT);
        client.wire.send(said);
        assert_eq!(String::from_utf8_lossy(&client.wire.read_to_close()), told, "{said:?}");
        assert_eq!(client.lines(&server, 1), [format!(r#"[ERR] "x" - {line}"#)], "{said:?}");
    }
    let mut plain = Client::connect(&server, r#"{"verbose":false}"#);
    plain.wire.send("HPUB a 3 2\r\n");
    assert_eq!(plain.wire.read_to_close(), b"");
    assert_eq!(plain.lines(&server, 1), ["[ERR] message headers not supported"]);
}

fn who_is_refused_is_told_with_what_it_showed(setup: Setup) {
    let server = Server::configured(setup, "authorization { users: [ {user: a, password: a} ] }");
    let key = "UDPXDY67FKWMCXHDQ5HGYODLFTBWJIHHUDMIAJWPDICIS5UMMLM5KGDZ";
    for (said, who) in [
        ("PING".to_owned(), String::new()),
        ("CONNECT {}".to_owned(), String::new()),
        (r#"CONNECT {"user":"b","pass":"x"}"#.to_owned(), r#" - User "b""#.to_owned()),
        (r#"CONNECT {"user":"q\"\u001b"}"#.to_owned(), r#" - User "q\"\x1b""#.to_owned()),
        (r#"CONNECT {"auth_token":"t"}"#.to_owned(), r#" - Token "[REDACTED]""#.to_owned()),
        (format!(r#"CONNECT {{"nkey":"{key}","sig":"x"}}"#), format!(r#" - Nkey "{key}""#)),
        (r#"CONNECT {"user":"a","pass":"a","account":"A"}"#.to_owned(), r#" - User "a""#.to_owned()),
    ] {
        let (told, lines) = refusal(&server, &format!("{said}\r\n"));
        assert_eq!(told, "-ERR 'Authorization Violation'\r\n", "{said}");
        assert_eq!(lines, [format!("[ERR] authentication error{who}")], "{said}");
    }
    let credentials = r#""user":"a","pass":"a""#;
    for (asked, line) in [
        (r#""protocol":5"#, "invalid client protocol"),
        (r#""headers":false,"no_responders":true"#, "no responders requires headers support"),
    ] {
        let (told, lines) = refusal(&server, &format!("CONNECT {{{credentials},{asked}}}\r\n"));
        assert_eq!(told, format!("-ERR '{line}'\r\n"));
        assert_eq!(lines, [format!(r#"[ERR] "$G/user:a" - {line}"#)]);
    }
}

const RESTRICTED: &str = r#"authorization { users: [ {user: a, password: a, permissions: {
    publish: {deny: "p"}, subscribe: {allow: ["s.>", "t"], deny: ["s.d", "t v1"]} }} ] }"#;

fn requests_that_are_turned_down_are_told(setup: Setup) {
    let server = Server::configured(setup, RESTRICTED);
    let mut client = Client::connect(&server, r#"{"verbose":false,"pedantic":false,"user":"a","pass":"a"}"#);
    let violation = "Permissions Violation for";
    let asked = [
        (
            "PUB p 0\r\n\r\n",
            format!(r#"{violation} Publish to "p""#),
            Some(r#"Publish Violation - Subject "p""#),
        ),
        (
            "PUB x _R_.a 0\r\n\r\n",
            format!(r#"{violation} Publish with Reply of "_R_.a""#),
            Some(r#"Publish Violation - Reply "_R_.a""#),
        ),
        (
            "SUB s.d 7\r\n",
            format!(r#"{violation} Subscription to "s.d""#),
            Some(r#"Subscription Violation - Subject "s.d", SID 7"#),
        ),
        (
            "SUB t v1 8\r\n",
            format!(r#"{violation} Subscription to "t" using queue "v1""#),
            Some(r#"Subscription Violation - Subject "t", Queue: "v1", SID 8"#),
        ),
        // Within what is allowed, and still no filter.
        ("SUB s.>.x 9\r\n", "Invalid Subject".to_owned(), None),
    ];
    for (said, told, _) in &asked {
        client.wire.send(said);
        assert_eq!(client.wire.next_op(), ServerOp::Err(told.clone()), "{said:?}");
    }
    for said in
        ["PUB $GR.x 0\r\n\r\n", "PUB x _GR_. 0\r\n\r\n", "PUB x $JS.ACK. 0\r\n\r\n", "PUB _GR_. 0\r\n\r\n"]
    {
        client.wire.send(format!("{said}PING\r\n"));
        assert_eq!(client.wire.next_op(), ServerOp::Pong, "{said:?}");
    }
    let expected: Vec<String> = asked
        .iter()
        .filter_map(|(_, _, line)| Some(format!(r#"[ERR] "$G/user:a" - {}"#, (*line)?)))
        .collect();
    assert_eq!(client.lines(&server, expected.len()), expected);
}

/// Lines of so many events of a kind that may be there after so much time: one in a second, and one more.
fn few(since: Instant) -> usize {
    1 + since.elapsed().as_secs() as usize
}

fn limits_are_told_but_not_to_every_one_of_a_crowd(setup: Setup) {
    let limited = "accounts { A { users: [ {user: a, password: a} ], limits {max_subs: 1, max_conn: 1} } }";
    let server = Server::configured(setup, limited);
    let credentials = r#"{"verbose":false,"user":"a","pass":"a","name":"x"}"#;
    let mut client = Client::connect(&server, credentials);
    let since = Instant::now();
    let subs: String = (0..300).map(|sid| format!("SUB a{sid} {sid}\r\n")).collect();
    client.wire.send(format!("{subs}PING\r\n"));
    let mut refused = 0;
    while client.wire.next_op() == ServerOp::Err("maximum subscriptions exceeded".into()) {
        refused += 1;
    }
    assert_eq!(refused, 299);
    let lines = client.lines(&server, 1);
    assert_eq!(lines[0], r#"[ERR] "x" - "A/user:a" - maximum subscriptions exceeded"#);
    assert!(lines.len() <= few(since), "{lines:?}");

    let since = Instant::now();
    let text = "maximum account active connections exceeded";
    let mut crowd: Vec<Client> = (0..50).map(|_| Client::dial(&server)).collect();
    for client in &mut crowd {
        client.wire.send(format!("CONNECT {credentials}\r\n"));
    }
    for client in &mut crowd {
        assert_eq!(client.wire.read_to_close(), format!("-ERR '{text}'\r\n").into_bytes());
    }
    let first = server.log().wait_for(text, ANSWER_DEADLINE).expect("one of them is told of");
    assert!(first.ends_with(&format!(" - {text}")), "{first}");
    assert!(server.log().count(text) <= few(since), "{}", server.log().text());

    let server = Server::configured(setup, "max_connections: 2\n");
    let connected = [Client::connect(&server, CONNECT), Client::connect(&server, CONNECT)];
    let (told, lines) = refusal(&server, "");
    assert_eq!(told, "-ERR 'maximum connections exceeded'\r\n");
    assert_eq!(lines, ["[ERR] maximum connections exceeded"]);
    server.reloaded("max_connections: 1\n");
    let shed = "\"x\" - maximum connections exceeded - Account:$G";
    assert!(server.log().wait_for(shed, ANSWER_DEADLINE).is_some(), "{}", server.log().text());
    drop(connected);
}

fn a_reload_tells_what_it_took_away(setup: Setup) {
    let server = Server::configured(setup, "authorization { users: [ {user: a, password: a} ] }");
    let mut client = Client::connect(&server, r#"{"verbose":false,"user":"a","pass":"a","name":"x"}"#);
    client.wire.send("SUB foo 1\r\nSUB foo q 2\r\nPING\r\n");
    client.wire.read_to_pong();
    server.reloaded(
        "authorization { users: [ {user: a, password: a, permissions: {subscribe: {deny: foo}}} ] }",
    );
    for removed in [
        r#"[INF] Removed sub "foo" (sid "1") for User "a" - not authorized"#,
        r#"[INF] Removed sub "foo" using queue "q" (sid "2") for User "a" - not authorized"#,
    ] {
        let line = server.log().wait_for(removed, ANSWER_DEADLINE).expect("it is told");
        assert!(line.ends_with(removed), "{line}");
    }
    server.reloaded("authorization { users: [ {user: a, password: b} ] }");
    client.wire.read_to_close();
    assert_eq!(client.lines(&server, 1), [r#"[ERR] "x" - "$G/user:a" - authentication error - User "a""#]);
}

fn texts_of_errors_are_quoted_as_in_go(setup: Setup) {
    let server = Server::configured(
        setup,
        "authorization { users: [ {user: a, password: a, permissions: {publish: {allow: x}}} ] }",
    );
    let mut client = Client::connect(&server, r#"{"verbose":false,"pedantic":false,"user":"a","pass":"a"}"#);
    client.wire.send(b"PUB y\x1b\x7f\xff\xc2\x85\xe2\x80\x8be\xcc\x81\" 0\r\n\r\n");
    let shown = "y\\x1b\\x7f\\xff\\u0085\\u200be\u{301}\\\"";
    let told = format!("Permissions Violation for Publish to \"{shown}\"");
    assert_eq!(client.wire.next_op(), ServerOp::Err(told));
    let expected = format!("[ERR] \"$G/user:a\" - Publish Violation - Subject \"{shown}\"");
    assert_eq!(client.lines(&server, 1), [expected]);
}

// These were refused.
fn a_lenient_reader_of_json_lets_clients_in(setup: Setup) {
    let server = Server::with(setup);
    for options in [r#"{"verbose":false,"name":"a\ud83d"}"#, r#"{"verbose":false,"unknown":1e999}"#] {
        Client::connect(&server, options).wire.flush();
    }
}

fn hashes_are_for_those_who_know_the_password(setup: Setup) {
    let hash = "$2a$04$yAmX84x0KJv33.KmYLqoa.8kHK9XLZXnCgOs.FMATWeLNKoWjxV76";
    let config =
        format!("no_auth_user: u\nauthorization {{ users: [ {{user: u, password: \"{hash} and more\"}} ] }}");
    let server = Server::configured(setup, &config);
    for said in ["CONNECT {}\r\n", "PING\r\n"] {
        let (told, lines) = refusal(&server, said);
        assert_eq!(told, "-ERR 'Authorization Violation'\r\n", "{said:?}");
        assert_eq!(lines, [r#"[ERR] authentication error - User "u""#], "{said:?}");
    }
    Client::connect(&server, r#"{"verbose":false,"user":"u","pass":"pw"}"#).wire.flush();
}

fn a_published_wildcard_is_mapped_by_what_covers_it(setup: Setup) {
    let server = Server::configured(setup, "mappings { \"x.*\": \"y.$1\" }");
    let mut client = Client::connect(&server, CONNECT);
    client.wire.subscribe(">", 1);
    for (to, gets) in [("x.>", "x.>"), ("x.*", "y.*"), ("x.a", "y.a"), ("x.a.b", "x.a.b")] {
        client.wire.publish(to, "");
        assert_eq!(client.wire.next_message().subject, gets);
    }
}

fn a_message_that_only_asks_for_a_trace_reaches_nobody(setup: Setup) {
    let server = Server::with(setup);
    let mut readers: Vec<Client> = (0..3).map(|_| Client::connect(&server, CONNECT)).collect();
    for reader in &mut readers {
        reader.wire.subscribe("foo", 1);
        reader.wire.flush();
    }
    let mut publisher = Client::connect(&server, CONNECT);
    publisher.wire.subscribe("answers", 9);
    publisher.wire.flush();
    let with_headers = |subject: &str, fields: &str| {
        let headers = format!("NATS/1.0\r\n{fields}\r\n");
        format!("HPUB {subject} answers {0} {0}\r\n{headers}\r\n", headers.len())
    };
    let traced = |subject, fields| with_headers(subject, &format!("Nats-Trace-Dest: trace.to\r\n{fields}"));
    let only = "Nats-Trace-Only: true\r\n";
    publisher.wire.send(format!("{}{}", traced("foo", only), traced("nobody", only)));
    assert!(publisher.wire.next_message().is_no_responders(), "only the second has none");
    publisher.wire.send(traced("foo", "A: b\r\n"));
    for reader in &mut readers {
        let message = reader.wire.next_message();
        assert!(String::from_utf8_lossy(&message.header).contains("A: b"), "it is the first that comes");
    }
    publisher.wire.send(with_headers("foo", "Nats-Trace-Dest: a b\r\n"));
    let line = r#"[ERR] "x" - Destination "a b" is not valid, won't be able to trace events"#;
    assert_eq!(publisher.lines(&server, 1), [line]);
}
