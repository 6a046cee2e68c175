//! Sockets on epoll, by way of `mio`: the kernel tells what is ready, plain calls do the rest.
//!
//! A descriptor is registered once, for the edges of all that can happen to it. What the kernel told
//! stays in the socket's row until a call finds that it is over, so stopping and starting to receive
//! asks nothing of the kernel.
//!
//! Always true: a connection that is received from and may have input is in `line`, once.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use conns::ConnId;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use nats_auth::ConnectionType;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use shard_core::Slots;

use super::listener::Listener;
use super::{ENDS_MAX, End, Event, Received, Wait};

// Tokens above all connection ids.
const TOKEN_LISTENER: Token = Token(usize::MAX);
const TOKEN_CONTROL: Token = Token(usize::MAX - 1);

/// Sockets that one wait reports; the others come with the next.
const EVENTS_PER_WAIT_MAX: usize = 512;

/// Bytes received before the broker looks at them. They stay in a second-level cache; with a quarter of
/// this, fan-out and queue groups cost 1.2 and 1.4 times as much.
const BUFFER_BYTES: usize = 256 << 10;

/// A batch ends when less room than this is left in the buffer, so that nobody is read in crumbs.
const ROOM_BYTES_MIN: usize = 16 << 10;

/// What is received from one connection at once. The next one's bytes have room behind it.
const RECEIVE_BYTES_MAX: usize = 64 << 10;

/// A turn ends when it has received this much; what is left waits for the next.
const TURN_BYTES_MAX: usize = 1 << 20;

/// `mio` counts in milliseconds: shorter waits take another call.
const MIO_WAIT_MIN: Duration = Duration::from_millis(1);

/// Where in the buffer the bytes of one receive are.
#[derive(Debug)]
pub(crate) struct Span {
    start: usize,
    len: usize,
}

impl Span {
    pub(super) fn keep_only(&mut self, bytes: Range<usize>) {
        assert!(bytes.end <= self.len, "of what was received");
        (self.start, self.len) = (self.start + bytes.start, bytes.len());
    }
}

/// Whether a connection is received from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Receive {
    Idle,
    Running,
    /// The peer sent all it will, or the connection broke.
    Over,
}

#[derive(Debug)]
struct Socket {
    fd: OwnedFd,
    receive: Receive,
    /// There may be something to receive.
    readable: bool,
    /// The kernel told of the peer's end: once all is received, there is an end to receive.
    ended: bool,
    /// It is in the line of those to receive from.
    in_line: bool,
    /// Room to write is waited for.
    polling: bool,
    /// The kernel hands out records, some at a time.
    in_records: bool,
}

/// The sockets of a shard and the epoll that watches them.
pub(crate) struct Epoll {
    poll: Poll,
    ready: Events,
    listener: Option<Listener>,
    sockets: Slots<Socket>,
    /// Connections that are received from and may have input.
    line: VecDeque<ConnId>,
    /// How many of them have their turn in this one.
    due: usize,
    /// Bytes that may still be received in this turn.
    turn_bytes: usize,
    buffer: Box<[u8]>,
    /// What the last wait brought for sockets that were full.
    writable: Vec<ConnId>,
}

impl Epoll {
    /// Watches nothing yet but `control`, an event counter that others ring.
    pub(crate) fn new(control: &OwnedFd) -> io::Result<Self> {
        let poll = Poll::new()?;
        // An edge comes with each ring, so nobody has to read the counter; it never gets full.
        poll.registry().register(&mut SourceFd(&control.as_raw_fd()), TOKEN_CONTROL, Interest::READABLE)?;
        Ok(Self {
            poll,
            ready: Events::with_capacity(EVENTS_PER_WAIT_MAX),
            listener: None,
            sockets: Slots::default(),
            line: VecDeque::new(),
            due: 0,
            turn_bytes: TURN_BYTES_MAX,
            buffer: vec![0; BUFFER_BYTES].into(),
            writable: Vec::new(),
        })
    }

