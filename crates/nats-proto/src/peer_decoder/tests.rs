use super::*;

const PINNED: PeerKind = PeerKind::Route { pinned: true, names_origin: true };
const OLD: PeerKind = PeerKind::Route { pinned: false, names_origin: false };

fn first(kind: PeerKind, input: &[u8]) -> Result<Step<PeerOp<'_>>, ProtoError> {
    PeerDecoder::new(kind).step(input, &Limits { control_line_bytes_max: 4, payload_bytes_max: 20 })
}

/// The op at the front, which must take all of the input.
fn whole(kind: PeerKind, input: &[u8]) -> PeerOp<'_> {
    match first(kind, input) {
        Ok(Step::Op { used, op }) if used == input.len() => op,
        other => panic!("{}: {other:?}", input.escape_ascii()),
    }
}

fn key<'a>(origin: Option<&'a str>, account: Option<&'a str>, queue: Option<&'a str>) -> InterestKey<'a> {
    let bytes = |text: &'a str| text.as_bytes();
    let (origin, account, queue) = (origin.map(bytes), account.map(bytes), queue.map(bytes));
    InterestKey { origin, account, subject: b"s.>", queue }
}

#[test]
fn what_a_line_of_interest_names_depends_on_what_the_connection_carries() {
    let (a, q) = (Some("A"), Some("q"));
    for (kind, line, key, weight) in [
        (PeerKind::ROUTE, "RS+ A s.>\r\n", key(None, a, None), 1),
        (PeerKind::ROUTE, "rs+\tA  s.> q 12 \n", key(None, a, q), 12),
        (PeerKind::ROUTE, "LS+ B A s.>\r\n", key(Some("B"), a, None), 1),
        (OLD, "LS+ B A s.> q 2\r\n", key(Some("B"), a, q), 2),
        (PINNED, "RS+ s.> q 2\r\n", key(None, None, q), 2),
        (PINNED, "LS+ B s.>\r\n", key(Some("B"), None, None), 1),
        (PeerKind::Leaf, "LS+ s.>\r\n", key(None, None, None), 1),
        (PeerKind::Leaf, "RS+ s.> q 2\r\n", key(None, None, q), 2),
        (PeerKind::Leaf, "SUB s.> q 2\r\n", key(None, None, q), 2),
        (PeerKind::ROUTE, "RS+ A s.> q x\r\n", key(None, a, q), 0),
        (PeerKind::ROUTE, "RS+ A s.> q 4294967297\r\n", key(None, a, q), 0),
    ] {
        assert_eq!(whole(kind, line.as_bytes()), PeerOp::Interest { key, weight }, "{line}");
    }
    for (kind, line, key) in [
        (PeerKind::ROUTE, "RS- A s.>\r\n", key(None, a, None)),
        (PeerKind::ROUTE, "LS- B A s.> q\r\n", key(Some("B"), a, q)),
        (PeerKind::ROUTE, "UNSUB A s.> q\r\n", key(None, a, q)),
        (OLD, "LS- A s.> q\r\n", key(Some(""), a, q)),
        (PINNED, "RS- s.> q\r\n", key(None, None, q)),
        (PINNED, "LS- B s.>\r\n", key(Some("B"), None, None)),
        (PeerKind::Leaf, "ls- s.> q\r\n", key(None, None, q)),
    ] {
        assert_eq!(whole(kind, line.as_bytes()), PeerOp::NoInterest(key), "{line}");
    }
}

#[test]
fn the_number_of_words_has_to_be_right() {
    for (kind, line, op) in [
        (PeerKind::ROUTE, "RS+ s.>\r\n", "RS+"),
        (PeerKind::ROUTE, "RS+ A s.> q\r\n", "RS+"),
        (PeerKind::ROUTE, "RS+ A s.> q 1 x\r\n", "RS+"),
        (PeerKind::ROUTE, "LS+ B s.>\r\n", "LS+"),
        (PeerKind::Leaf, "LS+ s.> q\r\n", "LS+"),
        (PeerKind::ROUTE, "RS- A s.> q 1\r\n", "RS-"),
        (PINNED, "LS- B\r\n", "LS-"),
        (PeerKind::ROUTE, "RMSG A s\r\n", "RMSG"),
        (PeerKind::ROUTE, "RMSG A s r q 1\r\n", "RMSG"),
        (PeerKind::ROUTE, "RMSG A s ++ q 1\r\n", "RMSG"),
        (PeerKind::ROUTE, "HMSG A s 12\r\n", "HMSG"),
        (PeerKind::ROUTE, "LMSG B A s 1\r\n", "LMSG"),
        (PeerKind::Leaf, "LMSG s\r\n", "LMSG"),
    ] {
        assert_eq!(first(kind, line.as_bytes()), Err(ProtoError::BadArguments { op }), "{line}");
    }
}

