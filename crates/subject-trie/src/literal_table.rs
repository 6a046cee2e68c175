//! Filters without wildcards: one hash table keyed by the whole filter.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::hashing::SubjectHash;
use crate::subscribers::Subscribers;

/// A table smaller than this is not worth shrinking.
const SHRINK_ABOVE: usize = 1024;

pub(crate) struct LiteralTable<T> {
    table: HashTable<Literal<T>>,
}

struct Literal<T> {
    filter: Box<[u8]>,
    hash: SubjectHash,
    /// Never empty.
    subscribers: Subscribers<T>,
}

impl<T> Default for LiteralTable<T> {
    fn default() -> Self {
        Self { table: HashTable::new() }
    }
}

impl<T> Literal<T> {
    fn is(&self, hash: SubjectHash, filter: &[u8]) -> bool {
        self.hash == hash && *self.filter == *filter
    }
}

impl<T: Copy + Eq> LiteralTable<T> {
    /// Number of filters.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    pub(crate) fn find(&self, hash: SubjectHash, filter: &[u8]) -> Option<&Subscribers<T>> {
        let literal = self.table.find(hash.spread(), |literal| literal.is(hash, filter))?;
        Some(&literal.subscribers)
    }

    pub(crate) fn insert(&mut self, hash: SubjectHash, filter: &[u8], queue: Option<&[u8]>, value: T) {
        let is_same = |literal: &Literal<T>| literal.is(hash, filter);
        match self.table.entry(hash.spread(), is_same, |literal| literal.hash.spread()) {
            Entry::Occupied(mut found) => found.get_mut().subscribers.add(queue, value),
            Entry::Vacant(vacant) => {
                let mut subscribers = Subscribers::None;
                subscribers.add(queue, value);
                vacant.insert(Literal { filter: filter.into(), hash, subscribers });
            }
        }
    }

    pub(crate) fn remove_by(
        &mut self,
        hash: SubjectHash,
        filter: &[u8],
        queue: Option<&[u8]>,
        pred: impl FnMut(&T) -> bool,
    ) -> Option<T> {
        let is_same = |literal: &Literal<T>| literal.is(hash, filter);
        let mut found = self.table.find_entry(hash.spread(), is_same).ok()?;
        let removed = found.get_mut().subscribers.remove_by(queue, pred)?;
        if found.get().subscribers.is_empty() {
            found.remove();
            self.shrink_if_sparse();
        }
        Some(removed)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &Subscribers<T>)> {
        self.table.iter().map(|literal| (&*literal.filter, &literal.subscribers))
    }

    /// Gives memory back after many filters have gone. Halving at an eighth leaves room, so
    /// the next shrink or growth is at least a quarter of the table away.
    fn shrink_if_sparse(&mut self) {
        let (len, capacity) = (self.table.len(), self.table.capacity());
        if capacity > SHRINK_ABOVE && len < capacity / 8 {
            self.table.shrink_to(len * 2, |literal| literal.hash.spread());
        }
    }
}
