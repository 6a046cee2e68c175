//! As many draws as needed out of one random number.
//!
//! The sequence is SplitMix64 (Steele, Lea, Flood 2014) started at the caller's number: one
//! addition and a mix per draw, and good enough that the caller may pass a plain counter.

pub(crate) struct Draws {
    state: u64,
}

impl Draws {
    pub(crate) fn from(random: u64) -> Self {
        Self { state: random }
    }

    /// A number below `bound`, which must not be zero. Taking the high half of a product favours
    /// some numbers over others by less than `bound` in 2^64: for a million members that is one
    /// part in 10^13.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
