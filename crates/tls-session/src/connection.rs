//! A connection as rustls has it, from either side.

use rustls::CommonState;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::server::UnbufferedServerConnection;

use crate::acceptor::Acceptor;
use crate::connector::Connector;

/// rustls has a type for each side, with the same states and no name for what they have in common.
pub(crate) enum Connection {
    /// The peer dialed.
    Accepting(Box<UnbufferedServerConnection>),
    /// The peer was dialed.
    Dialing(Box<UnbufferedClientConnection>),
}

/// Does the same with either.
macro_rules! either {
    ($connection:expr, $name:ident => $body:expr) => {
        match $connection {
            $crate::connection::Connection::Accepting($name) => $body,
            $crate::connection::Connection::Dialing($name) => $body,
        }
    };
}
pub(crate) use either;

impl Connection {
    pub(crate) fn accepting(acceptor: &Acceptor) -> Self {
        let connection = UnbufferedServerConnection::new(acceptor.server_config());
        Self::Accepting(Box::new(connection.expect("an acceptor has checked its configuration")))
    }

    pub(crate) fn dialing(connector: &Connector, name: ServerName<'static>) -> Self {
        let connection = UnbufferedClientConnection::new(connector.client_config(), name);
        Self::Dialing(Box::new(connection.expect("a connector has checked its configuration")))
    }

    /// What is known of it.
    pub(crate) fn state(&self) -> &CommonState {
        either!(self, connection => connection)
    }
}
