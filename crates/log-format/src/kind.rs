//! What a record is.

/// What a record is, as a number that stays what it is.
///
/// Numbers that are not listed here come from a newer version. What they mean is unknown, so whoever meets one may
/// neither act on it nor pass over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(pub u8);

impl Kind {
    /// A message of a stream.
    pub const MESSAGE: Self = Self(1);
    /// A range of sequences that hold no message.
    pub const SKIP: Self = Self(2);
    /// One message is gone.
    pub const REMOVE: Self = Self(3);
    /// Many messages are gone: by subject, up to a sequence, or all but some.
    pub const PURGE: Self = Self(4);
    /// A message was here, and its bytes were overwritten.
    pub const ERASED: Self = Self(5);
    /// A stream's configuration and identity.
    pub const STREAM_META: Self = Self(6);
    /// A stream is gone, with all that is in its group.
    pub const STREAM_GONE: Self = Self(7);
    /// A piece of a stream's state.
    pub const STREAM_STATE: Self = Self(8);
    /// Message ids of a duplicate window.
    pub const DEDUP_CHUNK: Self = Self(9);
    /// A consumer's configuration and identity.
    pub const CONSUMER_META: Self = Self(10);
    /// A consumer is gone.
    pub const CONSUMER_GONE: Self = Self(11);
    /// A consumer's whole state.
    pub const CONSUMER_STATE: Self = Self(12);
    /// What was delivered and acknowledged since.
    pub const CONSUMER_DELTA: Self = Self(13);
    /// The records behind it stand or fall together: its sequence says how many.
    pub const UNIT: Self = Self(14);
    /// A segment is not to be read any more: its sequence says which.
    pub const RETIRE: Self = Self(15);
    /// Messages whose time is over.
    pub const EXPIRED: Self = Self(16);
    /// What a directory of streams decided.
    pub const DIRECTORY: Self = Self(17);
    /// A replicated run of records: term, index and how many follow. Like a unit.
    pub const ENTRY: Self = Self(18);
    /// Term, vote and commit of a replicated group.
    pub const GROUP_STATE: Self = Self(19);
    /// A group that is kept, and not served.
    pub const PARKED: Self = Self(20);
    /// Who holds copies of a group.
    pub const REPLICA_META: Self = Self(21);
    /// Messages that consumers are done with.
    pub const RELEASED: Self = Self(22);
}
