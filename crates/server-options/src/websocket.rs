//! The listener for WebSockets, as it is asked for.

use std::time::Duration;

use ws_frame::{CookieNames, Origin};

use crate::advertised::Advertised;
use crate::options::Port;
use crate::tls::Tls;

/// A listener for WebSockets. Who may come, and as whom, is in [`nats_auth::Config::websocket`].
#[derive(Debug, Clone, PartialEq)]
pub struct WebSocket {
    /// Host name or address to bind.
    pub host: String,
    /// Where clients connect.
    pub port: Port,
    /// `advertise`: what clients are told instead of the host and port that are bound.
    pub advertise: Option<Advertised>,
    /// `tls`; `None` is none, which has to be asked for.
    pub tls: Option<Tls>,
    /// `no_tls`, which means nothing beside `tls`. Kept for those who show it.
    pub no_tls: bool,
    /// `same_origin`: a page has to come from where it connects to.
    pub same_origin: bool,
    /// `allowed_origins`: a page has to come from one of these, if there are any.
    pub allowed_origins: Vec<Origin>,
    /// The same as they are written.
    pub origins: Vec<String>,
    /// `handshake_timeout`: for TLS and the request together; `None` leaves it to the server.
    pub handshake_timeout: Option<Duration>,
    /// `compression`: clients that ask for it may compress.
    pub compression: bool,
    /// `user_cookie` and its like: where credentials may be.
    pub cookies: CookieNames,
    /// `headers`: what the answer to the request has beside, `name: value\r\n` each.
    pub headers: String,
    /// `ping_interval`; `None` is that of all connections.
    pub ping_interval: Option<Duration>,
}

impl Default for WebSocket {
    fn default() -> Self {
        Self {
            host: "0.0.0.0".to_owned(),
            port: Port::Random,
            advertise: None,
            tls: None,
            no_tls: false,
            same_origin: false,
            allowed_origins: Vec::new(),
            origins: Vec::new(),
            handshake_timeout: None,
            compression: false,
            cookies: CookieNames::default(),
            headers: String::new(),
            ping_interval: None,
        }
    }
}
