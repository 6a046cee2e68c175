//! The sizes of places.
//!
//! They double from class to class. What a block leaves unused of its place are addresses without memory.

/// The kernel gives memory by the page.
pub(crate) const PAGE: usize = 4096;

/// Smaller blocks are the heap's.
pub(crate) const BLOCK_BYTES_MIN: usize = 16 << 10;

/// What fits into a place of the first class.
const FIRST_BYTES: usize = 32 << 10;

/// Larger blocks than fit into the last class are mapped one by one: that is little beside filling them.
pub(crate) const CLASSES: usize = 9;

/// All places of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Class(u8);

impl Class {
    /// That of the smallest places.
    pub(crate) const FIRST: Self = Self(0);

    /// That of the largest.
    pub(crate) const LAST: Self = Self(CLASSES as u8 - 1);

    /// The one for blocks of that many bytes, if they live in places.
    #[inline]
    pub(crate) fn of(bytes: usize) -> Option<Self> {
        if !(BLOCK_BYTES_MIN..=Self::LAST.block_bytes()).contains(&bytes) {
            return None;
        }
        let doublings = bytes.next_power_of_two().max(FIRST_BYTES).ilog2() - FIRST_BYTES.ilog2();
        Some(Self(doublings as u8))
    }

    pub(crate) fn index(self) -> usize {
        self.0.into()
    }

    /// The largest block that fits.
    pub(crate) const fn block_bytes(self) -> usize {
        FIRST_BYTES << self.0
    }

    /// A place has a page more, for its block to begin anywhere in the first.
    pub(crate) const fn place_bytes(self) -> usize {
        self.block_bytes() + PAGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_lives_in_the_smallest_place_it_fits_into() {
        const MIB: usize = 1 << 20;
        for (bytes, room) in [
            (BLOCK_BYTES_MIN - 1, None),
            (BLOCK_BYTES_MIN, Some(FIRST_BYTES)),
            (FIRST_BYTES, Some(FIRST_BYTES)),
            (FIRST_BYTES + 1, Some(2 * FIRST_BYTES)),
            (MIB + 1, Some(2 * MIB)),
            (8 * MIB, Some(8 * MIB)),
            (8 * MIB + 1, None),
            (usize::MAX, None),
        ] {
            assert_eq!(Class::of(bytes).map(Class::block_bytes), room, "{bytes}");
        }
    }
}
