//! A client's subscription.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use crate::client::ConnId;

/// Names a subscription of one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SubKey(pub(crate) u32);

/// What is kept of one SUB.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) conn: ConnId,
    pub(crate) account: usize,
    /// The client's name for it; short in practice, so kept in place.
    pub(crate) sid: SmallVec<[u8; 8]>,
    pub(crate) filter: Box<[u8]>,
    pub(crate) queue: Option<Box<[u8]>>,
    /// Messages delivered so far.
    pub(crate) delivered: u64,
    /// UNSUB's maximum once in effect; 0 is none.
    pub(crate) max: u64,
    /// Whether the shard's interest counts it among those that may run out.
    pub(crate) limited: bool,
    /// An UNSUB waits for its fence; until then messages are still owed to it.
    pub(crate) leaving: bool,
}

impl Subscription {
    /// Whether it had all the messages it asked for.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.max > 0 && self.delivered >= self.max
    }
}

/// All subscriptions of a shard.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    slab: slab::Slab<Subscription>,
    /// Hashes sids. Seeded, so that clients cannot choose sids that collide.
    hasher: FixedState,
}

impl Subscriptions {
    pub(crate) fn new(seed: u64) -> Self {
        Self { slab: slab::Slab::new(), hasher: FixedState::with_seed(seed) }
    }

    pub(crate) fn hash(&self, sid: &[u8]) -> u64 {
        self.hasher.hash_one(sid)
    }

    pub(crate) fn insert(&mut self, subscription: Subscription) -> SubKey {
        SubKey(u32::try_from(self.slab.insert(subscription)).expect("memory runs out long before keys"))
    }

    pub(crate) fn remove(&mut self, key: SubKey) -> Subscription {
        self.slab.remove(key.0 as usize)
    }

    pub(crate) fn at(&self, key: SubKey) -> &Subscription {
        &self.slab[key.0 as usize]
    }

    pub(crate) fn at_mut(&mut self, key: SubKey) -> &mut Subscription {
        &mut self.slab[key.0 as usize]
    }
}
