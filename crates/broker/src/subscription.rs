//! What is kept of a subscription, and the table of all on the shard.
//!
//! There may be millions, so a row is as small as it can be: the filter is a key to the one copy in the trie of its
//! account's subject space, and what few subscriptions have stands aside.

use std::hash::BuildHasher;
use std::hint::black_box;
use std::sync::Arc;

use conns::ConnId;
use foldhash::fast::FixedState;
use nats_auth::StreamImport;
use subject_trie::FilterKey;
use subject_trie::steady::SteadyRows;

use crate::party::Target;
use crate::sid::Sid;

/// Names a subscription of one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SubKey(pub(crate) u32);

/// What is kept of one SUB.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) target: Target,
    account: u32,
    /// Its filter in the account's trie of this shard.
    pub(crate) filter: FilterKey,
    pub(crate) sid: Sid,
    /// Messages delivered so far.
    pub(crate) delivered: u64,
    rare: Option<Box<Rare>>,
}

/// What most subscriptions never have.
#[derive(Debug, Default)]
struct Rare {
    queue: Option<Box<[u8]>>,
    /// UNSUB's maximum once in effect; 0 is none.
    max: u64,
    limited: bool,
    leaving: bool,
    /// Its shadows: what it gets by imports of its account is delivered to them.
    shadows: Vec<SubKey>,
    /// The import that a shadow is for.
    import: Option<Arc<StreamImport>>,
}

impl Subscription {
    pub(crate) fn new(
        target: Target,
        account: usize,
        filter: FilterKey,
        queue: Option<&[u8]>,
        sid: &[u8],
    ) -> Self {
        let rare = queue.map(|queue| Box::new(Rare { queue: Some(queue.into()), ..Rare::default() }));
        let account = u32::try_from(account).expect("memory ends long before accounts do");
        Self { target, account, filter, sid: sid.into(), delivered: 0, rare }
    }

    /// One in the account that a stream is imported from, for a subscription `of` that imports it.
    pub(crate) fn shadow(
        of: SubKey,
        filter: FilterKey,
        queue: Option<&[u8]>,
        import: Arc<StreamImport>,
    ) -> Self {
        let mut shadow = Self::new(Target::shadow(of), import.account(), filter, queue, b"");
        shadow.rare.get_or_insert_default().import = Some(import);
        shadow
    }

    /// Its shadows, those that leave included.
    pub(crate) fn shadows(&self) -> &[SubKey] {
        self.rare.as_ref().map_or(&[], |rare| &rare.shadows)
    }

    pub(crate) fn add_shadow(&mut self, shadow: SubKey) {
        self.rare.get_or_insert_default().shadows.push(shadow);
    }

    pub(crate) fn drop_shadow(&mut self, shadow: SubKey) {
        if let Some(rare) = &mut self.rare {
            // Those that end one by one do so in their order.
            if let Some(at) = rare.shadows.iter().position(|other| *other == shadow) {
                rare.shadows.remove(at);
            }
        }
    }

    pub(crate) fn take_shadows(&mut self) -> Vec<SubKey> {
        self.rare.as_mut().map(|rare| std::mem::take(&mut rare.shadows)).unwrap_or_default()
    }

    /// The import that it is for, if it is a shadow.
    pub(crate) fn import(&self) -> Option<&Arc<StreamImport>> {
        self.rare.as_ref()?.import.as_ref()
    }

    /// The connection it is of; of no connection, an id that no connection has.
    #[inline]
    pub(crate) fn conn(&self) -> ConnId {
        self.target.conn()
    }

    pub(crate) fn account(&self) -> usize {
        self.account as usize
    }

    pub(crate) fn queue(&self) -> Option<&[u8]> {
        self.rare.as_ref()?.queue.as_deref()
    }

    /// UNSUB's maximum once in effect; 0 is none.
    pub(crate) fn max(&self) -> u64 {
        self.rare.as_ref().map_or(0, |rare| rare.max)
    }

