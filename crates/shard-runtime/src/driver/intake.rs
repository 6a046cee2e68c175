//! What comes in: events of the ring, connections, batches of other shards, bytes of clients.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

use broker::{CloseReason, ConnId, Placed, Time};
use fabric::ShardId;
use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::RecvFlags;

use super::stopping::Stage;
use super::{Driver, READ_BYTES, TOKEN_ACCEPT, TOKEN_BELL, TOKEN_CONTROL, TOKEN_IGNORED, TOKEN_WAKE};
use crate::mesh_port::Parcel;
use crate::socket::Socket;
use crate::sys::{self, Completion};

/// Reads in one turn. The rest waits for the next, after output has left.
const READS_PER_TURN_MAX: usize = 256;

/// What a shard watches of each socket.
const SOCKET_EVENTS: PollFlags = PollFlags::IN.union(PollFlags::OUT).union(PollFlags::RDHUP);

impl Driver {
    pub(super) fn take_events(&mut self, now: Time) -> io::Result<()> {
        let mut completions = std::mem::take(&mut self.completions);
        self.ring.take_completions(&mut completions);
        for completion in &completions {
            match completion.token {
                TOKEN_WAKE | TOKEN_IGNORED => {}
                TOKEN_CONTROL => self.on_control(now)?,
                TOKEN_ACCEPT => self.on_accept_event(now, *completion)?,
                // Rung bells complete quietly.
                token if token >= TOKEN_BELL => self.on_bell_failed((token - TOKEN_BELL) as usize),
                token => self.on_socket_event(ConnId::from_bits(token), *completion)?,
            }
        }
        self.completions = completions;
        Ok(())
    }

    pub(super) fn on_socket_event(&mut self, id: ConnId, event: Completion) -> io::Result<()> {
        let Some(socket) = self.sockets.find(id) else { return Ok(()) };
        let readiness = event.readiness();
        let gone = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
        socket.hung_up |= readiness.intersects(gone);
        if readiness.intersects(gone | PollFlags::IN) {
            socket.readable = true;
            list(socket, &mut self.readable);
        }
        if readiness.contains(PollFlags::OUT) {
            self.broker.on_writable(id);
        }
        if !event.more {
            self.ring.poll(socket.fd.as_fd(), SOCKET_EVENTS, id.to_bits())?;
        }
        Ok(())
    }

    pub(super) fn on_accept_event(&mut self, now: Time, event: Completion) -> io::Result<()> {
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

    pub(super) fn place(&mut self, now: Time, socket: OwnedFd) -> io::Result<()> {
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

    pub(super) fn adopt(
        &mut self,
        now: Time,
        fd: OwnedFd,
        placed: Placed,
        peer: SocketAddr,
    ) -> io::Result<()> {
        let id = self.broker.on_accepted(now, placed, peer);
        let socket = self.sockets.insert(id, fd);
        self.ring.poll(socket.fd.as_fd(), SOCKET_EVENTS, id.to_bits())
    }

    /// Takes what other shards have sent so far.
    pub(super) fn take_parcels(&mut self, now: Time) -> io::Result<()> {
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

    pub(super) fn read_sockets(&mut self, now: Time) -> io::Result<()> {
        if self.stage != Stage::Serving {
            return Ok(());
        }
        for _ in 0..self.readable.len().min(READS_PER_TURN_MAX) {
            let Some(id) = self.readable.pop_front() else { break };
            self.read_socket(now, id)?;
        }
        Ok(())
    }

    pub(super) fn read_socket(&mut self, now: Time, id: ConnId) -> io::Result<()> {
        let Some(socket) = self.sockets.find(id) else { return Ok(()) };
        socket.listed = false;
        // A held connection stays readable, and is listed again when it is resumed.
        if !self.broker.wants_input(id) {
            return Ok(());
        }
        let in_place = self.broker.room_for_op(id);
        let is_in_place = in_place.is_some();
        let received = match in_place {
            Some(room) => receive_into(&socket.fd, room),
            None => rustix::net::recv(&socket.fd, &mut self.buffer[..], RecvFlags::DONTWAIT)
                .map(|(len, _)| (len, len == READ_BYTES)),
        };
        // A short read emptied the socket; what comes later brings an event of its own.
        socket.readable = match received {
            Ok((len, was_full)) => len > 0 && (was_full || socket.hung_up),
            Err(error) => error == Errno::INTR,
        };
        if socket.readable {
            list(socket, &mut self.readable);
        }
        match received {
            Ok((0, _)) => self.broker.on_hangup(id, CloseReason::ClientClosed),
            Ok((len, _)) => {
                // Whatever made the client send this may have come from another shard, and what
                // that shard sent us before has to count first (docs/decisions/0001-interest-fence.md).
                self.take_parcels(now)?;
                if is_in_place {
                    self.broker.on_received_in_place(now, id);
                } else {
                    self.broker.on_received(now, id, &self.buffer[..len]);
                }
                self.flush_if_much(now)?;
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => self.broker.on_hangup(id, CloseReason::ReadError),
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

    pub(super) fn list_resumed(&mut self) {
        self.broker.take_resumed(&mut self.ids);
        for id in &self.ids {
            if let Some(socket) = self.sockets.find(*id)
                && socket.readable
            {
                list(socket, &mut self.readable);
            }
        }
    }
}

/// Puts a socket on the list to read from, once.
fn list(socket: &mut Socket, readable: &mut VecDeque<ConnId>) {
    if !std::mem::replace(&mut socket.listed, true) {
        readable.push_back(socket.id);
    }
}

/// Reads into the spare room of a vector; returns the count and whether the room was filled.
fn receive_into(socket: &OwnedFd, room: &mut Vec<u8>) -> Result<(usize, bool), Errno> {
    let wanted = room.capacity() - room.len();
    let (_, len) = rustix::net::recv(socket, rustix::buffer::spare_capacity(room), RecvFlags::DONTWAIT)?;
    Ok((len, len == wanted))
}
