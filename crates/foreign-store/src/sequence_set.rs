//! A set of sequences, as it stands in the index of a stream.

use std::ops::RangeInclusive;

use crate::Damage;
use crate::varint::Reader;

const MAGIC: u8 = 22;

/// A bucket has 64 sequences.
const BUCKET: u64 = 64;

/// Runs of sequences that are read. Each takes three words, and eight bytes may tell of 32 of them.
pub(crate) const RANGES_MAX: usize = 4 << 20;

/// Reads one, and adds what is in it to `ranges`, in ascending order.
pub(crate) fn read(reader: &mut Reader<'_>, ranges: &mut Vec<RangeInclusive<u64>>) -> Result<(), Damage> {
    let head = reader.take(10)?;
    let buckets = match (head[0], head[1]) {
        (MAGIC, 1) => 64,
        (MAGIC, 2) => 32,
        (MAGIC, _) => return Err(Damage::Version("a set of sequences")),
        _ => return Err(Damage::Malformed("a set of sequences")),
    };
    let nodes = u32::from_le_bytes(head[2..6].try_into().expect("four bytes"));
    let from = ranges.len();
    for _ in 0..nodes {
        let base = number(reader)?;
        for bucket in 0..buckets {
            let first = base.checked_add(bucket * BUCKET);
            let first = first.ok_or(Damage::Malformed("a set of sequences"))?;
            add_bits(number(reader)?, first, ranges);
            if ranges.len() > RANGES_MAX {
                return Err(Damage::TooLarge("a set of sequences"));
            }
        }
        // How high the node stands.
        reader.take(2)?;
    }
    join(ranges, from);
    Ok(())
}

fn number(reader: &mut Reader<'_>) -> Result<u64, Damage> {
    Ok(u64::from_le_bytes(reader.take(8)?.try_into().expect("eight bytes")))
}

/// Adds the runs of set bits.
fn add_bits(mut bits: u64, first: u64, ranges: &mut Vec<RangeInclusive<u64>>) {
    let mut at = 0;
    while bits != 0 {
        let zeros = bits.trailing_zeros();
        bits >>= zeros;
        let ones = bits.trailing_ones();
        at += zeros;
        let start = first.saturating_add(u64::from(at));
        ranges.push(start..=start.saturating_add(u64::from(ones) - 1));
        bits = bits.checked_shr(ones).unwrap_or(0);
        at += ones;
    }
}

/// Nodes stand in the order of their tree: brings what is behind `from` in order, and makes one of what touches.
fn join(ranges: &mut Vec<RangeInclusive<u64>>, from: usize) {
    ranges[from..].sort_unstable_by_key(|range| *range.start());
    let mut last = from;
    for at in from + 1..ranges.len() {
        let (start, end) = (*ranges[at].start(), *ranges[at].end());
        if start <= ranges[last].end().saturating_add(1) {
            ranges[last] = *ranges[last].start()..=end.max(*ranges[last].end());
        } else {
            last += 1;
            ranges[last] = start..=end;
        }
    }
    ranges.truncate((last + 1).min(ranges.len()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_become_ranges() {
        let mut bytes = vec![MAGIC, 2];
        bytes.extend_from_slice(&2u32.to_le_bytes());
        bytes.extend_from_slice(&9u32.to_le_bytes());
        for (base, words) in [(2048u64, [0b1011u64, 0]), (0, [1 << 63, 0b11])] {
            bytes.extend_from_slice(&base.to_le_bytes());
            for at in 0..32 {
                bytes.extend_from_slice(&words.get(at).copied().unwrap_or(0).to_le_bytes());
            }
            bytes.extend_from_slice(&[1, 0]);
        }
        let mut ranges = Vec::new();
        let mut reader = Reader::new(&bytes, "test");
        read(&mut reader, &mut ranges).unwrap();
        assert_eq!(ranges, [63..=65, 2048..=2049, 2051..=2051]);
        assert!(reader.rest().is_empty());
        for len in 0..bytes.len() {
            assert!(read(&mut Reader::new(&bytes[..len], "test"), &mut Vec::new()).is_err(), "{len}");
        }
    }

    #[test]
    fn no_more_runs_are_read_than_there_is_room_for() {
        let nodes = u32::try_from(RANGES_MAX / (32 * 32)).unwrap() + 1;
        let mut bytes = vec![MAGIC, 2];
        bytes.extend_from_slice(&nodes.to_le_bytes());
        bytes.extend_from_slice(&0u32.to_le_bytes());
        for _ in 0..nodes {
            bytes.extend_from_slice(&0u64.to_le_bytes());
            bytes.extend_from_slice(&[0x55; 32 * 8]);
            bytes.extend_from_slice(&[1, 0]);
        }
        let read = read(&mut Reader::new(&bytes, "test"), &mut Vec::new());
        assert_eq!(read, Err(Damage::TooLarge("a set of sequences")));
    }

    #[test]
    fn a_full_bucket_is_one_range() {
        let mut ranges = Vec::new();
        add_bits(u64::MAX, 64, &mut ranges);
        assert_eq!(ranges, [64..=127]);
    }
}
