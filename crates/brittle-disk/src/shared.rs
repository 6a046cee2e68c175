//! What a disk and its mount have in common.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Disk;
use crate::gate::Gate;

/// The disk, and how its syncs are done.
#[derive(Debug)]
pub(crate) struct Shared {
    disk: Mutex<Disk>,
    pub(crate) gate: Arc<Gate>,
    /// In microseconds.
    sync_delay: AtomicU64,
}

impl Shared {
    pub(crate) fn new(disk: Disk) -> Self {
        Self { disk: Mutex::new(disk), gate: Arc::default(), sync_delay: AtomicU64::new(0) }
    }

    pub(crate) fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_sync_delay(&self, delay: Duration) {
        let micros = u64::try_from(delay.as_micros()).expect("not longer than a test");
        self.sync_delay.store(micros, Relaxed);
    }

    pub(crate) fn sync_delay(&self) -> Duration {
        Duration::from_micros(self.sync_delay.load(Relaxed))
    }
}
