//! The checksums of nats-server's files: HighwayHash of 64 bits, under a key that follows from a name.

use highway::{HighwayHash, HighwayHasher, Key};
use sha2::{Digest, Sha256};

/// Checksums under one key.
#[derive(Clone, Debug)]
pub struct RecordHash(HighwayHasher);

impl RecordHash {
    /// Of the records of a block of a stream.
    pub fn of_block(stream: &str, block: u32) -> Self {
        Self::of_name(&format!("{stream}-{block}"))
    }

    /// Of what belongs to a name: a stream's, or that of a stream and one of its consumers with a slash between.
    pub fn of_name(name: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
        let word = |at: usize| u64::from_le_bytes(digest[at..at + 8].try_into().expect("eight bytes"));
        Self(HighwayHasher::new(Key([word(0), word(8), word(16), word(24)])))
    }

    /// The checksum of what comes.
    pub(crate) fn begin(&self) -> HashSoFar {
        HashSoFar(self.0.clone())
    }

    /// The checksum of these bytes in a row, as it is stored.
    pub(crate) fn sum(&self, parts: &[&[u8]]) -> [u8; 8] {
        let mut hasher = self.0.clone();
        parts.iter().for_each(|part| hasher.append(part));
        hasher.finalize64().to_le_bytes()
    }
}

/// A checksum of bytes that come one after the other.
#[derive(Clone, Debug)]
pub(crate) struct HashSoFar(HighwayHasher);

impl HashSoFar {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.append(bytes);
    }

    /// As it is stored.
    pub(crate) fn sum(&self) -> [u8; 8] {
        self.0.clone().finalize64().to_le_bytes()
    }
}

/// What stands in the file beside `meta.inf`, which has these bytes: `name` is the stream's, or that of a stream and one of
/// its consumers with a slash between.
pub fn meta_sum(name: &str, meta: &[u8]) -> String {
    let sum = RecordHash::of_name(name).sum(&[meta]);
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}
