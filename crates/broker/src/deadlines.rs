//! What is due when.
//!
//! One heap for all connections. An entry is a reminder to look, not the truth: the connection
//! itself knows its deadlines, so an entry that no longer fits is dropped when it comes up. Each
//! connection keeps at most one entry of a kind pending, so the heap is bounded by the connections.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::client::ConnId;
use crate::time::Time;

/// What a reminder is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// Time for a PING, or to give up on the peer.
    Ping,
    /// A slowed publisher may go on.
    Stall,
    /// A blocked writer may have run out of time.
    Write,
}

#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    heap: BinaryHeap<Reverse<(Time, ConnId, Due)>>,
}

impl Deadlines {
    pub(crate) fn push(&mut self, at: Time, conn: ConnId, due: Due) {
        self.heap.push(Reverse((at, conn, due)));
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
