//! Numbered rows that never move.
//!
//! A vector that is full copies all of its rows to a larger place, and gives its memory back in one go. Here
//! rows stand in pieces of some hundred kilobytes. One more row copies at most a piece, and a piece that has
//! lost its last row gives its memory back at once, or to the next piece that is empty: one at a time is kept
//! for that, as long as there are at least as many rows as fit in it. The first piece keeps its memory.
//!
//! Always true: a piece is on the list of those with room if, and only if, it has room.

use std::{iter, mem};

/// What a piece may take: to copy it is little beside what a turn may cost. Of larger pieces there are fewer: what
/// says where they are, all of which rows at random read, stays in the nearest cache, and so do page tables.
const PIECE_BYTES_MAX: usize = 256 << 10;

/// Rows of a piece, however small they are.
const PIECE_ROWS_MAX: usize = 4096;

/// What is said of a piece that has a row, or stands on the list of those with room.
const LISTED: &str = "a piece that is spoken of is there";

/// Ends the chain of the rows that are free.
const NONE: u32 = u32::MAX;

/// Rows that keep their number for as long as they are there. Numbers are used again.
#[derive(Debug)]
pub struct SteadyRows<T> {
    /// Most tables have no other: who looks for a row of it need not be told where it is.
    first: Piece<T>,
    /// The second piece and further ones.
    further: Vec<Piece<T>>,
    /// Those with room. The last one is filled first.
    with_room: Vec<u32>,
    /// The memory of a piece.
    spare: Vec<Row<T>>,
    len: usize,
}

#[derive(Debug)]
struct Piece<T> {
    rows: Vec<Row<T>>,
    /// The first free row of those that were taken before.
    free: u32,
    taken: u32,
}

#[derive(Debug)]
enum Row<T> {
    Taken(T),
    /// Free, and which one is next.
    Free(u32),
}

impl<T> Default for SteadyRows<T> {
    fn default() -> Self {
        Self {
            first: Piece::default(),
            further: Vec::new(),
            with_room: Vec::new(),
            spare: Vec::new(),
            len: 0,
        }
    }
}

impl<T> Default for Piece<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), free: NONE, taken: 0 }
    }
}

impl<T> SteadyRows<T> {
    /// How many numbers belong to one piece: a power of two.
    pub const PER_PIECE: usize = {
        let fitting = PIECE_BYTES_MAX / size_of::<Row<T>>();
        if fitting < 16 {
            16
        } else if fitting > PIECE_ROWS_MAX {
            PIECE_ROWS_MAX
        } else {
            1 << fitting.ilog2()
        }
    };

    /// No rows, and no memory.
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

    /// Above the numbers of all rows.
    pub fn bound(&self) -> usize {
        self.further.len() * Self::PER_PIECE + self.further.last().unwrap_or(&self.first).rows.len()
    }

    /// The row of that number, if it is taken.
    #[inline]
    pub fn get(&self, number: usize) -> Option<&T> {
        match self.piece(number / Self::PER_PIECE)?.rows.get(number % Self::PER_PIECE)? {
            Row::Taken(row) => Some(row),
            Row::Free(_) => None,
        }
    }

    /// The same, to be changed.
    #[inline]
    pub fn get_mut(&mut self, number: usize) -> Option<&mut T> {
        let piece = self.piece_mut(number / Self::PER_PIECE)?;
        match piece.rows.get_mut(number % Self::PER_PIECE)? {
            Row::Taken(row) => Some(row),
            Row::Free(_) => None,
        }
    }

    /// The number that the next row will have.
    pub fn next_number(&self) -> usize {
        let Some(number) = self.with_room.last() else { return self.bound() };
        let number = *number as usize;
        let piece = self.piece(number).expect(LISTED);
        let at = if piece.free == NONE { piece.rows.len() } else { piece.free as usize };
        number * Self::PER_PIECE + at
    }

