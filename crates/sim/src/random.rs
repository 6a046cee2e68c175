//! Random numbers from a seed, in streams that do not disturb each other.

/// What a stream decides. A new draw in one leaves the others as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// The sizes and odds of the run.
    Plan = 1,
    /// When shards take turns and what they find in which order.
    Schedule,
    /// How long batches travel.
    Mesh,
    /// What sockets take and when clients read.
    Sockets,
    /// What clients do.
    Workload,
    /// Which connections change shards, and when.
    Moves,
    /// What services do.
    Services,
    /// How far behind a shard sees the world.
    Views,
    /// When the server ends.
    Endings,
}

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64, stream: Stream) -> Self {
        let mut start = Self(seed);
        Self(start.next() ^ (stream as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        debug_assert!(low <= high, "an empty range");
        low + self.next() % (high - low + 1)
    }

    /// The same for sizes.
    pub(crate) fn size(&mut self, low: usize, high: usize) -> usize {
        self.between(low as u64, high as u64) as usize
    }

    /// True in `percent` of a hundred cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub(crate) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.size(0, choices.len() - 1)]
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.size(0, last));
        }
    }
}
