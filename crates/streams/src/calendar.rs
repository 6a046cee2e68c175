//! When messages end that said how long they live.

use std::collections::{BTreeMap, BTreeSet};

use stream_index::{Row, RowFlags};

#[derive(Debug, Default)]
pub(crate) struct Calendar {
    by_time: BTreeSet<(i64, u64)>,
    by_seq: BTreeMap<u64, i64>,
}

impl Calendar {
    pub(crate) fn insert(&mut self, seq: u64, ends: i64) {
        self.by_time.insert((ends, seq));
        self.by_seq.insert(seq, ends);
    }

    /// A message is gone.
    pub(crate) fn remove(&mut self, row: &Row) {
        if row.flags.contains(RowFlags::HAS_TTL)
            && let Some(ends) = self.by_seq.remove(&row.seq)
        {
            self.by_time.remove(&(ends, row.seq));
        }
    }

    /// All messages but that one are gone.
    pub(crate) fn keep_only(&mut self, seq: u64) {
        let ends = self.end_of(seq);
        self.clear();
        if let Some(ends) = ends {
            self.insert(seq, ends);
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The next end.
    pub(crate) fn next(&self) -> Option<i64> {
        self.by_time.first().map(|(ends, _)| *ends)
    }

    /// When that message ends.
    pub(crate) fn end_of(&self, seq: u64) -> Option<i64> {
        self.by_seq.get(&seq).copied()
    }

    /// Some of those whose time is over by then, the earliest, in order of their sequences.
    pub(crate) fn due(&self, now: i64, max: usize) -> Vec<u64> {
        let due = self.by_time.range(..=(now, u64::MAX)).take(max);
        let mut sequences: Vec<u64> = due.map(|(_, seq)| *seq).collect();
        sequences.sort_unstable();
        sequences
    }
}
