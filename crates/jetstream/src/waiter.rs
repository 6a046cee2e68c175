//! Who waits for what a stream decides.

use crate::names::Name;
use crate::request::Request;

/// Somebody who is to be told.
#[derive(Debug)]
pub(crate) enum Waiter {
    /// Whoever published a message, there.
    Publisher(Name),
    /// A consumer of another stream, which asks there how far this one is: what was said then.
    Reader { to: Name, delivery: u64, seq: u64 },
    /// Whoever made a request.
    Asker(Box<Request>),
    /// Whoever had a stream changed, which has let go since of what nobody needs.
    Changer(Box<Request>),
}
