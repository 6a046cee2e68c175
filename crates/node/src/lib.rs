//! One running server: its listener, its identity, its files, and its shards from start to end.

mod backend;
mod board;
mod check;
mod error;
mod files;
mod gather;
mod hosts;
mod identity;
mod inquiries;
mod jetstream;
mod lame_duck;
mod listen;
mod machine;
mod monitoring;
mod notify;
mod process;
mod reload;
mod send_signal;
mod server;
mod settings;
mod shed;
mod signals;
mod sources;
mod start_failure;
mod tls_files;
mod users;
mod websocket;

pub use check::check;
pub use error::NodeError;
pub use identity::{COMPATIBLE_VERSION, OWN_VERSION};
pub use listen::ListenError;
pub use send_signal::{SignalError, send_signal};
pub use server::{Server, serve};
pub use sources::load;
pub use start_failure::{log_failure, start_failure};
