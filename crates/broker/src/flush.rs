//! Output to clients, as the sockets take it.

use conns::{Conn, ConnId, Flush, Time};

use crate::broker::Broker;
use crate::client::Client;

impl Broker {
    /// Takes the connections that [`Self::flush`] has something to say about.
    pub fn take_dirty(&mut self, into: &mut Vec<ConnId>) {
        self.egress.take_dirty(into);
    }

    /// Puts connections back that [`Self::take_dirty`] took and nobody flushed.
    pub fn flush_later<'a>(&mut self, ids: impl IntoIterator<Item = &'a ConnId>) {
        for id in ids {
            self.egress.clients.mark_dirty(*id);
        }
    }

    /// How many connections [`Self::take_dirty`] would take.
    pub fn dirty_count(&self) -> usize {
        self.egress.clients.dirty_count()
    }

    /// Takes those of them that came after the first `count`, to be flushed before the others. They come again
    /// with what they are sent next.
    pub fn take_dirty_after(&mut self, count: usize, into: &mut Vec<ConnId>) {
        self.egress.take_dirty_after(count, into);
    }

    /// Bytes queued for clients since the dirty connections were last taken: the caller flushes
    /// early when one turn queues a lot, so that readers are not cut off for our own lateness.
    pub fn unflushed_bytes(&self) -> usize {
        self.egress.clients.unflushed_bytes()
    }

    /// What to do with a connection's output. After each report, with [`Self::on_sent`] or [`Self::on_blocked`], ask
    /// again. Where its socket is to be closed its id is void from here on.
    pub fn flush(&mut self, id: ConnId) -> Flush<'_> {
        // Of a server only the input waits for what other shards know.
        let is_held =
            |client: &Conn<Client>| (client.fence.is_some() && !client.is_peer()) || client.winding_up;
        match self.egress.clients.peek(id) {
            None => return Flush::Nothing,
            Some(client) if is_held(client) => return Flush::Nothing,
            Some(client) if client.is_over() => {
                self.release(id);
                return Flush::Close;
            }
            Some(_) => {}
        }
        self.egress.clients.flush(id)
    }

    /// The client's socket is full. Report with [`Self::on_writable`] when it is not.
    pub fn on_blocked(&mut self, now: Time, id: ConnId) {
        self.egress.clients.on_blocked(now, id);
    }

    /// The client's socket takes bytes again.
    pub fn on_writable(&mut self, id: ConnId) {
        self.egress.clients.on_writable(id);
    }
}
