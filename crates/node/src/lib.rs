//! One running server: its listener, its identity, its files, and its shards from start to end.

mod backend;
mod error;
mod files;
mod identity;
mod listen;
mod server;
mod settings;
mod signals;
mod sources;

pub use error::NodeError;
pub use identity::{COMPATIBLE_VERSION, OWN_VERSION};
pub use server::{Server, serve};
pub use sources::load;
