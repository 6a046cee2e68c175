//! What the log says of clients. The lines are nats-server 2.14.5's.

mod lines;
mod shards;

use std::time::Duration;

use broker::WriteTimeout;
use lines::{logged, logged_at};
use nats_auth::{
    AccountConfig, AccountLimits, Config, Destination, Directory, IdentityConfig, Mapping, Permissions,
    SubjectPermission, User,
};
use shards::{Conn, Shards};
use tracing::Level;

/// What a plain server logs of a connection that says these things, each in a read of its own, behind the name that lines
/// begin with.
fn logged_of(shards: &mut Shards, conn: Conn, said: &[&str]) -> Vec<String> {
    logged_of_at(Level::INFO, shards, conn, said)
}

fn logged_of_at(level: Level, shards: &mut Shards, conn: Conn, said: &[&str]) -> Vec<String> {
    let all = logged_at(level, || {
        for said in said {
            shards.feed(conn, said);
            shards.settle();
        }
        shards.output(conn);
    });
    let name = |line: &String| {
        let (level, line) = line.split_at(6);
        let line = line.strip_prefix("127.0.0.1:4000 - cid:").unwrap_or(line);
        format!("{level}{}", line.split_once(" - ").map_or(line, |(_, line)| line))
    };
    all.iter().map(name).collect()
}

fn user(name: &str, password: &str) -> User {
    let identity = IdentityConfig::Password { user: name.into(), password: password.into() };
    User { identity, permissions: None, allowed_connection_types: None }
}

fn users(users: &[User]) -> Config {
    Config { users: users.to_vec(), has_authorization: true, ..Config::default() }
}

fn with(count: usize, config: &Config) -> Shards {
    let directory = Directory::new(config).unwrap();
    Shards::with(count, |settings| settings.directory = directory)
}

fn reload(shards: &mut Shards, config: &Config) {
    let next = Directory::next(&shards.brokers[0].settings().directory, config).unwrap();
    shards.reconfigure(|settings| settings.directory = next);
}

/// What is logged of someone whose first word this is.
fn first_word(config: &Config, said: &str) -> Vec<String> {
    let mut shards = with(1, config);
    let conn = shards.accept();
    logged_of(&mut shards, conn, &[said])
}

// Mistakes.

