//! Requests, until one is granted.
//!
//! The server behind a listener for WebSockets is Go's: one that is refused may ask again on the same connection,
//! paths with detours are sent elsewhere, and a body that nobody wants is read before the answer leaves.

use std::net::IpAddr;
use std::sync::Arc;

use http_head::{Head, HeadReader, Read, Refusal, Target, clean};
use tls_session::Secured;
use ws_frame::{Endpoint, Request, Upgrade};

use crate::ended::Ended;
use crate::news::News;

use super::answers::Manner;
use super::asked::Claim;
use super::outgoing::Outgoing;
use super::policy::WebPolicy;
use super::tools::Tools;

/// Headers that matter here, beside those that matter of every request.
const KEPT: &[&str] = &[
    "upgrade",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-extensions",
    "origin",
    "sec-websocket-origin",
    "cookie",
    "user-agent",
    "x-forwarded-for",
    "nats-no-masking",
];

/// Bytes that are kept of one request. Browsers keep to less for all of their cookies together.
const KEPT_BYTES_MAX: usize = 32 << 10;

/// Bytes of a body that are passed over, as Go does; a longer one ends the connection.
const BODY_BYTES_MAX: u64 = 256 << 10;

/// Line ends that are passed over behind a POST: some clients send one too many.
const LINE_ENDS_MAX: usize = 4;

/// Bytes of answers that may wait for one who asks and does not read.
const ANSWERS_BYTES_MAX: usize = 64 << 10;

/// A connection that is no WebSocket yet.
#[derive(Debug)]
pub(super) struct Asking {
    policy: Arc<WebPolicy>,
    reader: HeadReader,
    /// What its handshake came to.
    pub(super) secured: Option<Secured>,
    /// An answer that waits for a body to be over, and how much of that is to come.
    held: Option<(u64, Answer)>,
    /// Line ends that may come before the next request.
    line_ends: usize,
    /// The room that its request takes.
    pub(super) claim: Claim,
}

/// What is answered.
#[derive(Debug)]
struct Answer {
    bytes: Vec<u8>,
    closes: bool,
}

/// A request that was granted.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) upgrade: Upgrade,
    pub(super) secured: Option<Secured>,
    /// `max_payload`, in bytes.
    pub(super) payload_bytes_max: usize,
}

impl Asking {
    /// A client at this address.
    pub(super) fn new(policy: Arc<WebPolicy>, address: IpAddr) -> Self {
        let (reader, claim) = (HeadReader::new(KEPT), Claim::new(address));
        Self { policy, reader, secured: None, held: None, line_ends: 0, claim }
    }

