//! What a log is told when it is made.

use std::fmt;

/// Which log it is, and how it goes about it.
#[derive(Clone)]
pub struct Config {
    /// The store's id, drawn at random when it was made.
    pub store: [u8; 16],
    /// Which of the store's logs this is.
    pub log: u32,
    /// The key that segments are encrypted with by whoever carries out the requests; 0 if they are not. Those of other keys
    /// are cleaned, whatever lives in them.
    pub key: u32,
    /// When what was written counts.
    pub sync: SyncWhen,
    /// Bytes of the first segment. Further ones are about as long as all there are, up to sixteen times this.
    pub segment_bytes: u32,
    /// Bytes of records that are kept in memory for those who read.
    pub cache_bytes: usize,
    /// When records are copied to get space back.
    pub clean: CleanRules,
}

/// When what was written counts, and those who wait for it are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncWhen {
    /// When it is on stable storage.
    Always,
    /// When the kernel has it. It reaches the disk when [`Log::ask_for_sync`](crate::Log::ask_for_sync) is called, and
    /// a power cut takes what was written since.
    WhenAsked,
}

/// When segments are cleaned: both have to be so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CleanRules {
    /// Bytes of dead records.
    pub dead_bytes: u64,
    /// So many of a hundred bytes are dead.
    pub dead_percent: u64,
}

impl Config {
    /// A log of a store, as servers have it.
    pub fn new(store: [u8; 16], log: u32) -> Self {
        Self {
            store,
            log,
            key: 0,
            sync: SyncWhen::Always,
            segment_bytes: 4 << 20,
            cache_bytes: 16 << 20,
            clean: CleanRules { dead_bytes: 256 << 20, dead_percent: 25 },
        }
    }
}

impl fmt::Debug for Config {
    /// Without the store's id: who knows it could make payloads that pass for records.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("log", &self.log).field("sync", &self.sync).finish_non_exhaustive()
    }
}
