//! Sockets on io_uring: multishot receives into buffers that all connections share.

use std::collections::VecDeque;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use conns::ConnId;
use fabric::ShardId;
use nats_auth::ConnectionType;
use rustix::event::epoll;
use rustix::io::Errno;
use shard_core::Slots;

use super::listener::Listener;
use super::{ENDS_MAX, End, Event, Notice, Received, Wait};
use crate::sys::{BUFFER_BYTES, BUFFERS, Completion, Filled, Ring};

// Tokens above all connection ids.
const TOKEN_ACCEPT: u64 = u64::MAX;
const TOKEN_CONTROL: u64 = u64::MAX - 1;
const TOKEN_WAKE: u64 = u64::MAX - 2;
const TOKEN_IGNORED: u64 = u64::MAX - 3;
/// The first of one token for each shard: a bell that could not be rung.
const TOKEN_BELL: u64 = u64::MAX - 255;

/// Marks the token of a connection's receive; without it the token is that of its writable poll.
const RECEIVE: u64 = 1 << 63;

/// Who sends no more than this at once says little: it is received from without being asked again.
const LITTLE_BYTES: usize = BUFFER_BYTES / 4;

/// What counts as much. A full buffer would be too much to ask: loopback's segments are a little shorter than one.
const MUCH_BYTES: usize = BUFFER_BYTES / 2;

fn receive_token(id: ConnId) -> u64 {
    id.to_bits() | RECEIVE
}

/// Where a connection's receive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Receive {
    /// Not asked for.
    Idle,
    /// The kernel has it.
    Running,
    /// It found no buffer, and is in line for one.
    Starved,
    /// In that line, and not asked for any more.
    StarvedIdle,
    /// It was cancelled; its last event is still to come.
    Stopping,
    /// The peer sent all it will, or the connection broke.
    Over,
}

#[derive(Debug)]
struct Socket {
    fd: OwnedFd,
    receive: Receive,
    /// It used most of a buffer lately: it gets one at a time.
    says_much: bool,
    /// A poll for writability is queued.
    polling: bool,
}

/// The sockets of a shard and the ring that watches them.
pub(crate) struct Uring {
    ring: Ring,
    /// Rung by those who cannot post to the ring.
    control: Arc<OwnedFd>,
    listener: Option<Listener>,
    /// Watches the listener, and the ring watches this: a ring keeps the files that it watches open for
    /// a while after the process has ended, and a port on which nobody answers must not seem open.
    gate: OwnedFd,
    sockets: Slots<Socket>,
    /// Connections whose receive found no buffer, in line for one; each is here once.
    starved: VecDeque<ConnId>,
    /// A shard was woken, and the kernel does not know yet.
    wakes: bool,
    /// Scratch, kept for its capacity.
    completions: Vec<Completion>,
}

impl Uring {
    /// Makes a ring for the calling thread; only this thread may use it. It also wakes up when
    /// `control`, an event counter, is rung.
    pub(crate) fn new(control: Arc<OwnedFd>) -> io::Result<Self> {
        let mut uring = Self {
            ring: Ring::new()?,
            control,
            listener: None,
            gate: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            sockets: Slots::default(),
            starved: VecDeque::new(),
            wakes: false,
            completions: Vec::new(),
        };
        uring.watch_control()?;
        Ok(uring)
    }

    /// What other shards ring to wake this one: a duplicate, so that it stays this ring when its
    /// owner has ended.
    pub(crate) fn door(&self) -> io::Result<OwnedFd> {
        self.ring.duplicate()
    }

    pub(crate) fn listen(&mut self, listener: TcpListener, how: ConnectionType) -> io::Result<()> {
        epoll::add(&self.gate, &listener, epoll::EventData::new_u64(0), epoll::EventFlags::IN)?;
        let is_first = self.listener.is_none();
        self.listener.get_or_insert_with(Listener::new).add(listener, how);
        if is_first { self.watch_gate() } else { Ok(()) }
    }

    pub(crate) fn accept(&mut self) {
        if let Some(listener) = &mut self.listener {
            listener.accepting = true;
        }
    }

    pub(crate) fn stop_listening(&mut self) -> io::Result<()> {
        self.listener = None;
        self.ring.cancel(TOKEN_ACCEPT, TOKEN_IGNORED)
    }

    pub(crate) fn adopt(&mut self, id: ConnId, fd: OwnedFd) {
        self.sockets.insert(id, Socket { fd, receive: Receive::Idle, says_much: false, polling: false });
    }

