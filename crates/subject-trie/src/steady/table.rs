//! A hash table that grows and shrinks in small steps.
//!
//! A usual table of a million rows that is full moves all of them at once, which takes tens of
//! milliseconds. This one is made of parts, each a table of its own with a few hundred to some seven thousand
//! rows. It grows by dividing one part after the other (Litwin's linear hashing, 1980): each step adds one
//! part and moves the rows of one. It shrinks the same way back. What a step costs has nothing to do with how
//! many rows there are.
//!
//! Always true: a row is in the part that [`part`] says for its hash, and each part has a table.

use std::{iter, mem};

use hashbrown::HashTable;
use hashbrown::hash_table::{self, OccupiedEntry};

/// Rows per part, on average. The largest part has about twice as many when its turn to be divided comes,
/// which just fits 8192 buckets. To divide it takes some 0.1 ms. Of smaller parts there are so many that what says
/// where they are is not in the nearest cache.
const ROWS_PER_PART: usize = 3400;

/// With fewer rows per part than this there is one part too many. Far below the above, so that rows that
/// come and go do not divide and unite parts all the time.
const ROWS_PER_PART_MIN: usize = ROWS_PER_PART / 4;

/// A part picks a bucket by the lowest bits of a hash, as many as it needs for its rows, and tells rows of a
/// bucket group apart by the top seven. So the part is picked by bits in between.
const PART_SHIFT: u32 = 13;

/// A set of rows found by hash, as [`HashTable`] is: the hash of a row and what makes two rows equal is the
/// caller's to say. Hashes have to be good in all of their bits.
///
/// Small ones own one table, and nothing else.
#[derive(Debug)]
pub struct SteadyTable<T> {
    first: HashTable<T>,
    /// The other parts: most tables have none.
    others: Vec<HashTable<T>>,
    len: usize,
}

/// What [`SteadyTable::entry`] found.
pub enum Entry<'t, T> {
    /// The row. Its hash must stay.
    Occupied(&'t mut T),
    /// There is none.
    Vacant(Vacant<'t, T>),
}

/// Where a row is to be.
pub struct Vacant<'t, T> {
    place: hash_table::VacantEntry<'t, T>,
    len: &'t mut usize,
}

impl<T> Vacant<'_, T> {
    /// Puts the row there.
    pub fn insert(self, row: T) {
        self.place.insert(row);
        *self.len += 1;
    }
}

impl<T> Default for SteadyTable<T> {
    fn default() -> Self {
        Self { first: HashTable::new(), others: Vec::new(), len: 0 }
    }
}

/// The number of the part for a hash, of so many parts. Those that were divided last, and those made by
/// that, are told apart by one bit more than the others.
#[inline]
fn part(hash: u64, parts: usize) -> usize {
    let mask = parts.next_power_of_two() - 1;
    let number = (hash >> PART_SHIFT) as usize & mask;
    if number < parts { number } else { number & (mask >> 1) }
}

/// The part that is divided when there are so many: the one further is told apart from it by its top bit.
fn next_to_divide(parts: usize) -> usize {
    parts - (1 << parts.ilog2())
}

impl<T> SteadyTable<T> {
    /// An empty table, which owns no memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of rows.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many rows there is memory for.
    pub fn capacity(&self) -> usize {
        self.parts().map(HashTable::capacity).sum()
    }

    /// A row with this hash for which `is_it` holds.
    #[inline]
    pub fn find(&self, hash: u64, is_it: impl FnMut(&T) -> bool) -> Option<&T> {
        self.part_of(hash).find(hash, is_it)
    }

    /// The same, to be changed. Its hash must stay.
    #[inline]
    pub fn find_mut(&mut self, hash: u64, is_it: impl FnMut(&T) -> bool) -> Option<&mut T> {
        let (part, _) = self.part_of_mut(hash);
        part.find_mut(hash, is_it)
    }

    /// All rows with this hash, and perhaps others.
    #[inline]
    pub fn iter_hash(&self, hash: u64) -> impl Iterator<Item = &T> {
        self.part_of(hash).iter_hash(hash)
    }

