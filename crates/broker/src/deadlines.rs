//! What is due when.
//!
//! One heap for all connections. An entry is a reminder to look, not the truth: the connection
//! itself knows its deadlines, so an entry that no longer fits is dropped when it comes up. A connection
//! has a few entries at most; those of connections that are gone are dropped before they outnumber the
//! others by far, so the heap is bounded by the connections.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::client::ConnId;
use crate::time::Time;

/// Reminders of one connection that can be pending: two PINGs (an earlier one takes precedence), a
/// stall, a write, the end of its time to say who it is.
const ENTRIES_PER_CONNECTION_MAX: usize = 5;

/// Entries that may be left over without anyone looking: enough to make looking cheap per entry.
const SPARE_ENTRIES_MAX: usize = 1024;

/// What a reminder is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// Time for a PING, or to give up on the peer.
    Ping,
    /// A slowed publisher may go on.
    Stall,
    /// A blocked writer may have run out of time.
    Write,
    /// A client may have run out of time to say who it is.
    Auth,
}

#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    heap: BinaryHeap<Reverse<(Time, ConnId, Due)>>,
}

impl Deadlines {
    pub(crate) fn push(&mut self, at: Time, conn: ConnId, due: Due) {
        self.heap.push(Reverse((at, conn, due)));
    }

    /// Drops the entries of connections that are gone, if it is time to: `live` are still there.
    pub(crate) fn forget_gone(&mut self, live: usize, is_live: impl Fn(ConnId) -> bool) {
        if self.heap.len() > SPARE_ENTRIES_MAX + ENTRIES_PER_CONNECTION_MAX * live {
            self.heap.retain(|Reverse((_, conn, _))| is_live(*conn));
        }
    }

    pub(crate) fn next(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    /// Takes the earliest reminder that is due.
    pub(crate) fn pop(&mut self, now: Time) -> Option<(ConnId, Due)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse((_, conn, due))| (conn, due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_come_and_go_leave_few_reminders() {
        let mut deadlines = Deadlines::default();
        let stays = ConnId::from_bits(1);
        deadlines.push(Time(1), stays, Due::Ping);
        for gone in 2..100_000 {
            deadlines.push(Time(gone), ConnId::from_bits(gone), Due::Ping);
            deadlines.forget_gone(1, |id| id == stays);
            assert!(deadlines.heap.len() <= 1 + SPARE_ENTRIES_MAX + ENTRIES_PER_CONNECTION_MAX);
        }
        assert_eq!(deadlines.pop(Time(1)), Some((stays, Due::Ping)));
    }
}
