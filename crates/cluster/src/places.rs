//! The connections to one other server, each in its place: a slot of the pool, or the account that has it for itself.
//!
//! Which connection is which is the caller's to say, by whatever it knows them by.

use std::collections::BTreeMap;

use crate::slots::Pool;

/// Where a connection belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A slot of the pool, from 0 on; 0 without pools.
    Slot(u32),
    /// An account's own.
    Account(String),
}

/// What became of a connection that was to be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered<C> {
    /// It has its place. The other server is new if it is the first one.
    New {
        /// There was none before.
        is_first: bool,
    },
    /// The place has one already: that stays, and the later is closed without a word.
    Duplicate(C),
}

/// A connection that has no place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoPlace {
    /// The slot is beyond the pool.
    Index {
        /// What its INFO said.
        index: u32,
        /// How many there are.
        size: u32,
    },
    /// An account's own, but there are no pools between these servers.
    Dedicated(String),
}

/// The connections to one other server.
#[derive(Debug)]
pub struct Places<C> {
    pool: Pool,
    /// Those that are taken: how many there may be is what the other server says, and it may say anything.
    slots: BTreeMap<u32, C>,
    accounts: BTreeMap<String, C>,
}

impl<C: Copy + PartialEq> Places<C> {
    /// None yet, to a server with which there is that pool.
    pub fn new(pool: Pool) -> Self {
        Self { pool, slots: BTreeMap::new(), accounts: BTreeMap::new() }
    }

    /// The slot that who dials takes next: the first one that is free. `None` once the pool is complete.
    pub fn free_slot(&self) -> Option<u32> {
        (0..self.pool.size()).find(|slot| !self.slots.contains_key(slot))
    }

    /// A connection is to have that place.
    ///
    /// # Errors
    ///
    /// There is no such place.
    pub fn register(&mut self, place: Place, connection: C) -> Result<Registered<C>, NoPlace> {
        let is_first = self.is_empty();
        let size = self.pool.size();
        let taken = match place {
            Place::Slot(index) if index >= size => return Err(NoPlace::Index { index, size }),
            Place::Slot(index) => *self.slots.entry(index).or_insert(connection),
            Place::Account(account) if self.pool == Pool::None => return Err(NoPlace::Dedicated(account)),
            Place::Account(account) => *self.accounts.entry(account).or_insert(connection),
        };
        Ok(if taken == connection { Registered::New { is_first } } else { Registered::Duplicate(taken) })
    }

    /// The connection ended. Says where it was; `None` if it had no place, as a duplicate has none.
    pub fn remove(&mut self, connection: C) -> Option<Place> {
        if let Some(slot) = self.slots.iter().find(|(_, taken)| **taken == connection).map(|(slot, _)| *slot)
        {
            self.slots.remove(&slot);
            return Some(Place::Slot(slot));
        }
        let account = self.accounts.iter().find(|(_, own)| **own == connection)?.0.clone();
        self.accounts.remove(&account);
        Some(Place::Account(account))
    }

    /// The connection that carries an account: its own if it is to have one, or else that of its slot. No other stands
    /// in for one that is down.
    pub fn carrier(&self, account: &str, has_own: bool) -> Option<C> {
        if has_own && self.pool != Pool::None {
            return self.accounts.get(account).copied();
        }
        self.slots.get(&self.pool.slot(account)).copied()
    }

    /// The first connection, for what the other server is told once.
    pub fn any(&self) -> Option<C> {
        self.slots.values().chain(self.accounts.values()).next().copied()
    }

    /// Whether the other server is gone.
    pub fn is_empty(&self) -> bool {
        self.any().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Places<char> {
        let mut places = Places::new(Pool::between(3, 3));
        for (slot, connection) in ['a', 'b', 'c'].into_iter().enumerate() {
            assert_eq!(places.free_slot(), Some(slot as u32));
            let is_first = connection == 'a';
            assert_eq!(
                places.register(Place::Slot(slot as u32), connection),
                Ok(Registered::New { is_first })
            );
        }
        places
    }

    #[test]
    fn the_first_in_a_place_stays() {
        let mut places = three();
        assert_eq!(places.free_slot(), None);
        assert_eq!(places.register(Place::Slot(1), 'x'), Ok(Registered::Duplicate('b')));
        assert_eq!(places.remove('x'), None);
        assert_eq!(places.remove('b'), Some(Place::Slot(1)));
        assert_eq!(
            (places.free_slot(), places.carrier("A", false), places.carrier("E", false)),
            (Some(1), Some('a'), None)
        );
        let own = || Place::Account("A".into());
        assert_eq!(places.carrier("A", true), None, "not by its slot");
        assert_eq!(places.register(own(), 'd'), Ok(Registered::New { is_first: false }));
        assert_eq!(places.register(own(), 'e'), Ok(Registered::Duplicate('d')));
        assert_eq!((places.carrier("A", true), places.any()), (Some('d'), Some('a')));
        for connection in ['a', 'c'] {
            places.remove(connection);
        }
        assert!(!places.is_empty());
        assert_eq!((places.remove('d'), places.is_empty()), (Some(own()), true));
    }

    #[test]
    fn what_has_no_place_is_refused() {
        let error = three().register(Place::Slot(7), 'x');
        assert_eq!(error, Err(NoPlace::Index { index: 7, size: 3 }));
        let mut single = Places::new(Pool::None);
        let error = single.register(Place::Account("$SYS".into()), 'x');
        assert_eq!(error, Err(NoPlace::Dedicated("$SYS".into())));
        assert_eq!(single.register(Place::Slot(0), 'a'), Ok(Registered::New { is_first: true }));
        assert_eq!(
            (single.carrier("E", false), single.carrier("$SYS", true), single.free_slot()),
            (Some('a'), Some('a'), None)
        );
    }
}
