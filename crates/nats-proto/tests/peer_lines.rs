//! What real servers said to each other on routes and leaf nodes, read and written again.

use nats_proto::{
    LeafConnect, Limits, PeerDecoder, PeerInfo, PeerKind, PeerOp, ProtoError, RouteConnect, Step, encode,
};

const LINES: &str = include_str!("../testdata/peer_lines.txt");

/// Of a scripted peer that errs on purpose.
const REFUSED: [(&str, ProtoError); 3] = [
    ("FOO bar", ProtoError::UnknownOperation),
    ("RS+ A a q", ProtoError::BadArguments { op: "RS+" }),
    ("HMSG A x.1 20 18", ProtoError::BadSize { op: "HMSG" }),
];

struct Recorded {
    kind: PeerKind,
    /// By a scripted peer, which leaves out what servers always write.
    is_scripted: bool,
    bytes: Vec<u8>,
}

fn recorded() -> impl Iterator<Item = Recorded> {
    LINES.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (kind, text) = line.split_once(' ').unwrap();
        let name = kind.trim_end_matches('~');
        let of_name = match name {
            "route" => PeerKind::ROUTE,
            "pinned" => PeerKind::Route { pinned: true, names_origin: true },
            "leaf" => PeerKind::Leaf,
            _ => panic!("{kind}"),
        };
        Recorded { kind: of_name, is_scripted: name != kind, bytes: unescaped(text) }
    })
}

fn unescaped(text: &str) -> Vec<u8> {
    let text = text.replace("\\r", "\r").replace("\\n", "\n");
    assert!(!text.replace("\\x5c", "").contains("\\x"), "only backslashes are written in digits");
    text.replace("\\x5c", "\\").into_bytes()
}

fn read(kind: PeerKind, bytes: &[u8]) -> Result<PeerOp<'_>, ProtoError> {
    match PeerDecoder::new(kind).step(bytes, &Limits::default())? {
        Step::Op { used, op } => {
            assert_eq!(used, bytes.len(), "{}", bytes.escape_ascii());
            Ok(op)
        }
        Step::NeedMore { .. } => panic!("not whole: {}", bytes.escape_ascii()),
    }
}

/// The op as a server writes it, `None` if it writes no such thing.
fn written(kind: PeerKind, op: &PeerOp<'_>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match op {
        PeerOp::Connect(text) if kind == PeerKind::Leaf => {
            encode::leaf_connect(&mut out, &LeafConnect::parse(text).unwrap());
        }
        PeerOp::Connect(text) => encode::route_connect(&mut out, &RouteConnect::parse(text).unwrap()),
        PeerOp::Info(text) if text.ends_with(b" ") => {
            encode::peer_info(&mut out, &PeerInfo::parse(text).unwrap());
        }
        PeerOp::Info(text) => encode::peer_info_passed_on(&mut out, &PeerInfo::parse(text).unwrap()),
        PeerOp::Interest { key, weight } => encode::interest(&mut out, kind, key, *weight),
        PeerOp::NoInterest(key) => encode::no_interest(&mut out, kind, key),
        PeerOp::Message(message) => encode::peer_message(&mut out, kind, message),
        PeerOp::Ping => encode::ping(&mut out),
        PeerOp::Pong => encode::pong(&mut out),
        PeerOp::Err(text) => encode::err(&mut out, str::from_utf8(text).unwrap()),
        PeerOp::Ok | PeerOp::Ignored => return None,
    }
    Some(out)
}

/// Hubs of 2.9 have the same members in INFO, in another order.
fn is_of_old_hub(kind: PeerKind, op: &PeerOp<'_>) -> bool {
    let PeerOp::Info(text) = op else { return false };
    kind == PeerKind::Leaf && PeerInfo::parse(text).unwrap().version == "2.9.10"
}

fn members(line: &[u8]) -> serde_json::Value {
    serde_json::from_slice(line.strip_prefix(b"INFO ").unwrap()).unwrap()
}

#[test]
fn what_servers_said_is_written_again_byte_for_byte() {
    let mut count = 0;
    for Recorded { kind, bytes, .. } in recorded().filter(|line| !line.is_scripted) {
        let op = read(kind, &bytes).unwrap();
        let written = written(kind, &op).expect("a server wrote it");
        count += 1;
        if is_of_old_hub(kind, &op) {
            assert_eq!(members(&written), members(&bytes));
            continue;
        }
        assert_eq!(written.escape_ascii().to_string(), bytes.escape_ascii().to_string(), "{kind:?}");
    }
    assert!(count > 400, "{count} lines");
}

#[test]
fn what_scripted_peers_said_is_taken_or_refused_as_the_server_did() {
    for Recorded { kind, bytes, .. } in recorded().filter(|line| line.is_scripted) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let refusal = REFUSED.iter().find(|(front, _)| text.starts_with(front));
        if let Some((_, error)) = refusal {
            assert_eq!(read(kind, &bytes), Err(*error), "{text}");
            continue;
        }
        match read(kind, &bytes).unwrap() {
            PeerOp::Connect(b"{bad") => assert!(RouteConnect::parse(b"{bad").is_err()),
            PeerOp::Ignored => assert!(text.starts_with("SUB "), "{text}"),
            PeerOp::Info(body) => {
                let info = PeerInfo::parse(body).unwrap();
                let again = serde_json::to_vec(&info).unwrap();
                assert_eq!(PeerInfo::parse(&again), Ok(info), "{text}");
            }
            op => {
                let again = written(kind, &op).expect("what a peer says is written");
                // A CONNECT may have been shorter.
                let is_connect = matches!(op, PeerOp::Connect(_));
                assert!(is_connect || again == bytes, "{text}");
            }
        }
    }
}

#[test]
fn cut_anywhere_it_is_read_the_same() {
    for Recorded { kind, bytes, .. } in recorded() {
        let whole = PeerDecoder::new(kind).step(&bytes, &Limits::default());
        for cut in 0..bytes.len() {
            let mut decoder = PeerDecoder::new(kind);
            match decoder.step(&bytes[..cut], &Limits::default()) {
                Ok(Step::NeedMore { at_least }) => {
                    assert!(at_least > cut);
                    assert_eq!(decoder.step(&bytes, &Limits::default()), whole);
                }
                other => assert!(other.is_err() && other == whole, "{other:?} at {cut}"),
            }
        }
    }
}
