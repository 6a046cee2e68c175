//! How connections end: input and subscriptions at once, then the output, then the socket.

use conns::{CloseReason, ConnId, Inbox};
use fabric::ShardId;
use monitor::ClosedRow;

use crate::broker::Broker;
use crate::client_news::ClientDeed;
use crate::turn::CONNECTION_TURN_STEPS;

/// What it takes to close a connection, its socket included.
const CLOSE_STEPS: usize = 64;

impl Broker {
    /// The client will send no more, or its socket failed.
    pub fn on_hangup(&mut self, id: ConnId, reason: CloseReason) {
        let input_ended =
            matches!(reason, CloseReason::ClientClosed | CloseReason::ReadError | CloseReason::Unreadable);
        match self.egress.clients.open(id) {
            // What it sent before counts, unless we owe it nothing but an answer that is overdue.
            Some(client) if client.hold.is_some() && input_ended && !client.out_of_time => {
                client.hung_up = Some(reason);
            }
            Some(_) => self.close(id, reason),
            None if !reason.keeps_output() => self.egress.clients.drop_output(id),
            None => {}
        }
    }

    /// The server stops: ends all connections once their output is flushed. If there are many it takes some
    /// turns ([`Self::has_chores`]).
    pub fn on_shutdown(&mut self) {
        self.chores.shut_down();
        self.go_on_shutting_down();
    }

    /// Closes connections, from the next row on, as far as this turn goes. Whatever else there was to do is
    /// of no use any more.
    pub(crate) fn go_on_shutting_down(&mut self) {
        while self.chores.budget().lasts()
            && let Some(row) = self.chores.next_to_shut_down(self.egress.clients.rows())
        {
            self.chores.budget().spend(1);
            let Some(id) = self.egress.clients.id_in_row(row) else { continue };
            self.chores.budget().spend(CLOSE_STEPS);
            self.close(id, CloseReason::ServerShutdown);
            let client = self.egress.clients.at(id);
            (client.winding_up, client.fence) = (false, None); // No shard is left to confirm anything.
            self.egress.clients.mark_dirty(id);
        }
    }

    /// Why a connection closes; `None` if it does not, or is gone.
    pub fn closing_reason(&self, id: ConnId) -> Option<CloseReason> {
        self.egress.clients.peek(id)?.closing_reason()
    }

    /// Closes a connection once its output left, if the reason leaves anyone to read it.
    pub(crate) fn close(&mut self, id: ConnId, reason: CloseReason) {
        if let Some(client) = self.egress.clients.open(id) {
            client.begin_to_close(reason);
            self.wind_up(id, reason);
        }
    }

    /// Does at once what follows from the end of a connection: the log says it, it counts no more, nothing holds it, and
    /// its subscriptions go, as far as the turn lasts.
    pub(crate) fn wind_up(&mut self, id: ConnId, reason: CloseReason) {
        if self.egress.clients.at(id).is_guest() {
            return self.egress.clients.mark_dirty(id);
        }
        if self.egress.clients.at(id).is_peer() {
            return self.wind_up_peer(id, reason);
        }
        self.egress.take_over(id);
        let client = self.egress.clients.at(id);
        tracing::debug!("{} - Client connection closed: {reason}", client.label);
        self.egress.counters.on_closed(client, reason);
        self.turn.spend_beside(CONNECTION_TURN_STEPS);
        if !self.chores.is_shutting_down() {
            self.note_deed(id, ClientDeed::Left(reason));
        }
        let closed = self.closed_row(id, reason);
        let client = self.egress.clients.at(id);
        client.inbox = Inbox::default();
        client.hold = None;
        client.owes_ok = false;
        client.seat = None;
        client.claim = None;
        if !reason.keeps_output() {
            self.egress.clients.drop_output(id);
        }
        if !self.chores.is_shutting_down() {
            self.leave_behind(id, closed);
        }
    }

    /// A connection that ends has no subscriptions left: what is left to do is to flush and to close it, once the other
    /// shards have confirmed this round and know of that.
    pub(crate) fn wind_up_finally(&mut self, id: ConnId, round: Option<u64>, closed: Option<ClosedRow>) {
        if let Some(closed) = closed {
            self.config.closed.push(closed);
        }
        let confirmed = self.mesh.confirmed();
        let Some(client) = self.egress.clients.find(id) else { return };
        client.winding_up = false;
        if let Some(round) = round.filter(|round| *round > confirmed) {
            // The end of the connection shows only when no shard counts on it any more.
            self.fences.raise(id, client, round);
        }
        self.egress.clients.mark_dirty(id);
    }

    pub(crate) fn release(&mut self, id: ConnId) {
        let client = self.egress.clients.remove(id).expect("a connection is released once");
        if client.counted {
            self.count_connections(-1);
        }
    }

    /// Tells the shard that places connections of a change in their number here.
    pub(crate) fn count_connections(&mut self, change: i32) {
        if self.config.shard == ShardId(0) {
            self.placer.on_change(ShardId(0), change);
        } else if change != 0 {
            self.mesh.link(ShardId(0)).count_connections(change);
        }
    }
}
