//! Connections change shards, whenever the seed says so and wherever to.

use broker::{ConnId, Moved, Time};
use fabric::ShardId;

use crate::mesh::Parcel;
use crate::world::World;

/// Connections told to move at a time.
const MOVED_MAX: usize = 5;

impl World {
    /// Perhaps tells some connections of the shard to leave, or lets go of those that were told.
    pub(crate) fn move_some(&mut self, shard: usize) {
        if !self.brokers[shard].leaving().is_empty() {
            // The kernel takes its time to let go.
            if self.moves.chance(60) {
                self.moved();
                self.brokers[shard].on_leaving_still(Time(self.now));
            }
            return;
        }
        if self.plan.shards < 2 || self.moves_left == 0 || !self.moves.chance(15) {
            return;
        }
        let mut ids: Vec<ConnId> = self.by_id[shard].keys().copied().collect();
        self.moves.shuffle(&mut ids);
        ids.truncate(self.moves.size(1, MOVED_MAX));
        let to = self.moves.size(1, self.plan.shards - 1);
        let to = ShardId(((shard + to) % self.plan.shards) as u8);
        if [ShardId(shard as u8), to].map(Some).contains(&self.plan.forge_quiet) {
            return;
        }
        if self.brokers[shard].begin_move(&ids, to) {
            self.moves_left -= 1;
            self.moved();
            for id in self.brokers[shard].leaving() {
                self.connections[self.by_id[shard][id]].armed = false;
            }
        }
    }

    /// Sends connections that leave on their way. Returns whether it was time to.
    pub(crate) fn depart(&mut self, shard: usize) -> bool {
        let Some(to) = self.brokers[shard].hands_over_to() else { return false };
        let mut moved = Vec::new();
        for (id, one) in self.brokers[shard].hand_over(Time(self.now)) {
            moved.push((self.by_id[shard].remove(&id).expect("it lives here"), one));
        }
        self.stats.changed_shards += moved.len();
        self.mesh.send_parcel(self.now, ShardId(shard as u8), to, Parcel::Moved(moved));
        self.moved();
        true
    }

    pub(crate) fn take_moved(&mut self, shard: usize, moved: Vec<(usize, Moved)>) {
        let (indexes, moved): (Vec<usize>, Vec<Moved>) = moved.into_iter().unzip();
        let ids = self.brokers[shard].on_moved(moved);
        for (index, id) in indexes.into_iter().zip(ids) {
            self.by_id[shard].insert(id, index);
            let connection = &mut self.connections[index];
            (connection.shard, connection.id) = (shard, id);
            connection.armed = self.brokers[shard].wants_input(id);
            connection.socket.told_full = false;
        }
    }
}
