//! The monitoring listener: HTTP and HTTPS on a thread of its own. What it answers comes from a
//! handler; this crate knows no paths.
//!
//! It is open to strangers, so what each of them may take is bounded: connections, the bytes of
//! answers that nobody reads, the time for a header, a handshake and a connection as a whole. Where a
//! bound is met the oldest connection goes, never the newest: whoever comes is heard.
#![forbid(unsafe_code)]

mod asked;
mod body;
mod config;
mod connection;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod gate;
mod guests;
mod head_room;
mod heads;
mod plain;
mod respelled;
mod server;
mod targets;
mod watch;

pub use asked::{Asked, Reply};
pub use config::{Config, Scheme};
pub use server::{Listener, Running, StartError, start};
pub use watch::Watch;
