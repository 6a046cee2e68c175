//! When messages end that said how long they live.

use std::collections::{BTreeMap, BTreeSet};

use stream_index::{Row, RowFlags};

#[derive(Debug, Default)]
pub(crate) struct Calendar {
    by_time: BTreeSet<(i64, u64)>,
    by_seq: BTreeMap<u64, i64>,
    /// What was cleared, until its memory is given back.
    discarded: Vec<Ends>,
}

/// Ends by time and by sequence.
type Ends = (BTreeSet<(i64, u64)>, BTreeMap<u64, i64>);

/// Ends that are dropped in one step, some of ten microseconds.
const DROPPED_AT_ONCE: usize = 512;

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

    /// To give much memory back takes a while: see [`discard_some`](Self::discard_some).
    pub(crate) fn clear(&mut self) {
        let (by_time, by_seq) = (std::mem::take(&mut self.by_time), std::mem::take(&mut self.by_seq));
        if by_seq.len() > DROPPED_AT_ONCE {
            self.discarded.push((by_time, by_seq));
        }
    }

    /// Gives some of the memory back that [`clear`](Self::clear) left. Says whether there is more.
    pub(crate) fn discard_some(&mut self) -> bool {
        let Some((by_time, by_seq)) = self.discarded.last_mut() else { return false };
        for _ in 0..DROPPED_AT_ONCE {
            by_time.pop_first();
            if by_seq.pop_first().is_none() {
                self.discarded.pop();
                break;
            }
        }
        !self.discarded.is_empty()
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
