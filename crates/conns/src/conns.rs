//! All connections of a machine that speak one protocol.
//!
//! Each has its own place in memory: one more moves no other, and a million have a list of 8 MB.
//!
//! Always true: an id finds the connection that it was given to, or none.

use crate::conn::Conn;
use crate::conn_id::ConnId;
use crate::deadlines::Deadlines;
use crate::lateness::Lateness;
use crate::output::{Output, WriteLimits, Writer};
use crate::time::Time;

/// Connections by id, of a protocol that keeps a `P` of each, and wants to be reminded of an `R`. A machine with
/// two protocols has two tables.
#[derive(Debug)]
pub struct Conns<P, R> {
    pub(crate) rows: Vec<Row<P>>,
    free: Vec<u32>,
    generation: u32,
    pub(crate) output: Output,
    pub(crate) deadlines: Deadlines<R>,
}

type Row<P> = Option<Box<Conn<P>>>;

impl<P, R: Copy + Ord> Conns<P, R> {
    /// None yet.
    pub fn new(limits: WriteLimits) -> Self {
        Self {
            rows: Vec::new(),
            free: Vec::new(),
            generation: 0,
            output: Output::new(limits),
            deadlines: Deadlines::default(),
        }
    }

    /// From now on these limits hold.
    pub fn set_limits(&mut self, limits: WriteLimits) {
        self.output.limits = limits;
    }

    /// Takes a connection in, which has this id from now on. What waits in its outbox stays there; whether its
    /// socket is full is forgotten.
    pub fn insert(&mut self, mut conn: Box<Conn<P>>) -> ConnId {
        self.generation = (self.generation + 1) % ConnId::GENERATIONS;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.rows.push(None);
            u32::try_from(self.rows.len() - 1).expect("descriptors run out long before slots")
        });
        let id = ConnId::from_parts(slot, self.generation);
        conn.id = id;
        (conn.is_dirty, conn.blocked_since, conn.lateness) = (false, None, Lateness::default());
        self.output.pending += conn.outbox.len() as i64;
        self.rows[slot as usize] = Some(conn);
        id
    }

    /// Takes a connection out. Its id is void from here on, and nobody is reminded of it.
    pub fn remove(&mut self, id: ConnId) -> Option<Box<Conn<P>>> {
        let conn = find(&mut self.rows, id)?;
        self.output.pending -= conn.outbox.len() as i64;
        self.deadlines.forget(id);
        self.free.push(id.slot() as u32);
        self.rows[id.slot()].take()
    }

    /// The connection, unless it is gone or closing: what happens to it is of no interest any more then.
    #[inline]
    pub fn open(&mut self, id: ConnId) -> Option<&mut Conn<P>> {
        self.find(id).filter(|conn| conn.is_open())
    }

    /// The same, to be looked at only.
    #[inline]
    pub fn peek_open(&self, id: ConnId) -> Option<&Conn<P>> {
        self.peek(id).filter(|conn| conn.is_open())
    }

    /// The connection, unless it is gone: it may be closing.
    #[inline]
    pub fn find(&mut self, id: ConnId) -> Option<&mut Conn<P>> {
        find(&mut self.rows, id)
    }

    /// The same, to be looked at only.
    #[inline]
    pub fn peek(&self, id: ConnId) -> Option<&Conn<P>> {
        self.rows.get(id.slot())?.as_deref().filter(|conn| conn.id == id)
    }

    /// A connection that was just found: panics if it is gone.
    #[inline]
    pub fn at(&mut self, id: ConnId) -> &mut Conn<P> {
        self.find(id).expect("the connection was just looked at")
    }

    /// The connection to be written to, unless it is gone or closing.
    #[inline]
    pub fn open_writer(&mut self, id: ConnId) -> Option<Writer<'_, P>> {
        self.writer(id).filter(|writer| writer.is_open())
    }

    /// The connection to be written to, unless it is gone: one that is closing has last words.
    #[inline]
    pub fn writer(&mut self, id: ConnId) -> Option<Writer<'_, P>> {
        find(&mut self.rows, id).map(|conn| Writer { conn, output: &mut self.output })
    }

    /// Whether too much waited for any connection.
    #[inline]
    pub fn has_overrun(&self) -> bool {
        !self.output.overrun.is_empty()
    }

    /// The next connection for which too much waited: it has begun to close.
    pub fn pop_overrun(&mut self) -> Option<ConnId> {
        self.output.overrun.pop()
    }

    /// Gives back memory that is not needed, some of it each second.
    pub fn shrink(&mut self, now: Time) {
        self.output.pool.shrink(now);
    }

    /// The id of the connection in the row of that number, if it is in use.
    pub fn id_in_row(&self, number: usize) -> Option<ConnId> {
        Some(self.row(number)?.id)
    }

    /// Above the numbers of all rows.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The connection in the row of that number, if it is in use.
    pub fn row(&self, number: usize) -> Option<&Conn<P>> {
        self.rows.get(number)?.as_deref()
    }

    /// How many connections there are, closing ones included.
    pub fn len(&self) -> usize {
        self.rows.len() - self.free.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[inline]
pub(crate) fn find<P>(rows: &mut [Row<P>], id: ConnId) -> Option<&mut Conn<P>> {
    rows.get_mut(id.slot())?.as_deref_mut().filter(|conn| conn.id == id)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::close_reason::CloseReason;
    use crate::peer::Peer;

    fn conns() -> Conns<u32, ()> {
        Conns::new(WriteLimits { pending_bytes_max: 100, deadline: Duration::MAX, gives_more_time: false })
    }

    fn conn(number: u32) -> Box<Conn<u32>> {
        Box::new(Conn::new(Peer::InProcess, number))
    }

    #[test]
    fn an_id_finds_nobody_else_when_its_slot_is_used_again() {
        let mut conns = conns();
        let first = conns.insert(conn(1));
        let removed = conns.remove(first).unwrap();
        assert_eq!(**removed, 1);
        let second = conns.insert(conn(2));
        assert_eq!(second.slot(), first.slot());
        assert!(conns.find(first).is_none() && conns.remove(first).is_none());
        assert_eq!((**conns.at(second), conns.len()), (2, 1));
    }

    #[test]
    fn what_is_no_connection_is_not_found() {
        let mut conns = conns();
        let id = conns.insert(conn(1));
        let (slot, generation) = id.to_parts();
        assert!(conns.peek(ConnId::from_parts(slot, generation | ConnId::GENERATIONS)).is_none());
        assert!(conns.peek(ConnId::NOWHERE).is_none());
    }

    #[test]
    fn a_connection_that_closes_is_there_but_not_open() {
        let mut conns = conns();
        let id = conns.insert(conn(1));
        conns.open(id).unwrap().begin_to_close(CloseReason::ClientClosed);
        assert!(conns.open(id).is_none() && conns.peek_open(id).is_none());
        assert!(conns.find(id).is_some() && conns.peek(id).is_some());
    }
}
