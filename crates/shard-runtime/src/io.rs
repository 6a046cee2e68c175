//! A shard's sockets, and what happens to them: the part of the runtime that knows how the kernel
//! tells.
//!
//! The driver asks for things to be done (receive from this connection, say when that one is
//! writable, wait) and takes [`Event`]s; nothing else reaches it from the kernel.

mod uring;

use std::time::Duration;

use broker::ConnId;
use fabric::ShardId;
use rustix::fd::OwnedFd;
use rustix::io::Errno;

pub(crate) use self::uring::Uring as Io;
pub(crate) use crate::sys::Filled as Received;

/// What happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// Bytes came in. The buffer has to be given back.
    Received(ConnId, Received),
    /// Nothing more comes in from this connection, until it is asked for again. All bytes that were
    /// under way came before this.
    ReceiveEnded(ConnId, End),
    /// The socket takes bytes again.
    Writable(ConnId),
    /// A connection came in.
    Accepted(OwnedFd),
    /// No more connections come in, until asked for again.
    AcceptEnded(Option<Errno>),
    /// A shard's bell could not be rung.
    BellFailed(ShardId),
}

/// Why a receive ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It was told to, or the kernel needs to be asked again. The only end that is not for good.
    Stopped,
    /// The peer sent all it will.
    Closed,
    /// The connection broke.
    Failed,
}

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
