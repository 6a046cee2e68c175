//! What a log asks of the disk, and what it is told.
//!
//! Whoever drives a log carries out its requests, in whatever way, and answers each. Only writes have an order: they are
//! done one after the other, and answered so.

use std::sync::Arc;

use log_format::{Lsn, Salt};
use thiserror::Error;

/// Something to be done with a segment's file. Files are named by the number of their segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// To be written, and synced if it says so: [`Answer::Written`]. There are two at most that were not answered; the
    /// second is begun when the first is done. After one that failed none is done any more: all fail.
    Write(Write),
    /// To be read: [`Answer::Read`].
    Read(Span),
    /// A file to be made, synced, and its directory synced: [`Answer::Made`].
    Make(Make),
    /// A footer to be put at the end of a segment: [`Answer::Sealed`].
    Seal(Seal),
    /// A file to be synced: [`Answer::Synced`].
    Sync(u32),
    /// A file to be taken away, if it is there: [`Answer::Removed`].
    Remove(u32),
}

/// Bytes that go to one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The segment.
    pub segment: u32,
    /// Where they begin, in bytes from the start of the file.
    pub offset: u32,
    /// The bytes, one piece behind the other. None: there is only something to sync.
    pub pieces: Vec<Arc<Vec<u8>>>,
    /// Whether the file's data has to be on stable storage before the answer.
    pub sync: bool,
    /// It replaces bytes that are safe: whatever a power cut leaves of it, each sector of 512 bytes is to be found as it was
    /// or as it is to be.
    pub is_overwrite: bool,
}

/// A part of a segment's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The segment.
    pub segment: u32,
    /// Where it begins, in bytes from the start of the file.
    pub offset: u32,
    /// How many bytes. There may be fewer in the file, and then fewer come back.
    pub len: u32,
}

/// A file for a segment to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Make {
    /// Its number.
    pub number: u32,
    /// Bytes it has to have.
    pub len: u32,
    /// Whether they have to be written, with zeros. Otherwise it is enough that there is room for them.
    pub zero: bool,
    /// A file that is not needed any more and becomes this one, by its number. Bytes it has already need not be written.
    pub recycle: Option<u32>,
}

/// A segment that takes no more batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Its number.
    pub number: u32,
    /// Where its batches end, in bytes from the start of the file. What
    /// [`FooterWriter::of_segment`](log_format::FooterWriter::of_segment) makes of them goes there, and ends the file.
    pub end: u32,
    /// The position behind its last batch.
    pub next: Lsn,
    /// The salt of its sums.
    pub salt: Salt,
    /// What is to be written to the front of the file, if that is damaged.
    pub page: Option<Arc<Vec<u8>>>,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Of the write that was asked for longest.
    Written(Result<(), DiskError>),
    /// Of a read.
    Read(Span, Result<Vec<u8>, DiskError>),
    /// A file was made.
    Made(u32, Result<(), DiskError>),
    /// A segment has its footer, and all of it is on stable storage.
    Sealed(u32, Result<(), DiskError>),
    /// A file is on stable storage.
    Synced(u32, Result<(), DiskError>),
    /// A file is gone, for good.
    Removed(u32, Result<(), DiskError>),
}

/// The disk did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text}")]
pub struct DiskError {
    /// There is no room.
    pub is_full: bool,
    /// What was tried with which file, and what the system said.
    pub text: String,
}
