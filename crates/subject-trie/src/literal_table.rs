//! Filters without wildcards: one table keyed by the whole filter.
//!
//! The filters stand in numbered rows, most of them with the name inline, and a hash table of eight-byte
//! entries says where. With a million filters the hash table still fits a large CPU cache, so a match goes to
//! memory once: to the filter itself.
//!
//! A filter keeps its place for as long as it has subscriptions. Places that were left are taken
//! again, and all memory goes back with the last filter.
//!
//! Always true: the index has one place per literal, and a literal has subscriptions.

use smallvec::SmallVec;
use std::hash::Hash;
use std::hint::black_box;

use crate::hashing::{ShortHash, SubjectHash, SubjectHasher};
use crate::members::Wanted;
use crate::name::Name;
use crate::steady::{Entry, SteadyRows, SteadyTable};
use crate::subscribers::Subscribers;

/// Subjects of one `read_ahead` that need no allocation.
const READ_AHEAD_INLINE: usize = 32;

pub(crate) struct LiteralTable<T> {
    index: SteadyTable<Place>,
    literals: SteadyRows<Literal<T>>,
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
        Self { index: SteadyTable::new(), literals: SteadyRows::new() }
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
        Some(&self.at(place.at).subscribers)
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
            let literal = self.at(at);
            black_box(literal.filter.last().copied());
            if let Subscribers::One(value) = literal.subscribers {
                values.push(value);
            }
        }
    }

    /// The filter at a place that one has.
    pub(crate) fn filter_at(&self, at: u32) -> &[u8] {
        &self.at(at).filter
    }

    pub(crate) fn subscribers_at(&self, at: u32) -> &Subscribers<T> {
        &self.at(at).subscribers
    }

    fn at(&self, at: u32) -> &Literal<T> {
        self.literals.get(at as usize).expect(TAKEN)
    }

    /// Adds a subscription; returns the place of its filter.
    pub(crate) fn insert(&mut self, hash: ShortHash, filter: &[u8], queue: Option<&[u8]>, value: T) -> u32 {
        let is_same = |place: &Place| is_at(&self.literals, *place, hash, filter);
        match self.index.entry(hash.spread(), is_same, Place::table_hash) {
            Entry::Occupied(found) => {
                let at = found.at;
                self.literals.get_mut(at as usize).expect(TAKEN).subscribers.add(queue, value);
                at
            }
            Entry::Vacant(vacant) => {
                let mut subscribers = Subscribers::None;
                subscribers.add(queue, value);
                let at = self.literals.insert(Literal { filter: filter.into(), subscribers });
                let at = u32::try_from(at).expect("memory ends long before places do");
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
        let subscribers = &mut self.literals.get_mut(place.at as usize)?.subscribers;
        let removed = subscribers.remove(queue, wanted)?;
        if subscribers.is_empty() {
            self.discard(place);
        }
        Some(removed)
    }

    /// Removes a subscription from the filter at a place that one has; returns its hash too.
    pub(crate) fn remove_at(
        &mut self,
        hasher: &SubjectHasher,
        at: u32,
        queue: Option<&[u8]>,
        wanted: Wanted<'_, T>,
    ) -> Option<(T, ShortHash)> {
        let literal = self.literals.get_mut(at as usize)?;
        let removed = literal.subscribers.remove(queue, wanted)?;
        let hash = hasher.short(&literal.filter);
        if literal.subscribers.is_empty() {
            self.discard(Place { hash, at });
        }
        Some((removed, hash))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &Subscribers<T>)> {
        self.literals.iter().map(|(_, literal)| (&literal.filter[..], &literal.subscribers))
    }

    /// Takes out a filter without subscriptions.
    fn discard(&mut self, place: Place) {
        self.literals.discard(place.at as usize);
        let is_it = |other: &Place| other.at == place.at;
        let found = self.index.remove(place.hash.spread(), is_it, Place::table_hash);
        debug_assert!(found.is_some(), "every literal has a place");
        if self.index.is_empty() {
            *self = Self::default();
        }
    }
}

impl Place {
    fn table_hash(&self) -> u64 {
        self.hash.spread()
    }
}

const TAKEN: &str = "whoever has a place has subscribed there";

#[inline]
fn is_at<T>(literals: &SteadyRows<Literal<T>>, place: Place, hash: ShortHash, filter: &[u8]) -> bool {
    place.hash == hash && literals.get(place.at as usize).is_some_and(|literal| literal.filter[..] == *filter)
}
