//! What was written to a log, and how long the disk took: noted by the thread that writes, read by whoever wants to know.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use monitor::LogTotals;

/// The numbers of one log. Clones are of the same log.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<LogTotals>>);

impl Meter {
    /// The numbers as they are.
    pub fn totals(&self) -> LogTotals {
        *self.lock()
    }

    pub(super) fn on_written(&self, bytes: u64, took: Duration) {
        self.lock().on_written(bytes, took);
    }

    pub(super) fn on_synced(&self, took: Duration) {
        self.lock().on_synced(took);
    }

    fn lock(&self) -> MutexGuard<'_, LogTotals> {
        self.0.lock().expect("nothing panics while it counts")
    }
}
