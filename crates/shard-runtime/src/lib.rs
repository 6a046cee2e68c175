//! Runs the shards: one pinned glommio executor each, its own io_uring, its sockets, and the queues
//! and doorbells between them. The only crate that knows glommio or the kernel; it decides nothing
//! about the protocol.
//!
//! Each executor runs one driver task. The task waits in a ring of its own rather than in glommio's,
//! because that ring can be set up for a single issuer with deferred task work, and because receiving
//! into a ring of buffers and plain `send` calls measured best (docs/decisions/0002-shard-driver.md).

mod acceptor;
mod bell;
mod clock;
mod driver;
mod error;
mod io;
mod load_board;
mod mesh_port;
mod preflight;
mod socket;
mod start;
mod sys;

pub use error::RuntimeError;
pub use io::Backend;
pub use preflight::{available_cpus, preflight};
pub use start::{Shards, Stopper, start};
