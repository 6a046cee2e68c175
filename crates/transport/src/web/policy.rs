//! What a listener for WebSockets asks for.

use std::sync::Arc;
use std::time::Duration;

use tls_session::Acceptor;

/// How long a client may take to ask for a WebSocket where nobody says. nats-server waits for ever then; here such
/// connections count among those that there may be.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a listener for WebSockets asks for.
#[derive(Debug, Clone, Default)]
pub struct WebPolicy {
    /// What is granted to whom, and how.
    pub upgrade: ws_frame::UpgradePolicy,
    /// TLS, which comes first; `None` is none.
    pub tls: Option<Arc<Acceptor>>,
    /// `handshake_timeout`: for TLS and the request together.
    pub handshake_timeout: Option<Duration>,
    /// `max_payload`, in bytes: what a compressed message may come to, too.
    pub payload_bytes_max: usize,
}

impl WebPolicy {
    /// How long a client may take until its request is granted.
    pub(crate) fn patience(&self) -> Duration {
        self.handshake_timeout.unwrap_or(PATIENCE)
    }
}
