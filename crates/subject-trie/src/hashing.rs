//! One seeded hash for whole subjects and for single tokens.
//!
//! The hasher is foldhash with a seed drawn at random for every trie, so a peer who picks the
//! subjects cannot pick collisions without learning the seed. Only 32 bits are kept: they are
//! stored beside each name, which lets a table grow without reading the names again, and rules
//! out nearly every wrong candidate before its name is read. Nothing is ever visited in the order
//! of a hash table, so the seed changes no answer.

use std::hash::{BuildHasher, Hasher};

use hashbrown::DefaultHashBuilder;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct SubjectHash(pub(crate) u32);

impl SubjectHash {
    /// The 64 bits a hash table wants: it picks the bucket by the low bits and tells entries of
    /// a bucket group apart by the top seven, so both ends carry the hash.
    pub(crate) fn spread(self) -> u64 {
        u64::from(self.0) << 32 | u64::from(self.0)
    }

    /// The hash of this token as a child of node `parent`. Multiplying by an odd number maps
    /// parents one to one, so equal tokens under different parents never share a hash.
    pub(crate) fn under(self, parent: u32) -> Self {
        Self(self.0 ^ parent.wrapping_mul(0x9E37_79B1))
    }
}

pub(crate) struct SubjectHasher {
    builder: DefaultHashBuilder,
    identity: u64,
}

impl Default for SubjectHasher {
    fn default() -> Self {
        let builder = DefaultHashBuilder::default();
        let identity = hash_wide(&builder, b"identity");
        Self { builder, identity }
    }
}

impl SubjectHasher {
    pub(crate) fn hash(&self, bytes: &[u8]) -> SubjectHash {
        SubjectHash((hash_wide(&self.builder, bytes) >> 32) as u32)
    }

    /// A number that hashers with different seeds do not share.
    pub(crate) fn identity(&self) -> u64 {
        self.identity
    }
}

fn hash_wide(builder: &DefaultHashBuilder, bytes: &[u8]) -> u64 {
    let mut hasher = builder.build_hasher();
    hasher.write(bytes);
    hasher.finish()
}