    /// Adds a row; returns its number.
    pub fn insert(&mut self, row: T) -> usize {
        if self.with_room.is_empty() {
            self.add_piece();
        }
        let number = *self.with_room.last().expect("there is one now") as usize;
        let piece = piece_mut(&mut self.first, &mut self.further, number).expect(LISTED);
        if piece.rows.capacity() == 0 && self.len >= Self::PER_PIECE {
            piece.rows = match mem::take(&mut self.spare) {
                spare if spare.capacity() > 0 => spare,
                _ => Vec::with_capacity(Self::PER_PIECE),
            };
        }
        let at = piece.put(row);
        if piece.taken as usize == Self::PER_PIECE {
            self.with_room.pop();
        }
        self.len += 1;
        number * Self::PER_PIECE + at
    }

    /// Takes out the row of that number, if it is taken.
    pub fn remove(&mut self, number: usize) -> Option<T> {
        let of = number / Self::PER_PIECE;
        let piece = self.piece_mut(of)?;
        let row = piece.take(number % Self::PER_PIECE)?;
        self.note_removed(of);
        Some(row)
    }

    /// Drops the row of that number where it stands, if it is taken. Says whether it was.
    pub fn discard(&mut self, number: usize) -> bool {
        let of = number / Self::PER_PIECE;
        let Some(piece) = self.piece_mut(of) else { return false };
        let was_taken = piece.discard(number % Self::PER_PIECE);
        if was_taken {
            self.note_removed(of);
        }
        was_taken
    }

    /// One more piece with room: the first one, or one behind all others.
    fn add_piece(&mut self) {
        if self.first.taken > 0 {
            self.further.push(Piece::default());
        }
        self.with_room.push(u32::try_from(self.further.len()).expect("memory ends long before pieces"));
    }

    #[inline]
    fn piece(&self, of: usize) -> Option<&Piece<T>> {
        if of == 0 { Some(&self.first) } else { self.further.get(of - 1) }
    }

    #[inline]
    fn piece_mut(&mut self, of: usize) -> Option<&mut Piece<T>> {
        piece_mut(&mut self.first, &mut self.further, of)
    }

    fn note_removed(&mut self, of: usize) {
        let piece = piece_mut(&mut self.first, &mut self.further, of).expect(LISTED);
        self.len -= 1;
        if piece.taken as usize + 1 == Self::PER_PIECE {
            self.with_room.push(of as u32);
        }
        if piece.taken == 0 {
            piece.free = NONE;
            piece.rows.clear();
            if of > 0 {
                let memory = mem::take(&mut piece.rows);
                if self.len >= Self::PER_PIECE {
                    self.spare = memory;
                }
            }
        }
        if self.len < Self::PER_PIECE && self.spare.capacity() > 0 {
            self.spare = Vec::new();
        }
    }

    /// All rows with their numbers, the lowest first.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let pieces = iter::once(&self.first).chain(&self.further);
        let taken = pieces.enumerate().filter(|(_, piece)| piece.taken > 0);
        taken.flat_map(|(of, piece)| {
            piece.rows.iter().enumerate().filter_map(move |(at, row)| match row {
                Row::Taken(row) => Some((of * Self::PER_PIECE + at, row)),
                Row::Free(_) => None,
            })
        })
    }
}

/// The piece of that number, while the rest of the table stays in reach.
#[inline]
fn piece_mut<'a, T>(
    first: &'a mut Piece<T>,
    further: &'a mut [Piece<T>],
    of: usize,
) -> Option<&'a mut Piece<T>> {
    if of == 0 { Some(first) } else { further.get_mut(of - 1) }
}

impl<T> Piece<T> {
    /// Puts a row where there is room; returns where.
    fn put(&mut self, row: T) -> usize {
        self.taken += 1;
        if self.free == NONE {
            self.rows.push(Row::Taken(row));
            return self.rows.len() - 1;
        }
        let at = self.free as usize;
        let Row::Free(next) = mem::replace(&mut self.rows[at], Row::Taken(row)) else {
            unreachable!("the chain is of free rows");
        };
        self.free = next;
        at
    }

    fn take(&mut self, at: usize) -> Option<T> {
        let place = self.rows.get_mut(at)?;
        if matches!(place, Row::Free(_)) {
            return None;
        }
        let Row::Taken(row) = mem::replace(place, Row::Free(self.free)) else { unreachable!("just seen") };
        self.note_free(at);
        Some(row)
    }

