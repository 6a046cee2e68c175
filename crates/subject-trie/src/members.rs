//! The values of one filter, or of one queue group on it, in no particular order.
//!
//! A short list is searched; a long one (everybody listens to the same subject) knows where each
//! value stands, so that a crowd that leaves does not take the square of its size.
//!
//! Always true: the index, where there is one, holds the position of every value.

use std::hash::{BuildHasher, Hash};

use hashbrown::DefaultHashBuilder;
use smallvec::SmallVec;

use crate::steady::SteadyTable;

/// Values that need no allocation: a group has a member on a shard, or a few.
const INLINE: usize = 2;

/// A list longer than this has an index.
const INDEXED_FROM: usize = 64;

/// An indexed list that shrank to this loses its index.
const INDEXED_DOWN_TO: usize = 32;

/// Which value to remove.
pub(crate) enum Wanted<'a, T> {
    /// One that equals this.
    Equal(&'a T),
    /// One that this picks.
    Picked(&'a mut dyn FnMut(&T) -> bool),
}

impl<T: Eq> Wanted<'_, T> {
    pub(crate) fn fits(&mut self, value: &T) -> bool {
        match self {
            Self::Equal(wanted) => value == *wanted,
            Self::Picked(pick) => pick(value),
        }
    }
}

pub(crate) struct Members<T> {
    values: SmallVec<[T; INLINE]>,
    index: Option<Box<Index>>,
}

/// Positions by the hash of the value there.
#[derive(Default)]
struct Index {
    positions: SteadyTable<Position>,
    hasher: DefaultHashBuilder,
}

/// The hash stands beside the position, so that growing reads no values.
#[derive(Clone, Copy)]
struct Position {
    /// The part of the hash that is kept.
    hash: u32,
    at: u32,
}

impl Position {
    fn table_hash(&self) -> u64 {
        u64::from(self.hash) << 32 | u64::from(self.hash)
    }
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self { values: SmallVec::new(), index: None }
    }
}

impl<T: Copy + Eq + Hash> Members<T> {
    pub(crate) fn as_slice(&self) -> &[T] {
        &self.values
    }

    pub(crate) fn push(&mut self, value: T) {
        self.values.push(value);
        if let Some(index) = &mut self.index {
            index.insert(&self.values, self.values.len() - 1);
        } else if self.values.len() > INDEXED_FROM {
            let mut index = Box::<Index>::default();
            for position in 0..self.values.len() {
                index.insert(&self.values, position);
            }
            self.index = Some(index);
        }
    }

    /// Removes one value. Which of several is not said.
    pub(crate) fn remove(&mut self, mut wanted: Wanted<'_, T>) -> Option<T> {
        let position = match (&self.index, &wanted) {
            (Some(index), Wanted::Equal(value)) => index.find(&self.values, value)?,
            // From the back, where the newest are: those tend to go first.
            _ => self.values.iter().rposition(|value| wanted.fits(value))?,
        };
        if let Some(index) = &mut self.index {
            index.before_swap_remove(&self.values, position);
        }
        let removed = self.values.swap_remove(position);
        if self.values.len() <= INDEXED_DOWN_TO {
            self.index = None;
        }
        if self.values.capacity() > 16 && self.values.len() < self.values.capacity() / 4 {
            self.values.shrink_to_fit();
        }
        Some(removed)
    }
}

impl Index {
    fn insert<T: Hash>(&mut self, values: &[T], at: usize) {
        let position = self.position(&values[at], at);
        self.positions.insert(position.table_hash(), position, Position::table_hash);
    }

    fn find<T: Eq + Hash>(&self, values: &[T], value: &T) -> Option<usize> {
        let wanted = self.position(value, 0);
        let is_it = |other: &Position| other.hash == wanted.hash && values[other.at as usize] == *value;
        Some(self.positions.find(wanted.table_hash(), is_it)?.at as usize)
    }

    /// The last value is about to take the place of the one at `at`.
    fn before_swap_remove<T: Hash>(&mut self, values: &[T], at: usize) {
        let last = values.len() - 1;
        let leaving = self.position(&values[at], at);
        let is_leaving = |other: &Position| other.at == leaving.at;
        let removed = self.positions.remove(leaving.table_hash(), is_leaving, Position::table_hash);
        assert!(removed.is_some(), "every position is in the index");
        if at != last {
            let moving = self.position(&values[last], last);
            let entry = self.positions.find_mut(moving.table_hash(), |other| other.at == moving.at);
            entry.expect("every position is in the index").at = leaving.at;
        }
    }

    fn position<T: Hash>(&self, value: &T, at: usize) -> Position {
        let hash = (self.hasher.hash_one(value) >> 32) as u32;
        Position { hash, at: u32::try_from(at).expect("memory runs out long before positions") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_agrees_with_a_searched_one() {
        let mut members = Members::default();
        let mut model: Vec<u32> = Vec::new();
        let mut state = 1_u32;
        for round in 0..20_000_u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Few distinct values, so that equal ones meet; grows to a few hundred and shrinks again.
            let value = state >> 23;
            let grows = round % 2_000 < 1_000;
            let is_rare = (state >> 8).is_multiple_of(4);
            if grows != is_rare {
                members.push(value);
                model.push(value);
            } else {
                let there = model.iter().position(|other| *other == value).map(|at| model.swap_remove(at));
                assert_eq!(members.remove(Wanted::Equal(&value)), there);
            }
            assert_eq!(members.values.len(), model.len());
        }
        let mut left = members.as_slice().to_vec();
        left.sort_unstable();
        model.sort_unstable();
        assert_eq!(left, model);
    }

    #[test]
    fn picking_works_with_an_index_too() {
        let mut members = Members::default();
        (0..1_000_u32).for_each(|value| members.push(value));
        assert_eq!(members.remove(Wanted::Picked(&mut |value| *value == 500)), Some(500));
        assert_eq!(members.remove(Wanted::Equal(&500)), None);
        assert_eq!(members.remove(Wanted::Equal(&999)), Some(999));
    }

    #[test]
    fn memory_goes_back_after_a_crowd_has_left() {
        let mut members = Members::default();
        (0..10_000_u32).for_each(|value| members.push(value));
        (10..10_000).for_each(|value| assert_eq!(members.remove(Wanted::Equal(&value)), Some(value)));
        assert!(members.index.is_none() && members.values.capacity() <= 64);
    }
}
