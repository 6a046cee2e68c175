//! What a server sends, as a client reads it.

use crate::ProtoError;
use crate::frame::{self, Frame, Head};
use crate::limits::{Limits, Step};
use crate::line::Scan;
use crate::op::{Message, ServerOp};
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
            return Ok(frame::need_one_more(input));
        };
        let scan = &mut self.scan;
        let limits = &limits.for_server_lines();
        match verb {
            Verb::Msg => {
                let step = frame::message::<4>(scan, verb, input, limits, msg_head)?;
                Ok(step.map(message))
            }
            Verb::Hmsg => {
                let step = frame::message::<5>(scan, verb, input, limits, hmsg_head)?;
                Ok(step.map(message))
            }
            Verb::Info => {
                frame::one_line(scan, verb, input, limits, |args| Ok(ServerOp::Info(frame::json_text(args))))
            }
            Verb::Err => frame::one_line(scan, verb, input, limits, |args| {
                Ok(ServerOp::Err(frame::without_quotes(args)))
            }),
            Verb::Ping => frame::bare(scan, verb, input, limits, ServerOp::Ping),
            Verb::Pong => frame::bare(scan, verb, input, limits, ServerOp::Pong),
            Verb::Ok => frame::bare(scan, verb, input, limits, ServerOp::Ok),
            Verb::Pub | Verb::Hpub | Verb::Sub | Verb::Unsub | Verb::Connect => {
                Err(ProtoError::UnknownOperation)
            }
        }
    }
}

#[inline(always)]
fn msg_head<'a>(args: &[&'a [u8]]) -> Option<Head<'a>> {
    let (subject, sid, reply, size_text) = match *args {
        [subject, sid, size] => (subject, sid, None, size),
        [subject, sid, reply, size] => (subject, sid, Some(reply), size),
        _ => return None,
    };
    Some(Head { subject, sid, reply, header_text: None, size_text })
}

#[inline(always)]
fn hmsg_head<'a>(args: &[&'a [u8]]) -> Option<Head<'a>> {
    let (subject, sid, reply, header, size_text) = match *args {
        [subject, sid, header, size] => (subject, sid, None, header, size),
        [subject, sid, reply, header, size] => (subject, sid, Some(reply), header, size),
        _ => return None,
    };
    Some(Head { subject, sid, reply, header_text: Some(header), size_text })
}

#[inline(always)]
fn message<'a>(Frame { head, header, body }: Frame<'a>) -> ServerOp<'a> {
    let Head { subject, sid, reply, .. } = head;
    ServerOp::Message(Message { subject, sid, reply, header, body })
}
