//! Messages that are delivered again before any new one, in the order in which they came here.
//!
//! Always true: an entry has a ticket exactly while it is in the queue under that ticket.

use std::collections::VecDeque;

use crate::pending::{Entry, Pending};

/// Places that mean nothing any more and are let be however few others there are.
const STALE_MIN: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Redeliveries {
    queue: VecDeque<(u64, u32)>,
    len: usize,
    last_ticket: u32,
}

impl Redeliveries {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Puts a message at the end, unless it is in the queue.
    pub(crate) fn push(&mut self, seq: u64, pending: &mut Pending) {
        let ticket = self.last_ticket.checked_add(1).unwrap_or(1);
        let Some(entry) = pending.get_mut(seq).filter(|entry| entry.ticket == 0) else { return };
        entry.ticket = ticket;
        self.last_ticket = ticket;
        self.queue.push_back((seq, ticket));
        self.len += 1;
        if self.queue.len() > 2 * self.len + STALE_MIN {
            self.queue.retain(|place| holds(pending, *place));
        }
    }

    /// The first one. It stays there.
    pub(crate) fn front(&mut self, pending: &Pending) -> Option<u64> {
        while let Some(place) = self.queue.front() {
            if holds(pending, *place) {
                return Some(place.0);
            }
            self.queue.pop_front();
        }
        None
    }

    /// Takes a message out, wherever it is. Its entry may be gone from the table already.
    pub(crate) fn forget(&mut self, entry: &mut Entry) {
        self.len -= usize::from(entry.ticket != 0);
        entry.ticket = 0;
        if self.len == 0 {
            self.queue = VecDeque::new();
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.queue.capacity() * size_of::<(u64, u32)>()
    }
}

fn holds(pending: &Pending, (seq, ticket): (u64, u32)) -> bool {
    pending.get(seq).is_some_and(|entry| entry.ticket == ticket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_and_comes_again_stands_at_the_end() {
        let (mut pending, mut queue) = (Pending::default(), Redeliveries::default());
        for seq in 1..=3 {
            pending.insert(Entry::new(seq, seq, 0));
        }
        for seq in [2, 1, 2, 3, 9] {
            queue.push(seq, &mut pending);
        }
        assert_eq!((queue.len(), queue.front(&pending)), (3, Some(2)));
        queue.forget(pending.get_mut(2).unwrap());
        queue.push(2, &mut pending);
        let mut order = Vec::new();
        while let Some(seq) = queue.front(&pending) {
            order.push(seq);
            queue.forget(pending.get_mut(seq).unwrap());
        }
        assert_eq!((order, queue.len()), (vec![1, 3, 2], 0));
    }

    #[test]
    fn an_acknowledged_one_is_passed_over() {
        let (mut pending, mut queue) = (Pending::default(), Redeliveries::default());
        for seq in 1..=2 {
            pending.insert(Entry::new(seq, seq, 0));
            queue.push(seq, &mut pending);
        }
        queue.forget(&mut pending.remove(1).unwrap());
        assert_eq!((queue.front(&pending), queue.len()), (Some(2), 1));
    }
}
