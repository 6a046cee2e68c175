//! What is wanted here without a subscription, as other servers are told of it: subjects that services own, and
//! responses to requests that crossed a border.

use std::sync::Arc;

use nats_proto::InterestKey;

use super::Advertised;
use crate::border::BORDER;
use crate::broker::Broker;
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

fn key(filter: &[u8]) -> InterestKey<'_> {
    InterestKey { origin: None, account: None, subject: filter, queue: None }
}
