//! What the operator keeps, and the keys that are made of it.
//!
//! `HKDF-SHA256` with the store's id makes a key of the store, and of that one for each segment of each log, and for each
//! cipher: what is written to one file is never under the key of another.

use std::fmt;

use aws_lc_rs::aead::{LessSafeKey, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};

use crate::cipher::Cipher;
use crate::sector::SegmentKey;

/// What the operator keeps. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

/// What a store's segments are encrypted with.
#[derive(Clone)]
pub struct StoreKey(Prk);

/// The secrets that a server has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keychain {
    /// What is written is encrypted with this; `None`: it is not encrypted.
    pub current: Option<Secret>,
    /// What was written may be encrypted with this as well.
    pub previous: Option<Secret>,
    /// How it is encrypted from now on.
    pub cipher: Cipher,
}

impl Keychain {
    /// All secrets, the one that is to be used first.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.current.iter().chain(&self.previous)
    }
}

impl Secret {
    /// Of any text. What protects the store is how hard it is to guess.
    pub fn new(text: &str) -> Self {
        Self(text.as_bytes().into())
    }

    /// What it makes of a store's id.
    pub fn of_store(&self, store: &[u8; 16]) -> StoreKey {
        StoreKey(Salt::new(HKDF_SHA256, store).extract(&self.0))
    }
}

impl StoreKey {
    /// What the store may say of the key, so that another one is known for another.
    pub fn check(&self) -> [u8; 16] {
        let bytes: [u8; 32] = self.expand(&[b"buster log key check"]);
        *bytes.first_chunk().expect("32 bytes have 16")
    }

    /// The key of a segment.
    pub fn of_segment(&self, cipher: Cipher, log: u32, number: u32) -> SegmentKey {
        let word = cipher.word().as_bytes();
        let bytes = self.expand(&[b"buster log segment", word, &log.to_le_bytes(), &number.to_le_bytes()]);
        let key = UnboundKey::new(cipher.algorithm(), &bytes).expect("both ciphers take 32 bytes");
        SegmentKey(LessSafeKey::new(key))
    }

    fn expand(&self, info: &[&[u8]]) -> [u8; 32] {
        let mut bytes = [0; 32];
        let made = self.0.expand(info, HKDF_SHA256).and_then(|made| made.fill(&mut bytes));
        made.expect("it is one hash that is asked for");
        bytes
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nonces::Nonces;

    #[test]
    fn keys_differ_by_secret_store_log_segment_and_cipher() {
        let secrets = [Secret::new("one"), Secret::new("two")];
        let stores = [[1; 16], [2; 16]];
        let mut sealed = Vec::new();
        for (secret, store) in secrets.iter().flat_map(|secret| stores.map(|store| (secret, store))) {
            let key = secret.of_store(&store);
            for (cipher, log, number) in
                [(Cipher::Aes, 0, 1), (Cipher::ChaCha, 0, 1), (Cipher::Aes, 1, 1), (Cipher::Aes, 0, 2)]
            {
                let mut bytes = Vec::new();
                let nonces = &mut Nonces::starting_at([7; 12]);
                key.of_segment(cipher, log, number).seal(0, &[1; 512], nonces, &mut bytes);
                sealed.push(bytes[12..].to_vec());
            }
        }
        let count = sealed.len();
        sealed.sort();
        sealed.dedup();
        assert_eq!((count, sealed.len()), (16, 16));
    }

    #[test]
    fn a_check_knows_a_secret_and_says_nothing_of_it() {
        let check = |text, store| Secret::new(text).of_store(&store).check();
        assert_eq!(check("one", [1; 16]), check("one", [1; 16]));
        assert_ne!(check("one", [1; 16]), check("two", [1; 16]));
        assert_ne!(check("one", [1; 16]), check("one", [2; 16]));
        let keychain = Keychain { current: Some(Secret::new("hunter2")), ..Keychain::default() };
        assert!(!format!("{keychain:?}").contains("hunter2"));
    }

    /// What is on disks is under these keys for good. Others' code came to the same bytes.
    #[test]
    fn keys_are_what_they_were() {
        let key = Secret::new("s3cr3t").of_store(b"a store of tests");
        assert_eq!(u128::from_be_bytes(key.check()), 0xa4cb_036f_2243_6df8_9414_3962_efe5_f98f);
        let mut bytes = Vec::new();
        let nonces = &mut Nonces::starting_at([7; 12]);
        key.of_segment(Cipher::ChaCha, 1, 2).seal(3, b"x", nonces, &mut bytes);
        key.of_segment(Cipher::Aes, 1, 2).seal(3, b"x", nonces, &mut bytes);
        let by_chacha = [84, 59, 46, 254, 185, 143, 112, 115, 77, 32, 116, 171, 30, 140, 79, 56, 79];
        let by_aes = [15, 50, 87, 21, 122, 216, 195, 71, 183, 228, 39, 101, 124, 15, 170, 81, 131];
        let (first, second) = ([7; 12], [8, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7]);
        assert_eq!(bytes, [&first[..], &by_chacha, &second, &by_aes].concat());
    }
}
