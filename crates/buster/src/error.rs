//! Why a server does not start, or did not end well.

use node::NodeError;
use server_options::OptionsError;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is not understood, cannot be read, or asks for what is not there yet.
    #[error("{}", .0.report("buster"))]
    Configuration(OptionsError),
    /// The configuration is odd. Whoever embeds a server has nobody to read a warning to.
    #[error("{0}")]
    Warnings(String),
    /// The configuration says where to log to, or what. That is the business of the caller's subscriber.
    #[error(
        "log settings have no meaning in an embedded server: its events go to the caller's `tracing` subscriber"
    )]
    Log,
    /// The machine lacks what shards need, the address is not to be had, or a file not writable.
    #[error(transparent)]
    Node(#[from] NodeError),
}

/// A shard failed while the server ran.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StopError(#[from] NodeError);
