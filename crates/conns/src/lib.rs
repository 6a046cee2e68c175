//! Connections without a protocol.
//!
//! What every connection needs, whatever is spoken over it: a name ([`ConnId`]), what came and is not used up yet
//! ([`Inbox`]), what has to leave ([`Outbox`], of the memory of a [`ChunkPool`]), a reason to end ([`CloseReason`]),
//! and the time as an argument ([`Time`]).
#![forbid(unsafe_code)]

mod chunk_pool;
mod close_reason;
mod conn_id;
mod inbox;
mod outbox;
mod time;

pub use chunk_pool::ChunkPool;
pub use close_reason::CloseReason;
pub use conn_id::ConnId;
pub use inbox::Inbox;
pub use outbox::Outbox;
pub use time::Time;