    /// Reads on. Returns the request that was granted, if one was.
    pub(super) fn receive(
        &mut self,
        mut input: &[u8],
        out: &mut Outgoing,
        tools: &mut Tools,
        tell: &mut impl FnMut(News<'_>),
    ) -> Result<Option<Granted>, Ended> {
        while !input.is_empty() {
            if let Some((left, _)) = &mut self.held {
                let passed = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                *left -= passed as u64;
                input = &input[passed..];
                self.release(out)?;
                continue;
            }
            if !self.reader.has_begun() && self.line_ends > 0 && matches!(input[0], b'\r' | b'\n') {
                (input, self.line_ends) = (&input[1..], self.line_ends - 1);
                continue;
            }
            match self.reader.read(input) {
                Ok(Read::More) => {
                    return if self.has_room(tools) { Ok(None) } else { refuse(Refusal::TooLarge, out) };
                }
                Ok(Read::Head { used, head }) => {
                    let has_more = used < input.len();
                    input = &input[used..];
                    self.reader = HeadReader::new(KEPT);
                    tools.asked.withdraw(&mut self.claim);
                    if let Some(granted) = self.on_head(&head, has_more, out, tools, tell)? {
                        return Ok(Some(granted));
                    }
                }
                Err(refusal) => return refuse(refusal, out),
            }
        }
        Ok(None)
    }

    fn has_room(&mut self, tools: &mut Tools) -> bool {
        let kept = self.reader.kept_bytes();
        kept <= KEPT_BYTES_MAX && tools.asked.admit(&mut self.claim, kept)
    }

    /// A request is whole.
    fn on_head(
        &mut self,
        head: &Head,
        has_more: bool,
        out: &mut Outgoing,
        tools: &Tools,
        tell: &mut impl FnMut(News<'_>),
    ) -> Result<Option<Granted>, Ended> {
        self.line_ends = if head.is_post() { LINE_ENDS_MAX } else { 0 };
        let expectation = head.value("expect").unwrap_or_default();
        let is_continued = is_met(expectation) && !expectation.is_empty() && head.has_body();
        let is_body_passed = !head.is_chunked && head.length.unwrap_or_default() <= BODY_BYTES_MAX;
        let closes = head.closes() || *head.method == *b"CONNECT" || is_continued || !is_body_passed;
        let manner = Manner::of(head, closes, tools.now);
        let bytes = if !is_met(expectation) {
            return self.answer_last(manner.unwanted("417 Expectation Failed"), out);
        } else if *head.target == *b"*" && *head.method == *b"OPTIONS" {
            manner.options()
        } else if *head.target == *b"*" {
            return self.answer_last(manner.unwanted("400 Bad Request"), out);
        } else {
            let Some(Target { path, query }) = Target::read(&head.method, &head.target) else {
                return refuse(Refusal::Malformed, out);
            };
            let cleaned = clean(&path);
            if path.is_empty() && *head.method == *b"CONNECT" {
                manner.no_page()
            } else if cleaned != path && *head.method != *b"CONNECT" {
                let query = if query.is_empty() { query } else { [b"?", &query[..]].concat() };
                manner.redirected(&head.method, &[cleaned, query].concat())
            } else {
                match self.upgrade(head, &path) {
                    Ok(upgrade) => return self.grant(upgrade, has_more, out, tell),
                    Err(refusal) => {
                        tell(News::Refused(&refusal.to_string()));
                        manner.refused(&refusal)
                    }
                }
            }
        };
        let body = if closes { 0 } else { head.length.unwrap_or_default() };
        self.held = Some((body, Answer { bytes, closes }));
        self.release(out).map(|()| None)
    }

    fn upgrade(&self, head: &Head, path: &[u8]) -> Result<Upgrade, ws_frame::Refusal> {
        let headers: Vec<(&[u8], &[u8])> =
            head.values.iter().map(|(name, value)| (name.as_bytes(), &value[..])).collect();
        let host = authority(&head.target).or(head.value("host")).unwrap_or_default();
        let is_tls = self.policy.tls.is_some();
        let request = Request { method: &head.method, path, host, is_tls, headers: &headers };
        request.upgrade(&self.policy.upgrade)
    }

    fn grant(
        &mut self,
        upgrade: Upgrade,
        has_more: bool,
        out: &mut Outgoing,
        tell: &mut impl FnMut(News<'_>),
    ) -> Result<Option<Granted>, Ended> {
        if has_more {
            tell(News::Refused("client sent data before handshake is complete"));
            return Err(Ended::Guest);
        }
        out.push(&upgrade.response);
        match upgrade.endpoint {
            Endpoint::Client => {
                let payload_bytes_max = self.policy.payload_bytes_max;
                Ok(Some(Granted { upgrade, secured: self.secured.take(), payload_bytes_max }))
            }
            Endpoint::Leaf | Endpoint::Mqtt => {
                tracing::error!("Not configured to accept leaf node connections");
                Err(Ended::Guest)
            }
        }
    }

    /// Answers, once the body is over that came with the request.
    fn release(&mut self, out: &mut Outgoing) -> Result<(), Ended> {
        let Some((_, Answer { bytes, closes })) = self.held.take_if(|(left, _)| *left == 0) else {
            return Ok(());
        };
        out.push(&bytes);
        if closes || out.rest().len() > ANSWERS_BYTES_MAX { Err(Ended::Guest) } else { Ok(()) }
    }

    fn answer_last(&self, bytes: Vec<u8>, out: &mut Outgoing) -> Result<Option<Granted>, Ended> {
        out.push(&bytes);
        Err(Ended::Guest)
    }
}

/// What came is no request.
fn refuse(refusal: Refusal, out: &mut Outgoing) -> Result<Option<Granted>, Ended> {
    out.push(&refusal.answer());
    Err(Ended::Guest)
}

/// Whether what a client expects is what every server does: nothing, or to say that a body may come.
fn is_met(expectation: &[u8]) -> bool {
    let mut words = expectation.split(|byte| b" ,\t".contains(byte));
    expectation.is_empty() || words.any(|word| word.eq_ignore_ascii_case(b"100-continue"))
}

/// The host in a target that is a whole URL: it goes before the header.
fn authority(target: &[u8]) -> Option<&[u8]> {
    let at = target.windows(3).position(|window| window == b"://").filter(|_| !target.starts_with(b"/"))?;
    let rest = &target[at + 3..];
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    let host = rest[..end].rsplit(|byte| *byte == b'@').next()?;
    Some(host).filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests;
