//! Where new connections go.

use fabric::ShardId;

/// The accepting shard's view of how many connections each shard has.
#[derive(Debug)]
pub(crate) struct Placement {
    open: Vec<usize>,
    connections_max: usize,
    last_cid: u64,
}

/// What was decided for one new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// The shard it lives on from now to its end.
    pub shard: ShardId,
    /// Its id, unique in the life of the server.
    pub cid: u64,
    /// The server is full: greet it, say so, and close it.
    pub over_limit: bool,
}

impl Placement {
    pub(crate) fn new(shards: usize, connections_max: usize) -> Self {
        Self { open: vec![0; shards], connections_max, last_cid: 0 }
    }

    /// Picks the shard with the fewest connections, the lowest of them if there are several.
    pub(crate) fn place(&mut self) -> Placed {
        self.last_cid += 1;
        let over_limit = self.open.iter().sum::<usize>() >= self.connections_max;
        let fewest = (0..self.open.len()).min_by_key(|shard| self.open[*shard]).expect("there is a shard");
        if !over_limit {
            self.open[fewest] += 1;
        }
        Placed { shard: ShardId(fewest as u8), cid: self.last_cid, over_limit }
    }

    pub(crate) fn on_closed(&mut self, shard: ShardId, count: usize) {
        self.open[shard.index()] -= count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_spread_and_fill_gaps() {
        let mut placement = Placement::new(3, 100);
        let shards: Vec<u8> = (0..6).map(|_| placement.place().shard.0).collect();
        assert_eq!(shards, [0, 1, 2, 0, 1, 2]);
        placement.on_closed(ShardId(1), 2);
        assert_eq!(placement.place().shard, ShardId(1));
    }

    #[test]
    fn over_the_limit_is_said_and_not_counted() {
        let mut placement = Placement::new(2, 1);
        assert!(!placement.place().over_limit);
        let refused = placement.place();
        assert!(refused.over_limit);
        placement.on_closed(ShardId(0), 1);
        let placed = placement.place();
        assert!(!placed.over_limit && placed.cid == 3);
    }
}
