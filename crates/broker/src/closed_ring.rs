//! The connections that ended last.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use monitor::{ClosedRow, ConnectionFilter};

use crate::page::Page;

/// Subscriptions kept of one connection: more would hold the shard up when it ends.
const SUBSCRIPTIONS_PER_CONNECTION_MAX: usize = 10_000;

/// Subscriptions kept of all connections: at about 100 B each, 10 MiB. Over it the oldest connections
/// fall out.
const SUBSCRIPTIONS_MAX: usize = 100_000;

/// Connections looked at for one page: they are only counted up, not copied.
const CLOSED_PER_PAGE: usize = 1024;

/// The latest closed connections of a server, `max_closed_clients` at most: over it the oldest fall out.
///
/// Shards share it behind a lock, which each takes once when a connection ends. If each kept its own, they
/// would keep too many together, or the one that has all the clients too few.
#[derive(Debug)]
pub struct ClosedConnections {
    rows_max: usize,
    ring: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    rows: VecDeque<Arc<ClosedRow>>,
    /// The number of the row in front, counted from the first that ever ended.
    first: u64,
    subscriptions: usize,
}

impl ClosedConnections {
    /// None yet, and that many at most; with 0 nothing is kept.
    pub fn new(rows_max: usize) -> Self {
        Self { rows_max, ring: Mutex::default() }
    }

    /// Whether it keeps anything at all.
    pub(crate) fn is_on(&self) -> bool {
        self.rows_max > 0
    }

    /// How many of a connection's subscriptions are kept.
    pub(crate) fn subscriptions_max(&self) -> usize {
        SUBSCRIPTIONS_PER_CONNECTION_MAX
    }

    pub(crate) fn push(&self, row: ClosedRow) {
        let row = Arc::new(row);
        let fallen = self.ring().push(row, self.rows_max);
        // Not before the lock is open: they may have many subscriptions.
        drop(fallen);
    }

    /// The next ones that are wanted, the oldest first.
    pub fn page(&self, from: u64, filter: &ConnectionFilter) -> Page<Arc<ClosedRow>> {
        let mut rows = Vec::new();
        let mut next = None;
        for (looked_at, (number, closed)) in self.ring().since(from).enumerate() {
            if looked_at == CLOSED_PER_PAGE {
                next = Some(number);
                break;
            }
            if filter.wants(&closed.row) {
                rows.push(Arc::clone(closed));
            }
        }
        Page { rows, next }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().expect("nothing panics while it has this")
    }
}

impl Ring {
    /// Returns what fell out.
    fn push(&mut self, row: Arc<ClosedRow>, rows_max: usize) -> Vec<Arc<ClosedRow>> {
        self.subscriptions += row.subscriptions.len();
        self.rows.push_back(row);
        let mut fallen = Vec::new();
        while self.rows.len() > rows_max || self.subscriptions > SUBSCRIPTIONS_MAX {
            let Some(oldest) = self.rows.pop_front() else { break };
            self.first += 1;
            self.subscriptions -= oldest.subscriptions.len();
            fallen.push(oldest);
        }
        fallen
    }

    /// The rows from number `from` on, each with its number.
    fn since(&self, from: u64) -> impl Iterator<Item = (u64, &Arc<ClosedRow>)> {
        let skipped = from.saturating_sub(self.first);
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX).min(self.rows.len());
        (self.first + skipped as u64..).zip(self.rows.range(skipped..))
    }
}
