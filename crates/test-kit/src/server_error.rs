//! What can go wrong with the process itself.

use std::{io, process::ExitStatus};

/// Why a server could not be started, stopped or looked at.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Cargo could not build the binary; the text is cargo's.
    #[error("building buster-server failed:\n{0}")]
    Build(String),
    /// The process ended before it was ready, for example because it refused its arguments.
    #[error("the server ended before it was ready ({status}), log:\n{log}")]
    EndedEarly {
        /// How it ended.
        status: ExitStatus,
        /// Everything it logged.
        log: String,
    },
    /// What was awaited did not happen before the deadline.
    #[error("{awaited} did not happen in time, log:\n{log}")]
    Late {
        /// What was awaited.
        awaited: &'static str,
        /// Everything logged so far.
        log: String,
    },
    /// The ports file was not what nats-server writes.
    #[error("ports file holds {0:?}")]
    PortsFile(String),
    /// The machine failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}
