use super::*;

const HEADERS: [(&[u8], &[u8]); 4] = [
    (b"Upgrade", b"websocket"),
    (b"Connection", b"keep-alive, upgrade"),
    (b"Sec-WebSocket-Key", b"AQIDBAUGBwgJCgsMDQ4PEA=="),
    (b"Sec-WebSocket-Version", b"13"),
];

type Header = (&'static [u8], &'static [u8]);

/// The usual request with some headers in place of those of the same name. An empty value is none.
fn ask(
    method: &[u8],
    path: &[u8],
    host: &[u8],
    changes: &[Header],
    policy: &UpgradePolicy,
) -> Result<Upgrade, Refusal> {
    let is_changed = |name: &[u8]| changes.iter().any(|(changed, _)| *changed == name);
    let usual = HEADERS.into_iter().filter(|(name, _)| !is_changed(name));
    let headers: Vec<_> =
        usual.chain(changes.iter().copied().filter(|(_, value)| !value.is_empty())).collect();
    Request { method, path, host, is_tls: false, headers: &headers }.upgrade(policy)
}

fn with(changes: &[Header], policy: &UpgradePolicy) -> Result<Upgrade, Refusal> {
    ask(b"GET", b"/", b"h:1", changes, policy)
}

fn text(upgrade: Result<Upgrade, Refusal>) -> String {
    String::from_utf8(upgrade.expect("it is let in").response).expect("it is text")
}

/// As 2.14.5 answers.
#[test]
fn who_asks_rightly_is_let_in() {
    let start = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: C/0nmHhBztSRGR1CwL6Tf4ZjwpY=\r\n";
    assert_eq!(text(with(&[], &UpgradePolicy::default())), format!("{start}\r\n"));

    let policy = UpgradePolicy {
        compression: true,
        headers: "X: y\r\n".into(),
        mqtt: true,
        ..UpgradePolicy::default()
    };
    let wishes: [Header; 2] =
        [(b"Sec-WebSocket-Extensions", b"foo, Permessage-Deflate; x"), (b"nats-no-masking", b"true")];
    let upgrade = ask(b"GET", b"/a/mqtt", b"h", &wishes, &policy).expect("it is let in");
    assert_eq!(upgrade.endpoint, Endpoint::Mqtt);
    assert_eq!(upgrade.agreed, Agreed { compression: true, no_masking: true });
    let extension = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    let end = format!("{extension}\r\nNats-No-Masking: true\r\nSec-Websocket-Protocol: mqtt\r\nX: y\r\n\r\n");
    assert_eq!(text(Ok(upgrade)), format!("{start}{end}"));

    let upgrade = with(&wishes, &UpgradePolicy::default()).expect("it is let in");
    assert!(!upgrade.agreed.compression, "nobody compresses where it is not allowed");
}

#[test]
fn the_path_says_what_is_spoken() {
    let of =
        |path: &[u8]| ask(b"GET", path, b"h", &[], &UpgradePolicy { mqtt: true, ..UpgradePolicy::default() });
    for (path, endpoint) in [
        (&b"/x"[..], Endpoint::Client),
        (b"/leafnode", Endpoint::Leaf),
        (b"/a/leafnode", Endpoint::Leaf),
        (b"/leafnode/", Endpoint::Client),
        (b"/mqtt", Endpoint::Mqtt),
    ] {
        assert_eq!(of(path).expect("it is let in").endpoint, endpoint);
    }
}

#[test]
fn who_asks_wrongly_is_refused_in_nats_servers_words_and_order() {
    let refusal = |method: &[u8], path: &[u8], host: &[u8], changes: &[Header]| {
        let refusal = ask(method, path, host, changes, &UpgradePolicy::default()).expect_err("it is refused");
        (refusal.status().0, refusal.to_string())
    };
    let of = |changes: &[Header]| refusal(b"GET", b"/", b"h", changes);
    let said = |status: u16, words: &str| (status, words.to_owned());
    assert_eq!(refusal(b"POST", b"/mqtt", b"", &[]), said(404, "mqtt websocket endpoint not enabled"));
    assert_eq!(refusal(b"POST", b"/", b"", &[]), said(405, "request method must be GET"));
    assert_eq!(refusal(b"get", b"/", b"h", &[]), said(405, "request method must be GET"));
    assert_eq!(refusal(b"GET", b"/", b"", &[(b"Upgrade", b"")]), said(400, "'Host' missing in request"));
    assert_eq!(
        of(&[(b"Upgrade", b"h2c"), (b"Connection", b"")]),
        said(400, "invalid value for header 'Upgrade'")
    );
    assert_eq!(of(&[(b"Connection", b"close")]), said(400, "invalid value for header 'Connection'"));
    assert_eq!(
        of(&[(b"Sec-WebSocket-Key", b""), (b"Sec-WebSocket-Version", b"8")]),
        said(400, "key missing")
    );
    assert_eq!(of(&[(b"Sec-WebSocket-Key", b"abc")]), said(400, "invalid websocket key"));
    assert_eq!(of(&[(b"Sec-WebSocket-Key", b"AQIDBAUGBwgJCgsMDQ4P")]), said(400, "invalid websocket key"));
    assert_eq!(of(&[(b"Sec-WebSocket-Version", b"8")]), said(400, "invalid version"));
    assert!(with(&[(b"Sec-WebSocket-Key", b"AQIDBAUGBwgJCgsMDQ4PEB==")], &UpgradePolicy::default()).is_ok());
}

