//! Why streams cannot be copied.

use std::io;
use std::path::PathBuf;

/// Why something cannot be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The address of the server is none.
    #[error("`{0}` is no address of a server: nats://[user:password@]host[:port] is one")]
    BadUrl(String),
    /// The server cannot be reached, or went away.
    #[error("the server at {address}: {source}")]
    Link {
        /// Where it is.
        address: String,
        /// What went wrong.
        source: io::Error,
    },
    /// The server said something that is no word of the protocol, or ended the connection with a word.
    #[error("the server said: {0}")]
    Said(String),
    /// Nobody answers requests about streams.
    #[error("the server has no JetStream for this account")]
    NoJetStream,
    /// The server refused something.
    #[error("{0}")]
    Refused(String),
    /// A snapshot ended before it was whole.
    #[error("the snapshot is not whole: {0}")]
    Unfinished(String),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{}: {reason}", path.display())]
    BadFile {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl CopyError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { path: path.into(), source }
    }

    pub(crate) fn bad_file(path: impl Into<PathBuf>, reason: impl ToString) -> Self {
        Self::BadFile { path: path.into(), reason: reason.to_string() }
    }
}
