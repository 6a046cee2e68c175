//! Where connections come in.

use std::io;
use std::net::TcpListener;

/// Where connections come in.
#[derive(Debug)]
pub struct Listeners {
    /// Those of clients, with TLS or without.
    pub clients: TcpListener,
    /// Those of WebSockets, if there are any.
    pub websocket: Option<TcpListener>,
}

impl Listeners {
    /// Duplicates of them.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        let websocket = self.websocket.as_ref().map(TcpListener::try_clone).transpose()?;
        Ok(Self { clients: self.clients.try_clone()?, websocket })
    }
}