    pub(crate) fn listen(&mut self, listener: TcpListener, how: ConnectionType) -> io::Result<()> {
        let mut source = SourceFd(&listener.as_raw_fd());
        self.poll.registry().register(&mut source, TOKEN_LISTENER, Interest::READABLE)?;
        self.listener.get_or_insert_with(Listener::new).add(listener, how);
        Ok(())
    }

    pub(crate) fn accept(&mut self) {
        if let Some(listener) = &mut self.listener {
            listener.accepting = true;
        }
    }

    pub(crate) fn stop_listening(&mut self) {
        self.listener = None;
    }

    pub(crate) fn adopt(&mut self, id: ConnId, fd: OwnedFd) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut SourceFd(&fd.as_raw_fd()), token(id), both)?;
        let socket = Socket {
            fd,
            receive: Receive::Idle,
            readable: false,
            ended: false,
            in_line: false,
            polling: false,
            in_records: false,
        };
        self.sockets.insert(id, socket);
        Ok(())
    }

    pub(crate) fn socket(&self, id: ConnId) -> Option<BorrowedFd<'_>> {
        Some(self.sockets.peek(id)?.fd.as_fd())
    }

    pub(crate) fn receive(&mut self, id: ConnId) {
        if let Some(socket) = self.sockets.find(id)
            && socket.receive == Receive::Idle
        {
            socket.receive = Receive::Running;
            line_up(&mut self.line, id, socket);
        }
    }

    pub(crate) fn stop_receiving(&mut self, id: ConnId) {
        if let Some(socket) = self.sockets.find(id)
            && socket.receive == Receive::Running
        {
            socket.receive = Receive::Idle;
        }
    }

    pub(crate) fn await_writable(&mut self, id: ConnId) {
        if let Some(socket) = self.sockets.find(id) {
            socket.polling = true;
        }
    }

    pub(crate) fn on_records(&mut self, id: ConnId) {
        if let Some(socket) = self.sockets.find(id) {
            socket.in_records = true;
            // What came before may have become something to receive without a further edge.
            socket.readable = true;
            line_up(&mut self.line, id, socket);
        }
    }

    pub(crate) fn release(&mut self, id: ConnId) -> io::Result<Option<OwnedFd>> {
        let Some(socket) = self.sockets.remove(id) else { return Ok(None) };
        self.poll.registry().deregister(&mut SourceFd(&socket.fd.as_raw_fd()))?;
        Ok(Some(socket.fd))
    }

    pub(crate) fn wait(&mut self, wait: Wait) -> io::Result<()> {
        self.ready.clear();
        match self.wait_for_edges(if self.has_work() { Wait::No } else { wait }) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        self.note_edges();
        self.due = self.line.len();
        self.turn_bytes = TURN_BYTES_MAX;
        Ok(())
    }

    pub(crate) fn poll(&mut self) -> io::Result<bool> {
        self.wait(Wait::No)?;
        Ok(self.has_work() || !self.writable.is_empty())
    }

    /// Takes a batch of events. Returns whether this turn has another one.
    pub(crate) fn take_events(&mut self, into: &mut Vec<Event>) -> bool {
        into.extend(self.writable.drain(..).map(Event::Writable));
        if let Some(listener) = &mut self.listener {
            listener.accept_some(into);
        }
        self.receive_some(into);
        self.due > 0 && self.turn_bytes > 0
    }

    pub(crate) fn bytes(&self, span: &Span) -> &[u8] {
        &self.buffer[span.start..][..span.len]
    }

    pub(crate) fn bytes_mut(&mut self, span: &Span) -> &mut [u8] {
        &mut self.buffer[span.start..][..span.len]
    }
}

impl Epoll {
    /// Whether there is something to do that the kernel does not tell of again.
    fn has_work(&self) -> bool {
        !self.line.is_empty() || self.listener.as_ref().is_some_and(Listener::has_work)
    }

