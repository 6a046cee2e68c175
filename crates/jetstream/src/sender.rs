//! Who sent a letter: see `dead_letters.rs`.

use fabric::ShardId;

use crate::names::Name;

/// Who waits for word of a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sender {
    pub(crate) shard: ShardId,
    pub(crate) stream: Name,
    pub(crate) consumer: Name,
    /// The message that died.
    pub(crate) seq: u64,
}
