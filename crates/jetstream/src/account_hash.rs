//! What subjects name an account by.

use sha2::{Digest as _, Sha256};

/// How long it is.
const HASH_BYTES: usize = 8;

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The hash of an account's name, as nats-server computes it.
pub(crate) fn account_hash(name: &str) -> String {
    let sum = Sha256::digest(name);
    sum[..HASH_BYTES].iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_recorded() {
        assert_eq!(account_hash("$G"), "szMpdrwD");
    }
}
