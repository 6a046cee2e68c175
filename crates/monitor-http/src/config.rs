//! What the options say of the listener.

/// Where to listen for monitoring requests, and how. nats-server listens for HTTP or for HTTPS, never
/// for both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// HTTP or HTTPS: `http_port` or `https_port`. HTTPS takes the certificates of the `tls` block of
    /// client connections, and asks for no client certificate.
    pub scheme: Scheme,
    /// The address to listen on: the host of `http:`/`https:`, else the one for client connections.
    pub host: String,
    /// The port; 0 lets the system choose (`-m -1`).
    pub port: u16,
    /// `http_base_path`: what every path begins with, as it stands in the configuration; empty for
    /// nothing.
    pub base_path: String,
}

/// How the listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain.
    Http,
    /// Over TLS.
    Https,
}
