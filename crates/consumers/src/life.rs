//! Consumers that go when nobody uses them.

use crate::now::{NEVER, later};

/// When somebody used it last.
#[derive(Debug, Default)]
pub(crate) struct Life {
    last_sign: i64,
    /// It was looked at, and is let be until then.
    spared_until: i64,
}

impl Life {
    /// Somebody uses it.
    pub(crate) fn sign(&mut self, now: i64) {
        self.last_sign = now;
    }

    /// It is in use without a sign of it, until then.
    pub(crate) fn spare(&mut self, until: i64) {
        self.spared_until = until;
    }

    /// When it was unused for as long as it may be. Zero is forever.
    pub(crate) fn ends(&self, threshold: i64) -> i64 {
        if threshold == 0 { NEVER } else { later(self.last_sign, threshold).max(self.spared_until) }
    }
}
