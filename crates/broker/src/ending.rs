//! How connections end: input and subscriptions at once, then the output, then the socket.

use fabric::ShardId;

use crate::broker::Broker;
use crate::client::ConnId;
use crate::close::CloseReason;
use crate::inbox::Inbox;

impl Broker {
    /// The client will send no more, or its socket failed.
    pub fn on_hangup(&mut self, id: ConnId, reason: CloseReason) {
        let Some(client) = self.egress.clients.find(id) else { return };
        let input_ended = matches!(reason, CloseReason::ClientClosed | CloseReason::ReadError);
        if client.closing.is_none() && client.hold.is_some() && input_ended && !client.out_of_time {
            // What it sent before counts, unless we owe it nothing but an answer that is overdue.
            client.hung_up = Some(reason);
        } else if client.closing.is_none() {
            self.close(id, reason);
        } else if !reason.keeps_output() {
            self.drop_output(id);
        }
    }

    /// The server stops: ends all connections once their output is flushed.
    pub fn on_shutdown(&mut self) {
        for id in self.egress.clients.ids() {
            self.close(id, CloseReason::ServerShutdown);
        }
    }

    /// Closes a connection once its output left, if the reason leaves anyone to read it.
    pub(crate) fn close(&mut self, id: ConnId, reason: CloseReason) {
        let Some(client) = self.egress.clients.find(id) else { return };
        if client.closing.is_none() {
            client.closing = Some(reason);
            self.wind_up(id, reason);
        }
    }

    pub(crate) fn wind_up(&mut self, id: ConnId, reason: CloseReason) {
        self.egress.take_over(id);
        let client = self.egress.clients.at(id);
        tracing::debug!("{} - Client connection closed: {reason}", client.label);
        self.egress.counters.on_closed(client, reason);
        self.keep_closed(id, reason);
        let client = self.egress.clients.at(id);
        client.inbox = Inbox::default();
        client.hold = None;
        client.owes_ok = false;
        client.seat = None;
        client.claim = None;
        let round = self.unsubscribe_all(id);
        let client = self.egress.clients.at(id);
        if reason == CloseReason::ServerShutdown {
            client.fence = None; // No shard is left to confirm anything.
        } else if let Some(round) = round {
            // The end of the connection shows only when no shard counts on it any more.
            self.fences.raise(id, client, round);
        }
        if !reason.keeps_output() {
            self.drop_output(id);
        }
        self.egress.mark_dirty(id);
    }

    fn drop_output(&mut self, id: ConnId) {
        let client = self.egress.clients.at(id);
        self.egress.counters.pending_bytes -= client.outbox.len() as i64;
        client.outbox.clear(&mut self.egress.pool);
        client.blocked_since = None;
        client.lateness.forget();
        self.egress.mark_dirty(id);
    }

    pub(crate) fn release(&mut self, id: ConnId) {
        let client = self.egress.clients.remove(id).expect("a connection is released once");
        self.deadlines.forget(id);
        if client.counted {
            self.count_connections(-1);
        }
    }

    /// Tells the shard that places connections of a change in their number here.
    pub(crate) fn count_connections(&mut self, change: i32) {
        if self.config.shard == ShardId(0) {
            self.placement.on_change(ShardId(0), change);
        } else if change != 0 {
            self.mesh.link(ShardId(0)).count_connections(change);
        }
    }
}