    pub(crate) fn set_max(&mut self, max: u64) {
        self.rare.get_or_insert_default().max = max;
    }

    /// Whether the shard's interest counts it among those that may run out.
    pub(crate) fn is_limited(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.limited)
    }

    pub(crate) fn set_limited(&mut self) {
        self.rare.get_or_insert_default().limited = true;
    }

    /// An UNSUB waits for its fence; until then messages are still owed to it.
    pub(crate) fn is_leaving(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.leaving)
    }

    pub(crate) fn set_leaving(&mut self) {
        self.rare.get_or_insert_default().leaving = true;
    }

    /// Whether it had all the messages it asked for.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.max() > 0 && self.delivered >= self.max()
    }
}

/// A subscription as its client finds it. The hash stands beside the key, so that neither growing nor a
/// wrong candidate reads sids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BySid {
    pub(crate) hash: SidHash,
    pub(crate) key: SubKey,
}

/// The part of a sid's hash that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SidHash(u32);

impl SidHash {
    /// The 64 bits that a hash table wants.
    pub(crate) fn spread(self) -> u64 {
        u64::from(self.0) << 32 | u64::from(self.0)
    }
}

impl BySid {
    pub(crate) fn table_hash(&self) -> u64 {
        self.hash.spread()
    }
}

/// All subscriptions of a shard.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    rows: SteadyRows<Subscription>,
    /// Hashes sids. Seeded, so that clients cannot choose sids that collide.
    hasher: FixedState,
}

impl Subscriptions {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rows: SteadyRows::new(), hasher: FixedState::with_seed(seed) }
    }

    pub(crate) fn hash_of(&self, sid: &[u8]) -> SidHash {
        SidHash((self.hasher.hash_one(sid) >> 32) as u32)
    }

    /// How a client finds the subscription of that key.
    pub(crate) fn by_sid(&self, key: SubKey) -> BySid {
        BySid { hash: self.hash_of(&self.at(key).sid), key }
    }

    /// The key that the next subscription will have.
    pub(crate) fn next_key(&self) -> SubKey {
        SubKey(u32::try_from(self.rows.next_number()).expect("memory runs out long before keys"))
    }

    pub(crate) fn insert(&mut self, subscription: Subscription) {
        self.rows.insert(subscription);
    }

    pub(crate) fn remove(&mut self, key: SubKey) -> Subscription {
        self.rows.remove(key.0 as usize).expect(THERE)
    }

    /// Drops a subscription where it stands.
    pub(crate) fn discard(&mut self, key: SubKey) {
        let was_there = self.rows.discard(key.0 as usize);
        debug_assert!(was_there, "{THERE}");
    }

    #[inline]
    pub(crate) fn at(&self, key: SubKey) -> &Subscription {
        self.rows.get(key.0 as usize).expect(THERE)
    }

    /// Has the processor read a row that may be there, which someone is about to ask for.
    pub(crate) fn read_ahead(&self, key: SubKey) {
        if let Some(sub) = self.rows.get(key.0 as usize) {
            // The row may lie across two cache lines, wherever in it the second one begins.
            black_box((sub.sid.len(), sub.delivered, sub.rare.is_some(), sub.account));
        }
    }

    /// How many there are, those that leave included.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Above the numbers of all rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows.bound()
    }

    /// The row of that number, if it is in use.
    pub(crate) fn row(&self, number: usize) -> Option<&Subscription> {
        self.rows.get(number)
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, key: SubKey) -> &mut Subscription {
        self.rows.get_mut(key.0 as usize).expect(THERE)
    }
}

const THERE: &str = "a key is known for as long as its subscription is there";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_takes_three_quarters_of_a_cache_line() {
        assert_eq!(size_of::<Subscription>(), 48);
        // With the mark of a vacant row: there is room for it in the sid.
        assert_eq!(size_of::<Option<Subscription>>(), 48);
    }
}
