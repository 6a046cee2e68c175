//! Output to clients, as the sockets take it.

use conns::{ConnId, Outbox, Time};

use crate::broker::Broker;

/// What to do with a connection's output.
#[derive(Debug)]
pub enum Flush<'a> {
    /// Nothing for now.
    Nothing,
    /// Send this, then report with [`Broker::on_sent`] or [`Broker::on_blocked`].
    Send(&'a Outbox),
    /// All is said: close the socket. The connection's id is void from here on.
    Close,
}

impl Broker {
    /// Takes the connections that [`Self::flush`] has something to say about.
    pub fn take_dirty(&mut self, into: &mut Vec<ConnId>) {
        self.egress.take_dirty(into);
    }

    /// Puts connections back that [`Self::take_dirty`] took and nobody flushed.
    pub fn flush_later<'a>(&mut self, ids: impl IntoIterator<Item = &'a ConnId>) {
        for id in ids {
            self.egress.mark_dirty(*id);
        }
    }

    /// How many connections [`Self::take_dirty`] would take.
    pub fn dirty_count(&self) -> usize {
        self.egress.dirty().len()
    }

    /// Takes those of them that came after the first `count`, to be flushed before the others. They come again
    /// with what they are sent next.
    pub fn take_dirty_after(&mut self, count: usize, into: &mut Vec<ConnId>) {
        self.egress.take_dirty_after(count, into);
    }

    /// Bytes queued for clients since the dirty connections were last taken: the caller flushes
    /// early when one turn queues a lot, so that readers are not cut off for our own lateness.
    pub fn unflushed_bytes(&self) -> usize {
        self.egress.unflushed()
    }

    /// What to do with a connection's output. Call it again after each report.
    pub fn flush(&mut self, id: ConnId) -> Flush<'_> {
        let Some(client) = self.egress.clients.peek(id) else { return Flush::Nothing };
        if client.fence.is_some() || client.winding_up || client.blocked_since.is_some() {
            return Flush::Nothing;
        }
        if client.outbox.is_empty() {
            if client.is_open() {
                return Flush::Nothing;
            }
            self.release(id);
            return Flush::Close;
        }
        Flush::Send(&self.egress.clients.peek(id).expect("it was just there").outbox)
    }

    /// The client's socket took `count` bytes of its outbox, of which some may have been dropped meanwhile.
    pub fn on_sent(&mut self, id: ConnId, count: usize) {
        let Some(client) = self.egress.clients.find(id) else { return };
        client.blocked_since = None;
        let count = count.min(client.outbox.len());
        client.outbox.advance(&mut self.egress.pool, count);
        self.egress.counters.pending_bytes -= count as i64;
        if client.lateness.is_timed() {
            self.on_progress(id, count);
        }
    }

    /// The client's socket is full. Report with [`Self::on_writable`] when it is not.
    pub fn on_blocked(&mut self, now: Time, id: ConnId) {
        let Some(client) = self.egress.clients.find(id) else { return };
        client.blocked_since.get_or_insert(now);
        self.limit_writing(now, id);
    }

    /// The client's socket takes bytes again.
    pub fn on_writable(&mut self, id: ConnId) {
        let Some(client) = self.egress.clients.find(id) else { return };
        if client.blocked_since.take().is_some() {
            self.egress.mark_dirty(id);
        }
    }
}
