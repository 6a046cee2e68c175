//! The values of one filter, or of one queue group on it, in no particular order.
//!
//! A short list is searched; a long one (everybody listens to the same subject) knows where each
//! value stands, so that a crowd that leaves does not take the square of its size.
//!
//! Always true: the index, where there is one, holds the position of every value.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

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
    values: Vec<T>,
    index: Option<Box<Index>>,
}

/// Positions by the hash of the value there.
#[derive(Default)]
struct Index {
    positions: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self { values: Vec::new(), index: None }
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
            self.values.shrink_to(self.values.capacity() / 2);
        }
        Some(removed)
    }
}

impl Index {
    fn insert<T: Hash>(&mut self, values: &[T], position: usize) {
        let Self { positions, hasher } = self;
        let hash_at = |position: &u32| hasher.hash_one(&values[*position as usize]);
        let position = u32::try_from(position).expect("memory runs out long before positions");
        positions.insert_unique(hash_at(&position), position, hash_at);
    }

    fn find<T: Eq + Hash>(&self, values: &[T], value: &T) -> Option<usize> {
        let found =
            self.positions.find(self.hasher.hash_one(value), |position| values[*position as usize] == *value);
        found.map(|position| *position as usize)
    }

    /// The last value is about to take the place of the one at `position`.
    fn before_swap_remove<T: Hash>(&mut self, values: &[T], position: usize) {
        let last = values.len() - 1;
        let is_at = |wanted: usize| move |position: &u32| *position as usize == wanted;
        let leaving = self.hasher.hash_one(&values[position]);
        let Ok(entry) = self.positions.find_entry(leaving, is_at(position)) else {
            unreachable!("every position is in the index");
        };
        entry.remove();
        if position != last {
            let moving = self.hasher.hash_one(&values[last]);
            let entry = self.positions.find_mut(moving, is_at(last));
            *entry.expect("every position is in the index") = position as u32;
        }
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
