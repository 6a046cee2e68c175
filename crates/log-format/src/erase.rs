//! Overwriting what a message says, in the place where it lies.
//!
//! The record has to stay whole in between: power may go at any moment, and a sector is written or it is not. So each
//! sector's part of the payload becomes zeros, and four bytes at its end that leave the checksum what it was. Any mix of old
//! and new sectors has the same sum; the head, and whatever else speaks of the record, stays as it is.
//!
//! What is left of a part is therefore four bytes, by which a guess could be checked; and of a part that has no more than
//! four bytes, all of it.

use crate::batch::BATCH_ALIGN;

/// Bytes of a part that make up for the others.
const MEND_BYTES: usize = 4;

/// CRC32C's polynomial, low bit first.
const POLYNOMIAL: u32 = 0x82F6_3B78;

/// Overwrites a payload that begins at `offset` in its file.
pub fn erase_payload(payload: &mut [u8], offset: u32) {
    let in_first = BATCH_ALIGN - offset as usize % BATCH_ALIGN;
    let (first, others) = payload.split_at_mut(in_first.min(payload.len()));
    erase_part(first);
    others.chunks_mut(BATCH_ALIGN).for_each(erase_part);
}

fn erase_part(part: &mut [u8]) {
    let register = !crc32c::crc32c_append(u32::MAX, part);
    if let Some((zeros, mend)) = part.split_last_chunk_mut::<MEND_BYTES>() {
        zeros.fill(0);
        *mend = before(register).to_le_bytes();
    }
}

/// What leads from an empty register to this one, as 32 bits of input.
fn before(mut register: u32) -> u32 {
    for _ in 0..32 {
        let was_odd = register >> 31 == 1;
        register = if was_odd { ((register ^ POLYNOMIAL) << 1) | 1 } else { register << 1 };
    }
    register
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_sum_stays_whatever_sectors_are_written(
            payload in proptest::collection::vec(any::<u8>(), 0..3_000),
            offset in 0_u32..2_000,
            mix in any::<u8>(),
        ) {
            let mut erased = payload.clone();
            erase_payload(&mut erased, offset);
            let sector = |at: usize| (offset as usize % BATCH_ALIGN + at) / BATCH_ALIGN;
            let is_new = |at: usize| (mix >> sector(at)) & 1 == 1;
            let mixed: Vec<u8> =
                (0..payload.len()).map(|at| if is_new(at) { erased[at] } else { payload[at] }).collect();
            prop_assert_eq!(crc32c::crc32c(&mixed), crc32c::crc32c(&payload));
        }
    }

    #[test]
    fn nothing_is_left_but_four_bytes_a_sector() {
        let mut payload = vec![b'x'; 1_500];
        erase_payload(&mut payload, 500);
        let left = payload.iter().filter(|byte| **byte != 0).count();
        assert!(left <= 4 * MEND_BYTES, "{left}");
        for len in 0..20 {
            let mut payload = vec![b'x'; len];
            erase_payload(&mut payload, 0);
            assert_eq!(payload != vec![b'x'; len], len > MEND_BYTES, "{len}");
        }
    }
}