    fn discard(&mut self, at: usize) -> bool {
        let Some(place @ Row::Taken(_)) = self.rows.get_mut(at) else { return false };
        *place = Row::Free(self.free);
        self.note_free(at);
        true
    }

    fn note_free(&mut self, at: usize) {
        self.free = at as u32;
        self.taken -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_piece_without_rows_owns_no_memory() {
        let mut rows = SteadyRows::new();
        let per_piece = SteadyRows::<[u64; 6]>::PER_PIECE;
        assert_eq!(rows.bound(), 0);
        let numbers: Vec<usize> = (0..3 * per_piece).map(|_| rows.insert([7_u64; 6])).collect();
        assert_eq!(rows.bound(), 3 * per_piece);
        for number in &numbers[per_piece..2 * per_piece] {
            assert_eq!(rows.remove(*number), Some([7; 6]));
        }
        assert_eq!(rows.further[0].rows.capacity(), 0);
        assert_eq!(rows.next_number(), per_piece, "its numbers are used again");
    }

    #[test]
    fn memory_is_kept_for_the_next_piece_while_another_is_full() {
        let mut rows = SteadyRows::new();
        let per_piece = SteadyRows::<[u64; 6]>::PER_PIECE;
        let numbers: Vec<usize> = (0..2 * per_piece).map(|_| rows.insert([7_u64; 6])).collect();
        numbers[per_piece..].iter().for_each(|number| assert!(rows.discard(*number)));
        assert_eq!(rows.spare.capacity(), per_piece);
        rows.insert([8; 6]);
        assert_eq!((rows.spare.capacity(), rows.further[0].rows.capacity()), (0, per_piece));
        assert!(rows.discard(per_piece) && rows.discard(0));
        assert_eq!(rows.spare.capacity(), 0, "it would be more than what is used");
    }

    #[test]
    fn pieces_are_of_some_hundred_kilobytes() {
        assert_eq!(SteadyRows::<u8>::PER_PIECE, 4096);
        assert_eq!(SteadyRows::<[u64; 12]>::PER_PIECE, 2048);
        assert_eq!(SteadyRows::<[u64; 6000]>::PER_PIECE, 16);
    }

    proptest! {
        #[test]
        fn rows_keep_their_numbers(steps in proptest::collection::vec((0..5_u8, 0..u64::MAX), 1..4000)) {
            // Sixteen rows in a piece, so that pieces come and go.
            type Wide = [u64; 2000];
            let wide = |value: u64| [value; 2000];
            let mut rows: SteadyRows<Wide> = SteadyRows::new();
            let mut model: BTreeMap<usize, u64> = BTreeMap::new();
            for (kind, value) in steps {
                // Long stretches of growing and of shrinking.
                let grows = kind > 1 && value % 3 > 0 || model.is_empty();
                if grows {
                    let number = rows.next_number();
                    prop_assert_eq!(rows.insert(wide(value)), number);
                    prop_assert_eq!(model.insert(number, value), None);
                } else {
                    let index = value as usize % model.len();
                    let number = *model.keys().nth(index).expect("an index within");
                    let known = model.remove(&number);
                    if kind == 0 {
                        prop_assert!(rows.discard(number));
                    } else {
                        prop_assert_eq!(rows.remove(number).map(|row| row[0]), known);
                    }
                    prop_assert_eq!((rows.remove(number), rows.discard(number)), (None, false));
                    prop_assert_eq!(rows.get(number), None);
                }
                prop_assert_eq!(rows.len(), model.len());
            }
            for (number, value) in &model {
                prop_assert_eq!(rows.get(*number).map(|row| row[0]), Some(*value));
                rows.get_mut(*number).expect("it is there")[0] += 1;
            }
            let all: Vec<usize> = rows.iter().map(|(number, _)| number).collect();
            prop_assert_eq!(all, model.keys().copied().collect::<Vec<_>>());
            prop_assert!(model.keys().all(|number| *number < rows.bound()));
            prop_assert_eq!(rows.get(rows.bound()), None);
        }
    }
}
