//! Who waits for what a stream decides.

use smallvec::SmallVec;

use crate::names::Name;
use crate::request::Request;
use crate::sender::Sender;

/// Bytes of a reply subject that need no allocation: two of the longest tokens that clients make behind `_INBOX.`.
const REPLY_INLINE: usize = 56;

/// Where a publisher is told.
pub(crate) type Reply = SmallVec<[u8; REPLY_INLINE]>;

/// Somebody who is to be told.
#[derive(Debug)]
pub(crate) enum Waiter {
    /// Whoever published a message, there.
    Publisher(Reply),
    /// A consumer of another stream, which asks there how far this one is: what was said then.
    Reader { to: Name, delivery: u64, seq: u64 },
    /// A consumer that gave a message up, which is kept here.
    Sender(Box<Sender>),
    /// Whoever made a request.
    Asker(Box<Request>),
    /// Whoever had a stream changed, which has let go since of what nobody needs.
    Changer(Box<Request>),
}

impl Waiter {
    /// Whoever published a message with that reply subject.
    pub(crate) fn publisher(reply: &[u8]) -> Self {
        Self::Publisher(Reply::from_slice(reply))
    }
}
