//! Where in an encrypted file what would be where in a plain one.
//!
//! Always true: a plain file's length follows from that of the encrypted one, whether the last sector is whole or not.

use crate::nonces::NONCE_BYTES;

/// Bytes at the front of a file that are not encrypted.
pub const PAGE_BYTES: u64 = 4_096;

/// Bytes of what is sealed at a time: what a log begins its batches at multiples of.
pub const SECTOR_BYTES: usize = 512;

pub(crate) const TAG_BYTES: usize = 16;

/// Bytes that a sector takes beside its own.
pub(crate) const OVERHEAD_BYTES: usize = NONCE_BYTES + TAG_BYTES;

/// Bytes of a sector in the file.
pub const SEALED_SECTOR_BYTES: usize = SECTOR_BYTES + OVERHEAD_BYTES;

/// How long the file is for so many plain bytes.
pub const fn stored_len(plain: u64) -> u64 {
    let Some(bytes) = plain.checked_sub(PAGE_BYTES) else { return plain };
    let (whole, rest) = (bytes / SECTOR_BYTES as u64, bytes % SECTOR_BYTES as u64);
    let rest = if rest == 0 { 0 } else { rest + OVERHEAD_BYTES as u64 };
    PAGE_BYTES + whole * SEALED_SECTOR_BYTES as u64 + rest
}

/// How many plain bytes there are in a file of that length.
pub const fn plain_len(stored: u64) -> u64 {
    let Some(bytes) = stored.checked_sub(PAGE_BYTES) else { return stored };
    let (whole, rest) = (bytes / SEALED_SECTOR_BYTES as u64, bytes % SEALED_SECTOR_BYTES as u64);
    PAGE_BYTES + whole * SECTOR_BYTES as u64 + rest.saturating_sub(OVERHEAD_BYTES as u64)
}

/// Whole sectors that have some plain bytes behind the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The first sector: they count from the page.
    pub first: u32,
    /// Where it begins in the file.
    pub offset: u64,
    /// Bytes of all of them in the file, if that is so long.
    pub len: usize,
    /// Plain bytes of the first sector that are before those asked for.
    pub skipped: usize,
}

impl Stretch {
    /// `offset` and `len` are of plain bytes; none of them is in the page.
    ///
    /// # Panics
    /// It begins in the page.
    pub fn of(offset: u64, len: usize) -> Self {
        let behind = offset.checked_sub(PAGE_BYTES).expect("the page is not encrypted");
        let first = behind / SECTOR_BYTES as u64;
        let skipped = (behind % SECTOR_BYTES as u64) as usize;
        let sectors = (skipped + len).div_ceil(SECTOR_BYTES);
        Self {
            first: first as u32,
            offset: PAGE_BYTES + first * SEALED_SECTOR_BYTES as u64,
            len: sectors * SEALED_SECTOR_BYTES,
            skipped,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lengths_lead_back_to_each_other(plain in 0_u64..(64 << 20)) {
            prop_assert_eq!(plain_len(stored_len(plain)), plain);
            // A file that ends within what a sector takes beside its bytes has nothing of that sector.
            prop_assert!(plain_len(plain) <= plain);
        }

        #[test]
        fn a_stretch_has_what_is_asked_for(behind in 0_u64..100_000, len in 0_usize..5_000) {
            let stretch = Stretch::of(PAGE_BYTES + behind, len);
            let begins = u64::from(stretch.first) * SECTOR_BYTES as u64;
            prop_assert_eq!(begins + stretch.skipped as u64, behind);
            prop_assert_eq!(stretch.offset, stored_len(PAGE_BYTES + begins));
            let end = plain_len(stretch.offset + stretch.len as u64);
            let asked = PAGE_BYTES + behind + len as u64;
            prop_assert!(end >= asked && end < asked + 2 * SECTOR_BYTES as u64);
        }
    }

    #[test]
    fn the_layout_is_what_it_was() {
        assert_eq!(
            [0, 100, 4_096, 4_097, 4_608, 4_609].map(stored_len),
            [0, 100, 4_096, 4_125, 4_636, 4_665]
        );
        assert_eq!(Stretch::of(4_096 + 1_025, 10), Stretch { first: 2, offset: 5_176, len: 540, skipped: 1 });
        assert_eq!(Stretch::of(4_096, 0).len, 0);
    }
}
