//! A message of a fast batch between its checks and the log.

use crate::fast_batch::{FastBatch, FastWord};
use crate::staged_unit::Checked;

/// A message that passed all checks, until it is appended.
#[derive(Debug)]
pub(crate) struct StagedFast {
    pub(crate) checked: Checked,
    pub(crate) seq: u64,
    /// Its batch once it came, but for what becomes of it.
    pub(crate) batch: FastBatch,
    pub(crate) words: Vec<FastWord>,
    /// How long the batch lives on.
    pub(crate) ends: i64,
}
