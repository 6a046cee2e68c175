//! Where connections come in.

use std::io;
use std::net::TcpListener;

/// Where connections come in.
#[derive(Debug, Default)]
pub struct Listeners {
    /// Those of clients, with TLS or without, if there are to be any from outside of the process.
    pub clients: Option<TcpListener>,
    /// Those of WebSockets, if there are any.
    pub websocket: Option<TcpListener>,
}

impl Listeners {
    /// Duplicates of them.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        let duplicate =
            |listener: &Option<TcpListener>| listener.as_ref().map(TcpListener::try_clone).transpose();
        Ok(Self { clients: duplicate(&self.clients)?, websocket: duplicate(&self.websocket)? })
    }
}
