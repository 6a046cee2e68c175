//! A shard's sockets, and what happens to them: the part of the runtime that knows how the kernel
//! tells.
//!
//! The driver asks for things to be done (receive from this connection, say when that one is
//! writable, wait) and takes [`Event`]s; nothing else reaches it from the kernel.

mod epoll;
mod listener;
mod uring;

use std::io;
use std::net::TcpListener;
use std::ops::Range;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use conns::ConnId;
use fabric::ShardId;
use nats_auth::ConnectionType;
use rustix::io::Errno;
pub(crate) use shard_core::End;

use self::epoll::Epoll;
use self::uring::Uring;
use crate::bell::Bell;
use crate::sys;

/// How a shard deals with the kernel (docs/decisions/0005-two-backends.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// io_uring: the kernel receives into our buffers and tells what came.
    Uring,
    /// epoll: the kernel tells which sockets are ready, and we receive.
    Epoll,
}

/// What happened.
pub(crate) type Event = shard_core::Event<Received, OwnedFd, Notice>;

/// What else happened.
#[derive(Debug)]
pub(crate) enum Notice {
    /// No more connections come in, until asked for again.
    AcceptEnded(Errno),
    /// A shard's bell could not be rung.
    BellFailed(ShardId),
}

/// Where received bytes are, until they are given back.
#[derive(Debug)]
pub(crate) enum Received {
    Filled(sys::Filled),
    Span(epoll::Span),
}

impl Received {
    /// Whether the bytes stay where they are until they are given back, whatever is received meanwhile.
    pub(crate) fn can_stay(&self) -> bool {
        matches!(self, Self::Filled(_))
    }

    /// Of the bytes only these count from here on.
    pub(crate) fn keep_only(&mut self, bytes: Range<usize>) {
        match self {
            Self::Filled(filled) => filled.keep_only(bytes),
            Self::Span(span) => span.keep_only(bytes),
        }
    }
}

/// Buffers that bytes can stay in.
pub(crate) const BUFFERS: usize = sys::BUFFERS as usize;

/// Ends of connections in one batch of events: they take a millisecond.
const ENDS_MAX: usize = 32;

/// How long to wait for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Not at all.
    No,
    /// Until there is one.
    Forever,
    /// Until there is one or the time is over.
    For(Duration),
}

/// The sockets of a shard and what watches them. Only the thread that made it may use it.
pub(crate) enum Io {
    Uring(Box<Uring>),
    Epoll(Box<Epoll>),
}

impl Io {
    /// Watches nothing yet but `control`, an event counter that anyone may ring to wake the shard.
    pub(crate) fn new(backend: Backend, control: Arc<OwnedFd>) -> io::Result<Self> {
        Ok(match backend {
            Backend::Uring => Self::Uring(Uring::new(control)?.into()),
            Backend::Epoll => Self::Epoll(Epoll::new(&control)?.into()),
        })
    }

    /// What other shards need beside the event counter to wake this one.
    pub(crate) fn door(&self) -> io::Result<Option<OwnedFd>> {
        match self {
            Self::Uring(uring) => uring.door().map(Some),
            Self::Epoll(_) => Ok(None),
        }
    }

    /// Accepts connections from one more listener, until [`Notice::AcceptEnded`].
    pub(crate) fn listen(&mut self, listener: TcpListener, how: ConnectionType) -> io::Result<()> {
        match self {
            Self::Uring(uring) => uring.listen(listener, how),
            Self::Epoll(epoll) => epoll.listen(listener, how),
        }
    }

    /// Accepts again after an [`Notice::AcceptEnded`]. Does nothing when not listening any more.
    pub(crate) fn accept(&mut self) -> io::Result<()> {
        match self {
            Self::Uring(uring) => uring.accept(),
            Self::Epoll(epoll) => epoll.accept(),
        }
        Ok(())
    }

    /// Closes the listeners. Connections that were accepted already may still be reported.
    pub(crate) fn stop_listening(&mut self) -> io::Result<()> {
        match self {
            Self::Uring(uring) => uring.stop_listening()?,
            Self::Epoll(epoll) => epoll.stop_listening(),
        }
        Ok(())
    }

    /// Takes over a socket, without receiving from it yet.
    pub(crate) fn adopt(&mut self, id: ConnId, socket: OwnedFd) -> io::Result<()> {
        match self {
            Self::Uring(uring) => uring.adopt(id, socket),
            Self::Epoll(epoll) => epoll.adopt(id, socket)?,
        }
        Ok(())
    }

