//! Writing what servers say to each other. Everything of it is reached as part of [`encode`](crate::encode).

use crate::encode::{number, parts, size_line, words};
use crate::peer_op::{InterestKey, PeerKind, PeerMessage};
use crate::{LeafConnect, PeerInfo, RouteConnect, go_json};

/// `INFO {…} ␍␊`, with the blank before the line end that nats-server writes where it speaks of itself.
pub fn peer_info(out: &mut Vec<u8>, info: &PeerInfo) {
    parts(out, &[b"INFO ", &go_json::compact(info), b" \r\n"]);
}

/// `INFO {…}␍␊`, without that blank: what nats-server writes of other servers, and in answers.
pub fn peer_info_passed_on(out: &mut Vec<u8>, info: &PeerInfo) {
    parts(out, &[b"INFO ", &go_json::compact(info), b"\r\n"]);
}

/// `CONNECT {…}␍␊` of who dials a route.
pub fn route_connect(out: &mut Vec<u8>, connect: &RouteConnect) {
    parts(out, &[b"CONNECT ", &go_json::compact(connect), b"\r\n"]);
}

/// `CONNECT {…}␍␊` of who dials a hub.
pub fn leaf_connect(out: &mut Vec<u8>, connect: &LeafConnect) {
    parts(out, &[b"CONNECT ", &go_json::compact(connect), b"\r\n"]);
}

/// `RS+ account subject [queue weight]␍␊`, or what stands for it on that kind of connection. The weight is written
/// where there is a queue group.
///
/// An origin is written if the key has one: leave it out towards a server without `lnoc`. A connection that
/// carries one account takes keys without one.
pub fn interest(out: &mut Vec<u8>, kind: PeerKind, key: &InterestKey<'_>, weight: u32) {
    let verb: &[u8] = if writes_leaf(kind, key.origin) { b"LS+" } else { b"RS+" };
    parts(out, &[verb]);
    rest_of_key(out, key.origin, key);
    if key.queue.is_some() {
        out.push(b' ');
        number(out, weight.into());
    }
    out.extend_from_slice(b"\r\n");
}

/// `RS- account subject [queue]␍␊`, or what stands for it on that kind of connection.
pub fn no_interest(out: &mut Vec<u8>, kind: PeerKind, key: &InterestKey<'_>) {
    let verb: &[u8] = if writes_leaf(kind, key.origin) { b"LS-" } else { b"RS-" };
    parts(out, &[verb]);
    let names_origin = !matches!(kind, PeerKind::Route { names_origin: false, .. });
    rest_of_key(out, key.origin.filter(|_| names_origin), key);
    out.extend_from_slice(b"\r\n");
}

fn writes_leaf(kind: PeerKind, origin: Option<&[u8]>) -> bool {
    kind == PeerKind::Leaf || origin.is_some()
}

fn rest_of_key(out: &mut Vec<u8>, origin: Option<&[u8]>, key: &InterestKey<'_>) {
    let origin = origin.filter(|name| !name.is_empty());
    for word in [origin, key.account, Some(key.subject), key.queue].into_iter().flatten() {
        parts(out, &[b" ", word]);
    }
}

/// `RMSG account subject [reply] size␍␊payload␍␊`, or what stands for it on that kind of connection: `LMSG` where
/// a leaf cluster is the origin and on leaf nodes, `HMSG` with headers, and the groups with a sign before them.
///
/// Sizes are written as they came.
pub fn peer_message(out: &mut Vec<u8>, kind: PeerKind, message: &PeerMessage<'_>) {
    let verb: &[u8] = match (message.origin, message.header) {
        (Some(_), _) => b"LMSG ",
        (None, Some(_)) => b"HMSG ",
        (None, None) => plain_verb(kind),
    };
    front_of_message(out, verb, message);
    if let Some(text) = message.header.map(|header| header.text).or(message.origin.map(|_| &b"0"[..])) {
        parts(out, &[text, b" "]);
    }
    parts(out, &[message.size_text, b"\r\n", message.body, b"\r\n"]);
}

/// The same for a server that takes no headers (`headers` in its INFO or CONNECT): they are cut off.
pub fn peer_message_without_headers(out: &mut Vec<u8>, kind: PeerKind, message: &PeerMessage<'_>) {
    let verb: &[u8] = if message.origin.is_some() { b"LMSG " } else { plain_verb(kind) };
    front_of_message(out, verb, message);
    if message.origin.is_some() {
        out.extend_from_slice(b"0 ");
    }
    size_line(out, message.payload().len());
    parts(out, &[message.payload(), b"\r\n"]);
}

