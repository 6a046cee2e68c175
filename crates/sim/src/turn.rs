//! A shard's turn: what the runtime does for a broker, in an order of the seed's choosing.

use broker::{CloseReason, ConnId, Flush, Share, Time};
use fabric::{LINK_BYTES_MAX, ShardId};

use crate::mesh::Parcel;
use crate::plan::Profile;
use crate::socket::Hangup;
use crate::world::{Connection, Event, MICROSECOND, MILLISECOND, World};

/// What a link may hold over its bound: the last message that was let in,
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// and changes of interest.
const NEWS_BYTES_MAX: usize = 64 << 10;

/// What a shard finds in a turn.
#[derive(Debug, Clone, Copy)]
enum Work {
    Batch(ShardId),
    Readable(usize),
    Writable(usize),
}

impl World {
    pub(crate) fn turn(&mut self, shard: usize) {
        let now = Time(self.now);
        self.brokers[shard].on_turn(now);
        let mut work = self.find_work(shard);
        self.schedule.shuffle(&mut work);
        for item in work {
            match item {
                Work::Batch(from) => self.take_batches(shard, from),
                Work::Readable(index) => self.take_input(index),
                Work::Writable(index) => {
                    self.connections[index].socket.told_full = false;
                    self.brokers[shard].on_writable(self.connections[index].id);
                }
            }
        }
        if self.brokers[shard].next_deadline().is_some_and(|at| at <= now) {
            self.brokers[shard].on_deadlines(now);
        }
        self.serve_line(shard);
        if self.brokers[shard].has_chores() {
            self.brokers[shard].work_off();
            self.stats.slices += 1;
            self.moved();
        }
        self.serve_service(shard);
        self.move_some(shard);
        self.give(shard);
        let gap = if self.schedule.chance(1) { MILLISECOND } else { 60 * MICROSECOND };
        let gap = self.schedule.between(1, gap);
        self.push(self.stretched(gap), Event::Turn(shard));
    }

    /// Serves those who stand in line for a few rounds. Who says something meanwhile is heard after a share,
    /// or at the end of the round.
    fn serve_line(&mut self, shard: usize) {
        for _ in 0..self.schedule.between(1, 3) {
            if !self.brokers[shard].begin_round() {
                return;
            }
            self.stats.rounds += 1;
            loop {
                self.note_waiting(shard);
                let Some(id) = self.brokers[shard].next_in_line() else { break };
                self.serve(shard, id);
                self.moved();
                self.on_served(shard, id, Share::default());
                if self.schedule.chance(30) {
                    self.hear(shard);
                }
            }
            self.hear(shard);
        }
    }

    /// Takes in what clients have said.
    fn hear(&mut self, shard: usize) {
        self.arm_resumed(shard);
        let mut work = self.find_work(shard);
        self.schedule.shuffle(&mut work);
        for item in work {
            if let Work::Readable(index) = item {
                self.take_input(index);
            }
        }
    }

    /// Who has something to say that nobody has acted on: in line, or in a socket that is read from.
    fn note_waiting(&mut self, shard: usize) {
        let broker = &self.brokers[shard];
        let waits = |index: &usize| {
            let Connection { socket, armed, id, .. } = &self.connections[*index];
            broker.is_in_line(*id) || (*armed && !socket.up.is_empty())
        };
        let waiting = self.by_id[shard].iter().filter(|(_, index)| waits(index)).map(|(id, _)| *id);
        let waiting: Vec<ConnId> = waiting.collect();
        self.fairness[shard].note_waiting(&waiting);
    }

    /// A connection that had `before` of its share was served.
    fn on_served(&mut self, shard: usize, id: ConnId, before: Share) {
        let after = self.brokers[shard].share(id);
        if let Some(wrong) = self.fairness[shard].on_served(&self.plan, id, before, after) {
            self.history.wrong(wrong);
        }
        self.stats.waited = self.stats.waited.max(self.fairness[shard].worst);
    }

    fn find_work(&mut self, shard: usize) -> Vec<Work> {
        let mut work: Vec<Work> =
            ShardId::all(self.plan.shards).filter(|peer| peer.index() != shard).map(Work::Batch).collect();
        for index in self.by_id[shard].values().copied() {
            let Connection { socket, armed, .. } = &self.connections[index];
            if *armed && (!socket.up.is_empty() || socket.hangup.is_some()) {
                work.push(Work::Readable(index));
            }
            if socket.told_full && socket.is_writable(self.now) {
                work.push(Work::Writable(index));
            }
        }
        work
    }

    fn take_batches(&mut self, shard: usize, from: ShardId) {
        let to = ShardId(shard as u8);
        for _ in 0..self.schedule.between(1, 4) {
            let Some(parcel) = self.mesh.arrived(self.now, from, to) else { return };
            self.take_parcel(shard, from, parcel);
        }
    }

    fn take_parcel(&mut self, shard: usize, from: ShardId, parcel: Parcel) {
        self.moved();
        match parcel {
            Parcel::Batch(batch) => self.brokers[shard].on_whole_batch(Time(self.now), from, batch),
            Parcel::Moved(moved) => self.take_moved(shard, moved),
        }
    }

