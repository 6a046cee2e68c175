//! The block `websocket`.

use std::time::Duration;

use ws_frame::CookieNames;

use super::{options_of, said_of};
use crate::config::{Report, read};
use crate::draft::Draft;
use crate::options::Port;
use crate::websocket::WebSocket;

const USABLE: &str = "port: 8080, no_tls: true";

/// Why the options of a text without mistakes cannot be.
fn refusal_of(text: &str) -> String {
    let map = nats_conf::parse(text).expect("it follows the grammar");
    let (mut draft, mut report) = (Draft::default(), Report::default());
    read(&map, &mut draft, &mut report);
    assert_eq!(report.errors, [], "{text}");
    draft.finish().expect_err(text).to_string()
}

fn with(more: &str) -> String {
    format!("websocket {{ {USABLE}, {more} }}")
}

#[test]
fn a_listener_has_what_its_block_says() {
    let text = r#"
        websocket {
            listen: "h:8080", no_tls: true, advertise: "a:443", same_origin: true
            allowed_origins: ["https://x", "http://y:81"], handshake_timeout: "3s", compression: true
            user_cookie: u, pass_cookie: p, token_cookie: t, ping_interval: "30s"
            headers { X-A: b, X-C: "d e" }
            authorization { user: me, password: secret, timeout: 1.5 }
        }"#;
    let options = options_of(text);
    let socket = options.websocket.expect("there is one");
    assert_eq!((&*socket.host, socket.port), ("h", Port::Fixed(8080)));
    assert!(socket.no_tls && socket.same_origin && socket.compression && socket.tls.is_none());
    let advertise = socket.advertise.expect("it is advertised");
    assert_eq!((&*advertise.host, advertise.port), ("a", Some(443)));
    let ports: Vec<&str> = socket.allowed_origins.iter().map(|origin| &*origin.port).collect();
    assert_eq!((ports, socket.origins.len()), (vec!["443", "81"], 2));
    assert_eq!(socket.handshake_timeout, Some(Duration::from_secs(3)));
    assert_eq!(socket.ping_interval, Some(Duration::from_secs(30)));
    let name = |name: &str| Some(name.to_owned());
    let cookies = CookieNames { jwt: None, user: name("u"), password: name("p"), token: name("t") };
    assert_eq!(socket.cookies, cookies);
    assert_eq!(socket.headers, "X-A: b\r\nX-C: d e\r\n");
    let auth = options.auth.websocket.expect("it has some");
    assert_eq!(auth.timeout, Some(Duration::from_millis(1500)));
    assert_eq!(auth.single_user.map(|(user, _)| user), name("me"));
}

#[test]
fn without_a_port_there_is_none_and_a_host_is_everywhere() {
    for text in ["websocket {}", "ws { host: h, tls { cert_file: a, key_file: b } }", "websocket { port: 0 }"]
    {
        assert_eq!((options_of(text).websocket, options_of(text).auth.websocket), (None, None), "{text}");
    }
    let options = options_of("ws { port: -1, no_tls: true, handshake_timeout: 2, origin: \"http://a\" }");
    let socket = options.websocket.expect("there is one");
    assert_eq!((&*socket.host, socket.port), ("0.0.0.0", Port::Random));
    assert_eq!(
        (socket.handshake_timeout, socket.origins),
        (Some(Duration::from_secs(2)), vec!["http://a".into()])
    );
    let tls = "websocket { port: 1, tls { cert_file: a, key_file: b, timeout: 3, verify_and_map: true } }";
    let options = options_of(tls);
    let Some(WebSocket { tls: Some(tls), .. }) = options.websocket else { panic!("it is secured") };
    assert_eq!((tls.policy.timeout, tls.policy.verify), (Duration::from_secs(3), true));
    assert!(options.auth.websocket.is_some_and(|auth| auth.verify_and_map) && !options.auth.verify_and_map);
}

/// As nats-server 2.14.5 says it.
#[test]
fn mistakes_in_values_are_told_in_the_peers_words() {
    for (text, words) in [
        ("websocket []", "1:0: Expected websocket to be a map, got []interface {}"),
        ("websocket { listen: x }", "1:12: could not parse address string \"x\""),
        ("websocket { listen: [] }", "1:12: expected port or host:port, got []interface {}"),
        ("websocket { origins: 5 }", "1:12: error parsing allowed origins: unsupported type int64"),
        (
            "websocket { origins: [5] }",
            "1:22: error parsing allowed origins: unsupported type in array int64",
        ),
        ("websocket { handshake_timeout: x }", "1:12: time: invalid duration \"x\""),
        (
            "websocket { handshake_timeout: [] }",
            "1:12: error parsing handshake timeout: unsupported type []interface {}",
        ),
        ("websocket { headers { B: 1 } }", "1:22: error parsing header key B: unsupported type int64"),
        ("websocket { headers: 3 }", "1:12: error parsing headers: unsupported type int64"),
        ("websocket { zz: [] }", "1:12: unknown field \"zz\""),
        ("websocket { authorization { zz: 3 } }", "1:28: unknown field \"zz\""),
    ] {
        assert_eq!(said_of(text), format!("f.conf:{words}"), "{text}");
    }
}

/// As nats-server 2.14.5 says it when it starts.
#[test]
fn what_cannot_be_is_refused_in_the_peers_words() {
    let users = "authorization { users: [ { user: a, password: b } ] }\n";
    let not_compatible =
        |what| format!("websocket authentication {what} not compatible with presence of users/nkeys");
    for (text, words) in [
        ("websocket { port: 1 }".to_owned(), "websocket requires TLS configuration".to_owned()),
        (
            with("origins: [\"ftp://a\"]"),
            "unable to parse allowed origin \"ftp://a\": allowed origins must be absolute URLs with http or https scheme".into(),
        ),
        (
            with("origins: [\"http://a:x\"]"),
            "unable to parse allowed origin: parse \"http://a:x\": invalid port \":x\" after host".into(),
        ),
        (with("no_auth_user: a"), "no_auth_user: \"a\" present, but users/nkeys are not defined".into()),
        (format!("{users}{}", with("authorization { user: x }")), not_compatible("username")),
        (format!("{users}{}", with("authorization { token: x }")), not_compatible("token")),
        (
            with("jwt_cookie: c"),
            "trusted operators or trusted keys configuration is required for JWT authentication via cookie \"c\"".into(),
        ),
        (with("headers { Host: a }"), "websocket: invalid header \"Host\" not allowed".into()),
        (
            with("headers { sec-websocket-x: a }"),
            "websocket: invalid header \"sec-websocket-x\", \"Sec-WebSocket-\" prefix not allowed".into(),
        ),
        (
            "websocket { port: 99999, no_tls: true }".into(),
            "Unable to listen for websocket connections: listen tcp: address 99999: invalid port".into(),
        ),
    ] {
        assert_eq!(refusal_of(&text), words, "{text}");
    }
}
