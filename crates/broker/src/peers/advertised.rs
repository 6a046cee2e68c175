//! What is wanted here without a subscription, as other servers are told of it: subjects that services own, and
//! responses to requests that crossed a border.

use std::sync::Arc;

use nats_proto::{HeaderLen, InterestKey, Publish};
use subject_trie::filter_matches;

use super::Advertised;
use crate::border::BORDER;
use crate::broker::Broker;
use crate::dispatch::Envelope;
use crate::party::ServiceId;

impl Broker {
    /// Has other servers told that a service wants what these filters match, in place of those of the last call. What
    /// they send then comes to whoever owns its subject. Only the shard that speaks to other servers tells them.
    pub fn advertise(&mut self, service: ServiceId, filters: Advertised) {
        let Some(peers) = &mut self.egress.peers else { return };
        for (account, filter) in &filters {
            peers.change(*account, &key(filter), 1, 0);
        }
        let before = peers.advertised.insert(service, filters);
        for (account, filter) in before.iter().flatten() {
            peers.change(*account, &key(filter), 0, 1);
        }
        self.tell_own_interest();
    }

    /// The same for responses, which come to all accounts that share services.
    pub(crate) fn advertise_responses(&mut self) {
        if self.egress.peers.is_none() {
            return;
        }
        let filter: Box<[u8]> = self.responses.server().filter().into();
        let directory = Arc::clone(&self.config.settings.directory);
        let accounts = directory.accounts().iter().enumerate();
        let sharing = accounts.filter(|(_, account)| account.shares_services() && !account.is_gone());
        self.advertise(ServiceId(BORDER), sharing.map(|(at, _)| (at, filter.clone())).collect());
    }
}

/// What a requester is told whom nobody answers.
const NO_RESPONDERS: &[u8] = b"NATS/1.0 503\r\n\r\n";

impl Broker {
    /// Answers a request of another server, which knows no more than what was advertised, if nobody here has what it is
    /// for: the requester's own server would have said so, had it known. If that has to wait it is not said.
    pub(crate) fn refuse_if_unowned(&mut self, account: usize, envelope: &Envelope<'_>) {
        let Some(reply) = envelope.publish.reply else { return };
        let Some(service) = self.advertiser(account, envelope.selects) else { return };
        if self.dispatcher(account).has_taker_among_subscriptions(envelope) {
            return;
        }
        let size = NO_RESPONDERS.len().to_string();
        let answer = Publish {
            subject: reply,
            reply: None,
            header: Some(HeaderLen { bytes: NO_RESPONDERS.len(), text: size.as_bytes() }),
            size_text: size.as_bytes(),
            body: NO_RESPONDERS,
        };
        self.service_publish(service, account, reply, &answer);
    }

    /// The service that others were told has such subjects. Responses are asked for by nobody.
    fn advertiser(&self, account: usize, subject: &[u8]) -> Option<ServiceId> {
        let advertised = self.egress.peers.as_ref()?.advertised.iter();
        let has = |filters: &Advertised| {
            filters.iter().any(|(of, filter)| *of == account && filter_matches(filter, subject))
        };
        let (service, _) =
            advertised.filter(|(service, _)| service.0 != BORDER).find(|(_, filters)| has(filters))?;
        Some(*service)
    }
}

fn key(filter: &[u8]) -> InterestKey<'_> {
    InterestKey { origin: None, account: None, subject: filter, queue: None }
}
