//! Connections are told to change shards, whenever the seed says so and wherever to.

use broker::Broker;
use conns::ConnId;
use fabric::ShardId;

use crate::shell::SimShell;

/// Connections told to move at a time.
const MOVED_MAX: usize = 5;

impl SimShell {
    /// Tells some connections of the shard to leave.
    pub(crate) fn move_some(&mut self, broker: &mut Broker) {
        if self.plan.shards < 2 || self.moves_left == 0 || !broker.leaving().is_empty() {
            return;
        }
        let mut ids: Vec<ConnId> = self.by_id[self.shard].keys().copied().collect();
        self.moves.shuffle(&mut ids);
        ids.truncate(self.moves.size(1, MOVED_MAX));
        let to = self.moves.size(1, self.plan.shards - 1);
        let to = ShardId(((self.shard + to) % self.plan.shards) as u8);
        if [self.shard_id(), to].map(Some).contains(&self.plan.forge_quiet) {
            return;
        }
        if broker.begin_move(&ids, to) {
            self.moves_left -= 1;
            self.moved();
        }
    }
}
