use nats_proto::go_json::pretty;

use super::*;
use crate::request::Request;
use crate::snapshot::{Tally, TlsFacts};

const CLOCK: Clock = Clock { now: Moment(100_000_000_000), shards_now: 100_000_000_000 };

fn row(cid: u64) -> ConnectionRow {
    ConnectionRow {
        cid,
        peer: Some("127.0.0.1:4000".parse().unwrap()),
        start: 40_000_000_000,
        last_activity: 98_000_000_000,
        rtt: Some(Duration::from_nanos(390_123)),
        pending_bytes: 0,
        input: Tally::default(),
        output: Tally { msgs: 3, bytes: 8 },
        stalls: 0,
        subscriptions: 1,
        name: "".into(),
        lang: "".into(),
        version: "".into(),
        tls: None,
        user: "alice".into(),
        account: "A".into(),
        is_websocket: false,
    }
}

fn sub(cid: u64) -> SubscriptionRow {
    SubscriptionRow {
        cid,
        account: "A".into(),
        subject: (*b"foo.>").into(),
        queue: Some((*b"q").into()),
        sid: (*b"1").into(),
        msgs: 2,
        max: 10,
    }
}

fn asked(query: &str) -> Request {
    Request::read("", "GET", format!("/connz?{query}").as_bytes()).0
}

fn query(text: &str) -> ConnzQuery {
    match asked(text) {
        Request::Connz(query) => query,
        request => panic!("{request:?}"),
    }
}

fn answer(text: &str, shown: Vec<Shown>) -> String {
    let query = query(text);
    let mut selection = Selection::new(query.clone(), CLOCK.shards_now);
    let total = shown.len();
    shown.into_iter().for_each(|one| selection.push(one));
    let shown = selection.finish();
    let connz = Connz { server_id: "ID", clock: CLOCK, total, shown, subscriptions: vec![sub(7)] };
    pretty(&connz.text(&query))
}

fn closed(cid: u64, stop: u64, reason: &'static str) -> Shown {
    Shown::Closed(Arc::new(ClosedRow { row: row(cid), stop, reason, subscriptions: vec![sub(cid)] }))
}

fn keys(body: &str) -> Vec<&str> {
    body.lines()
        .filter_map(|line| line.trim_start().strip_prefix('"')?.split_once("\":"))
        .map(|(key, _)| key)
        .collect()
}

/// All of it, as nats-server 2.14.5 writes it.
#[test]
fn an_open_connection_is_told_as_nats_server_tells_it() {
    let named = ConnectionRow { name: "<na&me>".into(), lang: "go".into(), version: "1.2".into(), ..row(7) };
    let expected = r#"{
  "server_id": "ID",
  "now": "1970-01-01T00:01:40Z",
  "num_connections": 1,
  "total": 1,
  "offset": 0,
  "limit": 1024,
  "connections": [
    {
      "cid": 7,
      "kind": "Client",
      "type": "nats",
      "ip": "127.0.0.1",
      "port": 4000,
      "start": "1970-01-01T00:00:40Z",
      "last_activity": "1970-01-01T00:01:38Z",
      "rtt": "390µs",
      "uptime": "1m0s",
      "idle": "2s",
      "pending_bytes": 0,
      "in_msgs": 0,
      "out_msgs": 3,
      "in_bytes": 0,
      "out_bytes": 8,
      "subscriptions": 1,
      "name": "\u003cna\u0026me\u003e",
      "lang": "go",
      "version": "1.2",
      "authorized_user": "alice",
      "account": "A",
      "subscriptions_list_detail": [
        {
          "subject": "foo.\u003e",
          "qgroup": "q",
          "sid": "1",
          "msgs": 2,
          "max": 10,
          "cid": 7
        }
      ],
      "name_tag": "A"
    }
  ]
}"#;
    assert_eq!(answer("subs=detail&auth=1", vec![Shown::Open(named)]), expected);
}

#[test]
fn what_was_not_asked_for_is_left_out() {
    let body = answer("", vec![Shown::Open(row(7))]);
    for key in ["authorized_user", "account", "subscriptions_list", "name_tag", "stop", "reason", "stalls"] {
        assert!(!keys(&body).contains(&key), "{key} in {body}");
    }
    assert!(
        answer("subs=1", vec![Shown::Open(row(7))])
            .contains("\"subscriptions_list\": [\n        \"foo.\\u003e\"\n")
    );
    let global = ConnectionRow { account: "$G".into(), ..row(7) };
    let body = answer("auth=1", vec![Shown::Open(global)]);
    assert!(!body.contains("\"account\"") && body.contains("\"name_tag\": \"$G\""), "{body}");
}

