//! Holding a connection until every shard knows of its interest.
//!
//! A SUB or UNSUB that changes what other shards must know puts a fence before its connection:
//! nothing the client does later takes effect, and nothing we wrote leaves, until all shards
//! confirmed. SUBs and UNSUBs that follow may join in. See docs/decisions/0001-interest-fence.md.

use std::collections::VecDeque;

use conns::ConnId;

use crate::client::Client;

/// SUBs and UNSUBs that may join one fence, so that a stream of them still lets output leave.
pub(crate) const FENCED_OPS_MAX: u32 = 1024;

/// Fences that are up, oldest round first.
#[derive(Debug, Default)]
pub(crate) struct Fences {
    waiting: VecDeque<(u64, ConnId)>,
}

impl Fences {
    /// Puts up a fence, or moves the one that is up to a later round. One that moves again and again stands here
    /// once, as long as no other does in between.
    pub(crate) fn raise(&mut self, id: ConnId, client: &mut Client, round: u64) {
        if client.fence == Some(round) {
            return;
        }
        client.fence = Some(round);
        match self.waiting.back_mut() {
            Some((last, of)) if *of == id => *last = round,
            _ => self.waiting.push_back((round, id)),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The next connection with a fence of a round that all shards confirmed. It may have moved its fence since,
    /// or be gone.
    pub(crate) fn next(&self, confirmed: u64) -> Option<(u64, ConnId)> {
        self.waiting.front().copied().filter(|(round, _)| *round <= confirmed)
    }

    /// Is done with that one.
    pub(crate) fn pop(&mut self) {
        self.waiting.pop_front();
    }
}
