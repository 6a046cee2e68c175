//! Writing to connections.
//!
//! Always true: what waits in all outboxes of a table is counted once, and who was written to is on the list of
//! those to flush.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use bytes::Bytes;

use crate::chunk_pool::ChunkPool;
use crate::close_reason::CloseReason;
use crate::conn::Conn;
use crate::conn_id::ConnId;

/// What holds for all who are written to.
#[derive(Debug, Clone, Copy)]
pub struct WriteLimits {
    /// Bytes that may wait for one peer before it is cut off.
    pub pending_bytes_max: usize,
    /// How long a peer may take over what waits when its socket is full.
    pub deadline: Duration,
    /// A peer that takes longer, but takes something, has as much time again instead of being cut off.
    pub gives_more_time: bool,
}

/// What the connections of a table share to be written to.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) limits: WriteLimits,
    pub(crate) pool: ChunkPool,
    /// Connections to flush: each once.
    pub(crate) dirty: Vec<ConnId>,
    /// Bytes appended since the list was last taken.
    pub(crate) unflushed: usize,
    /// Bytes that wait, those aside; below zero when some of them are gone already.
    pub(crate) pending: i64,
    /// Connections for which too much waited. Each is here once: it closes then.
    pub(crate) overrun: Vec<ConnId>,
}

impl Output {
    pub(crate) fn new(limits: WriteLimits) -> Self {
        Self {
            limits,
            pool: ChunkPool::default(),
            dirty: Vec::new(),
            unflushed: 0,
            pending: 0,
            overrun: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn mark_dirty<P>(&mut self, conn: &mut Conn<P>) {
        if !conn.is_dirty {
            conn.is_dirty = true;
            self.dirty.push(conn.id);
        }
    }
}

/// A connection to be written to. What is written leaves with the next flush.
#[derive(Debug)]
pub struct Writer<'a, P> {
    pub(crate) conn: &'a mut Conn<P>,
    pub(crate) output: &'a mut Output,
}

impl<P> Writer<'_, P> {
    /// Whether so many bytes more may wait for the peer. Whoever writes to an open connection has to ask, and cuts
    /// it off if not; last words need not.
    #[inline]
    pub fn has_room(&self, bytes: usize) -> bool {
        self.conn.outbox.len() + bytes <= self.output.limits.pending_bytes_max
    }

    /// What has to hold.
    pub fn limits(&self) -> WriteLimits {
        self.output.limits
    }

    /// Appends `bytes` bytes, which `write` has to put at the end of the vector that it is given.
    #[inline]
    pub fn append(&mut self, bytes: usize, write: impl FnOnce(&mut Vec<u8>)) {
        self.conn.outbox.append(&mut self.output.pool, bytes, write);
        self.wrote(bytes);
    }

    /// Appends a copy of `bytes`.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        self.conn.outbox.push(&mut self.output.pool, bytes);
        self.wrote(bytes.len());
    }

    /// Appends `bytes` without copying them.
    #[inline]
    pub fn push_shared(&mut self, bytes: Bytes) {
        let len = bytes.len();
        self.conn.outbox.push_shared(&mut self.output.pool, bytes);
        self.wrote(len);
    }

    /// Begins to close an open connection for which too much would wait. The rest of its end is up to who takes it
    /// from [`Conns::pop_overrun`](crate::Conns::pop_overrun).
    #[cold]
    pub fn cut_off(self) {
        self.conn.begin_to_close(CloseReason::SlowConsumerPendingBytes);
        self.output.overrun.push(self.conn.id);
    }

    #[inline]
    fn wrote(&mut self, bytes: usize) {
        self.output.unflushed += bytes;
        self.output.mark_dirty(self.conn);
    }
}

impl<P> Deref for Writer<'_, P> {
    type Target = Conn<P>;

    #[inline]
    fn deref(&self) -> &Conn<P> {
        self.conn
    }
}

impl<P> DerefMut for Writer<'_, P> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Conn<P> {
        self.conn
    }
}
