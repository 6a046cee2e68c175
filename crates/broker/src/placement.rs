//! Where new connections go, and how many there are.

use balance::{Load, PlacementRule, place};
use fabric::{ShardId, ShardSet};

/// Places connections by what the accepting shard knows of how many each shard has.
#[derive(Debug)]
pub(crate) struct Placer {
    rule: PlacementRule,
    open: Vec<usize>,
    /// Shards with services that rely on being told everything.
    inhabited: ShardSet,
    connections_max: usize,
    last_cid: u64,
}

/// What was decided for one new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// The shard it begins on.
    pub shard: ShardId,
    /// Its id, unique in the life of the server.
    pub cid: u64,
    /// The server is full: greet it, say so, and close it.
    pub over_limit: bool,
}

impl Placer {
    pub(crate) fn new(rule: PlacementRule, shards: usize, connections_max: usize) -> Self {
        Self { rule, open: vec![0; shards], inhabited: ShardSet::EMPTY, connections_max, last_cid: 0 }
    }

    pub(crate) fn set_connections_max(&mut self, connections_max: usize) {
        self.connections_max = connections_max;
    }

    /// The number of a connection that is placed by no rule.
    pub(crate) fn next_cid(&mut self) -> u64 {
        self.last_cid += 1;
        self.last_cid
    }

    /// Picks a shard by the rule. `loads` says how busy each one is, as far as that is known.
    pub(crate) fn place(&mut self, loads: &[Load]) -> Placed {
        let cid = self.next_cid();
        let over_limit = self.open.iter().sum::<usize>() >= self.connections_max;
        let shard = place(self.rule, &self.open, loads);
        if !over_limit {
            self.open[shard] += 1;
        }
        Placed { shard: ShardId(shard as u8), cid, over_limit }
    }

    /// The shards without connections, and without services that publish or subscribe.
    pub(crate) fn vacant(&self) -> ShardSet {
        let mut vacant = ShardSet::EMPTY;
        for shard in ShardId::all(self.open.len()) {
            if self.open[shard.index()] == 0 && !self.inhabited.contains(shard) {
                vacant.insert(shard);
            }
        }
        vacant
    }

    /// A shard says that services there rely on being told everything. Returns whether that is news.
    pub(crate) fn note_inhabited(&mut self, shard: ShardId) -> bool {
        let is_news = !self.inhabited.contains(shard);
        self.inhabited.insert(shard);
        is_news
    }

    /// Connections came to a shard from another one, or (if negative) left it or closed.
    pub(crate) fn on_change(&mut self, shard: ShardId, change: i32) {
        let open = &mut self.open[shard.index()];
        *open = open.checked_add_signed(change as isize).expect("a shard loses what it had");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_spread_and_fill_gaps() {
        let mut placer = Placer::new(PlacementRule::Spread, 3, 100);
        let shards: Vec<u8> = (0..6).map(|_| placer.place(&[]).shard.0).collect();
        assert_eq!(shards, [0, 1, 2, 0, 1, 2]);
        placer.on_change(ShardId(1), -2);
        assert_eq!(placer.place(&[]).shard, ShardId(1));
    }

    #[test]
    fn over_the_limit_is_said_and_not_counted() {
        let mut placer = Placer::new(PlacementRule::Spread, 2, 1);
        assert!(!placer.place(&[]).over_limit);
        let refused = placer.place(&[]);
        assert!(refused.over_limit);
        placer.on_change(ShardId(0), -1);
        let placed = placer.place(&[]);
        assert!(!placed.over_limit && placed.cid == 3);
    }
}
