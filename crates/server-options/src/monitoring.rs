//! Where the server can be asked how it is.

use crate::options::Port;

/// Where the server can be asked how it is. By default nowhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Monitoring {
    /// `http` or `https`: the port, and whether it speaks TLS. There is at most one.
    pub listener: Option<MonitoringListener>,
    /// `http_base_path`: what stands before every path; `None` is nothing.
    pub base_path: Option<String>,
}

/// A listener for monitoring requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitoringListener {
    /// Host name or address to bind; that of the clients where none is named.
    pub host: String,
    /// Where.
    pub port: Port,
    /// Whether it speaks TLS, with the certificates for clients.
    pub tls: bool,
}