#[test]
fn a_mistake_is_placed_within_its_read() {
    let garbage = r#"Client parser ERROR, state=0, i="#;
    for (said, place) in [
        (&["PING\r\nFOO\r\n"][..], format!(r#"{garbage}6: proto='"FOO\r"...'"#)),
        (&["SUB a 1\r\nPI", "NG\r\nFOO\r\n"], format!(r#"{garbage}4: proto='"FOO\r"...'"#)),
        (&["PUB a 2\r\n", "abx\r\n"], r#"Client parser ERROR, state=41, i=2: proto='"x\r"...'"#.into()),
        (&["PUB a 2\r\nab", "x"], r#"Client parser ERROR, state=41, i=0: proto='""...'"#.into()),
        (&["PUB a 2\r\nab\rPING\r\n"], r#"Client parser ERROR, state=42, i=12: proto='"PING\r"...'"#.into()),
    ] {
        let mut shards = Shards::new(1);
        let conn = shards.connect(r#""verbose":false,"name":"n""#);
        assert_eq!(logged_of(&mut shards, conn, said), [format!(r#"[ERR] "n" - {place}"#)], "{said:?}");
    }
}

/// Input waits until all shards know of a subscription, and is read on afterwards.
#[test]
fn a_mistake_behind_what_had_to_wait_is_placed_as_well() {
    let mut shards = Shards::new(2);
    let conn = shards.connect(r#""verbose":false"#);
    let lines = logged_of(&mut shards, conn, &["SUB a 1\r\nPING\r\nFOO\r\n"]);
    assert_eq!(lines, [r#"[ERR] Client parser ERROR, state=0, i=15: proto='"FOO\r"...'"#]);
}

#[test]
fn a_large_payload_that_ends_wrong_is_refused_at_once() {
    let mut shards = Shards::new(1);
    let conn = shards.connect(r#""verbose":false,"pedantic":false"#);
    let (head, body) = ("PUB a 40000\r\n", "p".repeat(40_000));
    let lines = logged_of(&mut shards, conn, &[head, &body, "xx"]);
    assert_eq!(lines, [r#"[ERR] Client parser ERROR, state=41, i=0: proto='"x"...'"#]);
}

#[test]
fn what_a_client_says_wrong_is_shown_as_the_peer_shows_it() {
    for (said, line) in [
        ("SUB 1\r\n", r#"processSub Parse Error: "1""#),
        ("PUB a b\r\n", r#"processPub Bad or Missing Size: "a b""#),
        ("HPUB a 3 2\r\n", r#"processHeaderPub Header Size larger then TotalSize: "a 3 2""#),
        ("PUB a 1048577\r\n", "maximum payload exceeded: 1048577 vs 1048576"),
        ("-ERR 'x\x1b'\r\n", "Client Error 'x\x1b'"),
        ("INFO foo\r\n", "invalid character 'o' in literal false (expecting 'a')"),
        (
            "CONNECT {\"verbose\":\"x\"}\r\n",
            "json: cannot unmarshal string into Go struct field ClientOpts.verbose of type bool",
        ),
    ] {
        let mut shards = Shards::new(1);
        let conn = shards.connect(r#""headers":true"#);
        assert_eq!(logged_of(&mut shards, conn, &[said]), [format!("[ERR] {line}")], "{said:?}");
    }
    let mut shards = Shards::new(1);
    let conn = shards.connect("");
    for said in ["HPUB a 3 2\r\n", "HPUB a 1\r\n", "HPUB a 3 1048577\r\n", "HPUB a 1 1\r\nx\r\n"] {
        let lines = logged_of(&mut shards, conn, &[said]);
        assert!(lines.is_empty() || lines == ["[ERR] message headers not supported"], "{lines:?}");
        assert_eq!(shards.output(conn), "");
    }
    assert!(shards.is_closed(conn));
}

// Who it is.

#[test]
fn who_is_refused_is_told_by_what_it_showed() {
    let config = users(&[user("a", "a")]);
    for (said, line) in [
        ("PING\r\n", "authentication error"),
        ("CONNECT {}\r\n", "authentication error"),
        (r#"CONNECT {"user":"q\"\u001b","pass":"x"}"#, r#"authentication error - User "q\"\x1b""#),
        (r#"CONNECT {"auth_token":"t"}"#, r#"authentication error - Token "[REDACTED]""#),
        (r#"CONNECT {"nkey":"UX","user":"x"}"#, r#"authentication error - Nkey "UX""#),
        (r#"CONNECT {"user":"a","pass":"a","account":"A"}"#, r#"authentication error - User "a""#),
        (r#"CONNECT {"user":"a","pass":"a","protocol":5}"#, r#""$G/user:a" - invalid client protocol"#),
    ] {
        let said = format!("{said}\r\n");
        assert_eq!(first_word(&config, &said), [format!("[ERR] {line}")], "{said:?}");
    }
    let lines = first_word(&Config::default(), "CONNECT {\"headers\":false,\"no_responders\":true}\r\n");
    assert_eq!(lines, ["[ERR] no responders requires headers support"]);
}

// Who nobody asked had no name, and one that began without CONNECT had one.
#[test]
fn lines_are_named_by_the_first_connect() {
    for (said, name) in [
        (r#"CONNECT {"user":"me","name":"n","lang":"go","version":"1"}"#, r#""v1:go:n" - "$G/user:me" - "#),
        (r#"CONNECT {"auth_token":"t"}"#, r#""$G/token" - "#),
        (r#"CONNECT {"name":"e\u0301\u001b\u00ad"}"#, "\"e\u{301}\\x1b\\u00ad\" - "),
        ("CONNECT {\"name\":\"one\"}\r\nCONNECT {\"name\":\"two\",\"user\":\"u\"}", "\"one\" - "),
        ("PING", ""),
    ] {
        let lines = first_word(&Config::default(), &format!("{said}\r\n-ERR x\r\n"));
        assert_eq!(lines, [format!("[ERR] {name}Client Error x")]);
    }
    let no_auth = Config { no_auth_user: Some("a".into()), ..users(&[user("a", "a")]) };
    assert_eq!(first_word(&no_auth, "PING\r\n-ERR x\r\n"), ["[ERR] Client Error x"]);
    assert_eq!(first_word(&no_auth, "CONNECT {}\r\n-ERR x\r\n"), [r#"[ERR] "$G/user:a" - Client Error x"#]);
}

// It was named by what let it in.
#[test]
fn a_key_that_nobody_asked_for_is_the_name_of_a_client() {
    let token = Config { token: Some("t".into()), ..Config::default() };
    let no_auth = Config { no_auth_user: Some("a".into()), ..users(&[user("a", "a")]) };
    for (config, shown, name) in [
        (Config::default(), r#""user":"a","nkey":"UX","auth_token":"t""#, "nkey:UX"),
        (Config::default(), r#""user":"a","auth_token":"t""#, "user:a"),
        (users(&[user("a", "a")]), r#""user":"a","pass":"a","nkey":"UX""#, "nkey:UX"),
        (users(&[user("a", "a")]), r#""user":"a","pass":"a","auth_token":"t""#, "user:a"),
        (token.clone(), r#""auth_token":"t","user":"b""#, "user:b"),
        (token.clone(), r#""auth_token":"t","nkey":"UX""#, "nkey:UX"),
        (token, r#""auth_token":"t""#, "token"),
        (no_auth, r#""nkey":"UX""#, "nkey:UX"),
    ] {
        let mut shards = with(1, &config);
        let conn = shards.accept();
        let lines = logged_of(&mut shards, conn, &[&format!("CONNECT {{{shown}}}\r\n-ERR x\r\n")]);
        assert_eq!(lines, [format!(r#"[ERR] "$G/{name}" - Client Error x"#)], "{shown}");
    }
}

#[test]
fn a_signature_that_does_not_hold_is_told() {
    const KEY: &str = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
    let identity = IdentityConfig::Nkey(KEY.into());
    let config = users(&[User { identity, permissions: None, allowed_connection_types: None }]);
    for (signature, fault) in
        [("", "Signature missing"), ("?", "Signature not valid base64"), ("AAAA", "Signature not verified")]
    {
        let mut shards = with(1, &config);
        let conn = shards.accept();
        let said = format!("CONNECT {{\"nkey\":\"{KEY}\",\"sig\":\"{signature}\"}}\r\n");
        let lines = logged_of_at(Level::DEBUG, &mut shards, conn, &[&said]);
        let expected = [
            format!("[DBG] {fault}"),
            format!(r#"[ERR] authentication error - Nkey "{KEY}""#),
            "[DBG] Client connection closed: Authentication Failure".to_owned(),
        ];
        assert_eq!(lines, expected);
    }
}

#[test]
fn what_is_not_permitted_is_told_with_its_sid() {
    let deny = |subjects: &[&str]| {
        let deny = subjects.iter().map(|subject| (*subject).to_owned()).collect();
        Some(SubjectPermission { deny, allow: Vec::new() })
    };
    let permissions = Permissions { publish: deny(&["p"]), subscribe: deny(&["s", "q v1"]), responses: None };
    let mut shards = with(1, &users(&[User { permissions: Some(permissions), ..user("a", "a") }]));
    let conn = shards.connect(r#""verbose":false,"pedantic":false,"user":"a","pass":"a""#);
    let said = "PUB p 0\r\n\r\nPUB x _R_.a 0\r\n\r\nSUB s 7\r\nSUB q v1 8\r\n";
    let lines = logged_of(&mut shards, conn, &[said]);
    let expected = [
        r#"Publish Violation - Subject "p""#,
        r#"Publish Violation - Reply "_R_.a""#,
        r#"Subscription Violation - Subject "s", SID 7"#,
        r#"Subscription Violation - Subject "q", Queue: "v1", SID 8"#,
    ];
    assert_eq!(lines, expected.map(|line| format!(r#"[ERR] "$G/user:a" - {line}"#)));
}

#[test]
fn a_reload_tells_what_it_took_away() {
    let mut shards = with(1, &users(&[user("a", "a")]));
    let conn = shards.connect(r#""verbose":false,"user":"a","pass":"a","name":"x""#);
    shards.feed(conn, "SUB foo 1\r\nSUB foo q 2\r\n");
    let deny = SubjectPermission { deny: vec!["foo".into()], allow: Vec::new() };
    let permissions = Some(Permissions { subscribe: Some(deny), ..Permissions::default() });
    let mut lines = logged(|| reload(&mut shards, &users(&[User { permissions, ..user("a", "a") }])));
    lines.sort();
    assert_eq!(
        lines,
        [
            r#"[INF] Removed sub "foo" (sid "1") for User "a" - not authorized"#,
            r#"[INF] Removed sub "foo" using queue "q" (sid "2") for User "a" - not authorized"#,
        ]
    );
    let lines = logged(|| reload(&mut shards, &users(&[user("a", "b")])));
    let line = r#"[ERR] 127.0.0.1:4000 - cid:1 - "x" - "$G/user:a" - authentication error - User "a""#;
    assert_eq!(lines, [line]);
}

// Crowds. Each of them was logged every time, or never.

fn limited(limits: AccountLimits) -> Config {
    let account = |name: &str, limits| AccountConfig {
        name: name.into(),
        users: vec![user(&name.to_lowercase(), "x")],
        limits,
        ..AccountConfig::default()
    };
    Config { accounts: vec![account("A", limits), account("B", limits)], ..Config::default() }
}

#[test]
fn subscriptions_over_the_limit_are_logged_once_in_two_seconds() {
    let mut shards = with(2, &limited(AccountLimits { subscriptions: Some(1), ..AccountLimits::default() }));
    let credentials = |name: &str| format!(r#""verbose":false,"user":"{name}","pass":"x""#);
    let (one, two) = (shards.connect(&credentials("a")), shards.connect(&credentials("a")));
    let other = shards.connect(&credentials("b"));
    for conn in [one, two, other] {
        shards.feed(conn, "SUB a 1\r\n");
    }
    shards.settle();
    shards.pass(Duration::from_secs(10));
    let mut lines = |pause: Duration| {
        shards.pass(pause);
        for broker in &mut shards.brokers {
            broker.on_turn(shards.now);
        }
        let lines = logged(|| {
            for conn in [one, two, other, one, two, other] {
                shards.feed(conn, "SUB b 2\r\n");
            }
        });
        assert_eq!(shards.output(two).matches("-ERR 'maximum subscriptions exceeded'").count(), 2);
        lines.iter().map(|line| line.split_once("cid:").unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    let expected = [
        r#"1 - "A/user:a" - maximum subscriptions exceeded"#,
        r#"3 - "B/user:b" - maximum subscriptions exceeded"#,
    ];
    assert_eq!(lines(Duration::ZERO), expected);
    assert_eq!(lines(Duration::from_millis(1999)), [""; 0]);
    assert_eq!(lines(Duration::from_millis(1)), expected);
}

#[test]
fn connections_over_a_limit_are_logged_once_a_second() {
    let mut shards = with(2, &limited(AccountLimits { connections: Some(1), ..AccountLimits::default() }));
    let mut crowd = |pause: Duration| {
        shards.pass(pause);
        logged(|| {
            for _ in 0..4 {
                shards.connect(r#""user":"a","pass":"x""#);
            }
        })
    };
    let text = "maximum account active connections exceeded";
    assert_eq!(crowd(Duration::from_secs(5)), [format!("[ERR] 127.0.0.1:4000 - cid:2 - {text}")]);
    assert_eq!(crowd(Duration::from_millis(999)), [""; 0]);
    assert_eq!(crowd(Duration::from_millis(1)), [format!("[ERR] 127.0.0.1:4000 - cid:9 - {text}")]);

    let mut shards = Shards::with(2, |settings| settings.options.max_connections = 2);
    let text = "maximum connections exceeded";
    let crowd = logged(|| {
        for _ in 0..6 {
            shards.connect(r#""name":"n","user":"u""#);
        }
    });
    assert_eq!(crowd, [format!("[ERR] 127.0.0.1:4000 - cid:3 - {text}")]);
    shards.reconfigure(|settings| settings.options.max_connections = 1);
    let shed = logged(|| {
        let reason = conns::CloseReason::MaxConnectionsExceeded;
        assert_eq!(shards.brokers[0].shed(1, reason) + shards.brokers[1].shed(1, reason), 2);
    });
    let name = r#""n" - "$G/user:u""#;
    assert_eq!(shed, [format!("[ERR] 127.0.0.1:4000 - cid:1 - {name} - {text} - Account:$G - user:u")]);
}

// Readers that fall behind.

#[test]
fn a_publisher_that_waits_is_told_of_once_a_second() {
    let mut shards = Shards::with(1, |settings| settings.options.max_pending = 1000);
    let reader = shards.connect(r#""verbose":false,"pedantic":false"#);
    let publisher = shards.connect(r#""verbose":false,"pedantic":false,"name":"p","user":"u""#);
    shards.feed(reader, "SUB a 1\r\n");
    shards.output(reader);
    shards.limit_room(reader, 0);
    let message = format!("PUB a 800\r\n{}\r\n", "x".repeat(800));
    shards.pass(Duration::from_secs(1));
    let mut publish = |message: &str, pause: Duration| {
        logged(|| {
            shards.pass(pause);
            shards.brokers[0].on_turn(shards.now);
            shards.feed(publisher, message);
            shards.flush_now();
        })
    };
    let name = r#"127.0.0.1:4000 - cid:2 - "p" - "$G/user:u""#;
    let line = format!("[WRN] {name} - Producer was stalled for a total of 5ms - Account:$G - user:u");
    assert_eq!(publish(&message, Duration::ZERO), std::slice::from_ref(&line));
    assert_eq!(publish("PUB a 1\r\nx\r\n", Duration::from_millis(500)), [""; 0]);
    assert_eq!(publish("PUB a 1\r\nx\r\n", Duration::from_millis(500)), [line]);
}

#[test]
fn a_reader_that_takes_too_long_is_told_of_with_what_waits() {
    let mut shards = Shards::with(1, |settings| {
        settings.options.write_deadline = Duration::from_millis(1500);
        settings.options.write_timeout = WriteTimeout::Retry;
    });
    let reader = shards.connect(r#""verbose":false,"pedantic":false"#);
    shards.feed(reader, "SUB a 1\r\n");
    shards.output(reader);
    shards.limit_room(reader, 1);
    shards.feed(reader, "PUB a 80\r\n");
    shards.feed(reader, &format!("{}\r\n", "x".repeat(80)));
    shards.flush_now();
    shards.limit_room(reader, 10);
    shards.brokers[0].on_writable(reader.id);
    shards.flush_now();
    let late = logged(|| shards.pass(Duration::from_millis(1500)));
    let name = "[INF] 127.0.0.1:4000 - cid:1 - Slow Consumer";
    let line = "WriteDeadline of 1.5s exceeded with 1 chunks of 93 total bytes.";
    assert_eq!(late, [format!("{name} Detected: {line}")]);
    let recovered = logged(|| {
        shards.pass(Duration::from_millis(250));
        shards.brokers[0].on_turn(shards.now);
        shards.free_room(reader);
        shards.flush_now();
    });
    let line = "Flush took 0.250s with 1 chunks of 83 total bytes.";
    assert_eq!(recovered, [format!("{name} Recovered: {line}")]);
}

// The protocol.

/// What a traced server logs of a connection that says this.
fn traced(shards: usize, config: &Config, options: &str, said: &[&str]) -> Vec<String> {
    let directory = Directory::new(config).unwrap();
    let mut shards = Shards::with(shards, |settings| {
        settings.directory = directory;
        settings.trace = true;
    });
    let conn = shards.connect(options);
    let lines = logged_of_at(Level::TRACE, &mut shards, conn, said);
    lines.iter().filter_map(|line| line.strip_prefix("[TRC] ")).map(str::to_owned).collect()
}

// A maximum that is none was not shown, and DELSUB stood before OK.
#[test]
fn a_traced_unsub_is_shown_as_it_was_said_and_acknowledged_before_its_end() {
    for shards in [1, 2] {
        for max in ["", " x", " -1", " 0", " 99999999999"] {
            let unsub = format!("UNSUB 1{max}\r\n");
            let lines = traced(shards, &Config::default(), r#""verbose":true"#, &["SUB a 1\r\n", &unsub]);
            let shown = format!("<<- [UNSUB 1{max}]");
            let expected = ["<<- [SUB a 1]", "->> [OK]", &shown, "->> [OK]", "<-> [DELSUB 1]"];
            assert_eq!(lines, expected, "{shards} shards");
            let quiet = traced(shards, &Config::default(), r#""verbose":false"#, &["SUB a 1\r\n", &unsub]);
            assert_eq!(quiet, ["<<- [SUB a 1]", &shown, "<-> [DELSUB 1]"], "{shards} shards");
        }
    }
}

// MAPPING stood behind the body.
#[test]
fn what_a_publish_is_mapped_to_is_traced_behind_its_line() {
    let to = Destination { subject: "d".into(), weight: 100, cluster: None };
    let mappings = vec![Mapping { source: "m.*".into(), destinations: vec![to] }];
    let config = Config { mappings, ..Config::default() };
    let options = r#""verbose":true,"pedantic":true"#;
    let lines = traced(1, &config, options, &["PUB m.x 1\r\na\r\n", "PUB m.* 1\r\nb\r\n"]);
    assert_eq!(
        lines,
        [
            "<<- [PUB m.x 1]",
            "<<- [MAPPING m.x -> d]",
            r#"<<- MSG_PAYLOAD: ["a"]"#,
            "->> [OK]",
            "<<- [PUB m.* 1]",
            "->> [-ERR Invalid Publish Subject]",
            "<<- [MAPPING m.* -> d]",
            r#"<<- MSG_PAYLOAD: ["b"]"#,
            "->> [OK]",
        ]
    );
}

// The body was shown too.
#[test]
fn of_headers_that_are_refused_only_the_line_is_traced() {
    let options = r#""verbose":false,"headers":false"#;
    for said in [&["HPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"][..], &["HPUB a 12", " 14\r\n"]] {
        assert_eq!(traced(1, &Config::default(), options, said), ["<<- [HPUB a 12 14]"]);
    }
}

// Nothing was said.
#[test]
fn a_server_that_allows_less_than_the_account_says_so() {
    let limits = |payload, subscriptions| AccountLimits {
        payload_bytes: Some(payload),
        subscriptions: Some(subscriptions),
        ..AccountLimits::default()
    };
    let lines = |limits: AccountLimits| {
        let account = AccountConfig {
            name: "A".into(),
            users: vec![user("a", "p")],
            limits,
            ..AccountConfig::default()
        };
        let directory = Directory::new(&Config { accounts: vec![account], ..Config::default() }).unwrap();
        let mut shards = Shards::with(1, |settings| {
            settings.directory = directory;
            settings.options.limits.payload_bytes_max = 32;
            settings.options.max_subscriptions = 2;
        });
        let conn = shards.accept();
        let said = r#"CONNECT {"user":"a","pass":"p"}"#.to_owned() + "\r\n";
        logged_of_at(Level::DEBUG, &mut shards, conn, &[&said])
    };
    let line = |what| format!("[DBG] Max {what} from server overrides account or user config");
    assert_eq!(lines(limits(33, 3)), [line("Payload set to 32"), line("Subscriptions set to 2")]);
    assert_eq!(lines(limits(32, 2)), [""; 0]);
}
