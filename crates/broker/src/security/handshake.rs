//! What becomes of a connection with its handshake.

use conns::{CloseReason, ConnId, Time};
use monitor::TlsFacts;
use nats_proto::ServerInfo;

use crate::broker::Broker;

use super::Security;

/// How nats-server's log calls the handshakes of servers.
const ROUTE: &str = "route";
const LEAF: &str = "leafnode";

impl Broker {
    /// Sends INFO to a connection that was not greeted: the client waits for it.
    pub fn greet(&mut self, id: ConnId) {
        if self.egress.clients.open(id).is_some() {
            self.send_first_info(id, |_| ());
        }
    }

    /// INFO as a new client gets it: with what it needs to identify itself.
    pub(crate) fn send_first_info(&mut self, id: ConnId, amend: impl FnOnce(&mut ServerInfo)) {
        let client = self.egress.clients.at(id);
        let auth_required = self.config.settings.directory.announces_auth(client.how());
        let nonce = client.nonce.as_deref().unwrap_or_default().to_owned();
        self.send_info(id, |info| {
            info.auth_required = auth_required;
            info.nonce = nonce;
            amend(info);
        });
    }

    /// The client is to begin with its handshake.
    pub fn on_securing(&mut self, id: ConnId) {
        if let Some(client) = self.egress.clients.peek(id).filter(|client| !client.is_guest()) {
            let words = self.handshake_words(id).map(|(kind, side)| format!("{kind} {side}"));
            let words = words.unwrap_or_else(|| "client connection".to_owned());
            tracing::debug!("{} - Starting TLS {words} handshake", client.label);
        }
    }

    /// The handshake is over: what the client says counts from here on.
    pub fn on_secured(&mut self, now: Time, id: ConnId, security: Security) {
        let Some(client) = self.egress.clients.open(id) else { return };
        tracing::debug!("{} - TLS handshake complete", client.label);
        let TlsFacts { version, cipher_suite, first, .. } = &security.tls;
        tracing::debug!("{} - TLS version {version}, cipher suite {cipher_suite}", client.label);
        let first = *first;
        client.set_arrival(Some(security), None);
        if client.is_peer() {
            return self.on_peer_secured(now, id);
        }
        if first {
            let is_in_process = client.is_in_process();
            self.send_first_info(id, |info| {
                info.tls_required = true;
                // It could have gone without.
                info.tls_available |= is_in_process;
            });
        }
        self.open(now, id);
    }

    /// The client goes on without TLS, which it may.
    pub fn on_unsecured(&mut self, now: Time, id: ConnId) {
        self.open(now, id);
    }

    /// The client may begin.
    fn open(&mut self, now: Time, id: ConnId) {
        let Some(client) = self.egress.clients.open(id) else { return };
        client.opening = false;
        client.next_ping = now + self.config.settings.ping_interval(client.how());
        self.limit_time(now, id);
    }

    /// The handshake failed, or took too long. `is_probe`: the client did not try in earnest.
    pub fn on_handshake_failed(&mut self, id: ConnId, error: &str, is_probe: bool) {
        let Some(client) = self.egress.clients.find(id) else { return };
        if client.is_guest() {
            // Its words are those of Go's HTTP server.
            tracing::error!("websocket: TLS handshake error from {}: {error}", client.peer());
        } else {
            let label = client.label.clone();
            let kind = self.handshake_words(id).map(|(kind, _)| kind);
            let words = kind.map(|kind| format!("TLS {kind} handshake error: {error}"));
            let words = words.unwrap_or_else(|| format!("TLS handshake error: {error}"));
            // Nobody looks at random whether a server is there.
            if is_probe && kind != Some(ROUTE) {
                tracing::debug!("{label} - {words}");
            } else {
                tracing::error!("{label} - {words}");
            }
        }
        self.close(id, CloseReason::TlsHandshakeFailure);
    }

    /// What connections to servers are called in lines about handshakes, and which side this is.
    fn handshake_words(&self, id: ConnId) -> Option<(&'static str, &'static str)> {
        let peers = self.egress.peers.as_ref()?;
        let row = peers.of(id)?;
        let kind = if self.egress.is_leaf(row) { LEAF } else { ROUTE };
        Some((kind, if peers.is_dialed(id) { "client" } else { "server" }))
    }

    /// The client did not come to the end of its handshake in time. `error` says what that made of the socket: in
    /// nats-server's log a timer and a read that fails say it, one or the other first.
    pub fn on_handshake_timeout(&mut self, id: ConnId, error: &str) {
        let is_route = self.handshake_words(id).is_some_and(|(kind, _)| kind == ROUTE);
        if let Some(client) = self.egress.clients.peek(id).filter(|client| !client.is_guest()) {
            if is_route {
                tracing::error!("{} - TLS handshake timeout", client.label);
            } else {
                tracing::debug!("{} - TLS handshake timeout", client.label);
            }
        }
        self.on_handshake_failed(id, error, true);
    }

    /// There are too many handshakes at the moment for one more.
    pub fn on_throttled(&mut self, id: ConnId) {
        self.refuse(
            id,
            "Connection throttling is active. Please try again later.",
            CloseReason::MaxConnectionsExceeded,
        );
    }
}
