//! One connection of a conversation, as the player has it.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use super::names::Names;

/// How long something may take that was said at once when it was recorded. Only a wrong answer lasts this long.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

/// How long one look at a socket takes.
const LOOK: Duration = Duration::from_millis(5);

/// A connection, and what the other side is to say.
pub(super) struct Wire {
    stream: TcpStream,
    received: Vec<u8>,
    lines: VecDeque<String>,
    expected: Vec<String>,
    /// Interest was told of which it is not known that the other side has heard it.
    has_told: bool,
    pub(super) is_closed: bool,
}

impl Wire {
    pub(super) fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LOOK))?;
        Ok(Self {
            stream,
            received: Vec::new(),
            lines: VecDeque::new(),
            expected: Vec::new(),
            has_told: false,
            is_closed: false,
        })
    }

    /// Says something; a connection that was closed meanwhile takes it, too.
    pub(super) fn send(&mut self, text: &str) {
        self.has_told |= ["RS", "LS"].iter().any(|interest| text.starts_with(interest));
        let _ = self.stream.write_all(text.as_bytes());
    }

    /// Waits until the other side has heard what interest it was told of.
    pub(super) fn settle_interest(&mut self) -> Result<(), String> {
        if !std::mem::take(&mut self.has_told) {
            return Ok(());
        }
        // Signs of life that the record has may be on their way, too: one is as good as another.
        let signs = |wire: &Self| wire.lines.iter().filter(|line| *line == "PONG\r\n").count();
        let (before, deadline) = (signs(self), Instant::now() + ANSWER_TIME_MAX);
        self.send("PING\r\n");
        while !self.is_closed {
            if signs(self) > before {
                let at = self.lines.iter().rposition(|line| line == "PONG\r\n");
                self.lines.remove(at.expect("there are some"));
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err("expected a sign of life\n  got      nothing".to_owned());
            }
            self.look().map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    pub(super) fn expect(&mut self, text: &str) {
        self.expected.push(text.to_owned());
    }

    pub(super) fn close(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        self.is_closed = true;
    }

    /// Waits until all was said that is expected. What comes at the same time may come in any order.
    pub(super) fn settle(&mut self, names: &mut Names) -> Result<(), String> {
        let deadline = Instant::now() + ANSWER_TIME_MAX;
        while !self.expected.is_empty() {
            if let Some(line) = self.lines.pop_front() {
                let at = self.expected.iter().position(|expected| names.is_like(expected, &line));
                let Some(at) = at else {
                    return Err(format!("expected {:?}\n  got      {line:?}", self.expected));
                };
                self.expected.remove(at);
            } else if self.is_closed || Instant::now() >= deadline {
                let how = if self.is_closed { "the end" } else { "nothing" };
                return Err(format!("expected {:?}\n  got      {how}", self.expected));
            } else {
                self.look().map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    /// Waits until the other side has closed it.
    pub(super) fn settle_close(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + ANSWER_TIME_MAX;
        while !self.is_closed {
            if Instant::now() >= deadline {
                return Err("expected the end\n  got      nothing".to_owned());
            }
            self.look().map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Takes what comes until nothing does for that long.
    pub(super) fn listen(&mut self, quiet: Duration) -> io::Result<()> {
        let mut last = Instant::now();
        while !self.is_closed && last.elapsed() < quiet {
            let before = self.lines.len();
            self.look()?;
            if self.lines.len() > before {
                last = Instant::now();
            }
        }
        Ok(())
    }

    /// What was said and is not used up.
    pub(super) fn heard(&self) -> impl Iterator<Item = &String> {
        self.lines.iter()
    }

    /// Takes what is there.
    fn look(&mut self) -> io::Result<()> {
        let mut chunk = [0; 64 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => self.is_closed = true,
            Ok(len) => self.take(&chunk[..len]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
                self.is_closed = true;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
        while let Some(len) = unit_len(&self.received) {
            let unit: Vec<u8> = self.received.drain(..len).collect();
            let text = String::from_utf8_lossy(&unit).into_owned();
            if text == "PING\r\n" {
                self.send("PONG\r\n");
            } else if !is_noise(&text) {
                self.lines.push_back(text);
            }
        }
    }
}

/// The length of a line, and of the payload that belongs to it, once all of it is there.
fn unit_len(bytes: &[u8]) -> Option<usize> {
    let line = bytes.windows(2).position(|pair| pair == b"\r\n")? + 2;
    let text = String::from_utf8_lossy(&bytes[..line]);
    let mut words = text.split_ascii_whitespace();
    let len = match words.next() {
        Some("RMSG" | "HMSG" | "LMSG") => {
            line + words.next_back().and_then(|size| size.parse().ok()).unwrap_or(0) + 2
        }
        _ => line,
    };
    (bytes.len() >= len).then_some(len)
}

/// What system accounts have with each other, and signs of life.
pub(super) fn is_noise(unit: &str) -> bool {
    unit == "PING\r\n" || is_of_system(unit)
}

/// What system accounts have with each other.
pub(super) fn is_of_system(unit: &str) -> bool {
    let mut words = unit.split_ascii_whitespace();
    match words.next() {
        Some("RS+" | "RS-" | "LS+" | "LS-" | "RMSG" | "HMSG" | "LMSG") => {
            words.take(2).any(|word| word == "$SYS" || word.starts_with("$SYS."))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_a_line_with_its_payload() {
        assert_eq!(unit_len(b"PONG\r\nPI"), Some(6));
        assert_eq!(unit_len(b"PON"), None);
        assert_eq!(unit_len(b"RMSG A foo | q 2\r\nhi\r\nPING\r\n"), Some(22));
        assert_eq!(unit_len(b"RMSG A foo | q 2\r\nhi"), None);
        assert_eq!(unit_len(b"HMSG A foo 4 6\r\nab\r\nhi\r\n"), Some(24));
    }

    #[test]
    fn what_system_accounts_say_is_noise() {
        for unit in [
            "PING\r\n",
            "RS+ $SYS $SYS.REQ.X\r\n",
            "RS+ $SYS.REQ.X\r\n",
            "RMSG $SYS.SERVER.A.STATSZ 2\r\n{}\r\n",
        ] {
            assert!(is_noise(unit), "{unit}");
        }
        for unit in ["PONG\r\n", "RS+ A foo\r\n", "RMSG A foo $SYS.x 2\r\nhi\r\n", "INFO {}\r\n"] {
            assert!(!is_noise(unit), "{unit}");
        }
    }
}
