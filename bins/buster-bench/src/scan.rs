//! Reads what a server sends, message by message, wherever the input is cut.
//!
//! Used while connecting, for round trips, and to prove that nothing came after the last counted
//! message. The streaming loads count bytes instead.

use anyhow::{Context, Result, bail, ensure};

/// INFO is the longest line; a list of 1,000 cluster addresses still fits.
const LINE_BYTES_MAX: usize = 64 * 1024;

#[derive(Debug, PartialEq)]
pub(crate) enum Event<'a> {
    /// The JSON body of INFO.
    Info(&'a [u8]),
    /// A whole MSG or HMSG, its payload skipped.
    Message,
    Ping,
    Pong,
}

#[derive(Debug, Default)]
pub(crate) struct Scanner {
    /// The start of a line whose end has not come yet.
    line: Vec<u8>,
    /// Bytes of a payload and its CRLF still to skip.
    payload_left: usize,
}

impl Scanner {
    /// Whether the input so far ended with a whole message or line.
    pub(crate) fn is_at_boundary(&self) -> bool {
        self.line.is_empty() && self.payload_left == 0
    }

    /// Takes the next piece of input. An -ERR, or anything a server does not send, is an error.
    pub(crate) fn feed(&mut self, mut input: &[u8], mut on: impl FnMut(Event<'_>)) -> Result<()> {
        while !input.is_empty() {
            if self.payload_left > 0 {
                let skipped = self.payload_left.min(input.len());
                self.payload_left -= skipped;
                input = &input[skipped..];
                if self.payload_left == 0 {
                    on(Event::Message);
                }
                continue;
            }
            let Some(end) = input.iter().position(|byte| *byte == b'\n') else {
                self.line.extend_from_slice(input);
                ensure!(self.line.len() <= LINE_BYTES_MAX, "the server's line is too long");
                return Ok(());
            };
            self.line.extend_from_slice(&input[..end]);
            input = &input[end + 1..];
            let line = std::mem::take(&mut self.line);
            self.on_line(line.trim_ascii_end(), &mut on)?;
            self.line = line;
            self.line.clear();
        }
        Ok(())
    }

    fn on_line(&mut self, line: &[u8], on: &mut impl FnMut(Event<'_>)) -> Result<()> {
        let (verb, rest) = match line.iter().position(|byte| *byte == b' ') {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &line[line.len()..]),
        };
        match verb {
            b"MSG" | b"HMSG" => self.payload_left = payload_bytes(rest)? + 2,
            b"PING" => on(Event::Ping),
            b"PONG" => on(Event::Pong),
            b"INFO" => on(Event::Info(rest)),
            b"+OK" => {}
            _ => bail!("the server said: {}", String::from_utf8_lossy(line)),
        }
        Ok(())
    }
}

/// The last argument of MSG and HMSG is the number of bytes that follow.
fn payload_bytes(args: &[u8]) -> Result<usize> {
    let last = args.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    let text = std::str::from_utf8(last).context("a size that is not text")?;
    text.parse().with_context(|| format!("`{text}` is not a size"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUT: &[u8] =
        b"INFO {} \r\nPING\r\nMSG a.b 1 5\r\n\r\nMSG\r\n+OK\r\nHMSG a 1 r 2 4\r\nabcd\r\nPONG\r\n";

    fn names(pieces: &[&[u8]]) -> Vec<&'static str> {
        let mut scanner = Scanner::default();
        let mut names = Vec::new();
        for piece in pieces {
            let name = |event: Event<'_>| match event {
                Event::Info(body) => {
                    assert_eq!(body, b"{}");
                    "info"
                }
                Event::Message => "message",
                Event::Ping => "ping",
                Event::Pong => "pong",
            };
            scanner.feed(piece, |event| names.push(name(event))).unwrap();
        }
        assert!(scanner.is_at_boundary());
        names
    }

    #[test]
    fn cutting_the_input_anywhere_changes_nothing() {
        let whole = names(&[INPUT]);
        assert_eq!(whole, ["info", "ping", "message", "message", "pong"]);
        for cut in 0..=INPUT.len() {
            assert_eq!(names(&[&INPUT[..cut], &INPUT[cut..]]), whole, "cut at {cut}");
        }
    }

    #[test]
    fn half_a_message_is_no_boundary() {
        for half in [b"MS".as_slice(), b"MSG a 1 1\r\n", b"MSG a 1 1\r\nx\r"] {
            let mut scanner = Scanner::default();
            scanner.feed(half, |_| panic!("no event expected")).unwrap();
            assert!(!scanner.is_at_boundary());
        }
    }

    #[test]
    fn errors_and_strange_lines_are_reported_in_the_servers_words() {
        for line in ["-ERR 'Stale Connection'\r\n", "HELLO\r\n", "MSG a 1 x\r\n"] {
            let error = Scanner::default().feed(line.as_bytes(), |_| {}).unwrap_err();
            let word = if line.starts_with("MSG") { "x" } else { line.trim_end() };
            assert!(error.to_string().contains(word), "{error}");
        }
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let long = vec![b'I'; LINE_BYTES_MAX + 1];
        assert!(Scanner::default().feed(&long, |_| {}).is_err());
    }
}