    pub(crate) fn socket(&self, id: ConnId) -> Option<BorrowedFd<'_>> {
        Some(self.sockets.peek(id)?.fd.as_fd())
    }

    pub(crate) fn receive(&mut self, id: ConnId) -> io::Result<()> {
        let Some(socket) = self.sockets.find(id) else { return Ok(()) };
        match socket.receive {
            Receive::Idle => {
                socket.receive = Receive::Running;
                let (fd, token) = (socket.fd.as_fd(), receive_token(id));
                if socket.says_much {
                    self.ring.receive_once(fd, token)?
                } else {
                    self.ring.receive(fd, token)?
                }
            }
            Receive::StarvedIdle => socket.receive = Receive::Starved,
            Receive::Running | Receive::Starved | Receive::Stopping | Receive::Over => {}
        }
        Ok(())
    }

    pub(crate) fn stop_receiving(&mut self, id: ConnId) -> io::Result<bool> {
        let Some(socket) = self.sockets.find(id) else { return Ok(true) };
        match socket.receive {
            Receive::Running => {
                socket.receive = Receive::Stopping;
                self.ring.cancel(receive_token(id), TOKEN_IGNORED)?;
                return Ok(false);
            }
            Receive::Stopping => return Ok(false),
            Receive::Starved => socket.receive = Receive::StarvedIdle,
            Receive::Idle | Receive::StarvedIdle | Receive::Over => {}
        }
        Ok(true)
    }

    pub(crate) fn await_writable(&mut self, id: ConnId) -> io::Result<()> {
        match self.sockets.find(id) {
            Some(socket) if !socket.polling => {
                socket.polling = true;
                self.ring.poll_writable(socket.fd.as_fd(), id.to_bits())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn release(&mut self, id: ConnId) -> io::Result<Option<OwnedFd>> {
        let Some(socket) = self.sockets.remove(id) else { return Ok(None) };
        if matches!(socket.receive, Receive::Running) {
            self.ring.cancel(receive_token(id), TOKEN_IGNORED)?;
        }
        if socket.polling {
            self.ring.cancel(id.to_bits(), TOKEN_IGNORED)?;
        }
        // Before the descriptor is free for others, the kernel has to have seen all that names it.
        self.ring.submit(Wait::No)?;
        Ok(Some(socket.fd))
    }

    pub(crate) fn wake(&mut self, shard: ShardId, door: &OwnedFd) -> io::Result<()> {
        self.wakes = true;
        self.ring.wake(door.as_fd(), TOKEN_WAKE, TOKEN_BELL + u64::from(shard.0))
    }

    pub(crate) fn wait(&mut self, wait: Wait) -> io::Result<()> {
        self.feed_starved()?;
        self.wakes = false;
        self.ring.submit(if self.has_work() { Wait::No } else { wait })
    }

    pub(crate) fn poll(&mut self) -> io::Result<bool> {
        self.feed_starved()?;
        self.wakes = false;
        Ok(self.ring.poll()? || self.has_work())
    }

    pub(crate) fn glance(&mut self) -> io::Result<bool> {
        if self.wakes {
            return self.poll();
        }
        Ok(self.ring.glance()? || self.listener.as_ref().is_some_and(Listener::has_work))
    }

    /// Takes a batch of events. Returns whether there are more.
    pub(crate) fn take_events(&mut self, into: &mut Vec<Event>) -> io::Result<bool> {
        let mut completions = std::mem::take(&mut self.completions);
        let has_more = self.ring.take_completions(&mut completions, ENDS_MAX);
        for completion in completions.drain(..) {
            match completion.token {
                TOKEN_WAKE | TOKEN_IGNORED => {}
                TOKEN_CONTROL => self.on_control(&completion)?,
                TOKEN_ACCEPT => self.on_gate(),
                // Rung bells complete quietly.
                token if token >= TOKEN_BELL => {
                    let shard = ShardId((token - TOKEN_BELL) as u8);
                    into.push(Event::Own(Notice::BellFailed(shard)));
                }
                token if token & RECEIVE != 0 => {
                    self.on_receive_event(ConnId::from_bits(token & !RECEIVE), completion, into)?;
                }
                token => self.on_poll_event(ConnId::from_bits(token), into),
            }
        }
        self.completions = completions;
        self.accept_some(into)?;
        Ok(has_more)
    }

    pub(crate) fn bytes(&self, filled: &Filled) -> &[u8] {
        self.ring.bytes(filled)
    }

    pub(crate) fn bytes_mut(&mut self, filled: &mut Filled) -> &mut [u8] {
        self.ring.bytes_mut(filled)
    }

    /// Receives more at once from a connection that says much, into the buffer that it has just used.
    pub(crate) fn receive_now(&mut self, id: ConnId, filled: &mut Filled) -> bool {
        let Some(socket) = self.sockets.find(id) else { return false };
        if !socket.says_much || socket.receive != Receive::Idle || filled.len() < MUCH_BYTES {
            return false;
        }
        let count = self.ring.receive_now(socket.fd.as_fd(), filled);
        socket.says_much = count >= LITTLE_BYTES;
        count > 0
    }

    pub(crate) fn give_back(&mut self, filled: Filled) {
        self.ring.give_back(filled);
    }
}

impl Uring {
    /// Whether there is something to do that the kernel does not tell of again.
    fn has_work(&self) -> bool {
        !self.starved.is_empty() || self.listener.as_ref().is_some_and(Listener::has_work)
    }

    fn watch_gate(&mut self) -> io::Result<()> {
        self.ring.poll_readable_once(self.gate.as_fd(), TOKEN_ACCEPT)
    }

    fn on_gate(&mut self) {
        if let Some(listener) = &mut self.listener {
            listener.ready = true;
        }
    }

    /// Accepts if the gate has told of connections, and has it watched again once there are no more.
    fn accept_some(&mut self, into: &mut Vec<Event>) -> io::Result<()> {
        let Some(listener) = self.listener.as_mut().filter(|listener| listener.has_work()) else {
            return Ok(());
        };
        listener.accept_some(into);
        if listener.ready { Ok(()) } else { self.watch_gate() }
    }

    fn watch_control(&mut self) -> io::Result<()> {
        self.ring.poll_readable(self.control.as_fd(), TOKEN_CONTROL)
    }

    fn on_control(&mut self, event: &Completion) -> io::Result<()> {
        let mut count = [0; 8];
        // Someone else's wake-up may have been taken together with ours.
        let _ = rustix::io::read(&*self.control, &mut count);
        if !event.more {
            self.watch_control()?; // The kernel ends a poll when it has no room for its event.
        }
        Ok(())
    }

    fn on_receive_event(&mut self, id: ConnId, event: Completion, into: &mut Vec<Event>) -> io::Result<()> {
        if let Some(filled) = event.filled {
            into.push(Event::Received(id, Received::Filled(filled)));
            self.note_amount(id, event.result, event.more)?;
        }
        if event.more {
            return Ok(());
        }
        let Some(socket) = self.sockets.find(id) else { return Ok(()) };
        let end = match event.result {
            1.. => End::Stopped,
            0 => End::Closed,
            error => match Errno::from_raw_os_error(-error) {
                Errno::NOBUFS if socket.receive == Receive::Running => {
                    socket.receive = Receive::Starved;
                    self.starved.push_back(id);
                    return Ok(());
                }
                Errno::NOBUFS | Errno::CANCELED | Errno::INTR | Errno::AGAIN => End::Stopped,
                _ => End::Failed,
            },
        };
        socket.receive = if end == End::Stopped { Receive::Idle } else { Receive::Over };
        into.push(Event::ReceiveEnded(id, end));
        Ok(())
    }

    /// A connection sent so much at once. The kernel gives one that is received from without end as many
    /// buffers as it can fill, and others find none: who uses most of one gets one at a time from then on.
    fn note_amount(&mut self, id: ConnId, bytes: i32, more: bool) -> io::Result<()> {
        let Some(socket) = self.sockets.find(id) else { return Ok(()) };
        let bytes = bytes.max(0) as usize;
        if bytes >= MUCH_BYTES {
            socket.says_much = true;
            if more && socket.receive == Receive::Running {
                socket.receive = Receive::Stopping;
                self.ring.cancel(receive_token(id), TOKEN_IGNORED)?;
            }
        } else if bytes < LITTLE_BYTES {
            socket.says_much = false;
        }
        Ok(())
    }

    fn on_poll_event(&mut self, id: ConnId, into: &mut Vec<Event>) {
        if let Some(socket) = self.sockets.find(id) {
            socket.polling = false;
            into.push(Event::Writable(id));
        }
    }

    /// Receives again from connections that found no buffer, as many as there are buffers: more at
    /// once would only find none again, each time all of them.
    fn feed_starved(&mut self) -> io::Result<()> {
        for _ in 0..self.starved.len().min(BUFFERS.into()) {
            let Some(id) = self.starved.pop_front() else { break };
            let Some(socket) = self.sockets.find(id) else { continue };
            let wanted = socket.receive == Receive::Starved;
            socket.receive = Receive::Idle;
            if wanted {
                self.receive(id)?;
            }
        }
        Ok(())
    }
}
