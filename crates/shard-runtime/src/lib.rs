//! Runs the shards: one pinned thread each, its sockets, and the queues and doorbells between them.
//! The only crate that knows glommio or the kernel; it decides nothing about the protocol.
//!
//! One thing it does decide: whose password or handshake is next for the threads beside the shards, and who is turned away
//! since too many wait (`fair_queue`, `passwords`, `handshakes`). Those threads and their queues belong to all shards, so no
//! shard's core can do it, and what is next is to be known under the lock that a thread takes when it is idle. The queue
//! itself is plain: it has no lock, thread or clock, and its tests call it as it is. It goes to a lower crate when somebody
//! else has a use for it.
//!
//! On io_uring a shard is a glommio executor that runs one driver task. The task waits in a ring of
//! its own rather than in glommio's, because that ring can be set up for a single issuer with deferred
//! task work, and because receiving into a ring of buffers and plain `send` calls measured best
//! (docs/decisions/0002-shard-driver.md). Where io_uring is refused the same driver runs on epoll
//! (docs/decisions/0005-two-backends.md).

mod bell;
mod clock;
mod config;
mod control;
mod cores;
mod cpus;
mod driver;
mod error;
mod fair_queue;
mod handshakes;
mod io;
mod kernel_tls;
mod listeners;
mod listening;
mod load_board;
mod mesh_port;
mod orders;
mod passwords;
mod patience;
mod preflight;
mod room;
mod routes;
mod shard_thread;
mod shared;
mod shell;
mod start;
mod storage;
mod sys;
mod tuning;
mod turn_clock;
mod workers;

pub use clock::wall_clock;
pub use config::{BUSY_POLL_MAX, BackendChoice, Config};
pub use control::Control;
pub use cpus::available_cpus;
pub use error::RuntimeError;
pub use io::Backend;
pub use kernel_tls::KernelTls;
pub use listeners::Listeners;
pub use preflight::preflight;
pub use room::make_room;
pub use routes::{accept_leafs, accept_routes, dial_routes};
pub use shard_core::PeerTls;
pub use shared::Given;
pub use start::{Shards, start};
pub use storage::{Inspection, Meter, Storage, Store, StoreError, Tell};
pub use transport::WebPolicy;
