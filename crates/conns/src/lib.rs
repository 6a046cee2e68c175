//! Connections without a protocol.
//!
//! A [`Conn`] has what every connection needs, whatever is spoken over it: a name ([`ConnId`]), what came and is not
//! used up yet ([`Inbox`]), what has to leave ([`Outbox`], of the memory of a [`ChunkPool`]), a reason to end
//! ([`CloseReason`]); and in it is what its protocol keeps of it. [`Conns`] is the table of all that speak a protocol.
//! The time is an argument ([`Time`]).
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
mod time;

pub use chunk_pool::ChunkPool;
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
pub use time::Time;
