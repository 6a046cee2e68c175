//! What comes in.

use crate::Shelf;

/// The last sequence that a stream gives out. It is some billions before the end, so that nobody who counts on from
/// one has to think of that.
pub const SEQUENCE_MAX: u64 = u64::MAX - (1 << 32);

/// A message for the stream.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// The wall clock, in nanoseconds since 1970.
    pub now: i64,
    /// What it was published to.
    pub subject: &'a [u8],
    /// Its header block as it came, or nothing.
    pub header: &'a [u8],
    /// What it says.
    pub payload: &'a [u8],
}

/// What is to be known of the world to decide on a message.
pub struct Around<'a> {
    /// The server has no room for more messages in this kind of storage.
    pub is_server_full: bool,
    /// How many bytes the account may still store, if that is limited.
    pub account_bytes_left: Option<u64>,
    /// Whether a consumer wants messages of that subject. Asked of interest streams only.
    pub has_interest: &'a mut dyn FnMut(&[u8]) -> bool,
    /// Any number. Asked by transforms that say `random`.
    pub random: &'a mut dyn FnMut() -> u32,
    /// What messages say. Asked by counters.
    pub shelf: &'a mut dyn Shelf,
    /// How large a message may be that is made of another one, in bytes: what clients may publish.
    pub payload_bytes_max: usize,
}

/// Which messages are to go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purge {
    /// Of which subjects; empty is all.
    pub filter: Box<[u8]>,
    /// Those before that sequence; zero is all.
    pub before: u64,
    /// But so many of the newest.
    pub keep: u64,
}

impl Purge {
    /// Whether subjects are told apart.
    pub(crate) fn is_filtered(&self) -> bool {
        !matches!(&*self.filter, b"" | b">")
    }
}
