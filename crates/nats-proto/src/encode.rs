//! Writing ops, appended to a buffer the caller owns and reuses.
//!
//! Nothing is validated: subjects, replies, queues and sids must be free of blanks and line ends, and
//! the text of an `-ERR` of line ends. What the decoders yield may be written back as it is.

use crate::tokens::SIZE_DIGITS_MAX;
use crate::{ConnectOptions, ServerInfo};

pub use crate::encode_peer::{
    interest, leaf_connect, no_interest, peer_info, peer_info_passed_on, peer_message,
    peer_message_without_headers, route_connect,
};

/// `INFO {…} ␍␊`, with the blank before the line end that nats-server writes.
pub fn info(out: &mut Vec<u8>, info: &ServerInfo) {
    out.extend_from_slice(b"INFO ");
    write_json(out, info);
    out.extend_from_slice(b" \r\n");
}

/// `CONNECT {…}␍␊`.
pub fn connect(out: &mut Vec<u8>, options: &ConnectOptions) {
    out.extend_from_slice(b"CONNECT ");
    write_json(out, options);
    out.extend_from_slice(b"\r\n");
}

/// `PUB subject [reply] size␍␊payload␍␊`.
pub fn publish(out: &mut Vec<u8>, subject: &[u8], reply: Option<&[u8]>, payload: &[u8]) {
    words(out, b"PUB ", &[Some(subject), reply]);
    size_line(out, payload.len());
    parts(out, &[payload, b"\r\n"]);
}

/// `HPUB subject [reply] header-size size␍␊headers payload␍␊`.
pub fn hpublish(out: &mut Vec<u8>, subject: &[u8], reply: Option<&[u8]>, headers: &[u8], payload: &[u8]) {
    words(out, b"HPUB ", &[Some(subject), reply]);
    number(out, headers.len() as u64);
    out.push(b' ');
    size_line(out, headers.len() + payload.len());
    parts(out, &[headers, payload, b"\r\n"]);
}

/// `SUB subject [queue] sid␍␊`.
pub fn subscribe(out: &mut Vec<u8>, subject: &[u8], queue: Option<&[u8]>, sid: &[u8]) {
    words(out, b"SUB ", &[Some(subject), queue]);
    parts(out, &[sid, b"\r\n"]);
}

/// `UNSUB sid [max]␍␊`. `None` and 0 mean now. Servers read more than nine digits as "now" too, so
/// a `max` over 999,999,999 is written as that.
pub fn unsubscribe(out: &mut Vec<u8>, sid: &[u8], max: Option<u64>) {
    parts(out, &[b"UNSUB ", sid]);
    if let Some(max) = max.filter(|&max| max > 0) {
        out.push(b' ');
        number(out, max.min(10u64.pow(SIZE_DIGITS_MAX as u32) - 1));
    }
    out.extend_from_slice(b"\r\n");
}

/// `MSG subject sid [reply] size␍␊payload␍␊`.
pub fn msg(out: &mut Vec<u8>, subject: &[u8], sid: &[u8], reply: Option<&[u8]>, payload: &[u8]) {
    words(out, b"MSG ", &[Some(subject), Some(sid), reply]);
    size_line(out, payload.len());
    parts(out, &[payload, b"\r\n"]);
}

/// `HMSG subject sid [reply] header-size size␍␊headers payload␍␊`.
pub fn hmsg(
    out: &mut Vec<u8>,
    subject: &[u8],
    sid: &[u8],
    reply: Option<&[u8]>,
    headers: &[u8],
    payload: &[u8],
) {
    words(out, b"HMSG ", &[Some(subject), Some(sid), reply]);
    number(out, headers.len() as u64);
    out.push(b' ');
    size_line(out, headers.len() + payload.len());
    parts(out, &[headers, payload, b"\r\n"]);
}

/// `PING␍␊`.
pub fn ping(out: &mut Vec<u8>) {
    out.extend_from_slice(b"PING\r\n");
}

/// `PONG␍␊`.
pub fn pong(out: &mut Vec<u8>) {
    out.extend_from_slice(b"PONG\r\n");
}

