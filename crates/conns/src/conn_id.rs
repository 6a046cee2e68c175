//! What connections are called.

/// Names a connection of one table: its slot, and in the upper half a generation. Slots are used again; the
/// generation tells the users apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(u64);

impl ConnId {
    /// Generations before the first comes again: by then its connection is long gone.
    pub const GENERATIONS: u32 = 1 << 31;

    /// What a connection is called before it is in a table.
    pub(crate) const NOWHERE: Self = Self(u64::MAX);

    /// The index of the connection in tables with a row per connection.
    #[inline]
    pub const fn slot(self) -> usize {
        self.0 as u32 as usize
    }

    /// The id as a number; that of a connection is below 2^63.
    #[inline]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The id that [`Self::to_bits`] made this number of.
    #[inline]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Its slot and its generation.
    #[inline]
    pub const fn to_parts(self) -> (u32, u32) {
        (self.0 as u32, (self.0 >> 32) as u32)
    }

    /// An id of these parts. With a generation of [`Self::GENERATIONS`] or more it is no connection's, and none is
    /// found by it.
    #[inline]
    pub const fn from_parts(slot: u32, generation: u32) -> Self {
        Self((generation as u64) << 32 | slot as u64)
    }
}
