//! What a server sends to another server, as the other one reads it.

use crate::ProtoError;
use crate::limits::{Limits, Step};
use crate::line::Scan;
use crate::op::HeaderLen;
use crate::peer_op::{Groups, InterestKey, PeerKind, PeerMessage, PeerOp};
use crate::shape;
use crate::tokens;
use crate::verb::{Verb, peer_verb};
use crate::words::Words;

/// Reads the ops of another server, as strict and as tolerant as nats-server 2.14: blanks and the case of verbs are
/// as free as with clients, and what stands in a line is not looked at but for the number of its words and sizes.
///
/// One decoder per connection. It keeps what the connection carries, and how far it has searched the line at the
/// front. The order of ops is not its business: that `CONNECT` comes first, say.
#[derive(Debug, Clone)]
pub struct PeerDecoder {
    kind: PeerKind,
    scan: Scan,
}

impl PeerDecoder {
    /// For a connection of that kind.
    pub fn new(kind: PeerKind) -> Self {
        Self { kind, scan: Scan::default() }
    }

    /// From the next op on the connection is of that kind: its INFO has named an account, or what the server
    /// understands.
    pub fn set_kind(&mut self, kind: PeerKind) {
        self.kind = kind;
    }

    /// Reads one op from the front of `input`. Nothing is copied: the op borrows from `input`.
    ///
    /// Lines may be sixteen times as long as `limits` say, as from any server. The size of messages is bounded as
    /// they say; nats-server bounds it on leaf nodes alone, and reads from a route what the other server let in.
    ///
    /// After [`Step::NeedMore`] the next `input` begins with the same bytes; after [`Step::Op`] it
    /// begins where that op ended.
    ///
    /// # Errors
    ///
    /// What the server did wrong. The bytes after it have no meaning, so the connection ends here.
    #[inline]
    pub fn step<'a>(&mut self, input: &'a [u8], limits: &Limits) -> Result<Step<PeerOp<'a>>, ProtoError> {
        let Some(verb) = peer_verb(input)? else {
            return Ok(shape::need_one_more(input));
        };
        let (kind, scan) = (self.kind, &mut self.scan);
        let limits = &limits.for_server_lines();
        let text =
            |scan: &mut Scan, read: fn(&'a [u8]) -> PeerOp<'a>| shape::text(scan, verb, input, limits, read);
        match verb {
            Verb::Rmsg | Verb::Lmsg | Verb::Hmsg => message(scan, verb, input, limits, kind),
            Verb::RsPlus | Verb::LsPlus => {
                words(scan, verb, input, limits, |words| interest(words, verb, kind))
            }
            Verb::RsMinus | Verb::LsMinus => {
                words(scan, verb, input, limits, |words| no_interest(words, verb, kind))
            }
            // To nats-server these are the same on a leaf node; on a route, one is passed over.
            Verb::Sub if kind == PeerKind::Leaf => {
                words(scan, verb, input, limits, |words| interest(words, verb, kind))
            }
            Verb::Unsub => words(scan, verb, input, limits, |words| no_interest(words, verb, kind)),
            Verb::Sub | Verb::APlus | Verb::AMinus => text(scan, |_| PeerOp::Ignored),
            Verb::Connect => text(scan, |text| PeerOp::Connect(shape::json_text(text))),
            Verb::Info => text(scan, |text| PeerOp::Info(shape::json_text(text))),
            Verb::Err => text(scan, |text| PeerOp::Err(shape::without_quotes(text))),
            Verb::Ping => shape::bare(scan, verb, input, limits, PeerOp::Ping),
            Verb::Pong => shape::bare(scan, verb, input, limits, PeerOp::Pong),
            Verb::Ok => shape::bare(scan, verb, input, limits, PeerOp::Ok),
            Verb::Pub | Verb::Hpub | Verb::Msg => Err(ProtoError::UnknownOperation),
        }
    }
}

/// An op that is one line, whose words are given their meaning by `sort`.
fn words<'a>(
    scan: &mut Scan,
    verb: Verb,
    input: &'a [u8],
    limits: &Limits,
    sort: impl FnOnce(Words<'a>) -> Option<PeerOp<'a>>,
) -> Result<Step<PeerOp<'a>>, ProtoError> {
    let Some(line) = scan.args(input, verb, limits)? else {
        return Ok(shape::need_one_more(input));
    };
    let op = sort(Words::new(line.args)).ok_or_else(|| tokens::bad_arguments(verb))?;
    Ok(shape::consumed(scan, line.end, op))
}

