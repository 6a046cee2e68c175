//! What the disk was asked.

use std::collections::VecDeque;

/// Events that are kept; the oldest go first.
const EVENTS_MAX: usize = 100_000;

/// A call that changes something or makes it durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// A name for a new file or folder, or another for an old one.
    Create,
    /// Bytes written.
    Write,
    /// Another length, or room taken or given back.
    Truncate,
    /// A name replaced by another.
    Rename,
    /// A name taken away.
    Unlink,
    /// A file's bytes are durable.
    Sync,
    /// A folder's names are durable.
    SyncFolder,
    /// A sync that failed.
    SyncFailed,
    /// A write that failed, or had no room; or room that could not be had.
    WriteFailed,
}

/// One call that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the order of all of them, from 1.
    pub order: u64,
    /// What was done.
    pub call: Call,
    /// To what: the last part of its path.
    pub name: String,
    /// Bytes written, or the new length.
    pub bytes: u64,
}

/// How often each was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    calls: [u64; 9],
    /// Bytes of all writes.
    pub bytes_written: u64,
}

impl Counts {
    /// How often this was done.
    #[must_use]
    pub fn of(&self, call: Call) -> u64 {
        self.calls[call as usize]
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    pub(crate) counts: Counts,
    pub(crate) events: VecDeque<Event>,
}

impl Trace {
    pub(crate) fn note(&mut self, event: Event) {
        self.counts.calls[event.call as usize] += 1;
        if event.call == Call::Write {
            self.counts.bytes_written += event.bytes;
        }
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}
