//! The HTTP API, as it is asked for.

use crate::options::Port;

/// The HTTP API. nats-server has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpApi {
    /// Host name or address to bind.
    pub host: String,
    /// Where browsers and other programs ask.
    pub port: Port,
    /// What it is subject to. How large a message may be, and whether everybody may ask, is the business of other options.
    pub config: api_http::Config,
}

impl Default for HttpApi {
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), port: Port::Random, config: api_http::Config::default() }
    }
}
