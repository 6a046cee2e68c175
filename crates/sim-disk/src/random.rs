//! Random numbers, as a disk and its tests ask for them.

/// Which stream of the seed's numbers these are.
const STREAM: u64 = 0;

/// A row of random numbers.
#[derive(Debug, Clone)]
pub struct Random(seeded::Random);

impl Random {
    /// The row of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seeded::Random::new(seed, STREAM))
    }

    /// Any number.
    pub fn draw(&mut self) -> u64 {
        self.0.next()
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.between(0, bound - 1)
    }

    /// True in so many of a thousand cases.
    pub fn in_a_thousand(&mut self, cases: u64) -> bool {
        cases > 0 && self.below(1_000) < cases
    }
}
