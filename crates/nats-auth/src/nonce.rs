//! What clients with an nkey have to sign.

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha512};

/// Bytes of a nonce before it becomes text, as in nats-server.
const NONCE_BYTES: usize = 11;

/// A source of nonces that nobody can guess without its key.
#[derive(Clone)]
pub struct Nonces {
    key: [u8; 32],
    made: u64,
}

impl Nonces {
    /// The key has to be random and secret, and another one for each source.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key, made: 0 }
    }

    /// The next nonce: 15 characters. It never comes again.
    pub fn next_nonce(&mut self) -> Box<str> {
        self.made += 1;
        let digest = Sha512::new().chain_update(self.key).chain_update(self.made.to_le_bytes()).finalize();
        BASE64URL_NOPAD.encode(&digest[..NONCE_BYTES]).into()
    }
}

impl std::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nonces").field("made", &self.made).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_has_15_characters_and_comes_once() {
        let mut nonces = Nonces::new([7; 32]);
        let (one, two) = (nonces.next_nonce(), nonces.next_nonce());
        assert_eq!((one.len(), two.len()), (15, 15));
        assert_ne!(one, two);
        assert_ne!(Nonces::new([8; 32]).next_nonce(), one);
        assert!(!format!("{nonces:?}").contains("7, 7"));
    }
}
