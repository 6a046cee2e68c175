//! What was found of a stream for a batch: that may have taken several turns.

use std::collections::BTreeMap;

use crate::counter::FoundCounters;

#[derive(Debug, Default)]
pub(crate) struct FoundLast {
    /// Last messages of filters: up to which sequence that was, and which.
    pub(crate) filters: BTreeMap<Box<[u8]>, (u64, Option<u64>)>,
    pub(crate) counters: FoundCounters,
}
