//! Streams that are being copied: snapshots that are sent of some, and streams that are made of snapshots.

use std::collections::{BTreeMap, VecDeque};

use crate::restoring::Restoring;
use crate::snapshot::Snapshot;
use crate::tenant::StreamId;

/// All of a log.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    pub(crate) snapshots: BTreeMap<StreamId, Snapshot>,
    pub(crate) restores: BTreeMap<StreamId, Box<Restoring>>,
    /// Whose snapshot has its turn next.
    pub(crate) line: VecDeque<StreamId>,
    /// Streams whose snapshot is over, and which let go yet of what was kept for it.
    pub(crate) ending: VecDeque<StreamId>,
}

impl Copies {
    /// Whether there is none: then no message is for one.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.snapshots.is_empty() && self.restores.is_empty()
    }

    /// The disk was read.
    pub(crate) fn on_read(&mut self) {
        self.snapshots.values_mut().for_each(Snapshot::on_read);
    }
}
