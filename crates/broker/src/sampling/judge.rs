//! Taking samples, and judging by them who should leave.

use std::time::Duration;

use balance::{Load, halve};
use conns::{ConnId, Time};
use fabric::{MeshMessage, ShardId};
use smallvec::SmallVec;

use crate::broker::Broker;
use crate::moves::MOVED_CONNECTIONS_MAX;

use super::SAMPLE_EVERY;

/// Receivers that are noted of one message.
const RECEIVERS_MAX: usize = 8;

/// Up to this load of the other shard connections move there because of whom they talk to.
const COLOCATE_LOAD_MAX: Load = Load::permille(900);

impl Broker {
    /// Whether this shard hands connections to others when it has too much to do.
    pub fn balances(&self) -> bool {
        self.sampling.balance
    }

    /// A window of load is over: lets connections leave ([`Self::begin_move`]) that should live
    /// elsewhere. `awake` says how much of it this shard did not wait for work, `loads` how busy each
    /// shard is, and `idle` how much of the time its core was idle since this one is overloaded, if
    /// known.
    pub fn on_window(&mut self, now: Time, awake: Load, loads: &[Load], idle: &[Option<Load>]) {
        if self.sampling.balance {
            self.relieve(awake, loads, idle);
        }
        if self.sampling.colocate {
            self.follow_votes(now.since(Time::default()), loads);
        }
    }

    fn relieve(&mut self, awake: Load, loads: &[Load], idle: &[Option<Load>]) {
        let own = self.config.shard.index();
        let Some(to) = self.sampling.relief.on_window(own, awake, loads, idle) else { return };
        self.sampling.relief.on_tried();
        let leaving = halve(self.sampling.traffic.pairs(), MOVED_CONNECTIONS_MAX);
        let ids: Vec<ConnId> = leaving.into_iter().map(ConnId::from_bits).collect();
        self.begin_move(&ids, ShardId(to as u8));
    }

    /// Lets connections leave for the shard that most of those want that may move now, as many as
    /// that shard can take: together they bring at most our own load.
    fn follow_votes(&mut self, now: Duration, loads: &[Load]) {
        let (poll, own) = (self.sampling.poll, self.config.shard);
        let mut wishes: Vec<(u8, ConnId)> = Vec::new();
        let clients = &self.egress.clients;
        self.sampling.decided.retain(|id| {
            let votes = clients.peek(*id).map(|client| client.votes);
            let wish = votes.and_then(|votes| votes.decided(poll)).filter(|shard| *shard != own.0);
            wishes.extend(wish.filter(|_| votes.is_some_and(|votes| !votes.rests(now))).map(|to| (to, *id)));
            wish.is_some()
        });
        let count = |to: u8| wishes.iter().filter(|(shard, _)| *shard == to).count();
        let Some(to) = wishes.iter().map(|(to, _)| *to).max_by_key(|to| count(*to)) else { return };
        let room = COLOCATE_LOAD_MAX.as_permille().saturating_sub(loads[usize::from(to)].as_permille());
        let own_load = loads[own.index()].as_permille().max(1);
        let most = (count(to) * usize::from(room)).div_ceil(usize::from(own_load));
        let ids: Vec<ConnId> =
            wishes.into_iter().filter(|(shard, _)| *shard == to).map(|(_, id)| id).take(most).collect();
        self.begin_move(&ids, ShardId(to));
    }

    /// Looks at a message of one of our clients.
    #[cold]
    pub(crate) fn sample(&mut self, from: ConnId, account: usize, subject: &[u8]) {
        if !self.sample_again_later() {
            return;
        }
        let pick = self.random.next() as usize;
        let (local, remote) = self.spaces[account].matches(subject);
        let plain = pick_some(&local.plain, pick);
        let in_groups = local.queues.iter().flat_map(|group| pick_some(&group.members, pick).take(1));
        let receivers = plain.chain(in_groups).map(|key| self.egress.subs.at(*key).conn());
        let receivers: SmallVec<[ConnId; RECEIVERS_MAX]> =
            receivers.filter(|to| *to != from).take(RECEIVERS_MAX).collect();
        let elsewhere = remote.and_then(|remote| {
            let groups = remote.queues.iter().flat_map(|group| pick_some(&group.members, pick));
            let plain = remote.firm.iter().chain(remote.doubtful.iter());
            plain.chain(groups.map(|member| member.at.shard)).next()
        });
        let own = self.config.shard;
        for to in &receivers {
            self.sampling.traffic.saw(from.to_bits(), to.to_bits(), self.random.next());
            self.vote(*to, own);
        }
        if !receivers.is_empty() {
            self.vote(from, own);
        }
        if let Some(shard) = elsewhere {
            self.vote(from, shard);
        }
    }

    /// Looks at a message of another shard.
    #[cold]
    pub(crate) fn sample_arrival(&mut self, from: ShardId, message: &MeshMessage<'_>) {
        if !self.sample_again_later() || !self.sampling.colocate {
            return;
        }
        let pick = self.random.next() as usize;
        let local = self.spaces[message.account as usize].local_matches(message.selects());
        let plain = pick_some(&local.plain, pick).filter(|_| message.plain).take(RECEIVERS_MAX);
        let receivers: SmallVec<[ConnId; RECEIVERS_MAX]> =
            plain.map(|key| self.egress.subs.at(*key).conn()).collect();
        for to in receivers {
            self.vote(to, from);
        }
    }

    /// Starts the countdown anew, by chance a little longer or shorter: clients that take turns must
    /// not be in step with it. Returns whether samples are of use at all.
    fn sample_again_later(&mut self) -> bool {
        let jitter = self.random.below(SAMPLE_EVERY.into()) as u32;
        self.sampling.countdown = SAMPLE_EVERY / 2 + jitter + 1;
        self.sampling.balance || self.sampling.colocate
    }

    fn vote(&mut self, id: ConnId, shard: ShardId) {
        if !self.sampling.colocate {
            return;
        }
        let Some(client) = self.egress.clients.find(id) else { return };
        let decided = client.votes.cast(shard.0, self.sampling.poll);
        if decided && shard != self.config.shard && self.sampling.decided.len() < MOVED_CONNECTIONS_MAX {
            self.sampling.decided.push(id);
        }
    }
}

/// All items, from a random one on and round.
fn pick_some<T>(items: &[T], pick: usize) -> impl Iterator<Item = &T> {
    let start = pick.checked_rem(items.len()).unwrap_or(0);
    items[start..].iter().chain(&items[..start])
}
