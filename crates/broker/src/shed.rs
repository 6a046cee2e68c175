//! Letting connections go: all of them little by little in lame duck mode, or those that are too many since
//! a reload.

use conns::{CloseReason, ConnId};

use crate::broker::Broker;
use crate::page::stretch;
use crate::seldom::SeldomLine;

/// Connections that one call of [`Broker::shed`] is to close at most: they take a fraction of a millisecond.
pub const SHED_AT_ONCE_MAX: usize = 32;

/// Connections that one call of a sweep looks at: it may close all of them.
const SWEPT_AT_ONCE: usize = 32;

/// A part of a walk over all connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sweep {
    /// How many connections it was about.
    pub count: usize,
    /// Where to go on; `None` at the end.
    pub next: Option<u64>,
}

impl Broker {
    /// Tells clients that may get an INFO at any time that this server is about to go, so that they
    /// look for another one: the next ones from `from` on, which is 0 at first. Counts those that are open.
    pub fn on_lame_duck(&mut self, from: u64) -> Sweep {
        if from == 0 {
            self.tell_servers_of_end();
        }
        let sweep = self.sweep(from, |broker, id| {
            broker.tell_of_lame_duck(id);
        });
        self.settle();
        sweep
    }

    /// Returns whether the client may be told.
    pub(crate) fn tell_of_lame_duck(&mut self, id: ConnId) -> bool {
        let client = self.egress.clients.at(id);
        let may_be_told = client.first_pong_sent && client.abilities.async_info;
        if may_be_told {
            let told = self.config.told.clone();
            self.send_info(id, |info| {
                info.ldm = true;
                // Not here, of all places.
                match &told {
                    Some(told) => told.tell_of_others(info),
                    None => {
                        info.connect_urls.clear();
                        info.ws_connect_urls.clear();
                    }
                }
            });
        }
        may_be_told
    }

    /// Closes connections of accounts that have more than they may have, after that was lowered, until
    /// they are within it: of the next ones from `from` on, which is 0 at first. Shards have to be asked one
    /// after the other: accounts lie across them.
    pub fn shed_crowds(&mut self, from: u64) -> Sweep {
        let sweep = self.sweep(from, |broker, id| {
            let client = broker.egress.clients.at(id);
            let account = broker.config.settings.directory.account(client.identity.account());
            if client.seat.is_some() && account.is_crowded() {
                broker.refuse_one_too_many(id);
            }
        });
        self.settle();
        sweep
    }

    /// Has something done with the next connections that are open.
    pub(crate) fn sweep(&mut self, from: u64, mut visit: impl FnMut(&mut Self, ConnId)) -> Sweep {
        let (rows, next) = stretch(from, self.egress.clients.rows(), SWEPT_AT_ONCE);
        let mut count = 0;
        for row in rows {
            let Some(id) = self.egress.clients.id_in_row(row) else { continue };
            if self.egress.clients.open(id).is_some_and(|client| !client.is_peer()) {
                count += 1;
                visit(self, id);
            }
        }
        Sweep { count, next }
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
            if self.egress.clients.open(id).is_none_or(|client| client.is_peer()) {
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