/// `+OK␍␊`.
pub fn ok(out: &mut Vec<u8>) {
    out.extend_from_slice(b"+OK\r\n");
}

/// `-ERR 'text'␍␊`. The quotes are added here.
pub fn err(out: &mut Vec<u8>, text: &str) {
    parts(out, &[b"-ERR '", text.as_bytes(), b"'\r\n"]);
}

/// A header block: `NATS/1.0[ code[ text]]␍␊`, a line per field, an empty line. The result is what
/// [`hpublish`] and [`hmsg`] take for headers and [`HeaderView`](crate::HeaderView) reads.
pub fn header_block(out: &mut Vec<u8>, status: Option<(u16, &[u8])>, fields: &[(&[u8], &[u8])]) {
    out.extend_from_slice(b"NATS/1.0");
    if let Some((code, text)) = status {
        out.push(b' ');
        number(out, u64::from(code));
        if !text.is_empty() {
            parts(out, &[b" ", text]);
        }
    }
    out.extend_from_slice(b"\r\n");
    for (name, value) in fields {
        parts(out, &[name, b": ", value, b"\r\n"]);
    }
    out.extend_from_slice(b"\r\n");
}

/// The verb, then each word that is there with a blank behind it.
pub(crate) fn words(out: &mut Vec<u8>, verb: &[u8], words: &[Option<&[u8]>]) {
    out.extend_from_slice(verb);
    for word in words.iter().flatten() {
        parts(out, &[word, b" "]);
    }
}

pub(crate) fn parts(out: &mut Vec<u8>, parts: &[&[u8]]) {
    out.reserve(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        out.extend_from_slice(part);
    }
}

pub(crate) fn size_line(out: &mut Vec<u8>, size: usize) {
    number(out, size as u64);
    out.extend_from_slice(b"\r\n");
}

/// Decimal digits without a detour through a `String`.
pub(crate) fn number(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

fn write_json<T: serde::Serialize>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("plain structs with text keys always become JSON");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn frames_are_written_as_the_wire_knows_them() {
        assert_eq!(written(|out| publish(out, b"a", None, b"hi")), "PUB a 2\r\nhi\r\n");
        assert_eq!(written(|out| publish(out, b"a", Some(b"r"), b"")), "PUB a r 0\r\n\r\n");
        assert_eq!(
            written(|out| hpublish(out, b"a", Some(b"r"), b"NATS/1.0\r\n\r\n", b"hi")),
            "HPUB a r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"
        );
        assert_eq!(written(|out| subscribe(out, b"a.*", Some(b"q"), b"7")), "SUB a.* q 7\r\n");
        assert_eq!(written(|out| msg(out, b"a", b"1", None, b"x")), "MSG a 1 1\r\nx\r\n");
        assert_eq!(
            written(|out| hmsg(out, b"a", b"1", Some(b"r"), b"NATS/1.0\r\n\r\n", b"")),
            "HMSG a 1 r 12 12\r\nNATS/1.0\r\n\r\n\r\n"
        );
        assert_eq!(written(|out| err(out, "Stale Connection")), "-ERR 'Stale Connection'\r\n");
    }

    #[test]
    fn unsub_never_says_now_by_accident() {
        assert_eq!(written(|out| unsubscribe(out, b"1", None)), "UNSUB 1\r\n");
        assert_eq!(written(|out| unsubscribe(out, b"1", Some(0))), "UNSUB 1\r\n");
        assert_eq!(written(|out| unsubscribe(out, b"1", Some(u64::MAX))), "UNSUB 1 999999999\r\n");
    }

    #[test]
    fn no_responders_block_is_the_one_clients_know() {
        let fields: &[(&[u8], &[u8])] = &[(b"Nats-Subject", b"req.1")];
        let block = written(|out| header_block(out, Some((503, b"")), fields));
        assert_eq!(block, "NATS/1.0 503\r\nNats-Subject: req.1\r\n\r\n");
        assert_eq!(block.len(), 37);
    }

    #[test]
    fn numbers_have_no_padding() {
        assert_eq!(written(|out| number(out, 0)), "0");
        assert_eq!(written(|out| number(out, u64::MAX)), u64::MAX.to_string());
    }
}
