//! A segment of a log, as far as it has to be known.

use std::collections::BTreeSet;

use log_format::{Lsn, SEGMENT_HEAD_BYTES};

use crate::ledger::Ledger;

/// Where the first batch of a segment begins.
pub(crate) const FIRST_BATCH: u32 = SEGMENT_HEAD_BYTES as u32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It takes batches.
    Active,
    /// It takes no more, and has no footer yet.
    Closed,
    /// Its footer is being made.
    Sealing,
    Sealed,
    /// That it is not to be read any more was written, and is safe once the log is synced up to here.
    Retiring(Lsn),
    /// It is not there any more, but its file may be.
    Retired,
}

#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) first: Lsn,
    /// Where what was written before is over.
    pub(crate) cut: Lsn,
    /// The segment that ends there; 0 if there is none.
    pub(crate) before: u32,
    /// Where the next batch begins, in bytes from the start of the file. Of one that takes no more, where they end.
    pub(crate) end: u32,
    /// The key that it is encrypted with; 0 if it is not, or if its first page, which says so, is damaged.
    pub(crate) key: u32,
    /// Bytes the file was made with.
    pub(crate) capacity: u32,
    pub(crate) stage: Stage,
    pub(crate) ledger: Ledger,
    /// Its first page is damaged.
    pub(crate) needs_page: bool,
    /// Segments with copies of this one's records that do not count, because a crash came before all were made. They
    /// would if this one went first.
    pub(crate) held_by: BTreeSet<u32>,
}

impl Segment {
    pub(crate) fn new(first: Lsn, cut: Lsn, before: u32, key: u32, capacity: u32) -> Self {
        let ledger = Ledger::default();
        Self {
            first,
            cut,
            before,
            end: FIRST_BATCH,
            key,
            capacity,
            stage: Stage::Active,
            ledger,
            needs_page: false,
            held_by: BTreeSet::new(),
        }
    }

    /// The position of a place in the file.
    pub(crate) fn lsn(&self, offset: u32) -> Lsn {
        Lsn(self.first.0 + u64::from(offset - FIRST_BATCH))
    }

    /// The position behind its last batch.
    pub(crate) fn next(&self) -> Lsn {
        self.lsn(self.end)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.end == FIRST_BATCH
    }

    /// Bytes that a batch which begins now may have.
    pub(crate) fn rest(&self) -> u32 {
        self.capacity.saturating_sub(self.end)
    }

    /// Whether its records can be read.
    pub(crate) fn is_readable(&self) -> bool {
        self.stage != Stage::Retired
    }
}
