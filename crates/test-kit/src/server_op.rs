//! What a server sends, cut into ops.
//!
//! Independent of the server's own protocol crate on purpose: a mistake there must not hide here.

/// A delivered message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The subject it was published to.
    pub subject: String,
    /// The subscription it is for.
    pub sid: String,
    /// The reply subject, if it has one.
    pub reply: Option<String>,
    /// The header block with its final blank line; empty without headers.
    pub header: Vec<u8>,
    /// The payload after the header block.
    pub payload: Vec<u8>,
}

impl Message {
    /// The payload as text, for comparing and printing.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }

    /// Whether this is the server's answer that nobody listens.
    #[must_use]
    pub fn is_no_responders(&self) -> bool {
        self.header.starts_with(b"NATS/1.0 503") && self.payload.is_empty()
    }
}

/// One thing a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerOp {
    /// INFO with its JSON body.
    Info(String),
    /// MSG or HMSG.
    Msg(Message),
    /// `+OK`.
    Ok,
    /// `-ERR` with the text between the quotes.
    Err(String),
    /// PING.
    Ping,
    /// PONG.
    Pong,
    /// The server closed the connection, in order or by a reset.
    Closed,
}

impl ServerOp {
    /// Cuts the first op off `input`: how many bytes it took, and the op. `None` until it
    /// is complete.
    ///
    /// # Panics
    ///
    /// When the bytes are not the protocol: no test can go on from there.
    #[must_use]
    pub fn parse(input: &[u8]) -> Option<(usize, Self)> {
        let line_len = input.windows(2).position(|pair| pair == b"\r\n")?;
        let line = str::from_utf8(&input[..line_len]).expect("control lines are text here");
        let used = line_len + 2;
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let op = match verb {
            "MSG" | "HMSG" => return parse_message(verb, rest, input, used),
            "INFO" => Self::Info(rest.trim().to_owned()),
            "+OK" => Self::Ok,
            "-ERR" => Self::Err(rest.trim_matches('\'').to_owned()),
            "PING" => Self::Ping,
            "PONG" => Self::Pong,
            _ => panic!("not a server's line: {line:?}"),
        };
        Some((used, op))
    }
}

fn parse_message(verb: &str, rest: &str, input: &[u8], body: usize) -> Option<(usize, ServerOp)> {
    let mut args: Vec<&str> = rest.split_ascii_whitespace().collect();
    let mut size = |what: &str| -> usize {
        let text = args.pop().unwrap_or_else(|| panic!("{verb} without {what}: {rest:?}"));
        text.parse().unwrap_or_else(|_| panic!("{verb} with {what} {text:?}"))
    };
    let total = size("a size");
    let header_len = if verb == "HMSG" { size("a header size") } else { 0 };
    let end = body + total;
    if input.len() < end + 2 {
        return None;
    }
    assert_eq!(&input[end..end + 2], b"\r\n", "the payload of {verb} {rest} ends in CR LF");
    let (subject, sid, reply) = match args[..] {
        [subject, sid] => (subject, sid, None),
        [subject, sid, reply] => (subject, sid, Some(reply.to_owned())),
        _ => panic!("{verb} with arguments {rest:?}"),
    };
    let message = Message {
        subject: subject.to_owned(),
        sid: sid.to_owned(),
        reply,
        header: input[body..body + header_len].to_vec(),
        payload: input[body + header_len..end].to_vec(),
    };
    Some((end + 2, ServerOp::Msg(message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_waits_for_its_last_byte() {
        let bytes = b"HMSG a.b 7 r 12 14\r\nNATS/1.0\r\n\r\nhi\r\nPING\r\n";
        let len = bytes.len() - "PING\r\n".len();
        for cut in 0..len {
            assert_eq!(ServerOp::parse(&bytes[..cut]), None, "cut at {cut}");
        }
        let message = Message {
            subject: "a.b".into(),
            sid: "7".into(),
            reply: Some("r".into()),
            header: b"NATS/1.0\r\n\r\n".to_vec(),
            payload: b"hi".to_vec(),
        };
        assert_eq!(ServerOp::parse(bytes), Some((len, ServerOp::Msg(message))));
        assert_eq!(ServerOp::parse(&bytes[len..]), Some((6, ServerOp::Ping)));
    }

    #[test]
    fn an_error_loses_its_quotes() {
        let bytes = b"-ERR 'Invalid Subject'\r\n";
        assert_eq!(ServerOp::parse(bytes), Some((24, ServerOp::Err("Invalid Subject".into()))));
    }

    #[test]
    #[should_panic(expected = "not a server's line")]
    fn nonsense_from_the_server_fails_the_test() {
        let _ = ServerOp::parse(b"SUB a 1\r\n");
    }
}
