//! Which streams the open links are of, by what comes for them: see `link_tags.rs`.

use std::collections::BTreeMap;

use crate::tenant::StreamId;

/// The tags of links that are open.
#[derive(Debug, Default)]
pub(crate) struct LinkTable {
    pub(crate) streams: BTreeMap<u32, StreamId>,
    /// The last one that was given, without what tells it from tags of streams.
    pub(crate) last: u32,
}
