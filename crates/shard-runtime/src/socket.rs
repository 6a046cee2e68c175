//! The sockets of a shard, or what belongs to some of them, by the slot of their connection.

use broker::ConnId;

/// What an I/O backend knows of each open socket.
#[derive(Debug)]
pub(crate) struct Sockets<S> {
    rows: Vec<Option<(ConnId, S)>>,
}

impl<S> Default for Sockets<S> {
    fn default() -> Self {
        Self { rows: Vec::new() }
    }
}

impl<S> Sockets<S> {
    pub(crate) fn insert(&mut self, id: ConnId, socket: S) {
        if self.rows.len() <= id.slot() {
            self.rows.resize_with(id.slot() + 1, || None);
        }
        self.rows[id.slot()] = Some((id, socket));
    }

    /// Whether it is there.
    pub(crate) fn has(&self, id: ConnId) -> bool {
        self.peek(id).is_some()
    }

    /// The socket, unless it is gone.
    pub(crate) fn peek(&self, id: ConnId) -> Option<&S> {
        let (owner, socket) = self.rows.get(id.slot())?.as_ref()?;
        (*owner == id).then_some(socket)
    }

    /// The socket, unless it is gone.
    pub(crate) fn find(&mut self, id: ConnId) -> Option<&mut S> {
        let (owner, socket) = self.rows.get_mut(id.slot())?.as_mut()?;
        (*owner == id).then_some(socket)
    }

    pub(crate) fn remove(&mut self, id: ConnId) -> Option<S> {
        self.peek(id)?;
        self.rows[id.slot()].take().map(|(_, socket)| socket)
    }
}
