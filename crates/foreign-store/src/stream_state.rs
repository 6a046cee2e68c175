//! `index.db`: what a stream comes to, and which messages of its blocks are gone.
//!
//! It is believed only if it is the last word about the blocks: the last one of them ends with the checksum that it names.

use std::ops::RangeInclusive;

use crate::{Damage, Runs, StateReader};

pub(crate) const MAGIC: u8 = 11;
pub(crate) const VERSIONS: RangeInclusive<u8> = 1..=4;

/// Bytes of a state that is read. One that is larger is as good as none: nats-server, too, then goes by the blocks.
pub const STATE_BYTES_MAX: usize = 64 << 20;

/// What is known of a stream beside its blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamState {
    /// How many messages there are.
    pub messages: u64,
    /// What they count for.
    pub bytes: u64,
    /// The first sequence.
    pub first_seq: u64,
    /// The last one that was given out.
    pub last_seq: u64,
    /// When that was, in nanoseconds since 1970; zero if never.
    pub last_time: i64,
    /// Sequences between the first one and the last one that a block has and that are gone.
    pub gone: Runs,
    /// Which block was the last one.
    pub last_block: u32,
    /// The checksum of the record that it ended with.
    pub last_sum: [u8; 8],
}

impl StreamState {
    /// Reads what the file says of the stream of that name.
    ///
    /// # Errors
    /// It is damaged, of a version that is not known, or of another stream, or tells of too many runs.
    pub fn read(stream: &str, file: &[u8]) -> Result<Self, Damage> {
        let mut reader = StateReader::new(stream);
        reader.feed(file);
        reader.finish()
    }

    /// Whether the message of that sequence is there, if a block has it.
    pub fn has(&self, seq: u64) -> bool {
        (self.first_seq..=self.last_seq).contains(&seq) && !self.gone.contains(seq)
    }
}
