//! Letting connections go: all of them little by little in lame duck mode, or those that are too many since
//! a reload.

use crate::broker::Broker;
use crate::client::ConnId;
use crate::close::CloseReason;
use crate::seldom::SeldomLine;

impl Broker {
    /// Tells all clients that may get an INFO at any time that this server is about to go, so that they
    /// look for another one. Returns how many connections are open here.
    pub fn on_lame_duck(&mut self) -> usize {
        let mut open = 0;
        for id in self.egress.clients.ids() {
            let client = self.egress.clients.at(id);
            if client.closing.is_some() {
                continue;
            }
            open += 1;
            if client.first_pong_sent && client.abilities.async_info {
                self.send_info(id, |info| {
                    info.ldm = true;
                    // Not here, of all places.
                    info.connect_urls.clear();
                    info.ws_connect_urls.clear();
                });
            }
        }
        self.settle();
        open
    }

    /// Closes connections of accounts that have more than they may have, after that was lowered, until
    /// they are within it. Shards have to be asked one after the other: accounts lie across them.
    pub fn shed_crowds(&mut self) {
        for id in self.egress.clients.ids() {
            let client = self.egress.clients.at(id);
            let account = self.config.settings.directory.account(client.identity.account());
            if client.closing.is_none() && client.seat.is_some() && account.is_crowded() {
                self.refuse_one_too_many(id);
            }
        }
        self.settle();
    }

    /// There are more connections than there may be.
    pub(crate) fn refuse_beyond_max(&mut self, id: ConnId) {
        self.egress.send_err(id, SeldomLine::MaxConnections.text());
        self.log_seldom(id, SeldomLine::MaxConnections);
        self.close(id, CloseReason::MaxConnectionsExceeded);
    }

    /// Closes up to `count` connections, going on where the last call ended. Returns how many it closed;
    /// fewer than asked for means that there are no more.
    pub fn shed(&mut self, count: usize, reason: CloseReason) -> usize {
        let mut closed = 0;
        for _ in 0..self.egress.clients.rows() {
            if closed == count {
                break;
            }
            self.shed_row = (self.shed_row + 1) % self.egress.clients.rows();
            let Some(id) = self.egress.clients.id_in_row(self.shed_row) else { continue };
            if self.egress.clients.at(id).closing.is_some() {
                continue;
            }
            if reason == CloseReason::MaxConnectionsExceeded {
                self.refuse_beyond_max(id);
            } else {
                self.close(id, reason);
            }
            closed += 1;
        }
        self.settle();
        closed
    }
}
