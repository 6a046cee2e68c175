//! What a client sends, as a server reads it.

use crate::ProtoError;
use crate::frame::{self, Frame, Head};
use crate::limits::{Limits, Step};
use crate::line::Scan;
use crate::op::{ClientOp, Publish, Subscribe, Unsubscribe};
use crate::tokens::{self, Tokens};
use crate::verb::{Verb, client_verb};

/// Reads the ops of one client, as strict and as tolerant as nats-server 2.14.
///
/// One decoder per connection. It keeps only how far it has searched the line at the front.
#[derive(Debug, Clone, Default)]
pub struct ClientDecoder {
    scan: Scan,
}

impl ClientDecoder {
    /// Reads one op from the front of `input`. Nothing is copied: the op borrows from `input`.
    ///
    /// After [`Step::NeedMore`] the next `input` begins with the same bytes; after [`Step::Op`] it
    /// begins where that op ended.
    ///
    /// # Errors
    ///
    /// What the client did wrong. The bytes after it have no meaning, so the connection ends here.
    #[inline]
    pub fn step<'a>(&mut self, input: &'a [u8], limits: &Limits) -> Result<Step<ClientOp<'a>>, ProtoError> {
        let Some(verb) = client_verb(input)? else {
            return Ok(frame::need_one_more(input));
        };
        let scan = &mut self.scan;
        match verb {
            Verb::Pub => {
                let step = frame::message::<3>(scan, verb, input, limits, publish_head)?;
                Ok(step.map(publish))
            }
            Verb::Hpub => {
                let step = frame::message::<4>(scan, verb, input, limits, hpublish_head)?;
                Ok(step.map(publish))
            }
            Verb::Sub => frame::one_line(scan, verb, input, limits, subscribe),
            Verb::Unsub => frame::one_line(scan, verb, input, limits, unsubscribe),
            Verb::Connect => frame::one_line(scan, verb, input, limits, |args| {
                Ok(ClientOp::Connect(frame::json_text(args)))
            }),
            Verb::Info => {
                frame::one_line(scan, verb, input, limits, |args| Ok(ClientOp::Info(frame::json_text(args))))
            }
            Verb::Err => frame::one_line(scan, verb, input, limits, |args| {
                Ok(ClientOp::Err(frame::without_quotes(args)))
            }),
            Verb::Ping => frame::bare(scan, verb, input, limits, ClientOp::Ping),
            Verb::Pong => frame::bare(scan, verb, input, limits, ClientOp::Pong),
            Verb::Ok => frame::bare(scan, verb, input, limits, ClientOp::Ok),
            Verb::Msg | Verb::Hmsg => Err(ProtoError::UnknownOperation),
        }
    }
}

#[inline(always)]
fn publish_head<'a>(args: &[&'a [u8]]) -> Option<Head<'a>> {
    let (subject, reply, size_text) = match *args {
        [subject, size] => (subject, None, size),
        [subject, reply, size] => (subject, Some(reply), size),
        _ => return None,
    };
    Some(Head { subject, sid: &[], reply, header_text: None, size_text })
}

#[inline(always)]
fn hpublish_head<'a>(args: &[&'a [u8]]) -> Option<Head<'a>> {
    let (subject, reply, header, size_text) = match *args {
        [subject, header, size] => (subject, None, header, size),
        [subject, reply, header, size] => (subject, Some(reply), header, size),
        _ => return None,
    };
    Some(Head { subject, sid: &[], reply, header_text: Some(header), size_text })
}

#[inline(always)]
fn publish<'a>(Frame { head, header, body }: Frame<'a>) -> ClientOp<'a> {
    let Head { subject, reply, size_text, .. } = head;
    ClientOp::Publish(Publish { subject, reply, header, size_text, body })
}

fn subscribe(args: &[u8]) -> Result<ClientOp<'_>, ProtoError> {
    let tokens = Tokens::<3>::split(Verb::Sub, args, tokens::is_blank_or_line_end)?;
    let (subject, queue, sid) = match *tokens.as_slice() {
        [subject, sid] => (subject, None, sid),
        [subject, queue, sid] => (subject, Some(queue), sid),
        _ => return Err(tokens::bad_arguments(Verb::Sub)),
    };
    Ok(ClientOp::Subscribe(Subscribe { subject, queue, sid }))
}

fn unsubscribe(args: &[u8]) -> Result<ClientOp<'_>, ProtoError> {
    let tokens = Tokens::<2>::split(Verb::Unsub, args, tokens::is_blank_or_line_end)?;
    let (sid, max) = match *tokens.as_slice() {
        [sid] => (sid, None),
        [sid, max] => (sid, tokens::parse_size(max).filter(|&max| max > 0)),
        _ => return Err(tokens::bad_arguments(Verb::Unsub)),
    };
    Ok(ClientOp::Unsubscribe(Unsubscribe { sid, max: max.map(|max| max as u64) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(input: &[u8]) -> Result<Step<ClientOp<'_>>, ProtoError> {
        ClientDecoder::default().step(input, &Limits::default())
    }

    #[test]
    fn pub_keeps_the_size_as_written() {
        let step = one(b"pub\ta  r \t0002 \r\nhi\r\nPING\r\n").unwrap();
        let publish =
            Publish { subject: b"a", reply: Some(b"r"), header: None, size_text: b"0002", body: b"hi" };
        assert_eq!(step, Step::Op { used: 21, op: ClientOp::Publish(publish) });
    }
}
