//! One connection: a socket's half, and what a protocol keeps of it.

use std::ops::{Deref, DerefMut};

use crate::close_reason::CloseReason;
use crate::conn_id::ConnId;
use crate::inbox::Inbox;
use crate::lateness::Lateness;
use crate::outbox::Outbox;
use crate::peer::Peer;
use crate::time::Time;

/// A connection of a protocol that keeps a `P` of it, which this derefs to.
///
/// It is open until it is given a reason to close. From then on what it says is of no interest; what waits for the
/// peer may leave yet, then the socket is closed.
#[derive(Debug)]
pub struct Conn<P> {
    pub(crate) id: ConnId,
    peer: Peer,
    /// It is not known yet whether and how it is secured.
    pub opening: bool,
    /// Input that is not used up: the start of an op, or what is kept back.
    pub inbox: Inbox,
    /// The caller keeps input of it that comes before what is in the inbox.
    pub has_read_outside: bool,
    /// The input has ended; the connection closes for this reason once what is kept back was used.
    pub hung_up: Option<CloseReason>,
    pub(crate) outbox: Outbox,
    /// Whether it is on the list of connections to flush.
    pub(crate) is_dirty: bool,
    pub(crate) blocked_since: Option<Time>,
    pub(crate) lateness: Lateness,
    closing: Option<CloseReason>,
    kept: P,
}

impl<P> Conn<P> {
    /// An open connection to `peer`, in no table yet.
    pub fn new(peer: Peer, kept: P) -> Self {
        Self {
            id: ConnId::NOWHERE,
            peer,
            opening: false,
            inbox: Inbox::default(),
            has_read_outside: false,
            hung_up: None,
            outbox: Outbox::default(),
            is_dirty: false,
            blocked_since: None,
            lateness: Lateness::default(),
            closing: None,
            kept,
        }
    }

    /// Where the other end is.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// What waits for the peer.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Bytes that wait for the peer.
    #[inline]
    pub fn pending_bytes(&self) -> usize {
        self.outbox.len()
    }

    /// Since when its socket takes no more.
    #[inline]
    pub fn blocked_since(&self) -> Option<Time> {
        self.blocked_since
    }

    /// Whether it has no reason to close yet.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.closing.is_none()
    }

    /// Why it closes, if it does.
    pub fn closing_reason(&self) -> Option<CloseReason> {
        self.closing
    }

    /// Whether it closes, or will once its input is used.
    pub fn is_ending(&self) -> bool {
        !self.is_open() || self.hung_up.is_some()
    }

    /// Whether it closes and nothing waits any more: its socket is to be closed.
    #[inline]
    pub fn is_over(&self) -> bool {
        !self.is_open() && self.outbox.is_empty() && self.blocked_since.is_none()
    }

    /// Begins to close it. The first reason counts.
    pub fn begin_to_close(&mut self, reason: CloseReason) {
        self.closing.get_or_insert(reason);
    }
}

impl<P> Deref for Conn<P> {
    type Target = P;

    #[inline]
    fn deref(&self) -> &P {
        &self.kept
    }
}

impl<P> DerefMut for Conn<P> {
    #[inline]
    fn deref_mut(&mut self) -> &mut P {
        &mut self.kept
    }
}
