//! What whoever publishes across borders has to wait for, and whether anybody would get it there.

use fabric::{ShardId, ShardSet};
use nats_proto::Publish;

use crate::broker::Broker;
use crate::envelope::Envelope;
use crate::party::ServiceId;

use super::BORDER;
use super::ways::{WAYS_MAX, Ways};

/// Where a response goes.
#[derive(Debug, Default)]
struct ResponsePath {
    /// The accounts that it is published in here, and the subjects, one behind the other.
    stops: Vec<(usize, Box<[u8]>)>,
    /// The shard that it goes on to.
    onwards: Option<ShardId>,
}

impl Broker {
    /// Whether a message has to wait, in any of the accounts that it comes to.
    pub(super) fn must_wait_abroad(&mut self, account: usize, subject: &[u8], ways: &Ways) -> bool {
        let mut places = ways.all().iter().enumerate();
        places.any(|(at, way)| self.must_wait(way.account, ways.subject(at)))
            || self.response_must_wait(account, subject)
    }

    pub(crate) fn response_must_wait(&mut self, account: usize, subject: &[u8]) -> bool {
        let ResponsePath { stops, onwards } = self.response_path(account, subject);
        onwards.is_some_and(|shard| self.mesh.congested().contains(shard))
            || stops.iter().any(|(account, subject)| self.must_wait(*account, subject))
    }

    /// Whether a response would go to one of these shards, or on to them.
    pub(crate) fn response_crosses_to(&mut self, account: usize, subject: &[u8], shards: ShardSet) -> bool {
        if shards.is_empty() {
            return false;
        }
        let ResponsePath { stops, onwards } = self.response_path(account, subject);
        onwards.is_some_and(|shard| shards.contains(shard))
            || stops.iter().any(|(account, subject)| self.crosses_to(*account, subject, shards))
    }

    /// Where a message goes as a response, which it may not be.
    fn response_path(&self, account: usize, subject: &[u8]) -> ResponsePath {
        let mut path = ResponsePath::default();
        while path.stops.len() < WAYS_MAX {
            let last = path.stops.last().map(|(account, subject)| (*account, &**subject));
            let (account, subject) = last.unwrap_or((account, subject));
            if !self.is_response(account, subject) {
                break;
            }
            let Some(token) = self.token_of(subject) else { break };
            if token.shard != self.config.shard {
                path.onwards = Some(token.shard);
                break;
            }
            let Some(request) = self.responses.find(token, account) else { break };
            path.stops.push((request.requester, request.reply.clone()));
        }
        path
    }

    /// Whether a message would be a response that somebody in another account waits for, as far as this shard knows: of
    /// requests that were made on another one it is taken to be so.
    pub(crate) fn is_heard_as_response(&mut self, account: usize, subject: &[u8]) -> bool {
        let ResponsePath { stops, onwards } = self.response_path(account, subject);
        let Some((account, subject)) = stops.last() else { return onwards.is_some() };
        let publish = &Publish { subject, reply: None, header: None, size_text: b"0", body: b"" };
        self.space_of(*account);
        onwards.is_some() || self.would_be_taken(*account, &Envelope::new(ServiceId(BORDER), publish))
    }

    /// Whether somebody, in any of the accounts that it comes to, would take a message.
    pub(super) fn would_be_taken_abroad(
        &mut self,
        account: usize,
        envelope: &Envelope<'_>,
        ways: &Ways,
    ) -> bool {
        let own = std::iter::once((account, envelope.selects));
        let abroad = ways.all().iter().enumerate().map(|(at, way)| (way.account, ways.subject(at)));
        let is_taken = own.chain(abroad).any(|(account, subject)| {
            let publish = &Publish { subject, ..*envelope.publish };
            let Envelope { origin, .. } = *envelope;
            self.would_be_taken(account, &Envelope { origin, selects: subject, publish })
        });
        is_taken || self.is_taken_as_response(account, envelope.selects)
    }
}
