//! Which shard, and which set of shards.

use std::fmt;

/// The most shards one server runs: a [`ShardSet`] is one machine word.
pub const SHARDS_MAX: usize = 64;

/// A shard's number, counted from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u8);

impl ShardId {
    /// The number as an index into a table with one row per shard.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// All shards of a server of `count`, in order.
    pub fn all(count: usize) -> impl Iterator<Item = Self> {
        assert!(count <= SHARDS_MAX, "at most {SHARDS_MAX} shards");
        (0..count).map(|index| Self(index as u8))
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A set of shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShardSet(u64);

impl ShardSet {
    /// No shard.
    pub const EMPTY: Self = Self(0);

    /// Adds a shard.
    pub fn insert(&mut self, shard: ShardId) {
        self.0 |= 1 << shard.0;
    }

    /// Takes a shard out.
    pub fn remove(&mut self, shard: ShardId) {
        self.0 &= !(1 << shard.0);
    }

    /// Whether the shard is in the set.
    pub fn contains(self, shard: ShardId) -> bool {
        self.0 & (1 << shard.0) != 0
    }

    /// The shards that are in either set.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, lowest first.
    pub fn iter(self) -> impl Iterator<Item = ShardId> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            if rest == 0 {
                return None;
            }
            let shard = ShardId(rest.trailing_zeros() as u8);
            rest &= rest - 1;
            Some(shard)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_lists_its_members_in_order() {
        let mut set = ShardSet::EMPTY;
        for shard in [63, 0, 7] {
            set.insert(ShardId(shard));
        }
        set.remove(ShardId(0));
        assert!(set.contains(ShardId(63)) && !set.contains(ShardId(0)));
        assert_eq!(set.iter().collect::<Vec<_>>(), [ShardId(7), ShardId(63)]);
    }

    #[test]
    fn all_counts_from_zero() {
        assert_eq!(ShardId::all(3).map(ShardId::index).collect::<Vec<_>>(), [0, 1, 2]);
    }
}
