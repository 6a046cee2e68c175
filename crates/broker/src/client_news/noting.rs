//! Noting what clients do, and telling it.

use conns::{ConnId, Time};

use super::{CLIENT_NEWS_MAX, ClientDeed, ClientNews};
use crate::broker::Broker;

impl Broker {
    /// Has what clients do noted for those in this account, from here on, or not at all.
    pub fn watch_clients(&mut self, audience: Option<usize>) {
        self.herald.audience = audience;
        if audience.is_none() {
            self.herald.news.clear();
        }
    }

    /// Takes what was noted first.
    pub fn take_client_news(&mut self) -> Option<ClientNews> {
        self.herald.news.pop_front()
    }

    /// What time it is on the shard's clock, as of the event in hand.
    pub fn now(&self) -> Time {
        self.egress.counters.now
    }

    /// A client did something.
    #[inline]
    pub(crate) fn note_deed(&mut self, id: ConnId, deed: ClientDeed) {
        let Some(audience) = self.herald.audience else { return };
        if self.may_listen(audience) || (matches!(deed, ClientDeed::Refused(_)) && self.may_its_account(id)) {
            self.note_client(id, deed);
        }
    }

    fn may_listen(&self, account: usize) -> bool {
        self.spaces.get(account).is_some_and(|space| !space.is_deserted())
    }

    /// The account where it would have been is told that a client is turned away, too.
    fn may_its_account(&self, id: ConnId) -> bool {
        self.egress.clients.peek(id).is_some_and(|client| self.may_listen(client.account))
    }

    #[cold]
    fn note_client(&mut self, id: ConnId, deed: ClientDeed) {
        if self.herald.news.len() == CLIENT_NEWS_MAX {
            self.egress.counters.totals.untold_events += 1;
            return;
        }
        let Some(client) = self.connection_row_of(id) else { return };
        self.herald.news.push_back(ClientNews { deed, client, at: self.now() });
        self.egress.services.have_something();
    }
}
