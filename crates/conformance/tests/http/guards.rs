use std::io::{Read, Write};
use std::time::{Duration, Instant};

use test_kit::Setup;

use crate::client::{ask, dial, said};
use crate::start;

const ORIGINS: &str = "http_api { listen: \"127.0.0.1:-1\", allowed_origins: \"https://app.example\", hosts: broker.example }\n";

pub(crate) fn pages_of_other_sites_change_nothing(setup: Setup) {
    let (server, http) = start(setup, ORIGINS);
    let mut reader = server.connect();
    reader.subscribe(">", 1);
    for headers in [
        &[("Origin", "https://evil.example")][..],
        &[("Origin", "null")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site"), ("Origin", "http://127.0.0.1")],
    ] {
        for method in ["PUT", "POST", "DELETE"] {
            let answer = ask(http, &format!("{method} /v1/nats/subjects/a"), headers, "x");
            assert_eq!(answer.status, 403, "{method} {headers:?}");
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
    }
    assert_eq!(reader.flush().len(), 0, "nothing was published");
    let own = [("Origin", "http://127.0.0.1")];
    assert_eq!(ask(http, "PUT /v1/nats/subjects/a", &own, "x").status, 204);
    let listed = [("Origin", "https://app.example"), ("Sec-Fetch-Site", "cross-site")];
    let answer = ask(http, "PUT /v1/nats/subjects/a", &listed, "x");
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (204, Some("https://app.example"))
    );
    let asks = [("Origin", "https://app.example"), ("Access-Control-Request-Method", "PUT")];
    let answer = ask(http, "OPTIONS /v1/nats/subjects/a", &asks, "");
    assert_eq!((answer.status, answer.header("access-control-max-age")), (204, Some("600")));
    let asks = [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "PUT")];
    assert_eq!(ask(http, "OPTIONS /v1/nats/subjects/a", &asks, "").status, 403);
}

pub(crate) fn names_that_point_here_are_refused(setup: Setup) {
    let (_server, http) = start(setup, ORIGINS);
    for (host, status) in [
        ("evil.example", 421),
        ("127.0.0.1.evil.example:80", 421),
        ("broker.example:80", 200),
        ("localhost:1", 200),
        ("[::1]", 200),
    ] {
        assert_eq!(ask(http, "GET /v1/healthz", &[("Host", host)], "").status, status, "{host}");
    }
    drop(_server);
    let guarded = format!("{ORIGINS}authorization {{ token: t }}\n");
    let (_server, http) = start(setup, &guarded);
    assert_eq!(
        ask(http, "GET /v1/healthz", &[("Host", "any.example")], "").status,
        200,
        "credentials protect it"
    );
}

pub(crate) fn smuggled_and_slow_requests_harm_nobody(setup: Setup) {
    let (server, http) = start(setup, crate::BLOCK);
    let mut reader = server.connect();
    reader.subscribe(">", 1);
    // The second request is a part of the first one's body, whoever counts otherwise.
    let hidden = "PUT /v1/nats/subjects/hidden HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n";
    let head = "PUT /v1/nats/subjects/seen HTTP/1.1\r\nHost: 127.0.0.1\r\n";
    for fields in [
        format!("Content-Length: {0}\r\nContent-Length: 0\r\n", hidden.len()),
        format!("Content-Length: {}, 0\r\n", hidden.len()),
        "Content-Length: +5\r\n".to_owned(),
        "Transfer-Encoding: xchunked\r\n".to_owned(),
        "Transfer-Encoding: chunked, identity\r\n".to_owned(),
        "Transfer-Encoding : chunked\r\n".to_owned(),
    ] {
        let answer = said(http, format!("{head}{fields}\r\n{hidden}").as_bytes());
        assert_eq!(answer.status, 400, "{fields}");
    }
    let answer = said(http, format!("{head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n{hidden}").as_bytes());
    assert_eq!(answer.status, 204, "chunks count, and no more is read");
    let subjects: Vec<String> = reader.flush().into_iter().map(|message| message.subject).collect();
    assert_eq!(subjects, ["seen"]);
    // Heads that never end hold up nobody, and end.
    let begun = Instant::now();
    let mut slow: Vec<_> = (0..200).map(|_| dial(http)).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /v1/healthz HTTP/1.1\r\nHost: 127").expect("it is taken");
    }
    assert_eq!(ask(http, "GET /v1/healthz", &[], "").status, 200);
    let mut rest = Vec::new();
    slow[0].set_read_timeout(Some(Duration::from_secs(30))).expect("a socket");
    let _ = slow[0].read_to_end(&mut rest);
    assert!(begun.elapsed() < Duration::from_secs(25), "it was let go");
}
