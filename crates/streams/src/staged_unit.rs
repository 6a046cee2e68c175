//! A batch between its checks and the log.

use crate::event::Facts;
use crate::open_batches::Held;

/// A batch that passed all checks.
#[derive(Debug)]
pub(crate) struct StagedUnit {
    pub(crate) id: Box<[u8]>,
    pub(crate) first_seq: u64,
    pub(crate) time: i64,
    /// The message that came last, unless it only said that the batch ends.
    pub(crate) last: Option<Held>,
    pub(crate) checked: Vec<Checked>,
}

/// What a message becomes: what differs from how it came, and what is known of it.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) subject: Option<Box<[u8]>>,
    pub(crate) header: Option<Vec<u8>>,
    pub(crate) facts: Facts,
    pub(crate) is_wanted: bool,
    pub(crate) id_hash: Option<[u8; 16]>,
    pub(crate) ttl: Option<i64>,
    /// Bytes it counts for.
    pub(crate) size: u64,
}