    /// A row with this hash for which `is_it` holds, or where it is to be. `hash_of` says the hash of any
    /// row.
    pub fn entry(
        &mut self,
        hash: u64,
        is_it: impl FnMut(&T) -> bool,
        hash_of: impl Fn(&T) -> u64,
    ) -> Entry<'_, T> {
        self.make_room(&hash_of);
        let (part, len) = self.part_of_mut(hash);
        match part.entry(hash, is_it, hash_of) {
            hash_table::Entry::Occupied(found) => Entry::Occupied(found.into_mut()),
            hash_table::Entry::Vacant(place) => Entry::Vacant(Vacant { place, len }),
        }
    }

    /// Adds a row of which there may be others alike. `hash_of` says the hash of any row.
    pub fn insert(&mut self, hash: u64, row: T, hash_of: impl Fn(&T) -> u64) {
        self.make_room(&hash_of);
        let (part, len) = self.part_of_mut(hash);
        part.insert_unique(hash, row, hash_of);
        *len += 1;
    }

    /// Takes out a row with this hash for which `is_it` holds.
    pub fn remove(
        &mut self,
        hash: u64,
        is_it: impl FnMut(&T) -> bool,
        hash_of: impl Fn(&T) -> u64,
    ) -> Option<T> {
        let (part, len) = self.part_of_mut(hash);
        let (row, _) = part.find_entry(hash, is_it).ok().map(OccupiedEntry::remove)?;
        *len -= 1;
        if !self.others.is_empty() {
            self.give_back(hash, hash_of);
        }
        Some(row)
    }

    /// All rows, in no meaningful order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.parts().flatten()
    }

    /// Takes out some rows, at most a few thousand: none only if there are none.
    pub fn take_some(&mut self) -> impl Iterator<Item = T> + use<T> {
        // Without the last part the others are as they were before it was divided from one of them, but for
        // its rows.
        let mut taken = HashTable::new();
        while taken.is_empty() && self.len > 0 {
            taken = self.others.pop().unwrap_or_else(|| mem::take(&mut self.first));
        }
        self.len -= taken.len();
        taken.into_iter()
    }

    /// Some rows, at most a few thousand: none only if there are none. If those are taken out the next call has
    /// others at once.
    pub fn some(&mut self) -> impl Iterator<Item = &T> {
        // As with `take_some`.
        while self.others.last().is_some_and(HashTable::is_empty) {
            self.others.pop();
        }
        self.others.last().unwrap_or(&self.first).iter()
    }

    fn parts(&self) -> impl Iterator<Item = &HashTable<T>> {
        iter::once(&self.first).chain(&self.others)
    }

    /// The part for a hash.
    #[inline]
    fn part_of(&self, hash: u64) -> &HashTable<T> {
        if self.others.is_empty() {
            return &self.first;
        }
        match part(hash, 1 + self.others.len()) {
            0 => &self.first,
            number => &self.others[number - 1],
        }
    }

    /// The same, to be changed, and the number of rows.
    #[inline]
    fn part_of_mut(&mut self, hash: u64) -> (&mut HashTable<T>, &mut usize) {
        let number = if self.others.is_empty() { 0 } else { part(hash, 1 + self.others.len()) };
        (numbered(&mut self.first, &mut self.others, number), &mut self.len)
    }

    #[inline]
    fn make_room(&mut self, hash_of: impl Fn(&T) -> u64) {
        if self.len >= ROWS_PER_PART * (1 + self.others.len()) {
            self.divide_one(hash_of);
        }
    }

    /// Each half will have as many rows as the whole when it is divided, so it gets the memory for them at once.
    #[cold]
    fn divide_one(&mut self, hash_of: impl Fn(&T) -> u64) {
        let parts = 1 + self.others.len();
        let dividing = next_to_divide(parts);
        let rows = mem::take(numbered(&mut self.first, &mut self.others, dividing));
        let (mut lower, mut upper) =
            (HashTable::with_capacity(rows.len()), HashTable::with_capacity(rows.len()));
        for row in rows {
            let hash = hash_of(&row);
            let half = if part(hash, parts + 1) == dividing { &mut lower } else { &mut upper };
            half.insert_unique(hash, row, &hash_of);
        }
        *numbered(&mut self.first, &mut self.others, dividing) = lower;
        self.others.push(upper);
    }

    /// A row with this hash was taken out, and there are several parts.
    fn give_back(&mut self, hash: u64, hash_of: impl Fn(&T) -> u64) {
        let (part, _) = self.part_of_mut(hash);
        if part.is_empty() {
            *part = HashTable::new();
        }
        if self.len < ROWS_PER_PART_MIN * self.others.len() {
            self.unite_one(hash_of);
        }
    }

    fn unite_one(&mut self, hash_of: impl Fn(&T) -> u64) {
        let last = self.others.pop().expect("there are several");
        let with = next_to_divide(1 + self.others.len());
        let with = numbered(&mut self.first, &mut self.others, with);
        for row in last {
            with.insert_unique(hash_of(&row), row, &hash_of);
        }
        if with.capacity() > 8 * with.len() {
            with.shrink_to(2 * with.len(), hash_of);
        }
    }
}

