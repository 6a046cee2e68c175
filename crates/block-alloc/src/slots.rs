//! Which places are taken.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

const BITS: usize = u64::BITS as usize;

/// Places that are free or taken, `64 * WORDS` of them. No thread waits for another.
pub(crate) struct Slots<const WORDS: usize> {
    taken: [AtomicU64; WORDS],
    /// Where to look first: before it there is seldom a free place.
    start: AtomicUsize,
}

impl<const WORDS: usize> Slots<WORDS> {
    pub(crate) const fn new() -> Self {
        Self { taken: [const { AtomicU64::new(0) }; WORDS], start: AtomicUsize::new(0) }
    }

    /// Takes one of the first free places; `None` if there is none.
    pub(crate) fn take(&self) -> Option<usize> {
        let start = self.start.load(Ordering::Relaxed);
        let (word, slot) =
            (start..WORDS).chain(0..start).find_map(|word| Some((word, self.take_of(word)?)))?;
        if word != start {
            self.start.store(word, Ordering::Relaxed);
        }
        Some(slot)
    }

    /// Gives a place back that was taken.
    pub(crate) fn give(&self, slot: usize) {
        let word = slot / BITS;
        // What was done with the place happened before it is taken again.
        self.taken[word].fetch_and(!(1 << (slot % BITS)), Ordering::Release);
        self.start.fetch_min(word, Ordering::Relaxed);
    }

    fn take_of(&self, word: usize) -> Option<usize> {
        let row = &self.taken[word];
        let mut seen = row.load(Ordering::Relaxed);
        while seen != u64::MAX {
            let bit = seen.trailing_ones() as usize;
            let before = row.fetch_or(1 << bit, Ordering::Acquire);
            if before & (1 << bit) == 0 {
                return Some(word * BITS + bit);
            }
            seen = before;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_taken_once() {
        let slots = Slots::<2>::new();
        let mut taken: Vec<usize> = std::iter::from_fn(|| slots.take()).collect();
        taken.sort_unstable();
        assert_eq!(taken, (0..2 * BITS).collect::<Vec<_>>());
        slots.give(100);
        slots.give(3);
        assert_eq!([slots.take(), slots.take(), slots.take()], [Some(3), Some(100), None]);
    }

    #[test]
    fn threads_never_have_the_same() {
        let slots = Slots::<2>::new();
        let owned: [_; 2 * BITS] = std::array::from_fn(|_| AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        let Some(slot) = slots.take() else { continue };
                        assert_eq!(owned[slot].fetch_add(1, Ordering::Relaxed), 0, "place {slot}");
                        owned[slot].fetch_sub(1, Ordering::Relaxed);
                        slots.give(slot);
                    }
                });
            }
        });
        assert_eq!(std::iter::from_fn(|| slots.take()).count(), 2 * BITS);
    }
}
