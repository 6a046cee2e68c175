//! Filters without wildcards: one table keyed by the whole filter.
//!
//! The filters stand side by side in a vector, most of them with the name inline, and a hash
//! table of eight-byte entries says where. With a million filters the hash table still fits a
//! large CPU cache, so a match goes to memory once: to the filter itself.
//!
//! Always true: the index has one place per literal, and no literal is without subscriptions.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use smallvec::SmallVec;
use std::hash::Hash;

use crate::hashing::{SubjectHash, SubjectHasher};
use crate::members::Wanted;
use crate::subscribers::Subscribers;

/// Names up to this length need no allocation. The inbox of a request has 29 bytes.
const NAME_BYTES_INLINE: usize = 32;

/// A table smaller than this is not worth shrinking.
const SHRINK_ABOVE: usize = 1024;

pub(crate) struct LiteralTable<T> {
    index: HashTable<Place>,
    literals: Vec<Literal<T>>,
}

/// The hash stands beside the place, so that neither growing nor a wrong candidate reads names.
#[derive(Clone, Copy)]
struct Place {
    hash: SubjectHash,
    at: u32,
}

struct Literal<T> {
    filter: SmallVec<[u8; NAME_BYTES_INLINE]>,
    subscribers: Subscribers<T>,
}

impl<T> Default for LiteralTable<T> {
    fn default() -> Self {
        Self { index: HashTable::new(), literals: Vec::new() }
    }
}

impl<T: Copy + Eq + Hash> LiteralTable<T> {
    /// Number of filters.
    pub(crate) fn len(&self) -> usize {
        self.literals.len()
    }

    pub(crate) fn find(&self, hash: SubjectHash, filter: &[u8]) -> Option<&Subscribers<T>> {
        let place = self.index.find(hash.spread(), |place| is_at(&self.literals, *place, hash, filter))?;
        Some(&self.literals[place.at as usize].subscribers)
    }

    pub(crate) fn insert(&mut self, hash: SubjectHash, filter: &[u8], queue: Option<&[u8]>, value: T) {
        let is_same = |place: &Place| is_at(&self.literals, *place, hash, filter);
        match self.index.entry(hash.spread(), is_same, |place| place.hash.spread()) {
            Entry::Occupied(found) => self.literals[found.get().at as usize].subscribers.add(queue, value),
            Entry::Vacant(vacant) => {
                let at = u32::try_from(self.literals.len()).expect("memory ends long before places do");
                let mut subscribers = Subscribers::None;
                subscribers.add(queue, value);
                self.literals.push(Literal { filter: SmallVec::from_slice(filter), subscribers });
                vacant.insert(Place { hash, at });
            }
        }
    }

    pub(crate) fn remove(
        &mut self,
        hasher: &SubjectHasher,
        hash: SubjectHash,
        filter: &[u8],
        queue: Option<&[u8]>,
        wanted: Wanted<'_, T>,
    ) -> Option<T> {
        let is_same = |place: &Place| is_at(&self.literals, *place, hash, filter);
        let found = self.index.find_entry(hash.spread(), is_same).ok()?;
        let at = found.get().at;
        let subscribers = &mut self.literals[at as usize].subscribers;
        let removed = subscribers.remove(queue, wanted)?;
        if subscribers.is_empty() {
            found.remove();
            self.literals.swap_remove(at as usize);
            self.follow_move_to(hasher, at);
            self.shrink_if_sparse();
        }
        Some(removed)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &Subscribers<T>)> {
        self.literals.iter().map(|literal| (&literal.filter[..], &literal.subscribers))
    }

    /// The last literal, if it was another, has just been moved to `at`.
    fn follow_move_to(&mut self, hasher: &SubjectHasher, at: u32) {
        let Some(moved) = self.literals.get(at as usize) else { return };
        let came_from = self.literals.len() as u32;
        let place = self.index.find_mut(hasher.hash(&moved.filter).spread(), |place| place.at == came_from);
        place.expect("every literal has a place").at = at;
    }

    /// Gives memory back after many filters have gone. What is left fills a quarter, so neither
    /// the next shrink nor the next growth is near.
    fn shrink_if_sparse(&mut self) {
        let len = self.literals.len();
        let is_sparse = |capacity: usize| capacity > SHRINK_ABOVE && len < capacity / 8;
        if is_sparse(self.literals.capacity()) {
            self.literals.shrink_to(len * 4);
        }
        if is_sparse(self.index.capacity()) {
            self.index.shrink_to(len * 4, |place| place.hash.spread());
        }
    }
}

fn is_at<T>(literals: &[Literal<T>], place: Place, hash: SubjectHash, filter: &[u8]) -> bool {
    place.hash == hash && literals[place.at as usize].filter[..] == *filter
}
