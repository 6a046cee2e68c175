//! What may change while the server runs.

mod follow;

use std::sync::Arc;
use std::time::Duration;

use nats_auth::{ConnectionType, Directory};
use nats_proto::ServerInfo;

use crate::options::BrokerOptions;

/// What differs for clients that come over WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSocketSettings {
    /// The host they connect to, as it is configured.
    pub host: String,
    /// The port that was bound.
    pub port: u16,
    /// They come over TLS.
    pub tls: bool,
    /// How often they are sent a PING, if not like everybody.
    pub ping_interval: Option<Duration>,
}

impl WebSocketSettings {
    /// Makes INFO speak of that listener. There are no other servers yet to name.
    pub(crate) fn tell(&self, info: &mut ServerInfo) {
        (info.tls_available, info.tls_required) = (self.tls, self.tls);
        info.host.clone_from(&self.host);
        info.port = self.port;
        info.connect_urls = std::mem::take(&mut info.ws_connect_urls);
    }
}

/// The reloadable settings, the same for all shards. Defaults are nats-server's.
#[derive(Debug, Clone)]
pub struct Settings {
    /// INFO, without what differs from client to client.
    pub info: ServerInfo,
    /// What the operator decides.
    pub options: BrokerOptions,
    /// What differs for clients that come over WebSocket; `None` is that none do.
    pub websocket: Option<WebSocketSettings>,
    /// Log the protocol itself.
    pub trace: bool,
    /// Who may connect, and what they may do. It has to follow the one before it
    /// ([`Directory::next`]): the indexes of accounts stay.
    pub directory: Arc<Directory>,
}

impl Settings {
    /// nats-server's defaults.
    pub fn new(info: ServerInfo) -> Self {
        let directory = Directory::open();
        Self { info, options: BrokerOptions::default(), websocket: None, trace: false, directory }
    }

    /// How often a client that is connected like this is sent a PING.
    pub(crate) fn ping_interval(&self, how: ConnectionType) -> Duration {
        let own = self.websocket.as_ref().filter(|_| how == ConnectionType::Websocket);
        own.and_then(|own| own.ping_interval).unwrap_or(self.options.ping_interval)
    }
}
