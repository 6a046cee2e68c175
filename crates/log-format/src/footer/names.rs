//! The subjects of a run while it is gathered, as the footer will have them.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Bytes of a length.
const LEN_BYTES: usize = 2;

/// Subjects in the order in which they came first, each behind its length. Found again by a table that has no texts.
#[derive(Debug, Default)]
pub(super) struct Names {
    written: Vec<u8>,
    hasher: DefaultHashBuilder,
    /// Where each begins, and its number.
    table: HashTable<(u32, u32)>,
}

impl Names {
    /// Which one it is, from 0. One that is new comes behind all others.
    pub(super) fn number(&mut self, name: &[u8]) -> u32 {
        let Self { written, hasher, table } = self;
        let hash = hasher.hash_one(name);
        if let Some((_, number)) = table.find(hash, |(at, _)| text(written, *at) == name) {
            return *number;
        }
        let (at, number) = (written.len() as u32, table.len() as u32);
        // A subject's length fits: it was read from a record.
        written.extend_from_slice(&(name.len() as u16).to_le_bytes());
        written.extend_from_slice(name);
        table.insert_unique(hash, (at, number), |(at, _)| hasher.hash_one(text(written, *at)));
        number
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// All of them as they are written.
    pub(super) fn written(&self) -> &[u8] {
        &self.written
    }
}

fn text(written: &[u8], at: u32) -> &[u8] {
    let bytes = &written[at as usize..];
    let (len, rest) = bytes.split_at(LEN_BYTES);
    &rest[..usize::from(u16::from_le_bytes([len[0], len[1]]))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_number_of_its_first_time() {
        let mut names = Names::default();
        let all: Vec<String> = (0..300).map(|n| "x".repeat(n % 7) + &n.to_string()).collect();
        for round in 0..2 {
            for (number, name) in all.iter().enumerate() {
                assert_eq!(names.number(name.as_bytes()) as usize, number, "{name}, round {round}");
            }
        }
        assert_eq!((names.number(b""), names.number(b""), names.len()), (300, 300, 301));
        assert!(names.written().starts_with(b"\x01\x000\x02\x00x1"));
    }
}