#[test]
fn tls_and_stalls_have_their_places() {
    let cert = PeerCert { subject: "CN=x".into(), spki_sha256: "s".into(), cert_sha256: "c".into() };
    let facts = TlsFacts {
        version: "1.3".into(),
        cipher_suite: "TLS_AES_128_GCM_SHA256".into(),
        first: true,
        peer_certs: vec![cert],
    };
    let secured = ConnectionRow { tls: Some(Box::new(facts)), stalls: 1, ..row(7) };
    let body = answer("auth=1", vec![Shown::Open(secured)]);
    let shown: Vec<&str> = keys(&body).into_iter().skip_while(|key| *key != "out_bytes").collect();
    let expected = "out_bytes stalls subscriptions tls_version tls_cipher_suite tls_peer_certs subject spki_sha256 \
        cert_sha256 tls_first authorized_user account name_tag";
    assert_eq!(shown, expected.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn a_closed_connection_says_when_and_why() {
    let body = answer(
        "state=closed&subs=detail&sort=stop",
        vec![closed(5, 60_000_000_000, "Client Closed"), closed(6, 70_000_000_000, "Stale Connection")],
    );
    let shown: Vec<&str> =
        keys(&body).into_iter().skip_while(|key| *key != "last_activity").take(5).collect();
    assert_eq!(shown, ["last_activity", "stop", "reason", "rtt", "uptime"]);
    assert!(body.find("Stale Connection") < body.find("Client Closed"), "the latest first: {body}");
    assert!(body.contains("\"uptime\": \"20s\"") && body.contains("\"account_tag\": \"A\""), "{body}");
}

#[test]
fn connections_are_sorted_and_cut() {
    let rows =
        || (1..=9_u64).map(|cid| Shown::Open(ConnectionRow { subscriptions: 10 - cid as u32, ..row(cid) }));
    let cids = |text: &str, shown: Vec<Shown>| -> Vec<u64> {
        let mut selection = Selection::new(query(text), CLOCK.shards_now);
        shown.into_iter().for_each(|one| selection.push(one));
        selection.finish().iter().map(|shown| shown.row().cid).collect()
    };
    assert_eq!(cids("limit=3", rows().rev().collect()), [1, 2, 3]);
    assert_eq!(cids("limit=3&offset=7", rows().collect()), [8, 9]);
    assert_eq!(cids("limit=2&sort=subs", rows().rev().collect()), [1, 2]);
    assert_eq!(cids("limit=2&sort=idle&offset=20", rows().collect()), [0_u64; 0]);
    assert_eq!(cids("", rows().chain(rows()).collect()).len(), 9, "one that moved comes twice");
    let many = (0..10_000).map(|cid| Shown::Open(row(cid))).collect();
    assert_eq!(cids("limit=2&offset=1", many), [1, 2], "however many come by");
}

/// As nats-server 2.14.5 says it.
#[test]
fn what_makes_no_sense_is_refused() {
    for (text, expected) in [
        ("sort=bogus", "invalid sorting option: bogus"),
        ("sort=stop", "sort by stop only valid on closed connections"),
        ("sort=reason&state=any", "sort by reason only valid on closed connections"),
        ("state=xx", "Error decoding state for xx"),
    ] {
        let Request::Answered(answer) = asked(text) else { panic!("{text} is taken") };
        assert_eq!((answer.status, answer.text().as_str()), (400, expected));
    }
    // The byte was shown as U+FFFD, and what is no text was told as text.
    for (text, expected, content_type) in [
        ("sort=reaso%ff", &b"invalid sorting option: reaso\xff"[..], "text/plain; charset=utf-8"),
        ("state=x%00", b"Error decoding state for x\0", "application/octet-stream"),
    ] {
        let Request::Answered(answer) = asked(text) else { panic!("{text} is taken") };
        assert_eq!((&answer.body[..], answer.content_type), (expected, content_type));
    }
    assert_eq!(query("cid=5&limit=7").limit, 1);
    let nobody = pretty(&Connz::no_such_account(CLOCK, &query("acc=NOPE")));
    assert!(
        nobody.contains("\"server_id\": \"\"") && nobody.ends_with("\"connections\": null\n}"),
        "{nobody}"
    );
}

// All were shown, and one asked for by its number only with the right user.
#[test]
fn nobody_is_an_mqtt_client_and_a_number_outranks_what_else_is_asked_for() {
    let is_shown = |text: &str| query(text).filter().wants(&row(7));
    assert!(!is_shown("mqtt_client=x") && is_shown("mqtt_client="));
    assert!(is_shown("cid=7&mqtt_client=x") && is_shown("cid=7&user=nobody") && !is_shown("cid=8"));
    let was_shown = |text: &str| query(text).filter_of_closed().wants(&row(7));
    assert!(was_shown("cid=7") && !was_shown("cid=7&mqtt_client=x") && !was_shown("cid=7&user=nobody"));
}
