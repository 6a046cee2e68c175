//! What other shards want of plain subjects, in eight bytes per shard and subject.
//!
//! Most filters have no wildcard and no queue group. To know that another shard wants one takes no copy
//! of it: the hash does, and a row is 57 bits of it, the shard, and whether the interest is firm.
//!
//! Two subjects that share those bits would be taken for one another: a shard would be sent messages
//! it does not want, drops them, and a request on such a subject would get no 503. With a hundred
//! million rows that happens to one subject in a billion, and the hash is seeded at random, so that nobody
//! can bring it about. Rows are counted, not merged, so when one of the two goes the other stays.

use fabric::{ShardId, ShardSet};
use subject_trie::SubjectHash;
use subject_trie::steady::SteadyTable;

/// Bits of a row below those of the hash: the shard (0 to 63) and whether the interest is firm.
const SHARD_BITS: u32 = 7;

/// The shards that want a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wanting {
    /// Those that are sure to take a message.
    pub(crate) firm: ShardSet,
    /// Those where every subscription may have run out.
    pub(crate) doubtful: ShardSet,
}

/// A multiset of subject hash, shard and firmness.
#[derive(Debug, Default)]
pub(crate) struct LiteralInterest {
    rows: SteadyTable<Row>,
    /// The last answer: publishers tend to repeat their subject.
    last: Option<(SubjectHash, Wanting)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row(u64);

impl Row {
    fn new(hash: SubjectHash, shard: ShardId, firm: bool) -> Self {
        Self(hash.bits() >> SHARD_BITS << SHARD_BITS | u64::from(shard.0) << 1 | u64::from(firm))
    }

    fn shard(self) -> ShardId {
        ShardId((self.0 >> 1) as u8 & 63)
    }

    fn is_firm(self) -> bool {
        self.0 & 1 != 0
    }

    fn is_of(self, hash: SubjectHash) -> bool {
        (self.0 ^ hash.bits()) >> SHARD_BITS == 0
    }

    fn table_hash(&self) -> u64 {
        table_hash(self.0)
    }
}

/// The table picks a bucket by the low bits and tells rows of a bucket group apart by the top seven, so
/// neither may be those that the shard takes.
fn table_hash(bits: u64) -> u64 {
    (bits >> SHARD_BITS << SHARD_BITS).rotate_left(32)
}

impl LiteralInterest {
    pub(crate) fn insert(&mut self, hash: SubjectHash, shard: ShardId, firm: bool) {
        self.last = None;
        let row = Row::new(hash, shard, firm);
        self.rows.insert(row.table_hash(), row, Row::table_hash);
    }

    /// Takes out one row that was inserted like this.
    pub(crate) fn remove(&mut self, hash: SubjectHash, shard: ShardId, firm: bool) {
        self.last = None;
        let row = Row::new(hash, shard, firm);
        let removed = self.rows.remove(row.table_hash(), |other| *other == row, Row::table_hash);
        assert!(removed.is_some(), "interest ends that began");
        if self.rows.is_empty() {
            self.rows = SteadyTable::new();
        }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The shards that want the subject of that hash.
    #[inline]
    pub(crate) fn wanting(&mut self, hash: SubjectHash) -> Wanting {
        match self.last {
            Some((last, wanting)) if last == hash => wanting,
            _ if self.rows.is_empty() => Wanting::default(),
            _ => {
                let wanting = self.look_up(hash);
                self.last = Some((hash, wanting));
                wanting
            }
        }
    }

    /// The same, without remembering it.
    pub(crate) fn look_up(&self, hash: SubjectHash) -> Wanting {
        let mut wanting = Wanting::default();
        if self.rows.is_empty() {
            return wanting;
        }
        for row in self.rows.iter_hash(table_hash(hash.bits())).filter(|row| row.is_of(hash)) {
            match row.is_firm() {
                true => wanting.firm.insert(row.shard()),
                false => wanting.doubtful.insert(row.shard()),
            }
        }
        wanting
    }
}

#[cfg(test)]
mod tests;
