//! When messages that are not acknowledged are delivered again.
//!
//! Most wait equally long, so most come to the back of a queue. What was put off, or waits by a backoff, stands in
//! order beside it. What is said here of a message that was acknowledged or put off since is passed over: it is true
//! only while the message says the same.

use std::collections::{BTreeSet, VecDeque};

use crate::now::NEVER;
use crate::pending::Pending;

/// Times that mean nothing any more and are let be however few others there are.
const STALE_MIN: usize = 64;

/// As many messages come again in one call. The others do in the next: they are due.
pub(crate) const AT_ONCE_MAX: usize = 1_000;

/// Times that mean nothing any more and are forgotten in one call.
const TRIMMED_MAX: usize = 4_096;

#[derive(Debug, Default)]
pub(crate) struct Waits {
    in_order: VecDeque<(i64, u64)>,
    others: BTreeSet<(i64, u64)>,
}

impl Waits {
    /// A message is to be acknowledged until then.
    pub(crate) fn push(&mut self, due: i64, seq: u64, pending: &Pending) {
        if due == NEVER {
            return;
        }
        if self.in_order.back().is_none_or(|(last, _)| *last <= due) {
            self.in_order.push_back((due, seq));
        } else {
            self.others.insert((due, seq));
        }
        self.sweep(pending);
    }

    /// Forgets what stands in front and means nothing any more: what is [next](Self::next) is true then.
    /// If that is very much, the rest is let be: then nothing is due before.
    pub(crate) fn trim(&mut self, pending: &Pending) {
        let mut left = TRIMMED_MAX;
        while left > 0 && self.in_order.front().is_some_and(|wait| !holds(pending, *wait)) {
            self.in_order.pop_front();
            left -= 1;
        }
        while left > 0 && self.others.first().is_some_and(|wait| !holds(pending, *wait)) {
            self.others.pop_first();
            left -= 1;
        }
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> i64 {
        let first = self.in_order.front().map_or(NEVER, |(due, _)| *due);
        self.others.first().map_or(first, |(due, _)| first.min(*due))
    }

    /// Those that are due, in the order of their sequences. If there are very many, those that have been due longest.
    pub(crate) fn take_due(&mut self, now: i64, pending: &Pending) -> Vec<u64> {
        let mut seqs = Vec::new();
        for _ in 0..AT_ONCE_MAX {
            let Some(wait) = self.pop_due(now) else { break };
            if holds(pending, wait) {
                seqs.push(wait.1);
            }
        }
        seqs.sort_unstable();
        seqs.dedup();
        seqs
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        (self.in_order.capacity() + 2 * self.others.len()) * size_of::<(i64, u64)>()
    }

    fn pop_due(&mut self, now: i64) -> Option<(i64, u64)> {
        if self.in_order.front().is_some_and(|(due, _)| *due <= now) {
            return self.in_order.pop_front();
        }
        let first = self.others.first().filter(|(due, _)| *due <= now)?;
        let first = *first;
        self.others.remove(&first);
        Some(first)
    }

    fn sweep(&mut self, pending: &Pending) {
        let most = 2 * pending.len() + STALE_MIN;
        if self.in_order.len() > most {
            self.in_order.retain(|wait| holds(pending, *wait));
        }
        if self.others.len() > most {
            self.others.retain(|wait| holds(pending, *wait));
        }
    }
}

fn holds(pending: &Pending, (due, seq): (i64, u64)) -> bool {
    pending.get(seq).is_some_and(|entry| entry.due == due && entry.ticket == 0)
}

#[cfg(test)]
mod tests {
    use crate::pending::Entry;

    use super::*;

    #[test]
    fn what_is_due_comes_in_the_order_of_sequences() {
        let (mut pending, mut waits) = (Pending::default(), Waits::default());
        for (seq, due) in [(1, 30), (2, 20), (3, 20), (4, 40)] {
            pending.insert(Entry::new(seq, seq, due));
            waits.push(due, seq, &pending);
        }
        assert_eq!(waits.next(), 20);
        assert_eq!(waits.take_due(30, &pending), [1, 2, 3]);
        assert_eq!((waits.next(), waits.take_due(39, &pending)), (40, vec![]));
    }

    #[test]
    fn what_was_acknowledged_or_put_off_is_passed_over() {
        let (mut pending, mut waits) = (Pending::default(), Waits::default());
        for seq in 1..=3 {
            pending.insert(Entry::new(seq, seq, 10));
            waits.push(10, seq, &pending);
        }
        pending.remove(1);
        pending.get_mut(2).unwrap().due = 15;
        waits.push(15, 2, &pending);
        assert_eq!(waits.take_due(10, &pending), [3]);
        assert_eq!(waits.take_due(15, &pending), [2]);
        assert_eq!(waits.next(), NEVER);
    }

    #[test]
    fn very_many_come_in_slices() {
        let (mut pending, mut waits) = (Pending::default(), Waits::default());
        for seq in 1..=AT_ONCE_MAX as u64 + 5 {
            pending.insert(Entry::new(seq, seq, 10));
            waits.push(10, seq, &pending);
        }
        assert_eq!(waits.take_due(10, &pending).len(), AT_ONCE_MAX);
        assert_eq!((waits.next(), waits.take_due(10, &pending).len()), (10, 5));
    }

    #[test]
    fn acknowledged_ones_are_swept_out() {
        let (mut pending, mut waits) = (Pending::default(), Waits::default());
        for seq in 1..=10_000 {
            pending.insert(Entry::new(seq, seq, seq as i64));
            waits.push(seq as i64, seq, &pending);
            pending.remove(seq);
        }
        assert!(waits.in_order.len() <= STALE_MIN + 1);
    }
}
