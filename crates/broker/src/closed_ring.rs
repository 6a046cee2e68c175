//! The connections that ended last.

use std::collections::VecDeque;
use std::sync::Arc;

use monitor::ClosedRow;

/// Subscriptions kept of one connection: more would hold the shard up when it ends.
const SUBSCRIPTIONS_PER_CONNECTION_MAX: usize = 10_000;

/// Subscriptions kept of all connections in one ring: at about 100 B each, 10 MiB. Over it the oldest
/// connections fall out.
const SUBSCRIPTIONS_MAX: usize = 100_000;

/// The latest closed connections of one shard. Each shard keeps as many as the server shows
/// (`max_closed_clients`), for all of them may have ended here; so the server shows the latest of all
/// and holds at most that many times its shards.
#[derive(Debug)]
pub(crate) struct ClosedRing {
    rows_max: usize,
    rows: VecDeque<Arc<ClosedRow>>,
    /// The number of the row in front, counted from the first that ever ended.
    first: u64,
    subscriptions: usize,
}

impl ClosedRing {
    pub(crate) fn new(rows_max: usize) -> Self {
        Self { rows_max, rows: VecDeque::new(), first: 0, subscriptions: 0 }
    }

    /// Whether it keeps anything at all.
    pub(crate) fn is_on(&self) -> bool {
        self.rows_max > 0
    }

    /// How many of a connection's subscriptions are kept.
    pub(crate) fn subscriptions_max(&self) -> usize {
        SUBSCRIPTIONS_PER_CONNECTION_MAX
    }

    pub(crate) fn push(&mut self, row: Arc<ClosedRow>) {
        self.subscriptions += row.subscriptions.len();
        self.rows.push_back(row);
        while self.rows.len() > self.rows_max || self.subscriptions > SUBSCRIPTIONS_MAX {
            let Some(oldest) = self.rows.pop_front() else { return };
            self.first += 1;
            self.subscriptions -= oldest.subscriptions.len();
        }
    }

    /// The rows from number `from` on, each with its number.
    pub(crate) fn since(&self, from: u64) -> impl Iterator<Item = (u64, &Arc<ClosedRow>)> {
        let skipped = from.saturating_sub(self.first);
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX).min(self.rows.len());
        (self.first + skipped as u64..).zip(self.rows.range(skipped..))
    }
}
