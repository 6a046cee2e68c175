//! What makes the checksums of one segment those of no other.
//!
//! Files are recycled, so behind the last batch of a segment stand valid batches of its earlier life. Checksums are
//! laid over with a number that is made from the segment's, and those do not come out right any more. It can be taken
//! off again: what is below is the same in every segment, on every node and in every backup.

/// A store's and a segment's number, mixed so that those of neighbours have nothing in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt(u32);

impl Salt {
    /// The salt of a segment. Numbers are never used twice in one log. `store` was drawn at random once: who only
    /// publishes does not know it, so no payload can be made that passes for a record when what is before it rots.
    pub const fn of_segment(store: &[u8; 16], number: u64) -> Self {
        let store = u128::from_le_bytes(*store);
        let first = mixed(number ^ store as u64);
        let mixed = mixed(first ^ (store >> 64) as u64);
        Self((mixed ^ (mixed >> 32)) as u32)
    }

    /// Lays the salt over a checksum, or takes it off: that is the same.
    pub const fn over(self, sum: u32) -> u32 {
        self.0 ^ sum
    }
}

/// The last steps of splitmix64: every bit of what goes in counts for every bit of what comes out.
const fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn neighbours_have_different_salts() {
        let salts: HashSet<u32> =
            (0..100_000).map(|number| Salt::of_segment(&[7; 16], number).over(0)).collect();
        assert!(salts.len() > 99_990, "{} of 100,000", salts.len());
    }

    #[test]
    fn a_salt_comes_off() {
        let salt = Salt::of_segment(&[7; 16], 7);
        assert_eq!(salt.over(salt.over(0xdead_beef)), 0xdead_beef);
    }
}
