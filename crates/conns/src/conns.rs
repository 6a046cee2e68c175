//! All connections of a machine that speak one protocol.
//!
//! Each has its own place in memory: one more moves no other, and a million have a list of 8 MB.
//!
//! Always true: an id finds the connection that it was given to, or none.

use crate::conn::Conn;
use crate::conn_id::ConnId;

/// Connections by id. A machine with two protocols has two tables.
#[derive(Debug)]
pub struct Conns<P> {
    rows: Vec<Option<Box<Conn<P>>>>,
    free: Vec<u32>,
    generation: u32,
}

impl<P> Default for Conns<P> {
    fn default() -> Self {
        Self { rows: Vec::new(), free: Vec::new(), generation: 0 }
    }
}

impl<P> Conns<P> {
    /// Takes a connection in, which has this id from now on.
    pub fn insert(&mut self, mut conn: Box<Conn<P>>) -> ConnId {
        self.generation = (self.generation + 1) % ConnId::GENERATIONS;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.rows.push(None);
            u32::try_from(self.rows.len() - 1).expect("descriptors run out long before slots")
        });
        let id = ConnId::from_parts(slot, self.generation);
        conn.id = id;
        self.rows[slot as usize] = Some(conn);
        id
    }

    /// Takes a connection out. Its id is void from here on.
    pub fn remove(&mut self, id: ConnId) -> Option<Box<Conn<P>>> {
        self.find(id)?;
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
        self.rows.get_mut(id.slot())?.as_deref_mut().filter(|conn| conn.id == id)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::close_reason::CloseReason;

    fn conn(number: u32) -> Box<Conn<u32>> {
        Box::new(Conn::new(([127, 0, 0, 1], 4222).into(), number))
    }

    #[test]
    fn an_id_finds_nobody_else_when_its_slot_is_used_again() {
        let mut conns = Conns::default();
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
        let mut conns = Conns::default();
        let id = conns.insert(conn(1));
        let (slot, generation) = id.to_parts();
        assert!(conns.peek(ConnId::from_parts(slot, generation | ConnId::GENERATIONS)).is_none());
        assert!(conns.peek(ConnId::NOWHERE).is_none());
    }

    #[test]
    fn a_connection_that_closes_is_there_but_not_open() {
        let mut conns = Conns::default();
        let id = conns.insert(conn(1));
        conns.open(id).unwrap().begin_to_close(CloseReason::ClientClosed);
        assert!(conns.open(id).is_none() && conns.peek_open(id).is_none());
        assert!(conns.find(id).is_some() && conns.peek(id).is_some());
    }
}