fn message(op: PeerOp<'_>) -> PeerMessage<'_> {
    let PeerOp::Message(message) = op else { panic!("{op:?}") };
    message
}

#[test]
fn messages_say_who_is_to_get_them() {
    for (kind, line, account, reply, groups) in [
        (PeerKind::ROUTE, "RMSG A s 2\r\nhi\r\n", Some("A"), None, ""),
        (PeerKind::ROUTE, "RMSG A s r 2\r\nhi\r\n", Some("A"), Some("r"), ""),
        (PeerKind::ROUTE, "rmsg\tA  s | q z  02\nhi\r\n", Some("A"), None, "q z"),
        (PeerKind::ROUTE, "RMSG A s + r q z 2\r\nhi\r\n", Some("A"), Some("r"), "q  z"),
        (PeerKind::ROUTE, "RMSG A s + r 2\r\nhi\r\n", Some("A"), Some("r"), ""),
        (PeerKind::ROUTE, "RMSG A s | 2\r\nhi\r\n", Some("A"), Some("|"), ""),
        (PINNED, "RMSG s + r q z 2\r\nhi\r\n", None, Some("r"), "q z"),
        (PeerKind::Leaf, "LMSG s 2\r\nhi\r\n", None, None, ""),
        (PeerKind::Leaf, "LMSG s | q 2\r\nhi\r\n", None, None, "q"),
        (PeerKind::Leaf, "RMSG s r 2\r\nhi\r\n", None, Some("r"), ""),
    ] {
        let message = message(whole(kind, line.as_bytes()));
        assert_eq!((message.origin, message.account), (None, account.map(str::as_bytes)), "{line}");
        assert_eq!((message.subject, message.reply), (&b"s"[..], reply.map(str::as_bytes)), "{line}");
        assert_eq!(message.groups, Groups::new(groups.as_bytes()), "{line}");
        assert_eq!((message.header, message.body), (None, &b"hi"[..]), "{line}");
    }
}

#[test]
fn headers_have_a_length_of_their_own() {
    let text = b"HMSG A s + r q 12 14\r\nNATS/1.0\r\n\r\nhi\r\n";
    let routed = message(whole(PeerKind::ROUTE, text));
    assert_eq!(routed.header, Some(HeaderLen { bytes: 12, text: b"12" }));
    assert_eq!((routed.headers(), routed.payload()), (&b"NATS/1.0\r\n\r\n"[..], &b"hi"[..]));
    let leaf = message(whole(PeerKind::Leaf, b"HMSG s 12 12\r\nNATS/1.0\r\n\r\n\r\n"));
    assert_eq!((leaf.account, leaf.headers(), leaf.payload()), (None, &b"NATS/1.0\r\n\r\n"[..], &b""[..]));
    // From a leaf cluster, a length is there whether there are headers or not.
    let plain = message(whole(PeerKind::ROUTE, b"LMSG B A s 0 2\r\nhi\r\n"));
    assert_eq!((plain.origin, plain.header, plain.payload()), (Some(&b"B"[..]), None, &b"hi"[..]));
    let pinned = message(whole(PINNED, b"LMSG B s | q 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"));
    assert_eq!((pinned.origin, pinned.account, pinned.payload()), (Some(&b"B"[..]), None, &b"hi"[..]));
}

#[test]
fn sizes_are_held_to_the_limits() {
    let size = |op| Err(ProtoError::BadSize { op });
    assert_eq!(first(PeerKind::ROUTE, b"HMSG A s 20 18\r\n"), size("HMSG"));
    assert_eq!(first(PeerKind::ROUTE, b"LMSG B A s x 2\r\n"), size("LMSG"));
    assert_eq!(first(PeerKind::ROUTE, b"RMSG A s -1\r\n"), size("RMSG"));
    assert_eq!(
        first(PeerKind::Leaf, b"LMSG s 21\r\n"),
        Err(ProtoError::PayloadTooLarge { size: 21, max: 20 })
    );
    assert_eq!(first(PeerKind::ROUTE, b"RMSG A s 2\r\nhi\n"), Err(ProtoError::BadPayloadEnd));
    assert_eq!(first(PeerKind::ROUTE, b"RMSG A s 2\r\nh"), Ok(Step::NeedMore { at_least: 16 }));
    let long = [b"RS+ A ", &[b's'; 63][..], b"\r\n"].concat();
    assert_eq!(first(PeerKind::ROUTE, &long), Err(ProtoError::ControlLineTooLong { max: 64 }));
}

#[test]
fn the_rest_is_as_with_clients() {
    let kind = PeerKind::Leaf;
    assert_eq!(whole(kind, b"CONNECT {}\r\n"), PeerOp::Connect(b"{}"));
    assert_eq!(whole(kind, b"INFO {} \r\n"), PeerOp::Info(b"{} "));
    assert_eq!(whole(kind, b"-ERR 'Stale Connection'\r\n"), PeerOp::Err(b"Stale Connection"));
    assert_eq!(whole(kind, b"+OK\r\n"), PeerOp::Ok);
    assert_eq!(whole(kind, b"PING\r\n"), PeerOp::Ping);
    assert_eq!(whole(kind, b"PONG\r\n"), PeerOp::Pong);
    for line in [&b"SUB a b c d e f\r\n"[..], b"A+ A\r\n", b"a- A\r\n"] {
        assert_eq!(whole(PeerKind::ROUTE, line), PeerOp::Ignored, "{}", line.escape_ascii());
    }
}

#[test]
fn what_no_server_sends_to_another_is_refused_at_once() {
    for input in
        [&b"M"[..], b"PU", b"HP", b"RX", b"RSS", b"RM+", b"LSx", b"RS+A", b"AB", b"F", b" ", b"-ERR\r"]
    {
        assert_eq!(
            first(PeerKind::ROUTE, input),
            Err(ProtoError::UnknownOperation),
            "{}",
            input.escape_ascii()
        );
    }
    for input in [&b"r"[..], b"L", b"lm", b"RS", b"LS-", b"A", b"RS+ A s"] {
        let step = first(PeerKind::ROUTE, input);
        assert_eq!(step, Ok(Step::NeedMore { at_least: input.len() + 1 }), "{}", input.escape_ascii());
    }
}