fn plain_verb(kind: PeerKind) -> &'static [u8] {
    if kind == PeerKind::Leaf { b"LMSG " } else { b"RMSG " }
}

/// All of the line but the sizes.
fn front_of_message(out: &mut Vec<u8>, verb: &[u8], message: &PeerMessage<'_>) {
    let has_groups = !message.groups.is_empty();
    let sign = has_groups.then_some(if message.reply.is_some() { &b"+"[..] } else { b"|" });
    words(out, verb, &[message.origin, message.account, Some(message.subject), sign, message.reply]);
    for group in message.groups.iter() {
        parts(out, &[group, b" "]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Groups, HeaderLen};

    const OLD: PeerKind = PeerKind::Route { pinned: false, names_origin: false };

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn interest_is_told_as_the_connection_has_it() {
        let key = InterestKey { origin: None, account: Some(b"A"), subject: b"s", queue: None };
        assert_eq!(written(|out| interest(out, PeerKind::ROUTE, &key, 1)), "RS+ A s\r\n");
        assert_eq!(written(|out| no_interest(out, PeerKind::ROUTE, &key)), "RS- A s\r\n");
        let group = InterestKey { queue: Some(b"q"), ..key };
        assert_eq!(written(|out| interest(out, PeerKind::ROUTE, &group, 12)), "RS+ A s q 12\r\n");
        assert_eq!(written(|out| no_interest(out, PeerKind::ROUTE, &group)), "RS- A s q\r\n");
        let far = InterestKey { origin: Some(b"B"), ..group };
        assert_eq!(written(|out| interest(out, OLD, &far, 2)), "LS+ B A s q 2\r\n");
        assert_eq!(written(|out| no_interest(out, OLD, &far)), "LS- A s q\r\n");
        assert_eq!(written(|out| no_interest(out, PeerKind::ROUTE, &far)), "LS- B A s q\r\n");
        let leaf = InterestKey { account: None, ..group };
        assert_eq!(written(|out| interest(out, PeerKind::Leaf, &leaf, 1)), "LS+ s q 1\r\n");
        assert_eq!(written(|out| no_interest(out, PeerKind::Leaf, &leaf)), "LS- s q\r\n");
    }

    #[test]
    fn messages_are_written_as_the_connection_has_them() {
        let header = Some(HeaderLen { bytes: 12, text: b"12" });
        let message = PeerMessage {
            origin: None,
            account: Some(b"A"),
            subject: b"s",
            reply: Some(b"r"),
            groups: Groups::new(b"q  z"),
            header,
            size_text: b"014",
            body: b"NATS/1.0\r\n\r\nhi",
        };
        let body = "NATS/1.0\r\n\r\nhi\r\n";
        let whole = |kind, message| written(|out| peer_message(out, kind, &message));
        let cut = |kind, message| written(|out| peer_message_without_headers(out, kind, &message));
        assert_eq!(whole(PeerKind::ROUTE, message), format!("HMSG A s + r q z 12 014\r\n{body}"));
        assert_eq!(cut(PeerKind::ROUTE, message), "RMSG A s + r q z 2\r\nhi\r\n");
        let far = PeerMessage { origin: Some(b"B"), reply: None, ..message };
        assert_eq!(whole(PeerKind::ROUTE, far), format!("LMSG B A s | q z 12 014\r\n{body}"));
        assert_eq!(cut(PeerKind::ROUTE, far), "LMSG B A s | q z 0 2\r\nhi\r\n");
        let plain =
            PeerMessage { header: None, size_text: b"2", body: b"hi", groups: Groups::default(), ..far };
        assert_eq!(whole(PeerKind::ROUTE, plain), "LMSG B A s 0 2\r\nhi\r\n");
        let leaf = PeerMessage { origin: None, account: None, ..plain };
        assert_eq!(whole(PeerKind::Leaf, leaf), "LMSG s 2\r\nhi\r\n");
        assert_eq!(
            cut(PeerKind::Leaf, PeerMessage { account: None, ..message }),
            "LMSG s + r q z 2\r\nhi\r\n"
        );
    }
}
