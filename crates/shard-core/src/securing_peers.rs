//! Connections to other servers that are secured, and when that begins: between servers of a cluster the handshake comes
//! before all else, and whoever dialed begins it.

use std::sync::Arc;

use cluster::LEAF_DIALS;
use conns::{ConnId, Time};
use tls_session::Connector;
use transport::Transport;

use crate::peer_tls::PeerTls;
use crate::peers::How;
use crate::securing::tell;
use crate::shard_core::ShardCore;
use crate::shell::Shell;

impl<S: Shell> ShardCore<S> {
    /// Connections to other servers that begin from here on are secured with this.
    pub fn secure_peers(&mut self, tls: PeerTls) {
        self.transports.peer_tls = tls;
    }

    /// Begins to secure a new connection to another server, if it is to be.
    pub(crate) fn open_peer_transport(
        &mut self,
        shell: &mut S,
        now: Time,
        id: ConnId,
        how: How,
    ) -> Result<(), S::Error> {
        let Some((acceptor, connector)) = &self.transports.peer_tls.routes else { return Ok(()) };
        match how {
            How::Accepted if self.broker.wants_input(id) => {
                let acceptor = Arc::clone(acceptor);
                match Transport::new(acceptor, now.0, tell(&mut self.broker, now, id)) {
                    Ok(transport) => self.transports.insert(id, transport),
                    Err(ended) => self.on_ended(shell, id, &ended),
                }
                Ok(())
            }
            How::Dialed(number) if number < LEAF_DIALS => {
                let (connector, name) = (Arc::clone(connector), self.broker.name_of_dialed(number));
                self.shake_hands(shell, now, id, &connector, &name)
            }
            // Hubs are dialed in the clear, whatever routes are.
            How::Accepted | How::LeafAccepted | How::Dialed(_) => Ok(()),
        }
    }

    /// Begins a handshake with who was dialed.
    fn shake_hands(
        &mut self,
        shell: &mut S,
        now: Time,
        id: ConnId,
        connector: &Connector,
        name: &str,
    ) -> Result<(), S::Error> {
        self.broker.on_securing(id);
        let Some(transport) = Transport::dialing(connector, name, now.0) else {
            self.broker.on_handshake_failed(id, &format!("{name} is no name of a host"), false);
            return Ok(());
        };
        self.transports.insert(id, transport);
        self.attend(shell, now, id, Ok(()))
    }
}