#[test]
fn a_refusal_is_answered_as_go_does() {
    let head = "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain; charset=utf-8\r\n\
        Sec-Websocket-Version: 13\r\nX-Content-Type-Options: nosniff\r\nDate: D\r\nContent-Length: 19\r\n\r\n";
    assert_eq!(Refusal::Method.response("D", true), head.as_bytes());
    assert_eq!(Refusal::Method.response("D", false), format!("{head}Method Not Allowed\n").as_bytes());
}

#[test]
fn pages_come_from_where_they_may() {
    let refused = |origin: &'static [u8], policy: &UpgradePolicy| {
        with(&[(b"Origin", origin)], policy).err().map(|refusal| (refusal.status().0, refusal.to_string()))
    };
    let said = |words: &str| Some((403, format!("origin not allowed: {words}")));
    let same = UpgradePolicy { same_origin: true, ..UpgradePolicy::default() };
    assert_eq!(refused(b"http://H:1", &same), None);
    assert_eq!(refused(b"", &same), None, "no page");
    assert_eq!(refused(b"http://h", &same), said("not same origin"));
    assert_eq!(refused(b"https://h:1", &same), said("not same origin"));
    assert_eq!(refused(b"null", &same), said("parse \"null\": invalid URI for request"));
    assert_eq!(refused(b"null", &UpgradePolicy::default()), None, "nobody asks");
    let own = UpgradePolicy { own_pages: Some(("http", 8222)), ..same };
    assert_eq!((refused(b"http://h:8222", &own), refused(b"http://h:1", &own)), (None, None));
    for other in [&b"https://h:8222"[..], b"http://h:8223", b"http://x:8222"] {
        assert_eq!(refused(other, &own), said("not same origin"));
    }

    let allowed_origins = vec![Origin::parse("https://a.b").expect("it is one")];
    let listed = UpgradePolicy { allowed_origins, ..UpgradePolicy::default() };
    assert_eq!(refused(b"https://A.b:443", &listed), None);
    assert_eq!(refused(b"http://a.b", &listed), said("not in the allowed list"));
    let old = with(&[(b"Sec-WebSocket-Origin", b"http://x")], &listed);
    assert_eq!(old, Err(Refusal::NotAllowed));
}

#[test]
fn a_clients_headers_are_heeded() {
    let cookies = CookieNames { token: Some("t".into()), ..CookieNames::default() };
    let policy = UpgradePolicy { cookies, ..UpgradePolicy::default() };
    let agent = |agent: &'static [u8]| with(&[(b"User-Agent", agent)], &policy).expect("it is let in").taste;
    assert_eq!(agent(b"curl/8"), Taste::Any);
    assert_eq!(agent(b"Mozilla/5.0 Chrome/156 Safari/537.36"), Taste::Browser);
    assert_eq!(agent(b"Mozilla/5.0 Version/18.0 Safari/605.1"), Taste::Safari);

    let ip =
        |value: &'static [u8]| with(&[(b"X-Forwarded-For", value)], &policy).expect("it is let in").client_ip;
    assert_eq!(ip(b"1.2.3.4").as_deref(), Some("1.2.3.4"));
    assert_eq!(ip(b"::1").as_deref(), Some("::1"));
    assert_eq!(ip(b"1.2.3.4, 5.6.7.8"), None);

    let token = |path: &[u8]| {
        ask(b"GET", path, b"h", &[(b"Cookie", b"t=x")], &policy).expect("it is let in").cookies.token
    };
    assert_eq!(token(b"/").as_deref(), Some("x"));
    assert_eq!(token(b"/leafnode"), None);
}
