//! Connections to other servers: they are made elsewhere, and live on the first shard.

use conns::{Peer, Time};
use nats_auth::ConnectionType;

use crate::event::Arrival;
use crate::shard_core::ShardCore;
use crate::shell::Shell;
use crate::stopping::Stage;

/// How a connection came to be.
#[derive(Clone, Copy)]
pub(crate) enum How {
    Accepted,
    LeafAccepted,
    Dialed(u32),
}

impl<S: Shell> ShardCore<S> {
    /// A connection to another server, or none.
    pub(crate) fn on_peer(
        &mut self,
        shell: &mut S,
        now: Time,
        arrival: Arrival<S::Socket>,
    ) -> Result<(), S::Error> {
        if self.stage != Stage::Serving {
            return Ok(()); // It came too late, and its socket closes here.
        }
        let (how, socket) = match arrival {
            Arrival::Accepted(socket) => (How::Accepted, socket),
            Arrival::LeafAccepted(socket) => (How::LeafAccepted, socket),
            Arrival::Dialed(number, socket) => (How::Dialed(number), socket),
            Arrival::Unreachable(number, reason) => {
                self.broker.on_peer_not_dialed(now, number, &reason);
                return Ok(());
            }
        };
        match (how, shell.on_accepted(&socket, ConnectionType::Standard)) {
            (How::Dialed(number), None) => self.broker.on_peer_not_dialed(now, number, "it is gone already"),
            (_, None) => {}
            (how, Some(peer)) => self.adopt_peer(shell, now, how, socket, peer)?,
        }
        Ok(())
    }

    fn adopt_peer(
        &mut self,
        shell: &mut S,
        now: Time,
        how: How,
        socket: S::Socket,
        peer: Peer,
    ) -> Result<(), S::Error> {
        let id = match how {
            How::Accepted => self.broker.on_peer_accepted(now, peer),
            How::LeafAccepted => self.broker.on_leaf_accepted(now, peer),
            How::Dialed(number) => self.broker.on_peer_dialed(now, number, peer),
        };
        shell.adopt(id, socket)?;
        self.open_peer_transport(shell, now, id, how)?;
        self.steer_receive(shell, id)
    }

    /// Has other servers dialed, and other shards tell their clients of those that came and went.
    #[inline]
    pub(crate) fn reach_out(&mut self, shell: &mut S) -> Result<(), S::Error> {
        if self.broker.cluster_has_news() { self.heed_cluster(shell) } else { Ok(()) }
    }

    #[cold]
    fn heed_cluster(&mut self, shell: &mut S) -> Result<(), S::Error> {
        if self.stage == Stage::Serving {
            self.broker.take_dials().into_iter().for_each(|dial| shell.dial(dial));
        }
        if self.broker.take_told_clients() {
            for other in 0..self.others.len() {
                shell.wake(self.others[other].shard)?;
            }
        }
        Ok(())
    }
}
