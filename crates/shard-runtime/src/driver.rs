//! One shard's turns: take what happened, let the broker decide, send what it says, sleep.
//!
//! A turn is bounded: so many reads of one buffer each, so many batches. Output leaves at the end of
//! the turn, one `send` per connection, or earlier when a turn produces a lot. What a socket does
//! not take waits for its readiness event.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use broker::{Broker, CloseReason, ConnId, Flush, Outbox, Placed, Time};
use fabric::ShardId;
use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown};

use crate::acceptor::Acceptor;
use crate::bell::Bell;
use crate::clock::Clock;
use crate::mesh_port::{MeshPort, Parcel};
use crate::socket::{Socket, Sockets};
use crate::sys::{self, Completion, Ring, Wait};

/// The one buffer that everything is read into: as much as fits a core's second-level cache next to
/// what it turns into.
const READ_BYTES: usize = 64 << 10;

/// Reads in one turn. The rest waits for the next, after output has left.
const READS_PER_TURN_MAX: usize = 256;

/// Output is sent before the end of the turn when this much has gathered.
const UNFLUSHED_BYTES_MAX: usize = 1 << 20;

/// Chunks handed to one `sendmsg`.
const SLICES_PER_SEND: usize = 32;

/// How long a shard that stops waits for the other shards, and then for its clients to read.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// How soon to look again when a queue to another shard is full.
const FULL_QUEUE_PAUSE: Duration = Duration::from_micros(100);

// Tokens above all connection ids.
const TOKEN_ACCEPT: u64 = u64::MAX;
const TOKEN_CONTROL: u64 = u64::MAX - 1;
const TOKEN_WAKE: u64 = u64::MAX - 2;
const TOKEN_IGNORED: u64 = u64::MAX - 3;

/// What a shard watches of each socket.
const SOCKET_EVENTS: PollFlags = PollFlags::IN.union(PollFlags::OUT).union(PollFlags::RDHUP);

/// Where a shard is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Serving,
    /// No more input; what was taken in still crosses to the other shards.
    Draining {
        deadline: Time,
    },
    /// Connections end once their output left.
    Closing {
        deadline: Time,
    },
}

/// What a driver is made of.
pub(crate) struct Parts {
    pub(crate) shard: ShardId,
    pub(crate) broker: Broker,
    pub(crate) ring: Ring,
    pub(crate) bells: Arc<[Bell]>,
    /// By shard; `None` for the shard itself.
    pub(crate) ports: Vec<Option<MeshPort>>,
    pub(crate) acceptor: Option<std::net::TcpListener>,
    pub(crate) control: Arc<OwnedFd>,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) clock: Clock,
}

pub(crate) struct Driver {
    shard: ShardId,
    broker: Broker,
    ring: Ring,
    bells: Arc<[Bell]>,
    ports: Vec<Option<MeshPort>>,
    acceptor: Option<Acceptor>,
    control: Arc<OwnedFd>,
    stop: Arc<AtomicBool>,
    clock: Clock,
    stage: Stage,
    sockets: Sockets,
    /// Sockets with something to read, in the order of their events.
    readable: VecDeque<ConnId>,
    buffer: Box<[u8]>,
    // Scratch, kept for its capacity.
    completions: Vec<Completion>,
    ids: Vec<ConnId>,
}

