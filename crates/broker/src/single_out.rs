//! One connection, by the number that monitoring shows of it, for operators who want something done to it.

use conns::{CloseReason, ConnId};

use crate::broker::Broker;
use crate::page::{Page, stretch};

/// Connections that one call looks at: a tenth of a millisecond.
const LOOKED_AT_ONCE: usize = 1024;

impl Broker {
    /// Closes the connection of that number if it is among the next ones from `from` on, which is 0 at first: then the
    /// page has a row.
    pub fn kick(&mut self, cid: u64, from: u64) -> Page<()> {
        self.single_out(cid, from, |broker, id| broker.close(id, CloseReason::Kicked))
    }

    /// Tells the client of that number that this server is about to go, if it is among the next ones: then the page has
    /// a row, which says whether it may be told.
    pub fn warn_one(&mut self, cid: u64, from: u64) -> Page<bool> {
        self.single_out(cid, from, Self::tell_of_lame_duck)
    }

    fn single_out<T>(&mut self, cid: u64, from: u64, act: impl FnOnce(&mut Self, ConnId) -> T) -> Page<T> {
        let (mut rows, next) = stretch(from, self.egress.clients.rows(), LOOKED_AT_ONCE);
        let clients = &self.egress.clients;
        let is_it = |row: &usize| {
            clients
                .row(*row)
                .is_some_and(|client| client.cid == cid && client.is_open() && !client.is_guest())
        };
        let found = rows.find(is_it).and_then(|row| clients.id_in_row(row));
        let Some(id) = found else { return Page { rows: Vec::new(), next } };
        let done = act(self, id);
        self.settle();
        Page { rows: vec![done], next: None }
    }
}
