//! What whoever publishes across borders has to wait for, and whether anybody would get it there.

use fabric::ShardSet;
use nats_proto::Publish;

use crate::broker::Broker;
use crate::dispatch::Envelope;

use super::ways::Ways;

impl Broker {
    /// Whether a message has to wait, in any of the accounts that it comes to.
    pub(super) fn must_wait_abroad(&mut self, account: usize, subject: &[u8], ways: &Ways) -> bool {
        let mut places = ways.all().iter().enumerate();
        places.any(|(at, way)| self.must_wait(way.account, ways.subject(at)))
            || self.response_must_wait(account, subject)
    }

    fn response_must_wait(&mut self, account: usize, subject: &[u8]) -> bool {
        if !self.is_response(account, subject) {
            return false;
        }
        let Some(token) = self.token_of(subject) else { return false };
        if token.shard != self.config.shard {
            return self.mesh.congested().contains(token.shard);
        }
        let request = self.responses.find(token, account);
        let Some((requester, reply)) = request.map(|it| (it.requester, it.reply.clone())) else {
            return false;
        };
        self.must_wait(requester, &reply) || self.response_must_wait(requester, &reply)
    }

    /// Whether a response that a service publishes would go to one of these shards, or on to them.
    pub(crate) fn response_crosses_to(&mut self, account: usize, subject: &[u8], shards: ShardSet) -> bool {
        if shards.is_empty() || !self.is_response(account, subject) {
            return false;
        }
        let Some(token) = self.token_of(subject) else { return false };
        if token.shard != self.config.shard {
            return shards.contains(token.shard);
        }
        let request = self.responses.find(token, account);
        let Some((requester, reply)) = request.map(|it| (it.requester, it.reply.clone())) else {
            return false;
        };
        self.crosses_to(requester, &reply, shards)
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
        let is_known = |broker: &Self| {
            let token = broker.token_of(envelope.selects);
            token.is_some_and(|token| broker.responses.find(token, account).is_some())
        };
        own.chain(abroad).any(|(account, subject)| {
            let publish = &Publish { subject, ..*envelope.publish };
            let Envelope { origin, .. } = *envelope;
            self.would_be_taken(account, &Envelope { origin, selects: subject, publish })
        }) || is_known(self)
    }
}
