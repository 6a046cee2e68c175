//! The links between the shards: in order, each with delays of its own.

use std::collections::VecDeque;

use broker::Moved;
use fabric::{Batch, ShardId};

use crate::plan::Plan;
use crate::random::{Random, Stream};

/// What one shard hands to another.
#[derive(Debug)]
pub(crate) enum Parcel {
    Batch(Batch),
    /// Connections that change shards, by their index in the world.
    Moved(Vec<(usize, Moved)>),
}

/// One direction between two shards.
#[derive(Debug, Default)]
struct Lane {
    under_way: VecDeque<(u64, Parcel)>,
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
    forge_quiet: Option<ShardId>,
    forge_vacancy: bool,
}

impl Mesh {
    pub(crate) fn new(plan: &Plan) -> Self {
        let Plan { shards, link_delay_max: delay_max, .. } = *plan;
        let mut random = Random::new(plan.seed, Stream::Mesh);
        let lanes = (0..shards * shards)
            .map(|_| Lane { delay: random.between(1000, delay_max), ..Lane::default() })
            .collect();
        let Plan { forge_confirmations: forge, forge_quiet, forge_vacancy, .. } = *plan;
        Self { lanes, shards, random, forge, forge_quiet, forge_vacancy }
    }

    fn lane(&mut self, from: ShardId, to: ShardId) -> &mut Lane {
        &mut self.lanes[from.index() * self.shards + to.index()]
    }

    /// Sends a batch on its way. Returns the frame bytes that are now not credited.
    pub(crate) fn send(&mut self, now: u64, from: ShardId, to: ShardId, batch: Batch) -> usize {
        let lane = self.lane(from, to);
        lane.in_flight += batch.frame_bytes();
        lane.round_sent = batch.round;
        let in_flight = lane.in_flight;
        self.send_parcel(now, from, to, Parcel::Batch(batch));
        in_flight
    }

    /// Sends a parcel on its way, behind those before it.
    pub(crate) fn send_parcel(&mut self, now: u64, from: ShardId, to: ShardId, parcel: Parcel) {
        let stretch = if self.random.chance(3) { 8 } else { 1 };
        let jitter = self.random.between(25, 175);
        let lane = self.lane(from, to);
        let arrival = lane.last_arrival.max(now + lane.delay * jitter / 100 * stretch);
        lane.last_arrival = arrival;
        lane.under_way.push_back((arrival, parcel));
    }

    /// Lets all that is under way in that direction arrive now.
    pub(crate) fn hurry(&mut self, now: u64, from: ShardId, to: ShardId) {
        let lane = self.lane(from, to);
        for (arrival, _) in &mut lane.under_way {
            *arrival = now.min(*arrival);
        }
    }

    /// Takes the next parcel that has arrived.
    pub(crate) fn arrived(&mut self, now: u64, from: ShardId, to: ShardId) -> Option<Parcel> {
        let forged = self.forge.then(|| self.lane(to, from).round_sent);
        let lane = self.lane(from, to);
        if lane.under_way.front()?.0 > now {
            return None;
        }
        let (_, parcel) = lane.under_way.pop_front()?;
        let Parcel::Batch(mut batch) = parcel else { return Some(parcel) };
        lane.round_arrived = batch.round;
        batch.confirmed = forged.unwrap_or(batch.confirmed);
        if self.forge_quiet == Some(from) {
            batch.quiet = u64::MAX;
        }
        batch.inhabited &= !self.forge_vacancy;
        self.lane(to, from).in_flight -= batch.credit;
        Some(Parcel::Batch(batch))
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

    /// Parcels not yet arrived.
    pub(crate) fn under_way(&self) -> usize {
        self.lanes.iter().map(|lane| lane.under_way.len()).sum()
    }
}
