//! One seeded hash for whole subjects and for single tokens.
//!
//! The hasher is foldhash with a seed drawn at random for every trie, so a peer who picks the
//! subjects cannot pick collisions without learning the seed. The tables inside keep 32 bits of it:
//! they are stored beside each name, which lets a table grow without reading the names again, and
//! rules out nearly every wrong candidate before its name is read. Nothing is ever visited in the
//! order of a hash table, so the seed changes no answer.

use std::hash::{BuildHasher, Hasher};

use hashbrown::DefaultHashBuilder;

/// The hash of a subject by the seed of one [`SubjectTrie`](crate::SubjectTrie), which alone makes
/// it: see [`SubjectTrie::hash`](crate::SubjectTrie::hash).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SubjectHash(u64);

impl SubjectHash {
    /// All of its bits, each as good as the other.
    #[inline]
    pub fn bits(self) -> u64 {
        self.0
    }

    #[inline]
    pub(crate) fn short(self) -> ShortHash {
        ShortHash((self.0 >> 32) as u32)
    }
}

/// The part of a hash that is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ShortHash(pub(crate) u32);

impl ShortHash {
    /// The 64 bits a hash table wants: it picks the bucket by the low bits and tells entries of
    /// a bucket group apart by the top seven, so both ends carry the hash.
    #[inline]
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
    #[inline]
    pub(crate) fn hash(&self, bytes: &[u8]) -> SubjectHash {
        SubjectHash(hash_wide(&self.builder, bytes))
    }

    #[inline]
    pub(crate) fn short(&self, bytes: &[u8]) -> ShortHash {
        self.hash(bytes).short()
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
