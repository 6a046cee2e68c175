//! The transports of a shard's connections.
//!
//! A connection has one here as long as something stands between its socket and the broker, or may yet: without TLS
//! that costs a look into a table that is empty.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use broker::Broker;
use conns::{CloseReason, ConnId, Outbox, Time};
use tls_session::{Acceptor, Sealed};
use transport::{Tools, Transport, WebPolicy};

use crate::peer_tls::PeerTls;
use crate::slots::Slots;

#[derive(Default)]
pub(crate) struct Transports {
    /// What secures connections that are accepted.
    pub(crate) acceptor: Option<Arc<Acceptor>>,
    /// What secures connections to other servers.
    pub(crate) peer_tls: PeerTls,
    /// What WebSockets that are accepted are subject to.
    pub(crate) web_policy: Arc<WebPolicy>,
    /// What they share.
    pub(crate) tools: Tools,
    rows: Slots<Box<Row>>,
    deadlines: Deadlines,
    /// Connections that the kernel may be ready to go on with.
    pub(crate) eager: Vec<ConnId>,
    /// Connections whose requests wait for room, in the order in which they came to it.
    waiting: Vec<ConnId>,
    /// What is about to be sent.
    pub(crate) sealed: Sealed,
}

struct Row {
    transport: Transport,
    /// Why it ends, if it is a WebSocket: its last frame says so.
    end: Option<CloseReason>,
    /// Its deadline is noted.
    is_timed: bool,
    /// It is among those that wait for room.
    is_waiting: bool,
}

/// One for each connection that has one: those that are on their way. Most are not, so it is not kept with them.
#[derive(Default)]
struct Deadlines {
    by_time: BTreeSet<(Time, ConnId)>,
    of: BTreeMap<ConnId, Time>,
}

impl Deadlines {
    /// A connection has this one now, or none.
    fn set(&mut self, id: ConnId, deadline: Option<Time>) {
        let before = match deadline {
            Some(deadline) => self.of.insert(id, deadline),
            None => self.of.remove(&id),
        };
        if before != deadline {
            before.map(|before| self.by_time.remove(&(before, id)));
            deadline.map(|deadline| self.by_time.insert((deadline, id)));
        }
    }

    fn first(&self) -> Option<(Time, ConnId)> {
        self.by_time.first().copied()
    }
}

impl Transports {
    pub(crate) fn insert(&mut self, id: ConnId, transport: Transport) {
        transport.enter(&mut self.tools);
        self.rows.insert(id, Box::new(Row { transport, end: None, is_timed: false, is_waiting: false }));
        self.note(id);
    }

    #[inline]
    pub(crate) fn has(&self, id: ConnId) -> bool {
        self.rows.has(id)
    }

    /// Whether what is received of a connection are frames whose payload can stay where it is.
    #[inline]
    pub(crate) fn stays_in_place(&self, id: ConnId) -> bool {
        self.peek(id).is_some_and(Transport::stays_in_place)
    }

    pub(crate) fn peek(&self, id: ConnId) -> Option<&Transport> {
        Some(&self.rows.peek(id)?.transport)
    }

    pub(crate) fn find(&mut self, id: ConnId) -> Option<&mut Transport> {
        Some(&mut self.rows.find(id)?.transport)
    }

    /// The same, and where it is sealed.
    pub(crate) fn find_with_room(&mut self, id: ConnId) -> Option<(&mut Transport, &mut Sealed)> {
        Some((&mut self.rows.find(id)?.transport, &mut self.sealed))
    }

    /// The same, and what WebSockets share.
    pub(crate) fn find_with_tools(&mut self, id: ConnId) -> Option<(&mut Transport, &mut Tools)> {
        Some((&mut self.rows.find(id)?.transport, &mut self.tools))
    }

    /// Whether something of its own is to be sent before what waits for it.
    pub(crate) fn has_own_output(&mut self, id: ConnId) -> bool {
        let Some(row) = self.rows.find(id) else { return false };
        row.transport.frame(0, std::iter::empty(), &mut self.tools);
        row.transport.has_own_output()
    }

    /// Makes a frame of what waits for a connection, if it is a WebSocket.
    pub(crate) fn frame(&mut self, id: ConnId, outbox: &Outbox) {
        if let Some(row) = self.rows.find(id) {
            row.transport.frame(outbox.len(), outbox.slices(), &mut self.tools);
        }
    }

    /// Keeps why a connection ends, if it is a WebSocket: the broker forgets it when its last output has left.
    pub(crate) fn note_end(&mut self, broker: &Broker, id: ConnId) {
        if let Some(row) = self.rows.find(id).filter(|row| row.transport.is_web()) {
            row.end = broker.closing_reason(id);
        }
    }

    /// Why a connection ends, as it was noted.
    pub(crate) fn end(&self, id: ConnId) -> Option<CloseReason> {
        self.rows.peek(id)?.end
    }

    /// Whether a connection's socket is to be read, as far as this is concerned.
    #[inline]
    pub(crate) fn want_input(&self, id: ConnId) -> bool {
        self.rows.peek(id).is_none_or(|row| row.transport.wants_input())
    }

    pub(crate) fn remove(&mut self, id: ConnId) -> Option<Transport> {
        let row = self.rows.remove(id)?;
        if row.is_timed {
            self.deadlines.set(id, None);
        }
        row.transport.leave(&mut self.tools);
        Some(row.transport)
    }

    /// Something has happened to a connection: its deadline may have changed, and the kernel may be ready for it.
    pub(crate) fn note(&mut self, id: ConnId) {
        let Some(row) = self.rows.find(id) else { return };
        let deadline = row.transport.next_deadline().map(Time);
        if deadline.is_some() || row.is_timed {
            self.deadlines.set(id, deadline);
            row.is_timed = deadline.is_some();
        }
        if row.transport.is_for_kernel() {
            self.eager.push(id);
        }
        if row.transport.is_waiting() && !std::mem::replace(&mut row.is_waiting, true) {
            self.waiting.push(id);
        }
    }

    /// Whether somebody waits for room and some was left since that was last looked at: by a connection that ended with
    /// the turn's output, for one, behind which no turn need follow.
    pub(crate) fn may_resume(&self) -> bool {
        !self.waiting.is_empty() && self.tools.may_have_more_room()
    }

    /// Lets go on those that waited for room, if there is more by now: appends them.
    pub(crate) fn take_resumed(&mut self, into: &mut Vec<ConnId>) {
        if self.waiting.is_empty() || !self.tools.has_more_room() {
            return;
        }
        let Self { rows, tools, waiting, .. } = self;
        waiting.retain(|id| {
            let Some(row) = rows.find(*id) else { return false };
            row.is_waiting = !row.transport.resume(tools);
            if !row.is_waiting {
                into.push(*id);
            }
            row.is_waiting
        });
    }

    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|(at, _)| at)
    }

    /// The next connection that took its time.
    pub(crate) fn due(&self, now: Time) -> Option<ConnId> {
        self.deadlines.first().filter(|(at, _)| *at <= now).map(|(_, id)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A WebSocket has one, and within the transport what frames take: both in a block of 64 bytes of the allocator.
    #[test]
    fn an_idle_connection_takes_56_bytes_beside_its_stages() {
        assert_eq!(size_of::<Row>(), 56);
    }
}
