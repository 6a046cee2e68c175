//! Clients that come over WebSocket, as far as that concerns the broker.
//!
//! The request that makes a connection a WebSocket is between the caller and whoever sent it. Before it is granted
//! the connection is no client: logs and monitoring know nothing of it, and nobody asks who it is.

mod breach;
mod upgrade;

use std::fmt;

use crate::security::Security;

/// Credentials that a request had in its cookies, for a page cannot set other headers. They stand in for what CONNECT
/// leaves out.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Cookies {
    /// A user's name.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<String>,
    /// A token.
    pub token: Option<String>,
}

/// Secrets are not shown.
impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookies").finish_non_exhaustive()
    }
}

/// What is known of a connection that has just become a WebSocket.
#[derive(Debug)]
pub struct Upgraded {
    /// What its TLS handshake came to, if it had one.
    pub security: Option<Security>,
    /// Credentials in cookies.
    pub cookies: Cookies,
    /// Where the client is, as a proxy says.
    pub client_ip: Option<String>,
}

/// What a request said of a client.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct WebFacts {
    pub(crate) cookies: Cookies,
    pub(crate) client_ip: Option<Box<str>>,
}
