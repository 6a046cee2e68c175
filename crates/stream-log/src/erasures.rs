//! What waits to be overwritten: see `erasing.rs`.

use std::collections::VecDeque;

use log_format::{Lsn, Place};

/// Records to be overwritten, the oldest first. How many wait is bounded by who asks: each waits for the answer.
#[derive(Debug, Default)]
pub(crate) struct Erasures(pub(crate) VecDeque<Erasure>);

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Erasure {
    pub(crate) place: Place,
    /// When the record is on the disk.
    pub(crate) safe_at: Lsn,
    /// It was handed out.
    pub(crate) is_handed: bool,
    /// The last one of a record, which may have a copy.
    pub(crate) is_last: bool,
    /// A copy of the record could not be overwritten.
    pub(crate) is_missed: bool,
}

impl Erasures {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether a segment is being written to.
    pub(crate) fn is_writing(&self, segment: u32) -> bool {
        self.0.iter().any(|erasure| erasure.is_handed && erasure.place.segment == segment)
    }
}
