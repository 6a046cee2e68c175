//! The requests of one connection: where heads begin and end.

use http_head::{Head, HeadReader, Read, Refusal};

use crate::head_room::{HeadRoom, Share};
use crate::plain::{KEPT, respell};

/// Line ends that are passed over behind a POST: some clients send one too many.
const LINE_ENDS_MAX: usize = 4;

/// Turns what a client sends into what hyper is to see.
#[derive(Debug)]
pub(crate) struct Heads {
    reader: HeadReader,
    /// The room for this head.
    share: Share,
    /// Line ends that may come before it.
    line_ends: usize,
    /// Behind the last head.
    is_beyond: bool,
}

impl Default for Heads {
    fn default() -> Self {
        let (share, line_ends, is_beyond) = (Share::default(), 0, false);
        Self { reader: HeadReader::new(KEPT), share, line_ends, is_beyond }
    }
}

impl Heads {
    /// Those of one connection of many.
    pub(crate) fn new(room: &HeadRoom) -> Self {
        Self { share: room.share(), ..Self::default() }
    }

    /// Whether everything that follows stays as it is.
    pub(crate) fn are_over(&self) -> bool {
        self.is_beyond
    }

    /// Whether a request has begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.reader.has_begun()
    }

    /// Appends what hyper is to see of some more bytes. After a refusal nothing more comes.
    pub(crate) fn read(&mut self, mut input: &[u8], into: &mut Vec<u8>) -> Result<(), Refusal> {
        while !self.is_beyond {
            if !self.has_begun() && self.line_ends > 0 && matches!(input.first(), Some(b'\r' | b'\n')) {
                (input, self.line_ends) = (&input[1..], self.line_ends - 1);
                continue;
            }
            match self.reader.read(input)? {
                Read::More if self.share.grows_to(self.reader.bytes()) => return Ok(()),
                Read::More => return Err(Refusal::TooLarge),
                Read::Head { used, head } => {
                    input = &input[used..];
                    self.on_head(&head, into);
                }
            }
        }
        into.extend_from_slice(input);
        Ok(())
    }

    fn on_head(&mut self, head: &Head, into: &mut Vec<u8>) {
        respell(head, into);
        *self = Self {
            line_ends: if head.is_post() { LINE_ENDS_MAX } else { 0 },
            is_beyond: head.has_body() || head.closes(),
            share: self.share.renewed(),
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use http_head::{HEAD_BYTES_MAX, LINE_BYTES_MAX};

    use super::*;

    fn seen(input: &[u8]) -> Result<String, Refusal> {
        let mut seen = Vec::new();
        Heads::default().read(input, &mut seen)?;
        Ok(String::from_utf8(seen).expect("digits and what the test says"))
    }

    #[test]
    fn one_follows_the_other_until_a_body_comes() {
        let asked =
            b"GET /a HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\nHEAD /b?# HTTP/1.0\nConnection: Keep-Alive\n\nGET ";
        let plain = "GET /2f61 HTTP/1.1\r\n\r\nHEAD /2f623f23 HTTP/1.0\r\nconnection: Keep-Alive\r\n\r\n";
        assert_eq!(seen(asked).unwrap(), plain);
        for header in ["Content-Length: 4", "content-length:0", "TRANSFER-ENCODING: chunked"] {
            let behind = "\nGET /b HTTP/1.1\r\n\r\n";
            let asked = format!("POST /a HTTP/1.1\r\nHost: x\r\n{header}\r\nB: c\r\n\r\n{behind}");
            assert!(seen(asked.as_bytes()).unwrap().ends_with(&format!("\r\n\r\n{behind}")), "{header}");
        }
    }

    #[test]
    fn behind_the_last_nothing_is_looked_at() {
        for last in
            ["GET / HTTP/1.0\n\n", "GET / HTTP/1.1\nHost: h\nConnection: x, Close\n\n", "PRI * HTTP/2.0\n\n"]
        {
            assert!(seen(format!("{last}SM\n").as_bytes()).unwrap().ends_with("\r\n\r\nSM\n"), "{last}");
        }
    }

    #[test]
    fn line_ends_may_come_behind_a_post_only() {
        let post = "POST / HTTP/1.1\r\nHost: x\r\n\r\n";
        let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        assert_eq!(seen(format!("\r\n{get}").as_bytes()), Err(Refusal::Malformed));
        assert_eq!(seen(format!("{get}\r\n{get}").as_bytes()), Err(Refusal::Malformed));
        assert!(seen(format!("{post}\r\n\r\n{get}").as_bytes()).is_ok());
        assert_eq!(seen(format!("{post}\r\n\r\n\r\n{get}").as_bytes()), Err(Refusal::Malformed));
    }

    #[test]
    fn what_is_no_request_is_refused_at_once() {
        for (text, refusal) in [
            ("NONSENSE\n", Refusal::Malformed),
            ("GET / HTTP/1.1\nX\n", Refusal::Malformed),
            (&format!("GET /{}", "x".repeat(LINE_BYTES_MAX)), Refusal::TargetTooLong),
            (&format!("GET / HTTP/1.1\nA: {}", "x".repeat(LINE_BYTES_MAX)), Refusal::TooLarge),
        ] {
            assert_eq!(seen(text.as_bytes()), Err(refusal));
        }
        let mut many = b"GET / HTTP/1.1\nHost: x\n".to_vec();
        many.extend(b"A: b\n".repeat(HEAD_BYTES_MAX / 5 - 10));
        assert_eq!(seen(&many), Ok(String::new()));
        many.extend(b"A: b\n".repeat(10));
        assert_eq!(seen(&many), Err(Refusal::TooLarge));
    }

    // Each of 512 connections kept up to a MiB.
    #[test]
    fn all_that_are_not_over_have_a_bound_together() {
        const LONG: usize = 1000 << 10;
        let room = HeadRoom::default();
        let mut long = b"GET / HTTP/1.1\nHost: x\n".to_vec();
        while long.len() < LONG {
            long.extend_from_slice(b"Connection: ");
            long.extend_from_slice(&[b'x'; LINE_BYTES_MAX - 16]);
            long.push(b'\n');
        }
        let begin = |text: &[u8]| {
            let mut heads = Heads::new(&room);
            heads.read(text, &mut Vec::new()).map(|()| heads)
        };
        let mut begun: Vec<Heads> = (0..512).map_while(|_| begin(&long).ok()).collect();
        assert_eq!(begun.len(), 16);
        assert_eq!(begin(&long).err(), Some(Refusal::TooLarge));
        let short = [&b"GET / HTTP/1.1\nHost: x\nA: "[..], &[b'x'; 8000]].concat();
        let more: Vec<Heads> = (0..512).map_while(|_| begin(&short).ok()).collect();
        assert_eq!(more.len(), 512);
        // One that is over makes room, though its connection goes on.
        begun[0].read(b"\n", &mut Vec::new()).expect("it is a request");
        assert!(begin(&long).is_ok() && begin(&long).is_ok());
    }

    /// Cut anywhere, it says the same.
    #[test]
    fn cuts_change_nothing() {
        let asked = b"POST /a\"b HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n\r\nPUT / HTTP/1.1\r\nHost: y\r\nContent-Length: 2\r\n\r\nG GET / ";
        let whole = seen(asked).unwrap();
        for first in 0..asked.len() {
            for second in first..asked.len() {
                let (mut heads, mut seen) = (Heads::default(), Vec::new());
                for piece in [&asked[..first], &asked[first..second], &asked[second..]] {
                    heads.read(piece, &mut seen).unwrap();
                }
                assert_eq!(seen, whole.as_bytes(), "cut at {first} and {second}");
            }
        }
    }
}
