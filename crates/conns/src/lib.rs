//! Connections without a protocol.
//!
//! What every connection needs, whatever is spoken over it: a name ([`ConnId`]), the time as an argument ([`Time`]),
//! a reason to end ([`CloseReason`]).
#![forbid(unsafe_code)]

mod close_reason;
mod conn_id;
mod time;

pub use close_reason::CloseReason;
pub use conn_id::ConnId;
pub use time::Time;
