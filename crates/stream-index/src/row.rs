//! What is known of a message, of a subject, and of all of them.

use std::ops::BitOr;

use log_format::Place;

/// Bits of a word that hold a size; flags have the rest.
const SIZE_BITS: u32 = 27;

/// Bytes of a message that can be counted. A record holds less.
pub const SIZE_MAX: u32 = (1 << SIZE_BITS) - 1;

const _: () = assert!((SIZE_MAX as usize) > log_format::RECORD_BYTES_MAX);

/// A subject of one index, for as long as it has messages there. The number may then stand for another subject, once
/// [`StreamIndex::forget_dead`](crate::StreamIndex::forget_dead) was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubjectId(pub(crate) u32);

impl SubjectId {
    /// A small number, good for tables beside the index.
    pub fn number(self) -> u32 {
        self.0
    }
}

/// What is known of a message beside its columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RowFlags(pub(crate) u8);

impl RowFlags {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// It said how long it lives.
    pub const HAS_TTL: Self = Self(1);
    /// Age does not end it.
    pub const NEVER_EXPIRES: Self = Self(2);
    /// It stands in the place of a subject that is gone.
    pub const MARKER: Self = Self(4);

    /// All of them as a number.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Whether all of those are set.
    pub fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }
}

impl BitOr for RowFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a message counts for, by the bytes of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeRule {
    /// Bytes beside those of a record without a header; there may be fewer.
    pub without_header: i64,
    /// The same of one that has a header.
    pub with_header: i64,
}

impl SizeRule {
    /// What a message counts for.
    pub(crate) fn of(self, len: u32, has_header: bool) -> u32 {
        let more = if has_header { self.with_header } else { self.without_header };
        u32::try_from(i64::from(len) + more).unwrap_or(0).min(SIZE_MAX)
    }

    /// What so many messages count for together, of which so many have headers.
    pub(crate) fn sum(self, len: u64, messages: u64, headers: u64) -> u64 {
        let more = |count: u64, bytes: i64| count.cast_signed() * bytes;
        let more = more(headers, self.with_header) + more(messages - headers, self.without_header);
        len.saturating_add_signed(more)
    }
}

/// A message, without what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its sequence.
    pub seq: u64,
    /// When it was stored, in nanoseconds since 1970.
    pub time: i64,
    /// Bytes it counts for.
    pub size: u32,
    /// Its subject.
    pub subject: SubjectId,
    /// Where it lies.
    pub place: Place,
    /// What else is known.
    pub flags: RowFlags,
}

impl Row {
    /// Size and flags as one word.
    pub(crate) fn packed(size: u32, flags: RowFlags) -> u32 {
        assert!(size <= SIZE_MAX, "a message of {size} bytes");
        size | u32::from(flags.0) << SIZE_BITS
    }

    pub(crate) fn unpacked(word: u32) -> (u32, RowFlags) {
        (word & SIZE_MAX, RowFlags((word >> SIZE_BITS) as u8))
    }
}

/// The counters of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// How many messages there are.
    pub messages: u64,
    /// What their sizes add up to.
    pub bytes: u64,
    /// The sequence of the first one, or the next sequence if there is none.
    pub first_seq: u64,
    /// When the first one was stored, if there is one.
    pub first_time: Option<i64>,
    /// The last sequence that was given out, whether its message is there or not.
    pub last_seq: u64,
    /// When that was, if any ever was.
    pub last_time: Option<i64>,
    /// How many subjects have messages.
    pub subjects: u64,
    /// How many sequences between the first and the last have no message.
    pub deleted: u64,
}

/// What a subject has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many messages; the others mean nothing if there are none.
    pub count: u64,
    /// The sequence of the first one.
    pub first: u64,
    /// The sequence of the last one.
    pub last: u64,
}

/// How many messages were counted so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Those that were met.
    pub messages: u64,
    /// Where to go on, if steps ran out before the end. What is found from there on is to be added.
    pub more: Option<u64>,
}
