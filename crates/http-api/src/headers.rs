//! Headers of HTTP and headers of NATS.
//!
//! `NatsH-X` stands for `X`. What both worlds call the same passes as it is; credentials, cookies and all else of HTTP
//! stay where they are.

use http::{HeaderMap, HeaderName, HeaderValue};
use nats_proto::{HeaderView, encode};

use crate::problem::Problem;

/// Stands in front of what a header is called in NATS.
const PREFIX: &str = "natsh-";

/// Headers of a message of this server's own that pass as they are begin with this.
const OWN: &str = "nats-";

/// Headers that are called the same in both worlds, and how NATS writes them.
const SAME: [(&str, &str); 3] =
    [("content-type", "Content-Type"), ("traceparent", "traceparent"), ("tracestate", "tracestate")];

/// The id of a message, as HTTP has it and as NATS has it.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const MSG_ID: &str = "Nats-Msg-Id";

/// What every client of HTTP says that it sends when nobody told it what it is. It says nothing.
const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// The header block of a message from the headers of a request; empty if there is nothing to say.
///
/// Names of HTTP have no case. They come out as NATS clients write them: each word begins with a capital.
pub(crate) fn of_request(headers: &HeaderMap) -> Vec<u8> {
    let fields: Vec<(String, &[u8])> =
        headers.iter().filter_map(|(name, value)| field(name, value)).collect();
    block(fields.iter().map(|(name, value)| (name.as_bytes(), *value)))
}

fn field<'h>(name: &HeaderName, value: &'h HeaderValue) -> Option<(String, &'h [u8])> {
    let (name, value) = (name.as_str(), value.as_bytes());
    if let Some(own) = name.strip_prefix(PREFIX) {
        return Some((capitals(own), value)).filter(|_| !own.is_empty());
    }
    if name == IDEMPOTENCY_KEY {
        return Some((MSG_ID.to_owned(), value));
    }
    if name.starts_with(OWN) {
        return Some((capitals(name), value));
    }
    let (_, same) = SAME.iter().find(|(known, _)| *known == name)?;
    (value != FORM).then(|| ((*same).to_owned(), value))
}

/// `nats-msg-id` is `Nats-Msg-Id`.
fn capitals(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut letters = word.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    });
    words.collect::<Vec<_>>().join("-")
}

/// A block of these fields; empty if there are none.
pub(crate) fn block<'f>(fields: impl Iterator<Item = (&'f [u8], &'f [u8])>) -> Vec<u8> {
    let (fields, mut block): (Vec<_>, _) = (fields.collect(), Vec::new());
    if !fields.is_empty() {
        encode::header_block(&mut block, None, &fields);
    }
    block
}

/// A field that came as text in a body.
pub(crate) fn checked<'f>(name: &'f str, value: &'f str) -> Result<(&'f [u8], &'f [u8]), Problem> {
    let is_named = !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'!'..=b'~') && byte != b':');
    if !is_named {
        return Err(Problem::bad(format!("{name:?} is no name of a header")));
    }
    if value.contains(['\r', '\n']) {
        return Err(Problem::bad(format!("a line ends in header {name:?}")));
    }
    Ok((name.as_bytes(), value.as_bytes()))
}

/// Puts the headers of a message among those of an answer.
pub(crate) fn into_answer(block: &[u8], into: &mut HeaderMap) {
    let Ok(view) = HeaderView::parse(block) else { return };
    for (name, value) in view {
        let Some(name) = name_in_answer(name) else { continue };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            into.append(name, value);
        }
    }
}

/// What a header of a message is called in an answer.
fn name_in_answer(name: &[u8]) -> Option<HeaderName> {
    let lower = name.to_ascii_lowercase();
    let is_same = |name: &[u8]| SAME.iter().any(|(known, _)| known.as_bytes() == name);
    if is_same(&lower) || lower.starts_with(OWN.as_bytes()) {
        return HeaderName::from_bytes(&lower).ok();
    }
    HeaderName::from_bytes(&[PREFIX.as_bytes(), &lower].concat()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &[(&'static str, &'static str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        String::from_utf8(of_request(&headers)).unwrap()
    }

    #[test]
    fn what_is_meant_for_nats_reaches_it_and_nothing_else_does() {
        let block = request(&[
            ("natsh-my-key", "1"),
            ("natsh-my-key", "2"),
            ("nats-expected-stream", "S"),
            ("idempotency-key", "k"),
            ("content-type", "text/plain"),
            ("authorization", "secret"),
            ("cookie", "secret"),
            ("host", "h"),
            ("natsh-", "nameless"),
        ]);
        assert!(block.starts_with("NATS/1.0\r\n") && block.ends_with("\r\n\r\n"));
        for line in [
            "My-Key: 1",
            "My-Key: 2",
            "Nats-Expected-Stream: S",
            "Nats-Msg-Id: k",
            "Content-Type: text/plain",
        ] {
            assert!(block.contains(&format!("\r\n{line}\r\n")), "{line} in {block}");
        }
        assert!(!block.contains("secret") && !block.contains("nameless") && !block.contains("ost"));
        assert_eq!(request(&[("content-type", "application/x-www-form-urlencoded"), ("accept", "*/*")]), "");
    }

    #[test]
    fn headers_of_a_message_are_headers_of_the_answer() {
        let mut headers = HeaderMap::new();
        let block = b"NATS/1.0\r\nMy-Key: 1\r\nNats-Sequence: 7\r\nContent-Type: text/html\r\nSet-Cookie: x\r\na b: 1\r\n\r\n";
        into_answer(block, &mut headers);
        for (name, value) in [
            ("natsh-my-key", "1"),
            ("nats-sequence", "7"),
            ("content-type", "text/html"),
            ("natsh-set-cookie", "x"),
        ] {
            assert_eq!(headers[name], value);
        }
        assert_eq!(headers.len(), 4, "a name that HTTP has not is left out");
        into_answer(b"junk", &mut headers);
    }

    #[test]
    fn a_header_in_a_body_is_one_line() {
        assert!(checked("a", "b\r\nc: d").is_err() && checked("a\r\n", "b").is_err());
        assert!(checked("a:b", "c").is_err() && checked("", "c").is_err());
        assert!(checked("A-b", "c d").is_ok());
    }
}
