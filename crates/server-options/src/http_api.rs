//! The HTTP API, as it is asked for.

use std::time::Duration;

use crate::options::Port;

/// How long a client may say nothing before it is taken for one of NATS, which waits for the server's first word. Browsers
/// under load take up to some tens of milliseconds to say theirs.
pub(crate) const WAIT: Duration = Duration::from_millis(100);

/// A port that takes all who come: NATS, HTTP and WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnePort {
    /// Where it is; `None` makes the port of clients one.
    pub place: Option<(String, Port)>,
    /// How long a client may say nothing before it is taken for one of NATS.
    pub wait: Duration,
}

/// The HTTP API. nats-server has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpApi {
    /// Host name or address to bind.
    pub host: String,
    /// Where browsers and other programs ask; `None` is on the port alone that takes all.
    pub port: Option<Port>,
    /// What it is subject to. How large a message may be, and whether everybody may ask, is the business of other options.
    pub config: http_gateway::Config,
}

impl Default for HttpApi {
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), port: None, config: http_gateway::Config::default() }
    }
}