    /// A connection comes to a shard behind all that the accepting shard had to tell.
    pub(crate) fn bring_up_to_date(&mut self, shard: usize) {
        let (first, to) = (ShardId(0), ShardId(shard as u8));
        self.send_batch(first, to);
        self.mesh.hurry(self.now, first, to);
        while let Some(parcel) = self.mesh.arrived(self.now, first, to) {
            self.take_parcel(shard, first, parcel);
        }
    }

    /// Reads from a socket, in pieces of any size.
    fn take_input(&mut self, index: usize) {
        let most = if self.plan.profile == Profile::Heavy { 512 << 10 } else { 2000 };
        let Connection { shard, id, .. } = self.connections[index];
        for _ in 0..self.schedule.between(1, 4) {
            let broker = &mut self.brokers[shard];
            let connection = &mut self.connections[index];
            let reset = connection.socket.hangup == Some(Hangup::Reset);
            let over = connection.socket.up.is_empty() && connection.socket.hangup.is_some();
            if reset || over {
                let reason = if reset { CloseReason::ReadError } else { CloseReason::ClientClosed };
                broker.on_hangup(id, reason);
                connection.armed = false;
                return;
            }
            let count = self.schedule.size(1, most);
            if connection.socket.up.is_empty() {
                return;
            }
            self.moved_at = self.now;
            let bytes = connection.socket.read_up(count);
            let before = broker.share(id);
            self.note_waiting(shard);
            self.take_in(shard, id, bytes);
            self.on_served(shard, id, before);
            if !self.brokers[shard].wants_input(id) {
                self.connections[index].armed = false;
                self.stats.held += 1;
                return;
            }
        }
    }

    /// Takes what a shard leaves behind, until there is nothing left.
    fn give(&mut self, shard: usize) {
        let mut dirty = Vec::new();
        loop {
            let mut idle = !self.arm_resumed(shard);
            self.brokers[shard].take_dirty(&mut dirty);
            for id in dirty.drain(..) {
                self.flush(shard, id);
                idle = false;
            }
            for peer in ShardId::all(self.plan.shards).filter(|peer| peer.index() != shard) {
                idle &= !self.send_batch(ShardId(shard as u8), peer);
            }
            idle &= !self.depart(shard);
            if idle {
                return;
            }
        }
    }

    /// Reads again from connections that were held. Returns whether there were any.
    fn arm_resumed(&mut self, shard: usize) -> bool {
        let mut resumed = Vec::new();
        self.brokers[shard].take_resumed(&mut resumed);
        for id in &resumed {
            let index = self.by_id[shard][id];
            self.connections[index].armed = true;
            self.moved();
        }
        !resumed.is_empty()
    }

    fn send_batch(&mut self, from: ShardId, to: ShardId) -> bool {
        let broker = &mut self.brokers[from.index()];
        let Some(batch) = broker.take_batch(to) else { return false };
        let link_bytes = self.mesh.send(self.now, from, to, batch);
        if let Some(forged) = self.mesh.forged_confirmation(from, to) {
            broker.on_whole_batch(Time(self.now), to, forged);
        }
        self.stats.link_bytes = self.stats.link_bytes.max(link_bytes);
        let excess_max = self.plan.crossings_max() * MESSAGE_BYTES_MAX + NEWS_BYTES_MAX;
        if link_bytes > LINK_BYTES_MAX + excess_max {
            self.history.wrong(format!("{link_bytes} bytes under way from {from} to {to}"));
        }
        self.moved();
        true
    }

    fn flush(&mut self, shard: usize, id: ConnId) {
        let Some(index) = self.by_id[shard].get(&id).copied() else { return };
        let broker = &mut self.brokers[shard];
        let socket = &mut self.connections[index].socket;
        loop {
            let outbox = match broker.flush(id) {
                Flush::Nothing => return,
                Flush::Close => return self.on_closed(index),
                Flush::Send(outbox) => outbox,
            };
            let taken = socket.write(self.now, &mut self.sockets, outbox.slices());
            self.moved_at = self.now;
            if taken > 0 {
                broker.on_sent(id, taken);
            }
            let is_full = taken == 0 || !socket.is_writable(self.now);
            if is_full && matches!(broker.flush(id), Flush::Send(_)) {
                broker.on_blocked(Time(self.now), id);
                socket.told_full = true;
                self.stats.blocked += 1;
                return;
            }
        }
    }

    fn on_closed(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        connection.open = false;
        self.aside[connection.shard].remove(&connection.id);
        self.by_id[connection.shard].remove(&connection.id);
        self.history.clients[connection.client.record].closed = Some(self.history.tick());
        self.moved_at = self.now;
        if connection.socket.hangup.is_some() {
            return;
        }
        self.stats.cut_off += 1;
        if self.plan.profile != Profile::SlowReaders {
            self.history.wrong(format!("client {index}: closed without a reason"));
        }
    }
}
