//! Numbers of a few bits each, one behind the other, the low bits first.

/// Appends the lowest `width` bits of each number. The last byte is filled up with zeros.
pub(super) fn pack(numbers: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    let (mut waiting, mut count) = (0_u128, 0);
    for number in numbers {
        waiting |= u128::from(number) << count;
        count += width;
        while count >= 8 {
            out.push(waiting as u8);
            waiting >>= 8;
            count -= 8;
        }
    }
    if count > 0 {
        out.push(waiting as u8);
    }
}

/// Bytes of so many numbers.
pub(super) fn packed_len(count: usize, width: u32) -> usize {
    (count * width as usize).div_ceil(8)
}

/// One of the numbers that were packed.
#[inline]
pub(super) fn at(bytes: &[u8], index: usize, width: u32) -> u64 {
    let bit = index * width as usize;
    let from = &bytes[bit / 8..];
    let word = match from.first_chunk() {
        Some(word) => u128::from_le_bytes(*word),
        None => last_word(from),
    };
    let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
    (word >> (bit % 8)) as u64 & mask
}

/// Fewer than 16 bytes are left.
#[cold]
fn last_word(bytes: &[u8]) -> u128 {
    let mut word = [0; 16];
    word[..bytes.len()].copy_from_slice(bytes);
    u128::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_low_bits_come_first() {
        let mut out = Vec::new();
        pack([0b101, 0b011, 0b111].into_iter(), 3, &mut out);
        assert_eq!(out, [0b1101_1101, 0b1]);
        out.clear();
        pack([0, 0].into_iter(), 0, &mut out);
        assert_eq!((out.as_slice(), at(&out, 1, 0)), (&[][..], 0));
    }

    proptest! {
        #[test]
        fn what_is_packed_is_where_it_was(width in 0_u32..=64, numbers in proptest::collection::vec(any::<u64>(), 0..50)) {
            let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
            let numbers: Vec<u64> = numbers.into_iter().map(|number| number & mask).collect();
            let mut out = Vec::new();
            pack(numbers.iter().copied(), width, &mut out);
            prop_assert_eq!(out.len(), packed_len(numbers.len(), width));
            for (index, number) in numbers.iter().enumerate() {
                prop_assert_eq!(at(&out, index, width), *number);
            }
        }
    }
}
