//! One connection to another server, until it is known who that is and after.

use std::net::IpAddr;
use std::time::Duration;

/// Connections that are no routes yet. One more is closed at once: who is meant well dials again.
pub(crate) const HANDSHAKES_MAX: usize = 256;

/// A connection.
#[derive(Debug)]
pub(crate) struct Session {
    /// How log lines begin.
    pub(crate) label: String,
    /// Where the other end is.
    pub(crate) address: Option<IpAddr>,
    /// The target that was dialed; `None` if the other side dialed.
    pub(crate) target: Option<u32>,
    pub(crate) stage: Stage,
    pub(crate) began: Duration,
    /// TLS has a time of its own.
    pub(crate) is_securing: bool,
}

/// How far a connection has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Who dialed has to say CONNECT first.
    Connect,
    /// INFO comes next. `headers`: its CONNECT takes them, if it had one.
    Info { headers: bool },
    /// It is the route to that server.
    Route(String),
    /// It is being closed.
    Over,
}

impl Session {
    pub(crate) fn is_shaking_hands(&self) -> bool {
        matches!(self.stage, Stage::Connect | Stage::Info { .. })
    }

    /// Whether the time to say who it is runs.
    pub(crate) fn is_timed(&self) -> bool {
        self.is_shaking_hands() && !self.is_securing
    }
}
