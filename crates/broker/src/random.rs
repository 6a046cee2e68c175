//! The shard's own random numbers, from a seed it is given.

/// SplitMix64: one addition and a mix per number, good enough to spread load. Not for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number that differs from call to call, for those that mix it themselves, as the choice among
    /// queue members does: to mix it twice would only take twice as long.
    pub(crate) fn count(&mut self) -> u64 {
        // Not the step of those mixes: their second numbers would be the first of the next call.
        self.0 = self.0.wrapping_add(0xD1B5_4A32_D192_ED03);
        self.0
    }

    /// A number below `bound`; 0 if the bound is 0. The bias of the plain remainder is far below
    /// anything a timer jitter could show.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }
}
