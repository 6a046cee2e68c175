//! What the threads of a round have in common.

use std::net::SocketAddr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Ledger;

/// A server that acknowledges nothing for so long hangs.
const HANG: Duration = Duration::from_secs(60);

/// The ledger, for all threads of a life.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    ledger: Mutex<Ledger>,
    acked: Condvar,
}

impl Shared {
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn on_acked(&self, seq: u64, payload: &str) {
        self.ledger().on_acked(seq, payload);
        self.acked.notify_all();
    }

    /// Waits until so many messages have been acknowledged; false when the server hangs.
    pub(crate) fn wait_for_acks(&self, count: u64) -> bool {
        let waited = self.acked.wait_timeout_while(self.ledger(), HANG, |ledger| ledger.acks() < count);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

/// One round of load.
pub(crate) struct Round<'l> {
    pub(crate) shared: &'l Shared,
    pub(crate) addr: SocketAddr,
    /// Tells payloads and inboxes of rounds apart.
    pub(crate) name: String,
    /// It ends with so many more acknowledgements.
    pub(crate) acks: u64,
    /// Whether the server may refuse what it is asked: its disk is in trouble.
    pub(crate) may_refuse: bool,
    /// Whether it takes batches, and gets some.
    pub(crate) has_batches: bool,
}
