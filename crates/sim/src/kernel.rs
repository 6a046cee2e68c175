//! What a shard is told of its sockets.

use broker::Broker;
use conns::ConnId;
use shard_core::{End, Event};

use crate::connection::Receiving;
use crate::plan::{Ending, Profile};
use crate::shell::{Read, SimShell};
use crate::socket::Hangup;

/// Events as a shard takes them.
type SimEvent = Event<Read, usize, std::convert::Infallible>;

/// Reads of one connection in one batch of events.
const READS_AT_ONCE_MAX: usize = 4;

impl SimShell {
    /// More of what clients have sent comes in, perhaps in the middle of a turn.
    pub(crate) fn let_arrive(&mut self) {
        for index in self.by_id[self.shard].values() {
            if self.schedule.chance(40) {
                self.connections[*index].let_arrive(self.seen[self.shard]);
            }
        }
    }

    pub(crate) fn has_events(&self) -> bool {
        let has_events = |index: &usize| self.connections[*index].has_events(self.now);
        self.by_id[self.shard].values().any(has_events) || (self.shard == 0 && !self.backlog.is_empty())
    }

    /// Tells of everything that happened. What is about one connection comes in order, and all else in any.
    pub(crate) fn report(&mut self, into: &mut Vec<SimEvent>) {
        self.look();
        self.let_arrive();
        let ready =
            self.by_id[self.shard].iter().filter(|(_, index)| self.connections[**index].has_events(self.now));
        let mut places: Vec<(ConnId, usize)> = Vec::new();
        for (id, index) in ready {
            places.extend([(*id, *index)].repeat(self.schedule.size(1, READS_AT_ONCE_MAX)));
        }
        self.schedule.shuffle(&mut places);
        for (id, index) in places {
            self.report_one(id, index, into);
        }
        if self.shard == 0 {
            let accepted = |index: usize| Event::Accepted(index, self.connections[index].how());
            into.extend(self.backlog.drain(..).map(accepted));
        }
    }

    fn report_one(&mut self, id: ConnId, index: usize, into: &mut Vec<SimEvent>) {
        let connection = &mut self.connections[index];
        if connection.socket.told_full && connection.socket.is_writable(self.now) {
            connection.socket.told_full = false;
            return into.push(Event::Writable(id));
        }
        let end = match (connection.receiving, connection.socket.hangup) {
            (Receiving::Off | Receiving::Over, _) => return,
            (Receiving::On, Some(Hangup::Reset)) => Some(End::Failed),
            (Receiving::On, Some(Hangup::Graceful)) if connection.socket.up.is_empty() => Some(End::Closed),
            (Receiving::On, _) => self.schedule.chance(5).then_some(End::Stopped),
            (Receiving::Stopping, _) => self.schedule.chance(60).then_some(End::Stopped),
        };
        if let Some(end) = end {
            connection.receiving = if end == End::Stopped { Receiving::Off } else { Receiving::Over };
            into.push(Event::ReceiveEnded(id, end));
        } else if connection.has_arrivals() {
            let bytes = self.receive_some(index);
            let can_stay = self.schedule.chance(70);
            self.connections[index].reads_out += 1;
            self.passing_reads[self.shard] += usize::from(!can_stay);
            into.push(Event::Received(id, Read { connection: index, bytes, can_stay }));
        }
    }

    /// Receives some of what has arrived, cut anywhere.
    pub(crate) fn receive_some(&mut self, index: usize) -> Vec<u8> {
        let most = if self.plan.profile == Profile::Heavy { 512 << 10 } else { 2000 };
        let most = self.schedule.size(1, most);
        let connection = &mut self.connections[index];
        let bytes = connection.socket.read_up(most.min(connection.arrived));
        connection.arrived -= bytes.len();
        self.moved_at = self.now;
        bytes
    }

    /// Who has something to say that nobody has acted on: in line, or come in by the time that the shard listened.
    pub(crate) fn note_waiting(&mut self, broker: &Broker) {
        let fairness = &self.fairness[self.shard];
        let waits = |(id, index): &(&ConnId, &usize)| {
            let connection = &self.connections[**index];
            let has_come_in = connection.receiving == Receiving::On && connection.has_arrivals();
            let is_known = fairness.listens || fairness.is_waiting(**id);
            broker.is_in_line(**id) || (has_come_in && is_known)
        };
        let waiting: Vec<ConnId> = self.by_id[self.shard].iter().filter(waits).map(|(id, _)| *id).collect();
        self.fairness[self.shard].note_waiting(&waiting);
    }

    /// The server is done with a connection.
    pub(crate) fn on_closed(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        connection.open = false;
        let record = connection.client.record;
        self.history.clients[record].closed = Some(self.history.tick());
        self.moved_at = self.now;
        if connection.socket.hangup.is_some() {
            return;
        }
        if self.plan.profile == Profile::SlowReaders {
            self.stats.cut_off += 1;
        } else if self.plan.ending == Ending::Stop && self.stopped[self.shard].is_some() {
            self.stats.let_go += 1;
            self.history.clients[record].let_go = true;
        } else if self.history.lame_duck.is_none() {
            self.history.wrong(format!("client {index}: closed without a reason"));
        }
    }
}
