//! The protocol in the log, held against what nats-server 2.14.5 logged for the same conversation.

use test_kit::{ANSWER_DEADLINE, RawClient, Server, ServerOptions, Setup, on_every_setup};

on_every_setup!(a_conversation_is_logged_as_the_peer_does, who_is_refused_is_logged_by_name);

/// What a client says, a step at a time, and what the log then has about it from the peer.
const STEPS: [(&str, &[&str]); 11] = [
    (
        "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true,\"user\":\"me\",\"pass\":\"secret\", \"name\" : \"n1\"}\r\n",
        &[
            r#"<<- [CONNECT {"verbose":false,"headers":true,"no_responders":true,"user":"me","pass":"[REDACTED]", "name" : "n1"}]"#,
        ],
    ),
    ("SUB foo.* 1\r\n", &["<<- [SUB foo.* 1]"]),
    ("SUB bar q 2\r\n", &["<<- [SUB bar q 2]"]),
    (
        "PUB foo.a 2\r\nhi\r\n",
        &[
            "<<- [PUB foo.a 2]",
            r#"<<- MSG_PAYLOAD: ["hi"]"#,
            "->> [MSG foo.a 1 2]",
            r#"->> MSG_PAYLOAD: ["hi"]"#,
        ],
    ),
    (
        "PUB foo.a rep.x 4\r\na\n\0\"\r\n",
        &[
            "<<- [PUB foo.a rep.x 4]",
            r#"<<- MSG_PAYLOAD: ["a\n\x00\""]"#,
            "->> [MSG foo.a 1 rep.x 4]",
            r#"->> MSG_PAYLOAD: ["a\n\x00\""]"#,
        ],
    ),
    ("PUB foo.a 0\r\n\r\n", &["<<- [PUB foo.a 0]", "->> [MSG foo.a 1 0]"]),
    (
        "HPUB foo.a r 17 19\r\nNATS/1.0\r\nA:b\r\n\r\nhi\r\n",
        &[
            "<<- [HPUB foo.a r 17 19]",
            r#"<<- MSG_PAYLOAD: ["NATS/1.0\r\nA:b\r\n\r\nhi"]"#,
            "->> [HMSG foo.a 1 r 17 19]",
            r#"->> MSG_PAYLOAD: ["NATS/1.0\r\nA:b\r\n\r\nhi"]"#,
        ],
    ),
    ("UNSUB 1\r\n", &["<<- [UNSUB 1]", "<-> [DELSUB 1]"]),
    (
        "UNSUB 2 1\r\nPUB bar 1\r\nx\r\n",
        &[
            "<<- [UNSUB 2 1]",
            "<<- [PUB bar 1]",
            r#"<<- MSG_PAYLOAD: ["x"]"#,
            "->> [MSG bar 2 1]",
            r#"->> MSG_PAYLOAD: ["x"]"#,
            "<-> [DELSUB 2]",
        ],
    ),
    (
        "SUB rr 9\r\nPUB nobody rr 1\r\nx\r\n",
        &["<<- [SUB rr 9]", "<<- [PUB nobody rr 1]", r#"<<- MSG_PAYLOAD: ["x"]"#],
    ),
    ("GARBAGE\r\n", &["->> [-ERR Unknown Protocol Operation]", "<-> [DELSUB 9]"]),
];

fn a_conversation_is_logged_as_the_peer_does(setup: Setup) {
    let args = vec!["-V".to_owned()];
    let server = Server::start(ServerOptions { setup, args, ..ServerOptions::default() }).expect("it starts");
    let mut client = RawClient::dial(server.addr());
    let mut wanted = Vec::new();
    for (said, logged) in STEPS {
        client.send(said);
        wanted.extend(logged.iter().map(|line| (*line).to_owned()));
        if said != "GARBAGE\r\n" {
            client.flush();
            wanted.extend(["<<- [PING]".to_owned(), "->> [PONG]".to_owned()]);
        }
    }
    client.read_to_close();
    assert!(server.log().wait_for("DELSUB 9", ANSWER_DEADLINE).is_some());
    let log = server.log().text();
    let traced =
        log.lines().filter_map(|line| line.split_once("[TRC] ")?.1.rsplit_once(" - ").map(|parts| parts.1));
    assert_eq!(traced.collect::<Vec<_>>(), wanted);
    assert!(!log.contains("secret\""), "{log}");
}

// Of a password that was held against a hash the log said nothing.
fn who_is_refused_is_logged_by_name(setup: Setup) {
    let hash = "$2b$04$lw4W5MsZdKmxrQPIBHko5uWOPVimzvkfnP1Qb9lr9DY14ITIJYLlG";
    let config =
        format!("authorization {{ users: [ {{user: h, password: \"{hash}\"}}, {{user: p, password: x}} ] }}");
    let options = ServerOptions { setup, config: Some(config), ..ServerOptions::default() };
    let server = Server::start(options).expect("it starts");
    for user in ["h", "p"] {
        let mut client = RawClient::dial(server.addr());
        client.send(format!("CONNECT {{\"user\":\"{user}\",\"pass\":\"guess\"}}\r\n"));
        client.read_to_close();
        let line = format!("authentication error - User \"{user}\"");
        assert!(server.log().wait_for(&line, ANSWER_DEADLINE).is_some(), "{}", server.log().text());
    }
    assert!(!server.log().text().contains("guess"));
}
