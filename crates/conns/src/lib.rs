//! Connections without a protocol: input that is kept, output that waits, who is late with it, and how it all ends.
//!
//! A [`Conn`] is the half of a connection that is the same whatever is spoken over it; in it is what its protocol
//! keeps of it. [`Conns`] are all that speak one protocol: a machine without sockets and clocks, which is told what
//! sockets take and what time it is. Another protocol has another table.
//!
//! Who has something to say to a peer takes a [`Writer`]. Then the caller takes the list of connections that were
//! written to, asks of each what to do ([`Flush`]), and reports what its socket took, or that it is full. What
//! waits then has to leave in time: a reminder ([`Due`]) says when to look, as it does for what the protocol wants
//! to be reminded of. A connection that has a [`CloseReason`] is open no more, sends what waits, and is taken out
//! when its socket is closed.
//!
//! Always true: who was written to is on the list, once. While a socket is full nothing is sent to it, and a
//! reminder is pending. A connection that is taken out leaves no reminders, and takes what waits along.
#![forbid(unsafe_code)]

mod chunk_pool;
mod close_reason;
mod conn;
mod conn_id;
mod conns;
mod deadlines;
mod flush;
mod inbox;
mod lateness;
mod outbox;
mod output;
mod peer;
mod reminders;
mod time;

pub use close_reason::CloseReason;
pub use conn::Conn;
pub use conn_id::ConnId;
pub use conns::Conns;
pub use deadlines::Due;
pub use flush::Flush;
pub use inbox::Inbox;
pub use lateness::{CaughtUp, Late, Waited};
pub use outbox::Outbox;
pub use output::{WriteLimits, Writer};
pub use peer::Peer;
pub use time::Time;
