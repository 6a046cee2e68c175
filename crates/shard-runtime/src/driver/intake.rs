//! What comes in: events of the ring, connections, batches of other shards, bytes of clients.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

use broker::{CloseReason, ConnId, Placed, Time};
use fabric::ShardId;
use rustix::io::Errno;

use super::stopping::Stage;
use super::{Driver, TOKEN_ACCEPT, TOKEN_BELL, TOKEN_CONTROL, TOKEN_IGNORED, TOKEN_WAKE};
use crate::mesh_port::Parcel;
use crate::sys::{self, BUFFERS, Completion};

/// Marks the token of a connection's receive; without it the token is that of its writable poll.
const RECEIVE: u64 = 1 << 63;

/// The token of a connection's receive.
pub(super) fn receive_token(id: ConnId) -> u64 {
    id.to_bits() | RECEIVE
}

impl Driver {
    /// Takes what the ring reports and what other shards have sent.
    pub(super) fn take_events(&mut self, now: Time) -> io::Result<()> {
        let mut completions = std::mem::take(&mut self.completions);
        self.ring.take_completions(&mut completions);
        // Whatever made a client send what was just received may have come from another shard, and
        // what that shard sent us before counts first (docs/decisions/0001-interest-fence.md).
        self.take_parcels(now)?;
        for completion in completions.drain(..) {
            match completion.token {
                TOKEN_WAKE | TOKEN_IGNORED => {}
                TOKEN_CONTROL => self.on_control(now, &completion)?,
                TOKEN_ACCEPT => self.on_accept_event(now, &completion)?,
                // Rung bells complete quietly.
                token if token >= TOKEN_BELL => self.on_bell_failed((token - TOKEN_BELL) as usize),
                token if token & RECEIVE != 0 => {
                    self.on_received(now, ConnId::from_bits(token & !RECEIVE), completion)?;
                }
                token => self.on_writable(ConnId::from_bits(token)),
            }
        }
        self.completions = completions;
        Ok(())
    }

    fn on_received(&mut self, now: Time, id: ConnId, event: Completion) -> io::Result<()> {
        let is_open = self.stage == Stage::Serving && self.sockets.find(id).is_some();
        if let Some(filled) = event.filled {
            if is_open {
                self.broker.on_received(now, id, self.ring.bytes(&filled));
            }
            self.ring.give_back(filled);
        }
        if !is_open {
            return Ok(());
        }
        let Some(socket) = self.sockets.find(id) else { return Ok(()) };
        socket.receiving &= event.more;
        let end = match event.result {
            1.. => None,
            0 => Some(CloseReason::ClientClosed),
            error => match Errno::from_raw_os_error(-error) {
                Errno::NOBUFS => {
                    socket.starved = true;
                    self.starved.push_back(id);
                    return Ok(());
                }
                Errno::CANCELED | Errno::INTR | Errno::AGAIN => None,
                _ => Some(CloseReason::ReadError),
            },
        };
        if let Some(reason) = end {
            socket.ended = true;
            self.broker.on_hangup(id, reason);
        }
        self.steer_receive(id)?;
        self.flush_if_much(now)
    }

    /// Receives again from connections that found no buffer, as many as there are buffers: more at
    /// once would only find none again, each time all of them.
    pub(super) fn feed_starved(&mut self) -> io::Result<()> {
        for _ in 0..self.starved.len().min(BUFFERS.into()) {
            let Some(id) = self.starved.pop_front() else { break };
            if let Some(socket) = self.sockets.find(id) {
                socket.starved = false;
                self.steer_receive(id)?;
            }
        }
        Ok(())
    }

    /// Receives from a connection while the broker wants its input, and not while it does not.
    fn steer_receive(&mut self, id: ConnId) -> io::Result<()> {
        let Some(socket) = self.sockets.find(id) else { return Ok(()) };
        if self.broker.wants_input(id) {
            socket.paused = false;
            if !socket.receiving && !socket.starved && !socket.ended {
                socket.receiving = true;
                self.ring.receive(socket.fd.as_fd(), receive_token(id))?;
            }
        } else if socket.receiving && !socket.paused {
            socket.paused = true;
            self.ring.cancel(receive_token(id), TOKEN_IGNORED)?;
        }
        Ok(())
    }

    fn on_writable(&mut self, id: ConnId) {
        if let Some(socket) = self.sockets.find(id) {
            socket.polling = false;
            self.broker.on_writable(id);
        }
    }

    fn on_accept_event(&mut self, now: Time, event: &Completion) -> io::Result<()> {
        let Some(acceptor) = &mut self.acceptor else {
            if event.result >= 0 {
                drop(sys::accepted(event.result));
            }
            return Ok(());
        };
        if event.result < 0 {
            return acceptor.on_error(&mut self.ring, now, Errno::from_raw_os_error(-event.result));
        }
        acceptor.on_accepted();
        if !event.more {
            acceptor.start(&mut self.ring)?;
        }
        self.place(now, sys::accepted(event.result))
    }

    fn place(&mut self, now: Time, socket: OwnedFd) -> io::Result<()> {
        let Ok(Some(peer)) = rustix::net::getpeername(&socket) else { return Ok(()) };
        let Ok(mut peer) = SocketAddr::try_from(peer) else { return Ok(()) };
        peer.set_ip(peer.ip().to_canonical());
        if rustix::net::sockopt::set_tcp_nodelay(&socket, true).is_err() {
            return Ok(()); // The peer is gone already.
        }
        let placed = self.broker.place();
        if placed.shard == self.shard {
            return self.adopt(now, socket, placed, peer);
        }
        self.port(placed.shard).send(Parcel::Connection { socket, placed, peer });
        self.ring_bell(placed.shard)
    }

    fn adopt(&mut self, now: Time, fd: OwnedFd, placed: Placed, peer: SocketAddr) -> io::Result<()> {
        let id = self.broker.on_accepted(now, placed, peer);
        self.sockets.insert(id, fd);
        self.steer_receive(id)
    }

    /// Takes what other shards have sent so far.
    fn take_parcels(&mut self, now: Time) -> io::Result<()> {
        for peer in ShardId::all(self.ports.len()) {
            let sent = self.ports[peer.index()].as_ref().map_or(0, |port| port.inbound.slots());
            for _ in 0..sent {
                let port = self.port(peer);
                let Ok(parcel) = port.inbound.pop() else { break };
                match parcel {
                    Parcel::Batch(batch) => {
                        self.broker.on_batch(now, peer, batch);
                        self.flush_if_much(now)?;
                    }
                    Parcel::Connection { socket, placed, peer } => self.adopt(now, socket, placed, peer)?,
                    Parcel::Last => port.ended = true,
                }
            }
        }
        Ok(())
    }

    pub(super) fn on_deadlines(&mut self, now: Time) -> io::Result<()> {
        self.broker.on_deadlines(now);
        match &mut self.acceptor {
            Some(acceptor) => acceptor.on_deadline(&mut self.ring, now),
            None => Ok(()),
        }
    }

    /// Receives again from connections that were held.
    pub(super) fn receive_from_resumed(&mut self) -> io::Result<()> {
        let mut ids = std::mem::take(&mut self.ids);
        self.broker.take_resumed(&mut ids);
        for id in &ids {
            self.steer_receive(*id)?;
        }
        self.ids = ids;
        Ok(())
    }
}
