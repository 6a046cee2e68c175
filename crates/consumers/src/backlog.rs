//! How many messages are still to be delivered.
//!
//! They are counted from where the consumer stands up to some sequence. What was stored since is counted when the number
//! is asked for, so a consumer that nobody asks costs nothing when messages come in.

use stream_index::{Filter, Steps, StreamIndex};

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backlog {
    count: u64,
    /// Up to here they are counted.
    upto: u64,
}

impl Backlog {
    /// Nothing is counted, from there on.
    pub(crate) fn from(cursor: u64) -> Self {
        Self { count: 0, upto: cursor.saturating_sub(1) }
    }

    /// The number, once it is [caught up](Self::catch_up).
    pub(crate) fn count(self) -> u64 {
        self.count
    }

    /// Counts what came since. Says whether that is all.
    pub(crate) fn catch_up(
        &mut self,
        index: &StreamIndex,
        filter: &Filter,
        cursor: u64,
        steps: &mut Steps,
    ) -> bool {
        let last = index.last_seq();
        while self.upto < last {
            let found = index.count(filter, cursor.max(self.upto + 1), steps);
            self.count += found.messages;
            match found.more {
                None => self.upto = last,
                Some(more) => {
                    self.upto = self.upto.max(more.saturating_sub(1));
                    return false;
                }
            }
        }
        true
    }

    /// A message that is meant was delivered, or is gone.
    pub(crate) fn drop_one(&mut self, seq: u64) {
        self.count = self.count.saturating_sub(u64::from(seq <= self.upto));
    }
}
