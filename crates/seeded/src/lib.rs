//! Random numbers from a seed: all that a simulation or a made-up conversation is follows from them.
//!
//! They are SplitMix64's (Steele, Lea, Flood 2014). A seed has as many streams as one likes, and to draw from one leaves
//! the others as they were.
//!
//! A seed that found something is written down, in tests and on pages: what is drawn from it must stay the same.
#![forbid(unsafe_code)]

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The stream of this number.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut start = Self(seed);
        Self(start.next() ^ stream.wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "a stream without end needs no Option")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        debug_assert!(low <= high, "an empty range");
        low + self.next() % (high - low + 1)
    }

    /// The same for sizes.
    pub fn size(&mut self, low: usize, high: usize) -> usize {
        self.between(low as u64, high as u64) as usize
    }

    /// True in `percent` of a hundred cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    /// One of `choices`, of which there has to be one.
    pub fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.size(0, choices.len() - 1)]
    }

    /// The same by value.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        *self.one_of(choices)
    }

    /// Some of `choices`, in their order, each with `percent`.
    pub fn some_of<T: Copy>(&mut self, percent: u64, choices: &[T]) -> Vec<T> {
        choices.iter().copied().filter(|_| self.chance(percent)).collect()
    }

    /// Puts `items` in any order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.size(0, last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the generator's authors for the seed 1234567.
    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        let mut random = Random(1_234_567);
        let drawn: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn a_stream_always_draws_the_same_and_another_does_not() {
        let draw = |seed, stream| Random::new(seed, stream).next();
        assert_eq!(draw(7, 3), draw(7, 3));
        assert!(draw(7, 3) != draw(7, 4) && draw(7, 3) != draw(8, 3));
    }

    #[test]
    fn all_of_a_range_is_drawn_and_nothing_else() {
        let mut random = Random::new(1, 1);
        let sizes: Vec<usize> = (0..100).map(|_| random.size(2, 4)).collect();
        assert!((2..=4).all(|size| sizes.contains(&size)) && sizes.iter().all(|size| (2..=4).contains(size)));
    }

    #[test]
    fn what_is_shuffled_stays_together() {
        let mut items: Vec<usize> = (0..20).collect();
        Random::new(1, 2).shuffle(&mut items);
        assert!(!items.is_sorted());
        items.sort_unstable();
        assert!(items.into_iter().eq(0..20));
    }
}
