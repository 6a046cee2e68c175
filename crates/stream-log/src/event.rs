//! What a log has to tell whoever owns it.

use log_format::{Lsn, Rot};

use crate::request::DiskError;

/// Something that happened to a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// All that was appended up to here is safe: those who wait for it may be told.
    Synced(Lsn),
    /// The log takes no more records, for good. What was appended and not yet [`Event::Synced`] is gone; what is safe can
    /// be read. Only a new start helps.
    Failed(DiskError),
    /// Bytes were read: [`Log::read`](crate::Log::read) may know more now.
    Read,
    /// There is room again: [`Log::room`](crate::Log::room) may say so.
    Room,
    /// No file can be made for what is to come. It is tried again with each [`Log::tick`](crate::Log::tick).
    NoRoom(DiskError),
    /// [`Log::clean`](crate::Log::clean) has something to judge.
    Clean,
    /// [`Log::take_moved`](crate::Log::take_moved) has something to tell.
    Moved,
    /// The record that [`Log::erase`](crate::Log::erase) was called for longest is done with.
    Erased {
        /// Its bytes are not on the disk any more. Else it could not be read, or its segment is gone, whose bytes stay until
        /// the file is used again.
        is_overwritten: bool,
    },
    /// There is no file any more that is encrypted with another key than new ones are, or that is not while those are.
    Rekeyed {
        /// Which log it is.
        log: u32,
        /// New files are encrypted.
        is_encrypted: bool,
    },
    /// A segment's records are out of reach, all of them.
    Retired(u32),
    /// Bytes are not what was written. What else is in the segment is not concerned.
    Rotten(Rotten),
}

/// Bytes that were found not to be what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotten {
    /// Which segment.
    pub segment: u32,
    /// Where in it, and what stood there if that can be told.
    pub rot: Rot,
    /// Why they could not even be read.
    pub error: Option<String>,
}
