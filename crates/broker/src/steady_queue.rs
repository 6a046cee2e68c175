//! A queue that grows and shrinks in small steps.
//!
//! A usual queue that is full copies all it holds to a larger place: with a million entries that takes some
//! milliseconds. Here they stand in pieces of a thousand, and only the row of pieces is ever copied.
//!
//! Always true: no piece is empty.

use std::collections::VecDeque;

/// Entries of a piece.
const PIECE_LEN: usize = 1024;

/// First in, first out. One that was never used is as small as a pointer.
#[derive(Debug)]
pub(crate) struct SteadyQueue<T> {
    used: Option<Box<Pieces<T>>>,
}

#[derive(Debug)]
struct Pieces<T> {
    pieces: VecDeque<VecDeque<T>>,
    len: usize,
}

impl<T> Default for SteadyQueue<T> {
    fn default() -> Self {
        Self { used: None }
    }
}

impl<T> Default for Pieces<T> {
    fn default() -> Self {
        Self { pieces: VecDeque::new(), len: 0 }
    }
}

impl<T> SteadyQueue<T> {
    /// An empty queue, which owns no memory yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.used.as_ref().map_or(0, |used| used.len)
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds one at the end.
    pub(crate) fn push_back(&mut self, entry: T) {
        let Pieces { pieces, len } = &mut **self.used.get_or_insert_default();
        match pieces.back_mut() {
            Some(piece) if piece.len() < PIECE_LEN => piece.push_back(entry),
            _ => pieces.push_back(VecDeque::from([entry])),
        }
        *len += 1;
    }

    /// Takes the first one.
    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let Pieces { pieces, len } = self.used.as_deref_mut()?;
        let piece = pieces.front_mut()?;
        let entry = piece.pop_front();
        if piece.is_empty() {
            pieces.pop_front();
        }
        *len -= 1;
        entry
    }

    /// All of them, first to last.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.used.iter().flat_map(|used| used.pieces.iter().flatten())
    }

    /// The same, to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.used.iter_mut().flat_map(|used| used.pieces.iter_mut().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_a_usual_queue() {
        let mut queue = SteadyQueue::new();
        let mut model = VecDeque::new();
        // It grows over several pieces, and shrinks to nothing, and that again.
        for step in 0..40_000_u32 {
            if step % 20_000 < 11_000 {
                queue.push_back(step);
                model.push_back(step);
            }
            if step % 3 == 0 || step % 20_000 >= 11_000 {
                assert_eq!(queue.pop_front(), model.pop_front());
            }
            assert_eq!((queue.len(), queue.is_empty()), (model.len(), model.is_empty()));
            if step % 1000 == 0 {
                queue.iter_mut().chain(model.iter_mut()).for_each(|entry| *entry += 1);
                assert!(queue.iter().eq(model.iter()));
            }
        }
        assert!(queue.used.is_some_and(|used| used.pieces.is_empty()), "it owns no piece when it is empty");
    }

    #[test]
    fn no_step_moves_more_than_a_piece() {
        let mut queue = SteadyQueue::new();
        for number in 0..100 * PIECE_LEN {
            queue.push_back(number);
            let pieces = &queue.used.as_ref().unwrap().pieces;
            assert!(pieces.back().is_some_and(|piece| piece.capacity() <= PIECE_LEN));
        }
        assert_eq!(queue.used.unwrap().pieces.len(), 100);
    }
}
