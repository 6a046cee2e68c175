//! Bytes become lines, and lines a head.

use crate::head::Head;
use crate::lines::{LINE_BYTES_MAX, Lines};
use crate::refusal::Refusal;

/// Bytes of a head: Go's bound where nobody sets another one, with what it allows beyond.
pub const HEAD_BYTES_MAX: usize = (1 << 20) + (4 << 10);

/// Reads one head, from bytes that come in pieces.
#[derive(Debug, Default)]
pub struct HeadReader {
    lines: Lines,
    /// The line under way.
    line: Vec<u8>,
    /// Bytes of this head.
    bytes: usize,
}

/// What came of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// They are all read, and the head is not over.
    More,
    /// The head is over.
    Head {
        /// Bytes of the input that belong to it.
        used: usize,
        /// What it says.
        head: Head,
    },
}

impl HeadReader {
    /// One that also keeps these headers, whose names are in lower case.
    pub fn new(kept: &'static [&'static str]) -> Self {
        Self { lines: Lines::new(kept), ..Self::default() }
    }

    /// Whether a head has begun.
    pub fn has_begun(&self) -> bool {
        self.bytes > 0
    }

    /// Bytes of the head so far.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes that are kept of it.
    pub fn kept_bytes(&self) -> usize {
        self.lines.kept_bytes() + self.line.len()
    }

    /// Reads on, to the end of the head at most.
    ///
    /// # Errors
    /// It is none that Go would serve. Nothing more may be read.
    pub fn read(&mut self, input: &[u8]) -> Result<Read, Refusal> {
        let mut used = 0;
        while used < input.len() {
            let rest = &input[used..];
            let end = rest.iter().position(|byte| *byte == b'\n');
            let piece = &rest[..end.map_or(rest.len(), |end| end + 1)];
            self.bytes += piece.len();
            if self.bytes > HEAD_BYTES_MAX || self.line.len() + piece.len() > LINE_BYTES_MAX {
                return Err(self.lines.too_long());
            }
            self.line.extend_from_slice(piece);
            used += piece.len();
            if end.is_some()
                && let Some(head) = self.end_line()?
            {
                return Ok(Read::Head { used, head });
            }
        }
        Ok(Read::More)
    }

    fn end_line(&mut self) -> Result<Option<Head>, Refusal> {
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let head = self.lines.on_line(line.strip_suffix(b"\r").unwrap_or(line))?;
        self.line.clear();
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn outcome(pieces: &[&[u8]]) -> Result<Option<(usize, Head)>, Refusal> {
        let (mut reader, mut before) = (HeadReader::new(&["a"]), 0);
        for piece in pieces {
            if let Read::Head { used, head } = reader.read(piece)? {
                return Ok(Some((before + used, head)));
            }
            before += piece.len();
            assert!(reader.kept_bytes() <= reader.bytes() && reader.bytes() == before);
        }
        Ok(None)
    }

    #[test]
    fn a_head_ends_with_an_empty_line_and_leaves_the_rest() {
        let (used, head) =
            outcome(&[b"GET / HTTP/1.1\r\nHost:h\nA: b\r\n\r\nbody"]).unwrap().expect("it is over");
        assert_eq!((used, head.value("a")), (31, Some(&b"b"[..])));
    }

    #[test]
    fn what_is_too_long_is_refused_and_not_kept() {
        let long = |text: &str| outcome(&[format!("{text}{}", "x".repeat(LINE_BYTES_MAX)).as_bytes()]);
        assert_eq!(long("GET /"), Err(Refusal::TargetTooLong));
        assert_eq!(long("GET / HTTP/1.1\nA: "), Err(Refusal::TooLarge));
        let mut reader = HeadReader::default();
        reader.read(b"GET / HTTP/1.1\nHost: h\n").unwrap();
        let outcome = (0..HEAD_BYTES_MAX).find_map(|_| {
            assert!(reader.kept_bytes() < 100, "headers nobody asked for are not kept");
            reader.read(b"B: cccccccccccccccccccccccccccccccccccccccccccccc\n").err()
        });
        assert_eq!((outcome, reader.bytes() > HEAD_BYTES_MAX), (Some(Refusal::TooLarge), true));
    }

    const PIECES: [&[u8]; 14] = [
        b"GET / HTTP/1.1\r\n",
        b"GET ",
        b"HTTP/1.0",
        b"Host: h\r\n",
        b"A: b\n",
        b" folded\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b":",
        b"a",
        b"\xff",
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
    ];

    proptest! {
        /// Cutting the input anywhere changes nothing.
        #[test]
        fn cuts_change_nothing(pieces in vec(select(&PIECES[..]), 0..16), size in 1..9_usize) {
            let input = [&b"GET /a HTTP/1.1\r\nHost: h\r\n"[..], &pieces.concat()].concat();
            let cut: Vec<&[u8]> = input.chunks(size).collect();
            prop_assert_eq!(outcome(&cut), outcome(&[&input]));
        }
    }
}
