//! A set of sequences, as it stands in the index of a stream.

use std::ops::RangeInclusive;

use crate::varint::Reader;
use crate::{Damage, Runs};

const MAGIC: u8 = 22;

/// A bucket has 64 sequences.
const BUCKET: u64 = 64;

/// Runs of sequences that are read. Each takes some three words, and eight bytes may tell of 32 of them.
pub(crate) const RUNS_MAX: usize = 4 << 20;

/// What stands before the nodes of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SetHead {
    pub(crate) nodes: u32,
    /// Of each node.
    pub(crate) buckets: u64,
}

impl SetHead {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Damage> {
        let head = reader.take(10)?;
        let buckets = match (head[0], head[1]) {
            (MAGIC, 1) => 64,
            (MAGIC, 2) => 32,
            (MAGIC, _) => return Err(Damage::Version("a set of sequences")),
            _ => return Err(Damage::Malformed("a set of sequences")),
        };
        let nodes = u32::from_le_bytes(head[2..6].try_into().expect("four bytes"));
        Ok(Self { nodes, buckets })
    }
}

/// Reads a node, and adds what is in it to `runs`. Nodes stand in the order of their tree.
pub(crate) fn read_node(reader: &mut Reader<'_>, set: SetHead, runs: &mut Runs) -> Result<(), Damage> {
    let base = number(reader)?;
    let words = reader.take(set.buckets as usize * 8)?;
    // How high the node stands.
    reader.take(2)?;
    for (bucket, word) in (0..).zip(words.chunks_exact(8)) {
        let first = base.checked_add(bucket * BUCKET).ok_or(Damage::Malformed("a set of sequences"))?;
        add_bits(u64::from_le_bytes(word.try_into().expect("eight bytes")), first, runs)?;
    }
    Ok(())
}

/// Adds a run, if there is room for it.
pub(crate) fn add(runs: &mut Runs, run: RangeInclusive<u64>) -> Result<(), Damage> {
    add_up_to(RUNS_MAX, runs, run)
}

fn add_up_to(most: usize, runs: &mut Runs, run: RangeInclusive<u64>) -> Result<(), Damage> {
    runs.add(run);
    if runs.len() > most { Err(Damage::TooLarge("a set of sequences")) } else { Ok(()) }
}

fn number(reader: &mut Reader<'_>) -> Result<u64, Damage> {
    Ok(u64::from_le_bytes(reader.take(8)?.try_into().expect("eight bytes")))
}

/// Adds the runs of set bits.
fn add_bits(mut bits: u64, first: u64, runs: &mut Runs) -> Result<(), Damage> {
    let mut at = 0;
    while bits != 0 {
        let zeros = bits.trailing_zeros();
        bits >>= zeros;
        let ones = bits.trailing_ones();
        at += zeros;
        let start = first.saturating_add(u64::from(at));
        add(runs, start..=start.saturating_add(u64::from(ones) - 1))?;
        bits = bits.checked_shr(ones).unwrap_or(0);
        at += ones;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A set with one node of 2,048 sequences from there on, every other of which is in it.
    pub(crate) fn every_other(base: u64) -> Vec<u8> {
        let mut bytes = head(1);
        bytes.extend_from_slice(&base.to_le_bytes());
        bytes.extend_from_slice(&[0x55; 32 * 8]);
        bytes.extend_from_slice(&[1, 0]);
        bytes
    }

    fn head(nodes: u32) -> Vec<u8> {
        let mut bytes = vec![MAGIC, 2];
        bytes.extend_from_slice(&nodes.to_le_bytes());
        bytes.extend_from_slice(&9u32.to_le_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Runs, Damage> {
        let (mut reader, mut runs) = (Reader::new(bytes, "test"), Runs::default());
        let set = SetHead::read(&mut reader)?;
        (0..set.nodes).try_for_each(|_| read_node(&mut reader, set, &mut runs))?;
        assert!(reader.rest().is_empty());
        Ok(runs)
    }

    #[test]
    fn bits_become_runs() {
        let mut bytes = head(2);
        for (base, words) in [(2048u64, [0b1011u64, 0]), (0, [1 << 63, 0b11])] {
            bytes.extend_from_slice(&base.to_le_bytes());
            for at in 0..32 {
                bytes.extend_from_slice(&words.get(at).copied().unwrap_or(0).to_le_bytes());
            }
            bytes.extend_from_slice(&[1, 0]);
        }
        let mut runs = read(&bytes).unwrap();
        let runs: Vec<_> = std::iter::from_fn(|| runs.pop_first()).collect();
        assert_eq!(runs, [63..=65, 2048..=2049, 2051..=2051]);
        for len in 0..bytes.len() {
            assert!(read(&bytes[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn no_more_runs_are_taken_than_there_is_room_for() {
        let mut runs = Runs::default();
        let all = (0..100).try_for_each(|seq| add_up_to(99, &mut runs, seq * 2..=seq * 2));
        assert_eq!((all, runs.len()), (Err(Damage::TooLarge("a set of sequences")), 100));
    }

    #[test]
    fn a_full_bucket_is_one_run() {
        let mut runs = Runs::default();
        add_bits(u64::MAX, 64, &mut runs).unwrap();
        assert_eq!((runs.first(), runs.len()), (Some(64..=127), 1));
    }
}
