//! A table of what some of a shard's connections have: a socket, a transport, reads that wait.

use conns::ConnId;

/// Something of each connection that has it: its socket, say.
#[derive(Debug)]
pub struct Slots<S> {
    rows: Vec<Option<(ConnId, S)>>,
}

impl<S> Default for Slots<S> {
    fn default() -> Self {
        Self { rows: Vec::new() }
    }
}

impl<S> Slots<S> {
    /// Gives a connection one, in place of what its slot had.
    pub fn insert(&mut self, id: ConnId, socket: S) {
        if self.rows.len() <= id.slot() {
            self.rows.resize_with(id.slot() + 1, || None);
        }
        self.rows[id.slot()] = Some((id, socket));
    }

    /// Whether the connection has one.
    pub fn has(&self, id: ConnId) -> bool {
        self.peek(id).is_some()
    }

    /// What the connection has, unless it is gone.
    pub fn peek(&self, id: ConnId) -> Option<&S> {
        let (owner, socket) = self.rows.get(id.slot())?.as_ref()?;
        (*owner == id).then_some(socket)
    }

    /// What the connection has, unless it is gone.
    pub fn find(&mut self, id: ConnId) -> Option<&mut S> {
        let (owner, socket) = self.rows.get_mut(id.slot())?.as_mut()?;
        (*owner == id).then_some(socket)
    }

    /// Takes it away from the connection, unless it is gone.
    pub fn remove(&mut self, id: ConnId) -> Option<S> {
        self.peek(id)?;
        self.rows[id.slot()].take().map(|(_, socket)| socket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_slot_has_is_its_last_connections() {
        let [earlier, later] = [1_u64, 2].map(|use_of_slot| ConnId::from_bits(use_of_slot << 32 | 7));
        assert_eq!(earlier.slot(), later.slot());
        let mut slots = Slots::default();
        slots.insert(earlier, "earlier");
        slots.insert(later, "later");
        assert!(!slots.has(earlier) && slots.remove(earlier).is_none());
        assert_eq!(slots.remove(later), Some("later"));
        assert!(slots.peek(later).is_none());
    }
}
