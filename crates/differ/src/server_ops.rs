//! What a server sent, cut into ops, whatever it is.
//!
//! Independent of the server's own protocol crate on purpose: a mistake there must not hide here. Nothing
//! is refused: what is no op is kept as a line.

/// One thing a server said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerOp<'a> {
    /// INFO with its JSON body.
    Info(&'a [u8]),
    /// MSG or HMSG.
    Message(Message<'a>),
    /// PING.
    Ping,
    /// PONG.
    Pong,
    /// Any other line, with its end.
    Line(&'a [u8]),
}

/// A delivered message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// `MSG` or `HMSG`.
    pub verb: &'a str,
    /// The subject it was published to.
    pub subject: &'a [u8],
    /// The subscription it is for.
    pub sid: &'a [u8],
    /// What stands between the sid and the line's end: reply and sizes.
    pub tail: &'a [u8],
    /// What follows the line, without its end.
    pub body: &'a [u8],
}

/// The first op of `input` and how many bytes it took; `None` until it is complete.
#[must_use]
pub fn next(input: &[u8]) -> Option<(usize, ServerOp<'_>)> {
    let feed = input.iter().position(|byte| *byte == b'\n')?;
    let used = feed + 1;
    let whole = &input[..used];
    let Some(line) = whole.strip_suffix(b"\r\n") else {
        return Some((used, ServerOp::Line(whole)));
    };
    if line == b"PONG" {
        return Some((used, ServerOp::Pong));
    }
    if line == b"PING" {
        return Some((used, ServerOp::Ping));
    }
    if let Some(body) = line.strip_prefix(b"INFO ") {
        return Some((used, ServerOp::Info(body.trim_ascii_end())));
    }
    match message_line(line) {
        Some((message, len)) => {
            let end = used + len;
            let bytes = input.get(used..end + 2)?;
            match bytes.strip_suffix(b"\r\n") {
                Some(body) => Some((end + 2, ServerOp::Message(Message { body, ..message }))),
                None => Some((used, ServerOp::Line(whole))),
            }
        }
        None => Some((used, ServerOp::Line(whole))),
    }
}

/// The line of a message, and how long what follows is.
fn message_line(line: &[u8]) -> Option<(Message<'_>, usize)> {
    let mut words = line.splitn(4, |byte| *byte == b' ');
    let verb = match words.next()? {
        b"MSG" => "MSG",
        b"HMSG" => "HMSG",
        _ => return None,
    };
    let (subject, sid, tail) = (words.next()?, words.next()?, words.next()?);
    let size = tail.rsplit(|byte| *byte == b' ').next()?;
    let len = str::from_utf8(size).ok()?.parse().ok()?;
    Some((Message { verb, subject, sid, tail, body: &[] }, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_waits_for_its_last_byte() {
        let bytes = b"HMSG a.b 7 r 12 14\r\nNATS/1.0\r\n\r\nhi\r\nPING\r\n";
        let len = bytes.len() - "PING\r\n".len();
        for cut in 0..len {
            assert_eq!(next(&bytes[..cut]), None, "cut at {cut}");
        }
        let message = Message {
            verb: "HMSG",
            subject: b"a.b",
            sid: b"7",
            tail: b"r 12 14",
            body: b"NATS/1.0\r\n\r\nhi",
        };
        assert_eq!(next(bytes), Some((len, ServerOp::Message(message))));
        assert_eq!(next(&bytes[len..]), Some((6, ServerOp::Ping)));
    }

    #[test]
    fn nonsense_is_kept_line_by_line() {
        for line in ["MSG a 1 x\r\n", "MSG a 1\r\n", "pong\r\n", "PONG\n", "\r\n", "MSG a 1 1\r\nhi\r\n"] {
            let (used, op) = next(line.as_bytes()).unwrap();
            let end = line.find('\n').unwrap() + 1;
            assert_eq!((used, op), (end, ServerOp::Line(&line.as_bytes()[..end])), "{line:?}");
        }
    }
}
