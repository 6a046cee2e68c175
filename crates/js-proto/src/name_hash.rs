//! Names as eight letters and digits, where a name itself would not do.

use sha2::{Digest as _, Sha256};

/// How long it is.
const HASH_BYTES: usize = 8;

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What stands for a name, as nats-server computes it: of accounts in subjects, of consumers in headers.
pub fn name_hash(name: &str) -> String {
    let sum = Sha256::digest(name);
    sum[..HASH_BYTES].iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_recorded() {
        assert_eq!(name_hash("$G"), "szMpdrwD");
        assert_eq!(name_hash("SRC"), "Q7aLp2ab");
        assert_eq!(name_hash(&name_hash("T $G")), "z0QrXDOm");
    }
}
