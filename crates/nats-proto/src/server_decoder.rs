//! What a server sends, as a client reads it.

use crate::ProtoError;
use crate::limits::{Limits, Step};
use crate::line::Scan;
use crate::op::{Message, ServerOp};
use crate::shape::{self, MessageLine, RawMessage};
use crate::verb::{Verb, server_verb};

/// Reads the ops of one server. As tolerant of case, blanks and bare line feeds as
/// [`ClientDecoder`](crate::ClientDecoder), and as strict about sizes and the payload's end.
///
/// One decoder per connection. It keeps only how far it has searched the line at the front.
#[derive(Debug, Clone, Default)]
pub struct ServerDecoder {
    scan: Scan,
}

impl ServerDecoder {
    /// Reads one op from the front of `input`. Nothing is copied: the op borrows from `input`.
    ///
    /// After [`Step::NeedMore`] the next `input` begins with the same bytes; after [`Step::Op`] it
    /// begins where that op ended.
    ///
    /// # Errors
    ///
    /// What the server did wrong. The bytes after it have no meaning, so the connection ends here.
    #[inline]
    pub fn step<'a>(&mut self, input: &'a [u8], limits: &Limits) -> Result<Step<ServerOp<'a>>, ProtoError> {
        let Some(verb) = server_verb(input)? else {
            return Ok(shape::need_one_more(input));
        };
        let scan = &mut self.scan;
        let limits = &limits.for_server_lines();
        match verb {
            Verb::Msg => {
                let step = shape::message::<4>(scan, verb, input, limits, msg_line)?;
                Ok(step.map(message))
            }
            Verb::Hmsg => {
                let step = shape::message::<5>(scan, verb, input, limits, hmsg_line)?;
                Ok(step.map(message))
            }
            Verb::Info => {
                shape::text(scan, verb, input, limits, |text| ServerOp::Info(shape::json_text(text)))
            }
            Verb::Err => {
                shape::text(scan, verb, input, limits, |text| ServerOp::Err(shape::without_quotes(text)))
            }
            Verb::Ping => shape::bare(scan, verb, input, limits, ServerOp::Ping),
            Verb::Pong => shape::bare(scan, verb, input, limits, ServerOp::Pong),
            Verb::Ok => shape::bare(scan, verb, input, limits, ServerOp::Ok),
            // What clients send, or servers to each other: `server_verb` finds none of them.
            _ => Err(ProtoError::UnknownOperation),
        }
    }
}

#[inline(always)]
fn msg_line<'a>(args: &[&'a [u8]]) -> Option<MessageLine<'a>> {
    let (subject, sid, reply, size_text) = match *args {
        [subject, sid, size] => (subject, sid, None, size),
        [subject, sid, reply, size] => (subject, sid, Some(reply), size),
        _ => return None,
    };
    Some(MessageLine { subject, sid, reply, header_text: None, size_text })
}

#[inline(always)]
fn hmsg_line<'a>(args: &[&'a [u8]]) -> Option<MessageLine<'a>> {
    let (subject, sid, reply, header, size_text) = match *args {
        [subject, sid, header, size] => (subject, sid, None, header, size),
        [subject, sid, reply, header, size] => (subject, sid, Some(reply), header, size),
        _ => return None,
    };
    Some(MessageLine { subject, sid, reply, header_text: Some(header), size_text })
}

#[inline(always)]
fn message<'a>(RawMessage { line, header, body }: RawMessage<'a>) -> ServerOp<'a> {
    let MessageLine { subject, sid, reply, .. } = line;
    ServerOp::Message(Message { subject, sid, reply, header, body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HeaderLen;

    fn first(input: &[u8]) -> Result<Step<ServerOp<'_>>, ProtoError> {
        ServerDecoder::default().step(input, &Limits { control_line_bytes_max: 2, payload_bytes_max: 20 })
    }

    /// The op at the front, which must take all of the input.
    fn whole(input: &[u8]) -> ServerOp<'_> {
        match first(input) {
            Ok(Step::Op { used, op }) if used == input.len() => op,
            other => panic!("{}: {other:?}", input.escape_ascii()),
        }
    }

    #[test]
    fn msg_with_and_without_reply() {
        let message = Message { subject: b"a", sid: b"1", reply: None, header: None, body: b"hi" };
        assert_eq!(whole(b"MSG a 1 2\r\nhi\r\n"), ServerOp::Message(message));
        // nats-server leaves two blanks where an internal message has no reply.
        assert_eq!(whole(b"MSG a 1  2\r\nhi\r\n"), ServerOp::Message(message));
        let message = Message { reply: Some(b"r"), ..message };
        assert_eq!(whole(b"msg\ta 1 r 2\nhi\r\n"), ServerOp::Message(message));
    }

    #[test]
    fn hmsg_tells_headers_from_payload() {
        let ServerOp::Message(message) = whole(b"HMSG a 1 r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n") else {
            panic!("not a message")
        };
        assert_eq!((message.reply, message.sid), (Some(&b"r"[..]), &b"1"[..]));
        assert_eq!(message.header, Some(HeaderLen { bytes: 12, text: b"12" }));
        assert_eq!((message.headers(), message.payload()), (&b"NATS/1.0\r\n\r\n"[..], &b"hi"[..]));
    }

    #[test]
    fn one_line_ops() {
        assert_eq!(whole(b"INFO {} \r\n"), ServerOp::Info(b"{} "));
        assert_eq!(whole(b"-ERR 'Stale Connection'\r\n"), ServerOp::Err(b"Stale Connection"));
        assert_eq!(whole(b"+OK\r\n"), ServerOp::Ok);
        assert_eq!(whole(b"PING\r\n"), ServerOp::Ping);
        assert_eq!(whole(b"PONG\r\n"), ServerOp::Pong);
    }

    #[test]
    fn what_a_server_never_sends_is_refused_at_once() {
        for input in [&b"S"[..], b"U", b"C", b"PU", b"HP", b"R", b" ", b"MSGx", b"-ERR\r"] {
            assert_eq!(first(input), Err(ProtoError::UnknownOperation), "{}", input.escape_ascii());
        }
        assert_eq!(first(b"MSG a 1\r\n"), Err(ProtoError::BadArguments { op: "MSG" }));
        assert_eq!(first(b"HMSG a 1 5 4\r\n"), Err(ProtoError::BadSize { op: "HMSG" }));
        assert_eq!(first(b"MSG a 1 2\r\nhi\n"), Err(ProtoError::BadPayloadEnd));
        let error = ProtoError::PayloadTooLarge { size: 21, max: 20 };
        assert_eq!(first(b"MSG a 1 21\r\n"), Err(error));
    }

    #[test]
    fn lines_of_servers_may_be_sixteen_times_as_long() {
        let line = |len| [b"INFO ", &vec![b'x'; len][..], b"\r\n"].concat();
        assert_eq!(whole(&line(32)), ServerOp::Info(&[b'x'; 32]));
        assert_eq!(first(&line(33)), Err(ProtoError::ControlLineTooLong { max: 32 }));
    }
}
