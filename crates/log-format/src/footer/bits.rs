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

/// The numbers that were packed. There are [`packed_len`] bytes.
pub(super) fn unpack(bytes: &[u8], count: usize, width: u32) -> impl Iterator<Item = u64> {
    let (mut waiting, mut bits) = (0_u128, 0);
    let mut bytes = bytes.iter();
    let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
    (0..count).map(move |_| {
        while bits < width {
            waiting |= u128::from(*bytes.next().expect("there are as many bytes as it takes")) << bits;
            bits += 8;
        }
        let number = waiting as u64 & mask;
        waiting >>= width;
        bits -= width;
        number
    })
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
        assert_eq!(out, []);
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_out(width in 0_u32..=64, numbers in proptest::collection::vec(any::<u64>(), 0..50)) {
            let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
            let numbers: Vec<u64> = numbers.into_iter().map(|number| number & mask).collect();
            let mut out = Vec::new();
            pack(numbers.iter().copied(), width, &mut out);
            prop_assert_eq!(out.len(), packed_len(numbers.len(), width));
            prop_assert_eq!(unpack(&out, numbers.len(), width).collect::<Vec<_>>(), numbers);
        }
    }
}
