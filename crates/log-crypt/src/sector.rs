//! Sealing and opening sectors.
//!
//! ```text
//! nonce 12 B | the sector's bytes, encrypted | tag 16 B
//! ```
//!
//! The last sector of a file may be shorter. What is sealed with it is which one of its file it is, so none passes for
//! another. A sector that is zeros in the file was never written: its bytes are zeros.

use std::fmt;

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};

use crate::nonces::{NONCE_BYTES, Nonces};
use crate::places::{OVERHEAD_BYTES, SEALED_SECTOR_BYTES, SECTOR_BYTES, TAG_BYTES};

/// The key of one segment.
pub struct SegmentKey(pub(crate) LessSafeKey);

impl SegmentKey {
    /// Appends what is to be written for sectors from that one on. Zeros at the end stay zeros, if they are whole sectors:
    /// nobody has written there, and somebody will.
    pub fn seal(&self, first: u32, plain: &[u8], nonces: &mut Nonces, stored: &mut Vec<u8>) {
        let sectors = plain.chunks(SECTOR_BYTES);
        let is_blank = |sector: &&[u8]| sector.len() == SECTOR_BYTES && is_zero(sector);
        let blank = sectors.clone().rev().take_while(is_blank).count();
        let written = sectors.len() - blank;
        stored.reserve(sectors.len() * SEALED_SECTOR_BYTES);
        for (number, sector) in (first..).zip(sectors.take(written)) {
            self.seal_one(number, sector, nonces.next(), stored);
        }
        stored.resize(stored.len() + blank * SEALED_SECTOR_BYTES, 0);
    }

    fn seal_one(&self, number: u32, sector: &[u8], nonce: [u8; NONCE_BYTES], stored: &mut Vec<u8>) {
        stored.extend_from_slice(&nonce);
        let start = stored.len();
        stored.extend_from_slice(sector);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag =
            self.0.seal_in_place_separate_tag(nonce, Aad::from(number.to_le_bytes()), &mut stored[start..]);
        stored.extend_from_slice(tag.expect("a sector is not too long to be sealed").as_ref());
    }

    /// Appends the plain bytes of sectors from that one on, as many as there are in `stored`. Where one is not what was
    /// written (or was written under another key) there are zeros: what stands in the log has sums of its own, and is then
    /// found to be lost. Returns how many those were.
    pub fn open(&self, first: u32, stored: &[u8], plain: &mut Vec<u8>) -> usize {
        let mut lost = 0;
        plain.reserve(stored.len());
        for (number, sealed) in (first..).zip(stored.chunks(SEALED_SECTOR_BYTES)) {
            let start = plain.len();
            plain.resize(start + sealed.len().saturating_sub(OVERHEAD_BYTES), 0);
            if !self.open_one(number, sealed, &mut plain[start..]) {
                plain[start..].fill(0);
                lost += 1;
            }
        }
        lost
    }

    fn open_one(&self, number: u32, sealed: &[u8], plain: &mut [u8]) -> bool {
        if plain.is_empty() {
            return true;
        }
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>().expect("there are bytes behind it");
        if *nonce == [0; NONCE_BYTES] && is_zero(rest) {
            return true;
        }
        let (bytes, tag) = rest.split_at(rest.len() - TAG_BYTES);
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0.open_separate_gather(nonce, Aad::from(number.to_le_bytes()), bytes, tag, plain).is_ok()
    }

    /// Whether this key opens one of these sectors that was written.
    pub fn opens_any(&self, first: u32, stored: &[u8]) -> bool {
        let mut plain = [0; SECTOR_BYTES];
        (first..)
            .zip(stored.chunks_exact(SEALED_SECTOR_BYTES))
            .any(|(number, sealed)| !is_zero(sealed) && self.open_one(number, sealed, &mut plain))
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

impl fmt::Debug for SegmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SegmentKey")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cipher::Cipher;
    use crate::secret::Secret;

    fn key(cipher: Cipher) -> SegmentKey {
        Secret::new("s3cr3t").of_store(&[7; 16]).of_segment(cipher, 0, 1)
    }

    fn sealed(key: &SegmentKey, first: u32, plain: &[u8]) -> Vec<u8> {
        let mut stored = Vec::new();
        key.seal(first, plain, &mut Nonces::starting_at([3; 12]), &mut stored);
        stored
    }

    proptest! {
        #[test]
        fn what_is_sealed_is_opened(
            plain in proptest::collection::vec(any::<u8>(), 0..3_000),
            first in any::<u16>(),
            is_aes in any::<bool>(),
        ) {
            let key = key(if is_aes { Cipher::Aes } else { Cipher::ChaCha });
            let stored = sealed(&key, u32::from(first), &plain);
            let mut opened = b"before".to_vec();
            prop_assert_eq!(key.open(u32::from(first), &stored, &mut opened), 0);
            prop_assert_eq!(&opened[6..], &plain[..]);
        }

        /// One flipped bit costs its sector, and that is told.
        #[test]
        fn what_was_changed_is_zeros(
            plain in proptest::collection::vec(1_u8.., 1..2_000),
            at in any::<proptest::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let key = key(Cipher::Aes);
            let mut stored = sealed(&key, 0, &plain);
            let at = at.index(stored.len());
            stored[at] ^= 1 << bit;
            let mut opened = Vec::new();
            prop_assert_eq!(key.open(0, &stored, &mut opened), 1);
            let sector = at / SEALED_SECTOR_BYTES;
            let expected = plain.iter().enumerate();
            let expected = expected.map(|(at, byte)| if at / SECTOR_BYTES == sector { 0 } else { *byte });
            prop_assert!(opened.iter().copied().eq(expected));
        }
    }

    #[test]
    fn a_sector_passes_for_no_other() {
        let plain = [5; 1_024];
        let key = key(Cipher::ChaCha);
        let mut stored = sealed(&key, 0, &plain);
        stored.rotate_left(SEALED_SECTOR_BYTES);
        let mut opened = Vec::new();
        assert_eq!((key.open(0, &stored, &mut opened), &opened[..]), (2, &[0; 1_024][..]));
        let other = Secret::new("another").of_store(&[7; 16]).of_segment(Cipher::ChaCha, 0, 1);
        stored.rotate_left(SEALED_SECTOR_BYTES);
        assert!(key.opens_any(0, &stored) && !other.opens_any(0, &stored));
        assert!(!key.opens_any(0, &[0; 2 * SEALED_SECTOR_BYTES]), "nobody wrote that");
    }

    /// They are what stands behind the last batch until the next is written.
    #[test]
    fn zeros_at_the_end_stay_zeros_and_no_others() {
        let key = key(Cipher::Aes);
        let plain = [[0; 512], [9; 512], [0; 512]].concat();
        let stored = sealed(&key, 0, &plain);
        assert!(!is_zero(&stored[..SEALED_SECTOR_BYTES]) && is_zero(&stored[2 * SEALED_SECTOR_BYTES..]));
        let mut opened = Vec::new();
        assert_eq!((key.open(0, &stored, &mut opened), opened), (0, plain));
        // What was torn off within what a sector takes beside its bytes has none.
        let mut opened = Vec::new();
        assert_eq!((key.open(0, &stored[..20], &mut opened), opened.len()), (0, 0));
    }
}
