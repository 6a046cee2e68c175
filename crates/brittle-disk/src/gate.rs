//! Syncs that wait until they are let through.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
struct State {
    is_shut: bool,
    waiting: usize,
}

/// What all syncs pass.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.lock().is_shut
    }

    /// Waits until it is open.
    pub(crate) fn pass(&self) {
        let mut state = self.lock();
        state.waiting += 1;
        self.changed.notify_all();
        let open = self.changed.wait_while(state, |state| state.is_shut);
        open.unwrap_or_else(PoisonError::into_inner).waiting -= 1;
    }

    pub(crate) fn shut(self: &Arc<Self>) -> HeldSyncs {
        self.lock().is_shut = true;
        HeldSyncs(Arc::clone(self))
    }
}

/// While this lives no sync is done: each waits, and so does its caller.
#[derive(Debug)]
pub struct HeldSyncs(Arc<Gate>);

impl HeldSyncs {
    /// Waits until a sync was asked for; false when none was within the deadline.
    #[must_use]
    pub fn wait_for_one(&self, deadline: Duration) -> bool {
        let waited = self.0.changed.wait_timeout_while(self.0.lock(), deadline, |state| state.waiting == 0);
        waited.unwrap_or_else(PoisonError::into_inner).0.waiting > 0
    }

    /// How many syncs wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.lock().waiting
    }
}

impl Drop for HeldSyncs {
    fn drop(&mut self) {
        self.0.lock().is_shut = false;
        self.0.changed.notify_all();
    }
}