fn interest<'a>(mut words: Words<'a>, verb: Verb, kind: PeerKind) -> Option<PeerOp<'a>> {
    let names_origin = verb == Verb::LsPlus && kind != PeerKind::Leaf;
    let origin = if names_origin { Some(words.next()?) } else { None };
    let account = account(&mut words, kind)?;
    let subject = words.next()?;
    let (queue, weight) = match (words.next(), words.next(), words.next()) {
        (None, ..) => (None, 1),
        (Some(queue), Some(weight), None) => (Some(queue), weight_of(weight)),
        _ => return None,
    };
    Some(PeerOp::Interest { key: InterestKey { origin, account, subject, queue }, weight })
}

fn no_interest<'a>(mut words: Words<'a>, verb: Verb, kind: PeerKind) -> Option<PeerOp<'a>> {
    let origin = match kind {
        PeerKind::Route { names_origin: true, .. } if verb == Verb::LsMinus => Some(words.next()?),
        PeerKind::Route { names_origin: false, .. } if verb == Verb::LsMinus => Some(&b""[..]),
        _ => None,
    };
    let account = account(&mut words, kind)?;
    let subject = words.next()?;
    let queue = words.next();
    let is_all = words.next().is_none();
    is_all.then_some(PeerOp::NoInterest(InterestKey { origin, account, subject, queue }))
}

/// The account's name, if the line has to have one; `None` if it has to and does not.
fn account<'a>(words: &mut Words<'a>, kind: PeerKind) -> Option<Option<&'a [u8]>> {
    if kind.names_account() { words.next().map(Some) } else { Some(None) }
}

fn weight_of(text: &[u8]) -> u32 {
    tokens::parse_size(text).map_or(0, |weight| weight as u32)
}

/// The arguments of a message's line, sorted by meaning.
struct Line<'a> {
    origin: Option<&'a [u8]>,
    account: Option<&'a [u8]>,
    subject: &'a [u8],
    reply: Option<&'a [u8]>,
    groups: Groups<'a>,
    header_text: Option<&'a [u8]>,
    size_text: &'a [u8],
}

/// A line and the payload it announces.
#[inline]
fn message<'a>(
    scan: &mut Scan,
    verb: Verb,
    input: &'a [u8],
    limits: &Limits,
    kind: PeerKind,
) -> Result<Step<PeerOp<'a>>, ProtoError> {
    let Some(line) = scan.args(input, verb, limits)? else {
        return Ok(shape::need_one_more(input));
    };
    let has_origin = verb == Verb::Lmsg && kind != PeerKind::Leaf;
    let sorted = message_line(Words::new(line.args), has_origin, has_origin || verb == Verb::Hmsg, kind);
    let Line { origin, account, subject, reply, groups, header_text, size_text } =
        sorted.ok_or_else(|| tokens::bad_arguments(verb))?;
    let (header, size) = tokens::sizes(verb, header_text, size_text, limits)?;
    let is_there = |header: &HeaderLen<'_>| !has_origin || header.bytes > 0;
    let header = header.filter(is_there);
    let step = shape::body(scan, input, line.end, size)?;
    Ok(step.map(|body| {
        PeerOp::Message(PeerMessage { origin, account, subject, reply, groups, header, size_text, body })
    }))
}

#[inline]
fn message_line(
    mut words: Words<'_>,
    has_origin: bool,
    has_header: bool,
    kind: PeerKind,
) -> Option<Line<'_>> {
    let origin = if has_origin { Some(words.next()?) } else { None };
    let account = account(&mut words, kind)?;
    let subject = words.next()?;
    let size_text = words.next_back()?;
    let header_text = if has_header { Some(words.next_back()?) } else { None };
    let (reply, groups) = reply_and_groups(words)?;
    Some(Line { origin, account, subject, reply, groups, header_text, size_text })
}

/// Nothing, or the reply, or a sign whether there is one, that, and the groups.
#[inline]
fn reply_and_groups(mut words: Words<'_>) -> Option<(Option<&[u8]>, Groups<'_>)> {
    let first = words.next();
    let mut behind = words;
    if behind.next().is_none() {
        return Some((first, Groups::default()));
    }
    let reply = match first? {
        b"+" => Some(words.next()?),
        b"|" => None,
        _ => return None,
    };
    Some((reply, Groups::new(words.rest())))
}

#[cfg(test)]
mod tests;
