//! What is wanted here without a subscription, as other servers are told of it: subjects that services own, responses to
//! requests that crossed a border, and as leaf nodes alone are, what accounts import or map.

use std::sync::Arc;

use nats_proto::{HeaderLen, Publish};
use subject_trie::filter_matches;

use super::Advertised;
use super::branches::plain;
use crate::border::BORDER;
use crate::broker::Broker;
use crate::envelope::Envelope;
use crate::party::ServiceId;

impl Broker {
    /// Has other servers told that a service wants what these filters match, in place of those of the last call. What
    /// they send then comes to whoever owns its subject. Only the shard that speaks to other servers tells them.
    pub fn advertise(&mut self, service: ServiceId, filters: Advertised) {
        let Some(peers) = &mut self.egress.peers else { return };
        for (account, filter) in &filters {
            peers.change(*account, &plain(filter), 1, 0);
        }
        let before = peers.advertised.insert(service, filters);
        for (account, filter) in before.iter().flatten() {
            peers.change(*account, &plain(filter), 0, 1);
        }
        self.tell_own_interest();
    }

    /// Has other servers told what accounts want by how they are set up.
    pub(crate) fn advertise_accounts(&mut self) {
        self.advertise_responses();
        self.advertise_detours();
    }

    /// Responses come to all accounts that share services.
    fn advertise_responses(&mut self) {
        if self.egress.peers.is_none() {
            return;
        }
        let filter: Box<[u8]> = self.responses.server().filter().into();
        let directory = Arc::clone(&self.config.settings.directory);
        let accounts = directory.accounts().iter().enumerate();
        let sharing = accounts.filter(|(_, account)| account.shares_services() && !account.is_gone());
        self.advertise(ServiceId(BORDER), sharing.map(|(at, _)| (at, filter.clone())).collect());
    }

    /// Requests for services that an account imports, and what it maps to another subject, may come from leaf nodes and
    /// hubs. Servers of the cluster import and map for themselves.
    fn advertise_detours(&mut self) {
        let Some(branches) = self.egress.peers.as_mut().and_then(|peers| peers.branches.as_mut()) else {
            return;
        };
        let accounts = self.config.settings.directory.accounts().iter().enumerate();
        let there = accounts.filter(|(_, account)| !account.is_gone());
        let mut filters: Advertised = there
            .flat_map(|(at, account)| {
                let imported = account.service_imports().iter().map(|import| import.subjects().1.as_bytes());
                imported
                    .chain(account.mappings().iter().map(|(source, _)| source))
                    .map(move |of| (at, of.into()))
            })
            .collect();
        filters.sort_unstable();
        filters.dedup();
        branches.advertise(filters);
        self.tell_own_interest();
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
