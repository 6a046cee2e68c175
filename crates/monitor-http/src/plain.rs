//! A head as hyper is to see it.
//!
//! hyper is stricter than Go in some things and laxer in others: it takes a request without a Host or with two,
//! and none with a folded header or of HTTP/1.2. So heads are read by `http-head`, and hyper sees one that says the
//! same in its plainest form: the three words of the request, the target in digits, and the headers that say how it
//! goes on.

use http_head::Head;

use crate::targets::digits;

/// Headers that say in which form an answer is wanted.
pub(crate) const KEPT: &[&str] = &["accept-encoding", "if-none-match"];

/// Of each of them as many are looked at, and of those that are this long. Whoever says more is answered as if it had
/// said nothing; it all has to have room beside the target.
const KEPT_MAX: usize = 2;
const KEPT_BYTES_MAX: usize = 512;

/// Appends the plainest form of a head.
pub(crate) fn respell(head: &Head, into: &mut Vec<u8>) {
    let version: &[u8] = match head.version {
        (1, 0) => b"1.0",
        (1, _) => b"1.1",
        _ => b"2.0", // hyper refuses it as Go does.
    };
    into.extend_from_slice(&[&head.method[..], b" /"].concat());
    digits(&head.target, into);
    into.extend_from_slice(&[b" HTTP/", version, b"\r\n"].concat());
    let mut put = |name: &str, value: &[u8]| {
        into.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
    };
    for name in ["connection", "expect"] {
        head.values_of(name).for_each(|value| put(name, value));
    }
    for name in KEPT {
        let short = head.values_of(name).filter(|value| value.len() <= KEPT_BYTES_MAX);
        short.take(KEPT_MAX).for_each(|value| put(name, value));
    }
    match head.length {
        _ if head.is_chunked => put("transfer-encoding", b"chunked"),
        Some(length) => put("content-length", length.to_string().as_bytes()),
        None => {}
    }
    into.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use http_head::{HeadReader, Read};

    use super::*;

    fn plain(text: &str) -> String {
        let Ok(Read::Head { head, .. }) = HeadReader::new(KEPT).read(text.as_bytes()) else {
            panic!("it is a head: {text}")
        };
        let mut plain = Vec::new();
        respell(&head, &mut plain);
        String::from_utf8(plain).expect("the test says text")
    }

    #[test]
    fn hyper_sees_the_plainest_form() {
        let text = "GET /a<> HTTP/1.7\nHost: h\nX: y\n folded\nCONNECTION:  close \nExpect: x\n\n";
        assert_eq!(plain(text), "GET /2f613c3e HTTP/1.1\r\nconnection: close\r\nexpect: x\r\n\r\n");
        let packed = "GET / HTTP/1.1\nHost: h\nAccept-Encoding: gzip\nIF-NONE-MATCH: \"a\"\nAccept: b\n\n";
        let seen = "GET /2f HTTP/1.1\r\naccept-encoding: gzip\r\nif-none-match: \"a\"\r\n\r\n";
        assert_eq!(plain(packed), seen);
        let long =
            format!("GET / HTTP/1.1\nHost: h\nAccept-Encoding: {}\n\n", "x".repeat(KEPT_BYTES_MAX + 1));
        assert_eq!(plain(&long), "GET /2f HTTP/1.1\r\n\r\n");
        assert_eq!(plain("GET / HTTP/1.0\n\n"), "GET /2f HTTP/1.0\r\n\r\n");
        let chunked = "POST / HTTP/1.1\nHost: h\nContent-Length: 1\nTransfer-Encoding: CHUNKED\n\n";
        assert_eq!(plain(chunked), "POST /2f HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n");
        let long = "POST / HTTP/1.1\nHost: h\nContent-Length: 01\n\n";
        assert_eq!(plain(long), "POST /2f HTTP/1.1\r\ncontent-length: 1\r\n\r\n");
    }
}