/// The part of that number.
#[inline]
fn numbered<'t, T>(
    first: &'t mut HashTable<T>,
    others: &'t mut [HashTable<T>],
    number: usize,
) -> &'t mut HashTable<T> {
    if number == 0 { first } else { &mut others[number - 1] }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Good in all bits, and invertible, so that no two numbers share one.
    fn hash(number: &u64) -> u64 {
        let mixed = (number ^ (number >> 31)).wrapping_mul(0x7FB5_D329_728E_A185);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x81DA_DEF4_BC2D_D44D)
    }

    fn add(table: &mut SteadyTable<u64>, number: u64) {
        table.insert(hash(&number), number, hash);
    }

    fn take(table: &mut SteadyTable<u64>, number: u64) -> Option<u64> {
        table.remove(hash(&number), |row| *row == number, hash)
    }

    #[test]
    fn no_step_moves_more_than_a_few_thousand_rows() {
        const ROWS: u64 = 300_000;
        let moved = Cell::new(0);
        let counting = |row: &u64| {
            moved.set(moved.get() + 1);
            hash(row)
        };
        let mut most = 0;
        let mut table = SteadyTable::new();
        for number in 0..ROWS {
            table.insert(hash(&number), number, counting);
            most = most.max(moved.take());
        }
        assert!((0..ROWS).all(|number| table.find(hash(&number), |row| *row == number) == Some(&number)));
        for number in 0..ROWS {
            assert_eq!(table.remove(hash(&number), |row| *row == number, counting), Some(number));
            most = most.max(moved.take());
        }
        assert!(most > ROWS_PER_PART && most < 5 * ROWS_PER_PART, "{most}");
        assert_eq!((table.others.len(), table.len()), (0, 0));
    }

    #[test]
    fn a_small_table_owns_one_table_and_nothing_else() {
        let mut table = SteadyTable::new();
        assert_eq!(table.capacity(), 0);
        (0..ROWS_PER_PART as u64).for_each(|number| add(&mut table, number));
        assert_eq!(table.others.capacity(), 0);
    }

    #[test]
    fn memory_goes_back_with_the_rows() {
        let mut table = SteadyTable::new();
        (0..100_000).for_each(|number| add(&mut table, number));
        (100..100_000).for_each(|number| assert_eq!(take(&mut table, number), Some(number)));
        assert!(table.capacity() < 10 * ROWS_PER_PART, "{}", table.capacity());
    }

    #[test]
    fn taking_some_after_some_takes_each_once_and_leaves_the_others() {
        let mut table = SteadyTable::new();
        (0..50_000).for_each(|number| add(&mut table, number));
        let mut taken = Vec::new();
        while !table.is_empty() {
            let some: Vec<u64> = table.take_some().collect();
            assert!(!some.is_empty() && some.len() < 3 * ROWS_PER_PART);
            taken.extend(some);
            let left = (0..50_000).filter(|number| table.find(hash(number), |row| row == number).is_some());
            assert_eq!(left.count(), 50_000 - taken.len());
        }
        taken.sort_unstable();
        assert_eq!(taken, (0..50_000).collect::<Vec<_>>());
    }

    #[test]
    fn some_are_shown_until_there_are_none() {
        let mut table = SteadyTable::new();
        (0..50_000).for_each(|number| add(&mut table, number));
        let mut shown = Vec::new();
        while !table.is_empty() {
            let some: Vec<u64> = table.some().take(100).copied().collect();
            assert!(!some.is_empty());
            for number in &some {
                table.remove(hash(number), |row| row == number, hash).expect("it was shown");
            }
            shown.extend(some);
        }
        shown.sort_unstable();
        assert_eq!(shown, (0..50_000).collect::<Vec<_>>());
        assert_eq!(table.some().count(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Numbers are drawn from few, so that equal rows meet; runs of one kind of step divide and unite.
        #[test]
        fn it_agrees_with_a_count_of_each_number(
            runs in proptest::collection::vec((0..4_u8, 0..8000_u64, 1..6000_u64), 1..12),
        ) {
            let mut table = SteadyTable::new();
            let mut model: BTreeMap<u64, usize> = BTreeMap::new();
            for (kind, start, count) in runs {
                for number in (start..start + count).map(|number| number % 9000) {
                    let known = model.entry(number).or_default();
                    let hash_it = hash(&number);
                    match kind {
                        0 => {
                            add(&mut table, number);
                            *known += 1;
                        }
                        1 => match table.entry(hash_it, |row| *row == number, hash) {
                            Entry::Occupied(row) => prop_assert!(*row == number && *known > 0),
                            Entry::Vacant(vacant) => {
                                prop_assert_eq!(*known, 0);
                                vacant.insert(number);
                                *known += 1;
                            }
                        },
                        _ => {
                            prop_assert_eq!(take(&mut table, number).is_some(), *known > 0);
                            *known = known.saturating_sub(1);
                        }
                    }
                    let found = table.iter_hash(hash_it).filter(|row| **row == number).count();
                    prop_assert_eq!(found, *known);
                }
                prop_assert_eq!(table.len(), model.values().sum::<usize>());
                prop_assert_eq!(table.iter().count(), table.len());
            }
        }
    }
}