    fn wait_for_edges(&mut self, wait: Wait) -> io::Result<()> {
        let timeout = match wait {
            Wait::No => Some(Duration::ZERO),
            Wait::Forever => None,
            Wait::For(time) if time < MIO_WAIT_MIN => {
                let time = Timespec::try_from(time).map_err(|_| Errno::INVAL)?;
                poll(&mut [PollFd::new(self.poll.registry(), PollFlags::IN)], Some(&time))?;
                Some(Duration::ZERO)
            }
            Wait::For(time) => Some(time),
        };
        self.poll.poll(&mut self.ready, timeout)
    }

    /// Keeps what the kernel told in the rows of the sockets.
    fn note_edges(&mut self) {
        for event in &self.ready {
            match event.token() {
                TOKEN_CONTROL => {}
                TOKEN_LISTENER => {
                    if let Some(listener) = &mut self.listener {
                        listener.ready = true;
                    }
                }
                Token(bits) => {
                    let id = ConnId::from_bits(bits as u64);
                    let Some(socket) = self.sockets.find(id) else { continue };
                    socket.ended |= event.is_read_closed() || event.is_error();
                    socket.readable |= socket.ended || event.is_readable();
                    line_up(&mut self.line, id, socket);
                    if socket.polling && (socket.ended || event.is_writable()) {
                        socket.polling = false;
                        self.writable.push(id);
                    }
                }
            }
        }
    }

    /// Receives from those in line until the buffer is full or all had their turn.
    fn receive_some(&mut self, into: &mut Vec<Event>) {
        let (mut start, mut ends) = (0, 0);
        while ends < ENDS_MAX
            && self.due > 0
            && self.turn_bytes > 0
            && self.buffer.len() - start >= ROOM_BYTES_MIN
        {
            self.due -= 1;
            let Some(id) = self.line.pop_front() else { break };
            let Some(socket) = self.sockets.find(id) else { continue };
            socket.in_line = false;
            if socket.receive != Receive::Running {
                continue;
            }
            let asked = (self.buffer.len() - start).min(RECEIVE_BYTES_MAX);
            let room = &mut self.buffer[start..][..asked];
            match rustix::net::recv(&socket.fd, room, RecvFlags::DONTWAIT) {
                Ok((len @ 1.., _)) => {
                    into.push(Event::Received(id, Received::Span(Span { start, len })));
                    // Less than asked for was all there is; more would come with an edge.
                    socket.readable = len == asked || socket.ended || socket.in_records;
                    // Whoever has more comes again in this turn, behind all others: the more a turn takes in, the
                    // larger are the sends that carry it on.
                    self.due += usize::from(len == asked);
                    start += len;
                    self.turn_bytes = self.turn_bytes.saturating_sub(len);
                }
                Ok((0, _)) => {
                    ends += 1;
                    end(id, socket, End::Closed, into);
                }
                Err(Errno::AGAIN) => socket.readable = false,
                Err(Errno::INTR) => {}
                Err(_) => {
                    ends += 1;
                    end(id, socket, End::Failed, into);
                }
            }
            line_up(&mut self.line, id, socket);
        }
    }
}

// A token has room for an id.
const _: () = assert!(size_of::<Token>() == size_of::<ConnId>());

fn token(id: ConnId) -> Token {
    Token(id.to_bits() as usize)
}

/// Puts a connection in line if it belongs there.
fn line_up(line: &mut VecDeque<ConnId>, id: ConnId, socket: &mut Socket) {
    if socket.receive == Receive::Running && socket.readable && !socket.in_line {
        socket.in_line = true;
        line.push_back(id);
    }
}

fn end(id: ConnId, socket: &mut Socket, why: End, into: &mut Vec<Event>) {
    socket.receive = Receive::Over;
    into.push(Event::ReceiveEnded(id, why));
}
