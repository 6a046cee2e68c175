//! Messages that were delivered and are to be acknowledged.
//!
//! A row by sequence: deliveries come in order, so new ones go to the back, and what is acknowledged leaves a gap that
//! closes from the front. There is never more gap than half of the row, give or take a few.

use std::collections::VecDeque;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its sequence in the stream.
    pub(crate) seq: u64,
    /// The how-manyeth delivery it was the first time. Zero marks a gap.
    pub(crate) first: u64,
    /// When it is delivered again.
    pub(crate) due: i64,
    /// How often it was delivered.
    pub(crate) deliveries: u32,
    /// Its place among those to be delivered again; zero if it is not among them.
    pub(crate) ticket: u32,
    /// Whether it changed since changes were taken.
    pub(crate) is_dirty: bool,
}

impl Entry {
    /// Delivered for the first time.
    pub(crate) fn new(seq: u64, first: u64, due: i64) -> Self {
        Self { seq, first, due, deliveries: 1, ticket: 0, is_dirty: false }
    }

    pub(crate) fn was_redelivered(&self) -> bool {
        self.deliveries > 1
    }

    fn is_gap(&self) -> bool {
        self.first == 0
    }
}

/// Gaps that are let be however few entries there are.
const GAPS_MIN: usize = 32;

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    row: VecDeque<Entry>,
    live: usize,
    redelivered: usize,
}

impl Pending {
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// How many were delivered more than once.
    pub(crate) fn redelivered(&self) -> usize {
        self.redelivered
    }

    pub(crate) fn get(&self, seq: u64) -> Option<&Entry> {
        self.find(seq).map(|at| &self.row[at])
    }

    /// To be changed, in all but its sequence and how often it was delivered.
    pub(crate) fn get_mut(&mut self, seq: u64) -> Option<&mut Entry> {
        self.find(seq).map(|at| &mut self.row[at])
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.row.iter().filter(|entry| !entry.is_gap())
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.row.iter_mut().filter(|entry| !entry.is_gap())
    }

    pub(crate) fn first(&self) -> Option<&Entry> {
        self.row.front()
    }

    /// The first one behind that sequence.
    pub(crate) fn next_after(&self, seq: u64) -> Option<&Entry> {
        let start = self.row.partition_point(|entry| entry.seq <= seq);
        self.row.range(start..).find(|entry| !entry.is_gap())
    }

    /// Puts one in, in the place of one with its sequence.
    pub(crate) fn insert(&mut self, entry: Entry) {
        self.live += 1;
        self.redelivered += usize::from(entry.was_redelivered());
        if self.row.back().is_none_or(|last| last.seq < entry.seq) {
            return self.row.push_back(entry);
        }
        let at = self.row.partition_point(|other| other.seq < entry.seq);
        match self.row.get_mut(at) {
            Some(old) if old.seq == entry.seq => {
                self.live -= usize::from(!old.is_gap());
                self.redelivered -= usize::from(!old.is_gap() && old.was_redelivered());
                *old = entry;
            }
            Some(_) => self.row.insert(at, entry),
            None => self.row.push_back(entry),
        }
    }

    /// Says how often it was delivered.
    pub(crate) fn set_deliveries(&mut self, seq: u64, deliveries: u32) {
        let Some(at) = self.find(seq) else { return };
        let entry = &mut self.row[at];
        self.redelivered -= usize::from(entry.was_redelivered());
        entry.deliveries = deliveries;
        self.redelivered += usize::from(entry.was_redelivered());
    }

    pub(crate) fn remove(&mut self, seq: u64) -> Option<Entry> {
        let at = self.find(seq)?;
        let entry = self.row[at];
        self.row[at].first = 0;
        self.live -= 1;
        self.redelivered -= usize::from(entry.was_redelivered());
        self.close_gaps();
        Some(entry)
    }

    /// Takes out all that are not behind that sequence, in order.
    pub(crate) fn take_through(&mut self, seq: u64, mut take: impl FnMut(Entry)) {
        let end = self.row.partition_point(|entry| entry.seq <= seq);
        for entry in self.row.drain(..end).filter(|entry| !entry.is_gap()) {
            self.live -= 1;
            self.redelivered -= usize::from(entry.was_redelivered());
            take(entry);
        }
        self.close_gaps();
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Bytes it takes beside itself.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.row.capacity() * size_of::<Entry>()
    }

    fn find(&self, seq: u64) -> Option<usize> {
        let first = self.row.front()?.seq;
        // What is delivered for the first time is behind all.
        if self.row.back()?.seq < seq {
            return None;
        }
        let guess = usize::try_from(seq.checked_sub(first)?).unwrap_or(usize::MAX);
        let is_there = |at: usize| self.row.get(at).is_some_and(|entry| entry.seq == seq);
        let at = if is_there(guess) { guess } else { self.row.partition_point(|entry| entry.seq < seq) };
        (is_there(at) && !self.row[at].is_gap()).then_some(at)
    }

    /// Always afterwards: the first of the row is no gap.
    fn close_gaps(&mut self) {
        while self.row.front().is_some_and(Entry::is_gap) {
            self.row.pop_front();
        }
        if self.row.len() > 2 * self.live + GAPS_MIN {
            self.row.retain(|entry| !entry.is_gap());
        }
        // A consumer that was busy once keeps nothing of it.
        if self.row.is_empty() {
            self.row = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(seqs: &[u64]) -> Pending {
        let mut pending = Pending::default();
        for (first, seq) in (1..).zip(seqs) {
            pending.insert(Entry::new(*seq, first, 0));
        }
        pending
    }

    fn seqs(pending: &Pending) -> Vec<u64> {
        pending.iter().map(|entry| entry.seq).collect()
    }

    #[test]
    fn what_is_acknowledged_leaves_a_gap_that_closes_from_the_front() {
        let mut pending = pending(&[1, 2, 5, 9]);
        assert_eq!(pending.remove(2).map(|entry| entry.first), Some(2));
        assert_eq!((pending.remove(2), pending.remove(3), pending.len()), (None, None, 3));
        assert_eq!(pending.next_after(1).map(|entry| entry.seq), Some(5));
        pending.remove(1);
        assert_eq!((seqs(&pending), pending.row.len()), (vec![5, 9], 2));
        assert_eq!(pending.next_after(9), None);
    }

    #[test]
    fn gaps_behind_one_that_stays_are_swept_out() {
        let mut pending = pending(&(1..=1_000).collect::<Vec<_>>());
        for seq in 2..=999 {
            pending.remove(seq);
        }
        assert_eq!(seqs(&pending), [1, 1_000]);
        assert!(pending.row.len() <= 2 * 2 + GAPS_MIN);
    }

    #[test]
    fn deliveries_are_counted() {
        let mut pending = pending(&[1, 2]);
        pending.set_deliveries(1, 2);
        pending.set_deliveries(2, 3);
        assert_eq!(pending.redelivered(), 2);
        pending.set_deliveries(2, 1);
        pending.insert(Entry { deliveries: 4, ..Entry::new(2, 2, 0) });
        assert_eq!((pending.redelivered(), pending.len()), (2, 2));
        let mut taken = Vec::new();
        pending.take_through(1, |entry| taken.push(entry.seq));
        pending.take_through(1, |entry| taken.push(entry.seq));
        assert_eq!((taken, pending.redelivered(), pending.len()), (vec![1], 1, 1));
    }
}
