//! What an operator decides about how shards run.

use std::time::Duration;

/// Longest time to look for work before sleeping: whoever waits longer does not look for speed.
pub const BUSY_POLL_MAX: Duration = Duration::from_secs(1);

/// What an operator decides about how shards run. It stands in the server's options as it is here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// `io`: how shards deal with the kernel.
    pub io: BackendChoice,
    /// `busy_poll`: how long a shard without work looks for some before it sleeps, up to [`BUSY_POLL_MAX`]; with
    /// `None` only while work keeps coming at once.
    pub busy_poll: Option<Duration>,
    /// `ktls`: whether the kernel encrypts and decrypts, once a handshake is over.
    pub ktls: bool,
}

/// How shards deal with the kernel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BackendChoice {
    /// io_uring where the machine lets us, else epoll.
    #[default]
    Auto,
    /// io_uring or nothing.
    Uring,
    /// epoll.
    Epoll,
}
