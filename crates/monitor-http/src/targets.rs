//! What requests ask for, in hexadecimal digits.
//!
//! hyper takes no target that `http::Uri` does not, such as one with a `<` or a quote, and forgets what
//! follows a `#`; Go takes them, and so do its clients. So each target is written in digits before hyper
//! sees it, and read from them afterwards: nothing of it is lost, and hyper still decides what a request is.
//!
//! Always true: all but targets reaches hyper as it came, and once a request has a body, all does. For where
//! that ends hyper alone knows; it takes no further request on the connection (see `connection.rs`).

/// Bytes of a target. A longer one cannot be read from what hyper sees.
const TARGET_BYTES_MAX: usize = 8 << 10;

/// What stands in place of digits in a target that is too long.
const TOO_LONG: u8 = b'-';

/// Headers that tell of a body.
const BODY_HEADERS: [&[u8]; 2] = [b"content-length", b"transfer-encoding"];

const NAME_BYTES_MAX: usize = BODY_HEADERS[1].len();

/// Where in the stream of requests we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a line up to its first blank. `is_empty` before anything but line ends.
    Method {
        is_empty: bool,
    },
    /// Behind so many bytes of a target.
    Target {
        bytes: usize,
    },
    Version,
    /// At the beginning of a line, so many bytes into it.
    Header {
        bytes: usize,
    },
    /// In the rest of that line.
    Value,
    /// In a body, or in what is no HTTP.
    Beyond,
}

/// Rewrites the requests of one connection.
#[derive(Debug)]
pub(crate) struct Targets {
    place: Place,
    has_body: bool,
    /// The header's name, as far as it matters, in lower case.
    name: [u8; NAME_BYTES_MAX],
}

impl Targets {
    pub(crate) fn new() -> Self {
        Self { place: Place::Method { is_empty: true }, has_body: false, name: [0; NAME_BYTES_MAX] }
    }

    /// Whether everything that follows stays as it is.
    pub(crate) fn are_over(&self) -> bool {
        self.place == Place::Beyond
    }

    /// Appends what hyper is to see of some more bytes: at most two for each, and two.
    pub(crate) fn rewrite(&mut self, input: &[u8], into: &mut Vec<u8>) {
        for (at, &byte) in input.iter().enumerate() {
            if self.place == Place::Beyond {
                into.extend_from_slice(&input[at..]);
                return;
            }
            self.place = self.step(byte, into);
        }
    }

    fn step(&mut self, byte: u8, into: &mut Vec<u8>) -> Place {
        if let Place::Target { bytes } = self.place
            && !matches!(byte, b' ' | b'\n')
        {
            push_digits(bytes, byte, into);
            return Place::Target { bytes: bytes.saturating_add(1) };
        }
        into.push(byte);
        match (self.place, byte) {
            (Place::Method { is_empty: true }, b'\r' | b'\n') => self.place,
            (Place::Method { .. }, b' ') => {
                into.push(b'/');
                Place::Target { bytes: 0 }
            }
            // A request has three words.
            (Place::Method { .. } | Place::Target { .. }, b'\n') => Place::Beyond,
            (Place::Method { .. }, _) => Place::Method { is_empty: false },
            (Place::Target { .. }, _) => Place::Version,
            (Place::Version | Place::Value, b'\n') => Place::Header { bytes: 0 },
            (Place::Header { bytes }, b'\n') if self.name[..bytes].iter().all(|byte| *byte == b'\r') => {
                let has_body = std::mem::take(&mut self.has_body);
                if has_body { Place::Beyond } else { Place::Method { is_empty: true } }
            }
            (Place::Header { .. }, b'\n') => Place::Header { bytes: 0 },
            (Place::Header { bytes }, b':') => {
                self.has_body |= BODY_HEADERS.contains(&&self.name[..bytes]);
                Place::Value
            }
            (Place::Header { bytes: NAME_BYTES_MAX }, _) => Place::Value,
            (Place::Header { bytes }, _) => {
                self.name[bytes] = byte.to_ascii_lowercase();
                Place::Header { bytes: bytes + 1 }
            }
            (place, _) => place,
        }
    }
}

