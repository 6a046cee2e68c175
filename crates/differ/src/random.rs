//! Random numbers from a seed: everything a case is follows from them.

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The stream of case number `case` of a run.
    pub fn of_case(seed: u64, case: u64) -> Self {
        let mut start = Self(seed);
        Self(start.next() ^ case.wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn size(&mut self, low: usize, high: usize) -> usize {
        debug_assert!(low <= high, "an empty range");
        low + (self.next() % (high - low + 1) as u64) as usize
    }

    /// True in `percent` of a hundred cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub(crate) fn one_of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.size(0, choices.len() - 1)]
    }

    /// As [`Self::one_of`], by value.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.size(0, choices.len() - 1)]
    }

    /// Some of `choices`, in their order, each with `percent`.
    pub(crate) fn some_of<T: Copy>(&mut self, percent: u64, choices: &[T]) -> Vec<T> {
        choices.iter().copied().filter(|_| self.chance(percent)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_always_draws_the_same_and_another_case_does_not() {
        let draw = |seed, case| Random::of_case(seed, case).next();
        assert_eq!(draw(7, 3), draw(7, 3));
        assert!(draw(7, 3) != draw(7, 4) && draw(7, 3) != draw(8, 3));
    }

    #[test]
    fn both_ends_of_a_range_are_drawn() {
        let mut random = Random::of_case(1, 1);
        let drawn: Vec<usize> = (0..100).map(|_| random.size(2, 4)).collect();
        assert!((2..=4).all(|size| drawn.contains(&size)) && drawn.iter().all(|size| (2..=4).contains(size)));
    }
}
