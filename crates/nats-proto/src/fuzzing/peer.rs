//! What must hold for any bytes that another server sends.

use super::body::{check_peer_connect, check_peer_info};
use super::{LIMITS, ROOMY, decode_all_ways, header_block};
use crate::{PeerDecoder, PeerKind, PeerMessage, PeerOp, Step, encode};

const KINDS: [PeerKind; 5] = [
    PeerKind::ROUTE,
    PeerKind::Route { pinned: false, names_origin: false },
    PeerKind::Route { pinned: true, names_origin: true },
    PeerKind::Route { pinned: true, names_origin: false },
    PeerKind::Leaf,
];

/// Reads `data` as what another server sends, on every kind of connection.
pub fn peer_bytes(data: &[u8]) {
    for limits in &LIMITS {
        for kind in KINDS {
            let fresh = || {
                let mut decoder = PeerDecoder::new(kind);
                move |input| decoder.step(input, limits)
            };
            for op in decode_all_ways(data, fresh, &limits.for_server_lines()) {
                check(kind, op);
            }
        }
    }
    check_peer_connect(data);
    check_peer_info(data);
}

/// What is written of an op reads as that op.
fn check(kind: PeerKind, op: PeerOp<'_>) {
    let mut out = Vec::new();
    match &op {
        PeerOp::Interest { key, weight } => encode::interest(&mut out, kind, key, *weight),
        PeerOp::NoInterest(key) => encode::no_interest(&mut out, kind, key),
        PeerOp::Message(message) => {
            header_block(message.headers());
            check_cut(kind, message);
            encode::peer_message(&mut out, kind, message);
        }
        PeerOp::Connect(text) => return check_peer_connect(text),
        PeerOp::Info(text) => return check_peer_info(text),
        PeerOp::Ping | PeerOp::Pong | PeerOp::Ok | PeerOp::Err(_) | PeerOp::Ignored => return,
    }
    assert_eq!(read(kind, &out), op);
}

/// Without headers it is the same message, and has the payload alone.
fn check_cut(kind: PeerKind, message: &PeerMessage<'_>) {
    let mut out = Vec::new();
    encode::peer_message_without_headers(&mut out, kind, message);
    let PeerOp::Message(cut) = read(kind, &out) else { panic!("no message") };
    assert_eq!((cut.header, cut.body), (None, message.payload()));
    assert_eq!((cut.origin, cut.account, cut.subject), (message.origin, message.account, message.subject));
    assert_eq!((cut.reply, cut.groups), (message.reply, message.groups));
}

fn read(kind: PeerKind, bytes: &[u8]) -> PeerOp<'_> {
    match PeerDecoder::new(kind).step(bytes, &ROOMY) {
        Ok(Step::Op { used, op }) if used == bytes.len() => op,
        step => panic!("{} came back as {step:?}", bytes.escape_ascii()),
    }
}