    /// The socket to send to, unless it was released.
    pub(crate) fn socket(&self, id: ConnId) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Uring(uring) => uring.socket(id),
            Self::Epoll(epoll) => epoll.socket(id),
        }
    }

    /// Receives from a connection until [`Event::ReceiveEnded`] or told to stop. Does nothing if it
    /// does already, if that event is still to come, or if it came and was for good.
    pub(crate) fn receive(&mut self, id: ConnId) -> io::Result<()> {
        match self {
            Self::Uring(uring) => uring.receive(id)?,
            Self::Epoll(epoll) => epoll.receive(id),
        }
        Ok(())
    }

    /// Stops receiving from a connection. Returns whether nothing more comes: otherwise there is
    /// an [`Event::ReceiveEnded`] to come, behind the bytes that are under way. Events that were
    /// taken already and not looked at yet do not count.
    pub(crate) fn stop_receiving(&mut self, id: ConnId) -> io::Result<bool> {
        match self {
            Self::Uring(uring) => uring.stop_receiving(id),
            Self::Epoll(epoll) => {
                epoll.stop_receiving(id);
                Ok(true)
            }
        }
    }

    /// Asks for an [`Event::Writable`] when the socket, now full, takes bytes again.
    pub(crate) fn await_writable(&mut self, id: ConnId) -> io::Result<()> {
        match self {
            Self::Uring(uring) => uring.await_writable(id)?,
            Self::Epoll(epoll) => epoll.await_writable(id),
        }
        Ok(())
    }

    /// From now on what a connection sends is received record by record: less than there was room for may not
    /// be all there is.
    pub(crate) fn on_records(&mut self, id: ConnId) {
        match self {
            // It asks until there is nothing, as it does anyway.
            Self::Uring(_) => {}
            Self::Epoll(epoll) => epoll.on_records(id),
        }
    }

    /// Lets go of a socket. Events that still name the connection mean nothing.
    pub(crate) fn release(&mut self, id: ConnId) -> io::Result<Option<OwnedFd>> {
        match self {
            Self::Uring(uring) => uring.release(id),
            Self::Epoll(epoll) => epoll.release(id),
        }
    }

    /// Wakes another shard. A [`Notice::BellFailed`] may follow.
    pub(crate) fn wake(&mut self, shard: ShardId, bell: &Bell) -> io::Result<()> {
        match (self, &bell.door) {
            (Self::Uring(uring), Some(door)) => uring.wake(shard, door)?,
            _ => bell.ring_control(),
        }
        Ok(())
    }

    /// Waits for events as told, or not at all if there is something to do without them. This begins
    /// the next turn.
    pub(crate) fn wait(&mut self, wait: Wait) -> io::Result<()> {
        match self {
            Self::Uring(uring) => uring.wait(wait),
            Self::Epoll(epoll) => epoll.wait(wait),
        }
    }

    /// Waits for nothing, and cheaply. Returns whether there is something to do.
    pub(crate) fn poll(&mut self) -> io::Result<bool> {
        match self {
            Self::Uring(uring) => uring.poll(),
            Self::Epoll(epoll) => epoll.poll(),
        }
    }

    /// The same while there is other work: what was asked for since the last poll may wait for the next.
    pub(crate) fn glance(&mut self) -> io::Result<bool> {
        match self {
            Self::Uring(uring) => uring.glance(),
            Self::Epoll(epoll) => epoll.poll(),
        }
    }

    /// Takes a batch of events, of which [`ENDS_MAX`] at most are ends. Returns whether this turn has
    /// another one, for which all bytes of this one have to be given back.
    pub(crate) fn take_events(&mut self, into: &mut Vec<Event>) -> io::Result<bool> {
        match self {
            Self::Uring(uring) => uring.take_events(into),
            Self::Epoll(epoll) => Ok(epoll.take_events(into)),
        }
    }

    /// The received bytes.
    pub(crate) fn bytes(&self, received: &Received) -> &[u8] {
        match (self, received) {
            (Self::Uring(uring), Received::Filled(filled)) => uring.bytes(filled),
            (Self::Epoll(epoll), Received::Span(span)) => epoll.bytes(span),
            _ => unreachable!("bytes are looked at where they were received"),
        }
    }

    /// The received bytes, to be changed: nobody else looks at them any more.
    pub(crate) fn bytes_mut(&mut self, received: &mut Received) -> &mut [u8] {
        match (self, received) {
            (Self::Uring(uring), Received::Filled(filled)) => uring.bytes_mut(filled),
            (Self::Epoll(epoll), Received::Span(span)) => epoll.bytes_mut(span),
            _ => unreachable!("bytes are looked at where they were received"),
        }
    }

    /// Receives more at once from a connection that sends much, into the buffer of a read that is done with and
    /// that is the connection's last. Returns whether there was anything.
    pub(crate) fn receive_now(&mut self, id: ConnId, received: &mut Received) -> bool {
        match (self, received) {
            (Self::Uring(uring), Received::Filled(filled)) => uring.receive_now(id, filled),
            _ => false,
        }
    }

    /// Lets the kernel have the buffer again.
    pub(crate) fn give_back(&mut self, received: Received) {
        if let (Self::Uring(uring), Received::Filled(filled)) = (self, received) {
            uring.give_back(filled);
        }
    }
}

#[cfg(test)]
mod tests;