impl Driver {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            shard: parts.shard,
            broker: parts.broker,
            ring: parts.ring,
            bells: parts.bells,
            ports: parts.ports,
            acceptor: parts.acceptor.map(|listener| Acceptor::new(listener, TOKEN_ACCEPT)),
            control: parts.control,
            stop: parts.stop,
            clock: parts.clock,
            stage: Stage::Serving,
            sockets: Sockets::default(),
            readable: VecDeque::new(),
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            completions: Vec::new(),
            ids: Vec::new(),
        }
    }

    /// Runs turns until the shard is told to stop and has done so.
    pub(crate) async fn run(mut self) -> io::Result<()> {
        self.ring.poll(self.control.as_fd(), PollFlags::IN, TOKEN_CONTROL)?;
        if let Some(acceptor) = &mut self.acceptor {
            acceptor.start(&mut self.ring)?;
        }
        loop {
            let now = self.clock.now();
            self.take_events(now)?;
            self.take_parcels(now)?;
            self.read_sockets(now)?;
            self.on_deadlines(now)?;
            self.list_resumed();
            self.flush(now)?;
            self.send_batches()?;
            if self.stage_ended(now)? {
                return Ok(());
            }
            self.wait(now)?;
            glommio::executor().yield_if_needed().await;
        }
    }

    // In.

    fn take_events(&mut self, now: Time) -> io::Result<()> {
        let mut completions = std::mem::take(&mut self.completions);
        self.ring.take_completions(&mut completions);
        for completion in &completions {
            match completion.token {
                TOKEN_WAKE | TOKEN_IGNORED => {}
                TOKEN_CONTROL => self.on_control(now)?,
                TOKEN_ACCEPT => self.on_accept_event(now, *completion)?,
                token => self.on_socket_event(ConnId::from_bits(token), *completion)?,
            }
        }
        self.completions = completions;
        Ok(())
    }

    fn on_socket_event(&mut self, id: ConnId, event: Completion) -> io::Result<()> {
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

    fn on_accept_event(&mut self, now: Time, event: Completion) -> io::Result<()> {
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
        let socket = self.sockets.insert(id, fd);
        self.ring.poll(socket.fd.as_fd(), SOCKET_EVENTS, id.to_bits())
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

    fn read_sockets(&mut self, now: Time) -> io::Result<()> {
        if self.stage != Stage::Serving {
            return Ok(());
        }
        for _ in 0..self.readable.len().min(READS_PER_TURN_MAX) {
            let Some(id) = self.readable.pop_front() else { break };
            self.read_socket(now, id)?;
        }
        Ok(())
    }

    fn read_socket(&mut self, now: Time, id: ConnId) -> io::Result<()> {
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

    fn on_deadlines(&mut self, now: Time) -> io::Result<()> {
        self.broker.on_deadlines(now);
        match &mut self.acceptor {
            Some(acceptor) => acceptor.on_deadline(&mut self.ring, now),
            None => Ok(()),
        }
    }

    fn list_resumed(&mut self) {
        self.broker.take_resumed(&mut self.ids);
        for id in &self.ids {
            if let Some(socket) = self.sockets.find(*id)
                && socket.readable
            {
                list(socket, &mut self.readable);
            }
        }
    }

    // Out.

    fn flush_if_much(&mut self, now: Time) -> io::Result<()> {
        if self.broker.unflushed_bytes() >= UNFLUSHED_BYTES_MAX { self.flush(now) } else { Ok(()) }
    }

    /// Sends output to clients, after what the other shards have to know first: a client must not
    /// see an effect that a shard it talks to next has not heard of.
    fn flush(&mut self, now: Time) -> io::Result<()> {
        if !self.send_batches()? {
            return Ok(()); // A queue is full: the next turn comes soon.
        }
        let mut ids = std::mem::take(&mut self.ids);
        loop {
            self.broker.take_dirty(&mut ids);
            if ids.is_empty() {
                break;
            }
            for id in &ids {
                self.flush_one(now, *id)?;
            }
        }
        self.ids = ids;
        Ok(())
    }

    fn flush_one(&mut self, now: Time, id: ConnId) -> io::Result<()> {
        loop {
            match self.broker.flush(id) {
                Flush::Nothing => return Ok(()),
                Flush::Close => return self.close(id),
                Flush::Send(outbox) => {
                    let Some(socket) = self.sockets.find(id) else { return Ok(()) };
                    match send(&socket.fd, outbox) {
                        Ok(count) => self.broker.on_sent(id, count),
                        Err(Errno::INTR) => {}
                        Err(Errno::AGAIN) => {
                            self.broker.on_blocked(now, id);
                            return Ok(());
                        }
                        Err(_) => self.broker.on_hangup(id, CloseReason::WriteError),
                    }
                }
            }
        }
    }

    fn close(&mut self, id: ConnId) -> io::Result<()> {
        let Some(socket) = self.sockets.remove(id) else { return Ok(()) };
        self.ring.remove_poll(id.to_bits(), TOKEN_IGNORED)?;
        // Before the descriptor is free for others, the kernel has to have seen all that names it.
        self.ring.submit(Wait::No)?;
        // Unread input would turn the close into a reset, which may overtake our last words.
        let _ = rustix::net::recv(&socket.fd, &mut self.buffer[..], RecvFlags::DONTWAIT);
        // The ring may hold the file a little longer: the peer learns of the end from this. It fails
        // only if the peer ended first.
        let _ = rustix::net::shutdown(&socket.fd, Shutdown::Both);
        Ok(())
    }

    /// Queues a batch for each other shard that has one coming; returns whether all found room.
    fn send_batches(&mut self) -> io::Result<bool> {
        let mut all_sent = true;
        for peer in ShardId::all(self.ports.len()) {
            let Some(port) = &mut self.ports[peer.index()] else { continue };
            let mut sent = port.send_late();
            if !port.has_room() {
                all_sent = false;
            } else if let Some(batch) = self.broker.take_batch(peer) {
                port.send(Parcel::Batch(batch));
                sent = true;
            }
            if sent {
                self.ring_bell(peer)?;
            }
        }
        Ok(all_sent)
    }

    fn ring_bell(&mut self, peer: ShardId) -> io::Result<()> {
        let bell = &self.bells[peer.index()];
        if bell.needs_ringing() {
            self.ring.wake(bell.ring.as_fd(), TOKEN_WAKE, TOKEN_IGNORED)?;
        }
        Ok(())
    }

    // Sleep.

    fn wait(&mut self, now: Time) -> io::Result<()> {
        if !self.readable.is_empty() && self.stage == Stage::Serving {
            return self.ring.submit(Wait::No);
        }
        let bells = Arc::clone(&self.bells);
        let bell = &bells[self.shard.index()];
        bell.lie_down();
        let ports = || self.ports.iter().flatten();
        let wait = if ports().any(|port| !port.inbound.is_empty()) {
            Wait::No
        } else if ports().any(|port| !port.has_room()) {
            Wait::For(FULL_QUEUE_PAUSE)
        } else {
            match self.next_deadline() {
                Some(deadline) => Wait::For(deadline.since(now)),
                None => Wait::Forever,
            }
        };
        let outcome = self.ring.submit(wait);
        bell.get_up();
        outcome
    }

    fn next_deadline(&self) -> Option<Time> {
        let stop = match self.stage {
            Stage::Serving => None,
            Stage::Draining { deadline } | Stage::Closing { deadline } => Some(deadline),
        };
        let accept = self.acceptor.as_ref().and_then(Acceptor::next_deadline);
        [self.broker.next_deadline(), accept, stop].into_iter().flatten().min()
    }

    // The end.

    fn on_control(&mut self, now: Time) -> io::Result<()> {
        let mut count = [0; 8];
        // Someone else's wake-up may have been taken together with ours.
        let _ = rustix::io::read(&*self.control, &mut count);
        if self.stage == Stage::Serving && self.stop.load(Ordering::Acquire) {
            self.stage = Stage::Draining { deadline: now + STOP_PATIENCE };
            if let Some(acceptor) = self.acceptor.take() {
                acceptor.stop(&mut self.ring, TOKEN_IGNORED)?;
            }
            // What this turn still decides goes out with the batches; then comes the last word.
            self.send_batches()?;
            for peer in ShardId::all(self.ports.len()) {
                if let Some(port) = &mut self.ports[peer.index()] {
                    port.send(Parcel::Last);
                    self.ring_bell(peer)?;
                }
            }
        }
        Ok(())
    }

    /// Moves on to the next stage of stopping when this one is over; true after the last.
    fn stage_ended(&mut self, now: Time) -> io::Result<bool> {
        match self.stage {
            Stage::Serving => Ok(false),
            Stage::Draining { deadline } => {
                let all_said = self.ports.iter().flatten().all(|port| port.ended && !port.has_late());
                if all_said || deadline <= now {
                    self.broker.on_shutdown();
                    self.stage = Stage::Closing { deadline: now + STOP_PATIENCE };
                    self.flush(now)?;
                }
                Ok(self.stage != Stage::Draining { deadline } && self.broker.connections() == 0)
            }
            Stage::Closing { deadline } => Ok(self.broker.connections() == 0 || deadline <= now),
        }
    }

    fn port(&mut self, peer: ShardId) -> &mut MeshPort {
        self.ports[peer.index()].as_mut().expect("there is a port to every other shard")
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

fn send(socket: &OwnedFd, outbox: &Outbox) -> Result<usize, Errno> {
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    let mut slices = [IoSlice::new(&[]); SLICES_PER_SEND];
    let mut count = 0;
    for (slot, bytes) in slices.iter_mut().zip(outbox.slices()) {
        *slot = IoSlice::new(bytes);
        count += 1;
    }
    match count {
        1 => rustix::net::send(socket, &slices[0], flags),
        _ => rustix::net::sendmsg(socket, &slices[..count], &mut SendAncillaryBuffer::default(), flags),
    }
}
