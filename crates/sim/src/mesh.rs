//! The links between the shards: in order, each with delays of its own.

use std::collections::VecDeque;

use fabric::{Batch, ShardId};

use crate::plan::Plan;
use crate::random::{Random, Stream};

/// What one shard hands to another: connections go by their index.
pub(crate) type Parcel = shard_core::Parcel<usize>;

/// One direction between two shards.
#[derive(Debug, Default)]
struct Lane {
    under_way: VecDeque<(u64, Parcel)>,
    /// What found no room.
    late: VecDeque<Parcel>,
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
    /// What one direction holds.
    parcels_max: usize,
    is_prompt: bool,
    random: Random,
    forge: bool,
    forge_quiet: Option<ShardId>,
    forge_vacancy: bool,
}

impl Mesh {
    pub(crate) fn new(plan: &Plan) -> Self {
        let Plan { shards, link_delay_max: delay_max, .. } = *plan;
        let mut random = Random::new(plan.seed, Stream::Mesh as u64);
        let lanes = (0..shards * shards)
            .map(|_| Lane { delay: random.between(1000, delay_max), ..Lane::default() })
            .collect();
        let Plan { forge_confirmations: forge, forge_quiet, forge_vacancy, .. } = *plan;
        let Plan { parcels_max, prompt_links: is_prompt, .. } = *plan;
        Self { lanes, shards, parcels_max, is_prompt, random, forge, forge_quiet, forge_vacancy }
    }

    fn peek(&self, from: ShardId, to: ShardId) -> &Lane {
        &self.lanes[from.index() * self.shards + to.index()]
    }

    fn lane(&mut self, from: ShardId, to: ShardId) -> &mut Lane {
        &mut self.lanes[from.index() * self.shards + to.index()]
    }

    /// Whether a batch would be on its way at once.
    pub(crate) fn has_room(&self, from: ShardId, to: ShardId) -> bool {
        let lane = self.peek(from, to);
        lane.late.is_empty() && lane.under_way.len() < self.parcels_max
    }

    /// Whether something has not found room yet.
    pub(crate) fn has_late(&self, from: ShardId, to: ShardId) -> bool {
        !self.peek(from, to).late.is_empty()
    }

    /// Sends a parcel on its way, behind those before it, or as soon as there is room.
    pub(crate) fn send(&mut self, now: u64, from: ShardId, to: ShardId, parcel: Parcel) {
        self.lane(from, to).late.push_back(parcel);
        self.send_late(now, from, to);
    }

    /// Sends what found no room before. Returns whether anything went.
    pub(crate) fn send_late(&mut self, now: u64, from: ShardId, to: ShardId) -> bool {
        let mut has_sent = false;
        while self.peek(from, to).under_way.len() < self.parcels_max
            && let Some(parcel) = self.lane(from, to).late.pop_front()
        {
            self.set_out(now, from, to, parcel);
            has_sent = true;
        }
        has_sent
    }

    fn set_out(&mut self, now: u64, from: ShardId, to: ShardId, parcel: Parcel) {
        let stretch = if self.random.chance(3) { 8 } else { 1 };
        let jitter = self.random.between(25, 175);
        let is_prompt = self.is_prompt;
        let lane = self.lane(from, to);
        let delay = if is_prompt { 0 } else { lane.delay * jitter / 100 * stretch };
        let arrival = lane.last_arrival.max(now + delay);
        lane.last_arrival = arrival;
        if let Parcel::Batch(batch) = &parcel {
            lane.in_flight += batch.frame_bytes();
            lane.round_sent = batch.round;
        }
        lane.under_way.push_back((arrival, parcel));
        if self.forge {
            self.forge_confirmation(now, from, to);
        }
    }

    /// Frame bytes that were sent in that direction and are not credited yet.
    pub(crate) fn in_flight(&self, from: ShardId, to: ShardId) -> usize {
        self.peek(from, to).in_flight
    }

    /// How many parcels had arrived by then and are to be taken.
    pub(crate) fn arrivals(&self, by: u64, from: ShardId, to: ShardId) -> usize {
        self.peek(from, to).under_way.iter().take_while(|(at, _)| *at <= by).count()
    }

    /// Takes the next parcel that had arrived by then.
    pub(crate) fn arrived(&mut self, by: u64, from: ShardId, to: ShardId) -> Option<Parcel> {
        let forged = self.forge.then(|| self.lane(to, from).round_sent);
        let lane = self.lane(from, to);
        if lane.under_way.front()?.0 > by {
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
    fn forge_confirmation(&mut self, now: u64, shard: ShardId, peer: ShardId) {
        let mut batch = Batch::default();
        batch.confirmed = self.lane(shard, peer).round_sent;
        let lane = self.lane(peer, shard);
        batch.round = lane.round_arrived;
        lane.under_way.push_front((now, Parcel::Batch(batch)));
    }

    /// Parcels not yet arrived.
    pub(crate) fn under_way(&self) -> usize {
        self.lanes.iter().map(|lane| lane.under_way.len() + lane.late.len()).sum()
    }
}
