//! Filters without wildcards: one table keyed by the whole filter.
//!
//! The filters stand side by side in a vector, most of them with the name inline, and a hash
//! table of eight-byte entries says where. With a million filters the hash table still fits a
//! large CPU cache, so a match goes to memory once: to the filter itself.
//!
//! A filter keeps its place for as long as it has subscriptions. Places that were left are taken
//! again, and all memory goes back with the last filter.
//!
//! Always true: the index has one place per literal, and a place without subscriptions is free.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use smallvec::SmallVec;
use std::hash::Hash;
use std::hint::black_box;

use crate::hashing::{ShortHash, SubjectHash, SubjectHasher};
use crate::members::Wanted;
use crate::name::Name;
use crate::subscribers::Subscribers;

/// An index smaller than this is not worth shrinking.
const SHRINK_ABOVE: usize = 1024;

/// Subjects of one `read_ahead` that need no allocation.
const READ_AHEAD_INLINE: usize = 32;

pub(crate) struct LiteralTable<T> {
    index: HashTable<Place>,
    literals: Vec<Literal<T>>,
    free: Vec<u32>,
}

/// The hash stands beside the place, so that neither growing nor a wrong candidate reads names.
#[derive(Clone, Copy)]
struct Place {
    hash: ShortHash,
    at: u32,
}

struct Literal<T> {
    filter: Name,
    subscribers: Subscribers<T>,
}

impl<T> Default for LiteralTable<T> {
    fn default() -> Self {
        Self { index: HashTable::new(), literals: Vec::new(), free: Vec::new() }
    }
}

impl<T: Copy + Eq + Hash> LiteralTable<T> {
    /// Number of filters.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    #[inline]
    pub(crate) fn find(&self, hash: ShortHash, filter: &[u8]) -> Option<&Subscribers<T>> {
        let place = self.index.find(hash.spread(), |place| is_at(&self.literals, *place, hash, filter))?;
        Some(&self.literals[place.at as usize].subscribers)
    }

    /// Reads the table and the filters as `find` would, but in steps that each are taken for all
    /// subjects before the next, so that no step waits for the one before. By hash alone: names are
    /// not compared.
    pub(crate) fn read_ahead(&self, subjects: &[SubjectHash], values: &mut Vec<T>) {
        if self.index.is_empty() {
            return;
        }
        let place_of = |hash: ShortHash| self.index.find(hash.spread(), |place| place.hash == hash);
        let places: SmallVec<[u32; READ_AHEAD_INLINE]> =
            subjects.iter().filter_map(|subject| Some(place_of(subject.short())?.at)).collect();
        for at in places {
            let literal = &self.literals[at as usize];
            black_box(literal.filter.last().copied());
            if let Subscribers::One(value) = literal.subscribers {
                values.push(value);
            }
        }
    }

    /// The filter at a place that one has.
    pub(crate) fn filter_at(&self, at: u32) -> &[u8] {
        &self.literals[at as usize].filter
    }

    pub(crate) fn subscribers_at(&self, at: u32) -> &Subscribers<T> {
        &self.literals[at as usize].subscribers
    }

    /// Adds a subscription; returns the place of its filter.
    pub(crate) fn insert(&mut self, hash: ShortHash, filter: &[u8], queue: Option<&[u8]>, value: T) -> u32 {
        let is_same = |place: &Place| is_at(&self.literals, *place, hash, filter);
        match self.index.entry(hash.spread(), is_same, |place| place.hash.spread()) {
            Entry::Occupied(found) => {
                let at = found.get().at;
                self.literals[at as usize].subscribers.add(queue, value);
                at
            }
            Entry::Vacant(vacant) => {
                let mut subscribers = Subscribers::None;
                subscribers.add(queue, value);
                let literal = Literal { filter: filter.into(), subscribers };
                let at = place_literal(&mut self.literals, &mut self.free, literal);
                vacant.insert(Place { hash, at });
                at
            }
        }
    }

    pub(crate) fn remove(
        &mut self,
        hash: ShortHash,
        filter: &[u8],
        queue: Option<&[u8]>,
        wanted: Wanted<'_, T>,
    ) -> Option<T> {
        let place = *self.index.find(hash.spread(), |place| is_at(&self.literals, *place, hash, filter))?;
        self.remove_from(place, queue, wanted)
    }

    /// Removes a subscription from the filter at a place that one has; returns its hash too.
    pub(crate) fn remove_at(
        &mut self,
        hasher: &SubjectHasher,
        at: u32,
        queue: Option<&[u8]>,
        wanted: Wanted<'_, T>,
    ) -> Option<(T, ShortHash)> {
        let hash = hasher.short(self.filter_at(at));
        let removed = self.remove_from(Place { hash, at }, queue, wanted)?;
        Some((removed, hash))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &Subscribers<T>)> {
        let taken = self.literals.iter().filter(|literal| !literal.subscribers.is_empty());
        taken.map(|literal| (&literal.filter[..], &literal.subscribers))
    }

    fn remove_from(&mut self, place: Place, queue: Option<&[u8]>, wanted: Wanted<'_, T>) -> Option<T> {
        let literal = &mut self.literals[place.at as usize];
        let removed = literal.subscribers.remove(queue, wanted)?;
        if literal.subscribers.is_empty() {
            literal.filter = Name::default();
            let found = self.index.find_entry(place.hash.spread(), |other| other.at == place.at);
            found.ok().expect("every literal has a place").remove();
            self.free.push(place.at);
            self.shrink_if_sparse();
        }
        Some(removed)
    }

    /// Gives memory back after many filters have gone. What is left fills a quarter of the index,
    /// so neither the next shrink nor the next growth is near.
    fn shrink_if_sparse(&mut self) {
        let len = self.index.len();
        if len == 0 {
            *self = Self::default();
        } else if self.index.capacity() > SHRINK_ABOVE && len < self.index.capacity() / 8 {
            self.index.shrink_to(len * 4, |place| place.hash.spread());
        }
    }
}

fn place_literal<T>(literals: &mut Vec<Literal<T>>, free: &mut Vec<u32>, literal: Literal<T>) -> u32 {
    if let Some(at) = free.pop() {
        literals[at as usize] = literal;
        return at;
    }
    literals.push(literal);
    u32::try_from(literals.len() - 1).expect("memory ends long before places do")
}

#[inline]
fn is_at<T>(literals: &[Literal<T>], place: Place, hash: ShortHash, filter: &[u8]) -> bool {
    place.hash == hash && literals[place.at as usize].filter[..] == *filter
}
