//! The links between the shards: in order, each with delays of its own.

use std::collections::VecDeque;

use fabric::{Batch, ShardId};

use crate::random::{Random, Stream};

/// One direction between two shards.
#[derive(Debug, Default)]
struct Lane {
    under_way: VecDeque<(u64, Batch)>,
    delay: u64,
    last_arrival: u64,
    /// Frame bytes sent and not credited back, counted here rather than asked of the link.
    in_flight: usize,
    round_sent: u64,
    round_arrived: u64,
}

/// All directions.
#[derive(Debug)]
pub(crate) struct Mesh {
    lanes: Vec<Lane>,
    shards: usize,
    random: Random,
    forge: bool,
}

impl Mesh {
    pub(crate) fn new(seed: u64, shards: usize, delay_max: u64, forge: bool) -> Self {
        let mut random = Random::new(seed, Stream::Mesh);
        let lanes = (0..shards * shards)
            .map(|_| Lane { delay: random.between(1000, delay_max), ..Lane::default() })
            .collect();
        Self { lanes, shards, random, forge }
    }

    fn lane(&mut self, from: ShardId, to: ShardId) -> &mut Lane {
        &mut self.lanes[from.index() * self.shards + to.index()]
    }

    /// Sends a batch on its way. Returns the frame bytes that are now not credited.
    pub(crate) fn send(&mut self, now: u64, from: ShardId, to: ShardId, batch: Batch) -> usize {
        let stretch = if self.random.chance(3) { 8 } else { 1 };
        let jitter = self.random.between(25, 175);
        let lane = self.lane(from, to);
        let arrival = lane.last_arrival.max(now + lane.delay * jitter / 100 * stretch);
        lane.last_arrival = arrival;
        lane.in_flight += batch.frame_bytes();
        lane.round_sent = batch.round;
        lane.under_way.push_back((arrival, batch));
        lane.in_flight
    }

    /// Takes the next batch that has arrived.
    pub(crate) fn arrived(&mut self, now: u64, from: ShardId, to: ShardId) -> Option<Batch> {
        let forged = self.forge.then(|| self.lane(to, from).round_sent);
        let lane = self.lane(from, to);
        if lane.under_way.front()?.0 > now {
            return None;
        }
        let (_, mut batch) = lane.under_way.pop_front()?;
        lane.round_arrived = batch.round;
        batch.confirmed = forged.unwrap_or(batch.confirmed);
        self.lane(to, from).in_flight -= batch.credit;
        Some(batch)
    }

    /// With the rule taken away: a confirmation from `peer` of all that `shard` has sent it.
    pub(crate) fn forged_confirmation(&mut self, shard: ShardId, peer: ShardId) -> Option<Batch> {
        if !self.forge {
            return None;
        }
        let mut batch = Batch::default();
        batch.confirmed = self.lane(shard, peer).round_sent;
        batch.round = self.lane(peer, shard).round_arrived;
        Some(batch)
    }

    /// Batches not yet arrived.
    pub(crate) fn under_way(&self) -> usize {
        self.lanes.iter().map(|lane| lane.under_way.len()).sum()
    }
}