fn push_digits(before: usize, byte: u8, into: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    if before < TARGET_BYTES_MAX {
        into.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    } else if before == TARGET_BYTES_MAX {
        into.push(TOO_LONG);
    }
}

/// The target that a path of digits stands for; `None` for one that was too long.
pub(crate) fn target(path: &str) -> Option<Vec<u8>> {
    let digits = path.strip_prefix('/')?.as_bytes().chunks_exact(2);
    if !digits.remainder().is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits.map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(input: &[u8]) -> String {
        let mut seen = Vec::new();
        Targets::new().rewrite(input, &mut seen);
        String::from_utf8(seen).expect("digits and what the test says")
    }

    #[test]
    fn targets_become_digits_and_the_rest_stays() {
        let asked = b"\r\nGET /a<\xff HTTP/1.1\r\nHost: x\r\nA: b c\r\n\r\nHEAD /b?# HTTP/1.0\n\nGET ";
        let seen = "\r\nGET /2f613cff HTTP/1.1\r\nHost: x\r\nA: b c\r\n\r\nHEAD /2f623f23 HTTP/1.0\n\nGET /";
        assert_eq!(rewritten(asked), seen);
    }

    #[test]
    fn behind_a_head_that_has_a_body_all_stays() {
        for header in ["Content-Length: 4", "content-length:0", "TRANSFER-ENCODING: chunked"] {
            let asked =
                format!("POST /a HTTP/1.1\r\nHost: x\r\n{header}\r\nB: c\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
            assert_eq!(rewritten(asked.as_bytes()), asked.replacen("/a", "/2f61", 1), "{header}");
        }
        let others =
            "GET / HTTP/1.1\r\nContent-Lengthy: 4\r\nX: content-length: 4\r\n\r\nGET /b HTTP/1.1\r\n\r\n";
        assert!(rewritten(others.as_bytes()).contains("GET /2f62 "));
    }

    #[test]
    fn what_is_no_request_stays_from_its_line_on() {
        assert_eq!(rewritten(b"NONSENSE\r\n\r\nGET /a HTTP/1.1\r\n"), "NONSENSE\r\n\r\nGET /a HTTP/1.1\r\n");
        assert_eq!(rewritten(b"GET /a\nGET /a HTTP/1.1\r\n"), "GET /2f61\nGET /a HTTP/1.1\r\n");
    }

    /// Cut anywhere, it says the same.
    #[test]
    fn cuts_change_nothing() {
        let asked =
            b"\nGET /a\"b HTTP/1.1\r\nHost: x\r\n\r\nPUT / HTTP/1.1\r\nContent-Length: 2\r\n\r\nG GET / ";
        let whole = rewritten(asked);
        for first in 0..asked.len() {
            for second in first..asked.len() {
                let (mut targets, mut seen) = (Targets::new(), Vec::new());
                for piece in [&asked[..first], &asked[first..second], &asked[second..]] {
                    let before = seen.len();
                    targets.rewrite(piece, &mut seen);
                    assert!(seen.len() - before <= 2 * piece.len() + 2);
                }
                assert_eq!(seen, whole.as_bytes(), "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn what_was_rewritten_can_be_read() {
        for target_bytes in [0, 1, 255, TARGET_BYTES_MAX, TARGET_BYTES_MAX + 1, 3 * TARGET_BYTES_MAX] {
            let asked: Vec<u8> =
                (0..=255).filter(|byte| !b" \n".contains(byte)).cycle().take(target_bytes).collect();
            let seen = rewritten(&[b"GET ", &asked[..], b" HTTP/1.1\r\n"].concat());
            let path = seen.split(' ').nth(1).expect("there is a path");
            assert!(path.len() <= 2 * TARGET_BYTES_MAX + 2);
            assert_eq!(target(path), (target_bytes <= TARGET_BYTES_MAX).then_some(asked));
        }
        assert_eq!((target("2f"), target("/2"), target("/2g")), (None, None, None));
    }
}
