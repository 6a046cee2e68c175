//! Connections with TLS, as far as they concern the broker: when INFO leaves, and who is there.
//!
//! The handshake is between the caller and the client. The broker is told when it is over, hears nothing
//! of the client before, and what it says meanwhile waits with the caller.

mod handshake;

use conns::Peer;
use monitor::TlsFacts;
use nats_auth::{ConnectionType, PeerFacts};

/// How a connection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Greeting {
    /// INFO, and no TLS.
    Plain,
    /// INFO, then it turns out whether there is TLS.
    BeforeTls,
    /// Silence; INFO comes when the connection is secured, or with [`Broker::greet`](crate::Broker::greet).
    AfterTls,
    /// Silence; the connection is no client before [`Broker::on_upgraded`](crate::Broker::on_upgraded).
    AfterUpgrade,
}

impl Greeting {
    /// How who is greeted like this is connected.
    pub(crate) fn connection_type(self, peer: Peer) -> ConnectionType {
        match self {
            _ if peer == Peer::InProcess => ConnectionType::InProcess,
            Self::Plain | Self::BeforeTls | Self::AfterTls => ConnectionType::Standard,
            Self::AfterUpgrade => ConnectionType::Websocket,
        }
    }
}

/// What a handshake came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Security {
    /// What monitoring shows.
    pub tls: TlsFacts,
    /// What the client's certificate says, if it showed one: it was verified.
    pub peer: Option<PeerFacts>,
}
