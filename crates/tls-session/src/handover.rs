//! The keys of a session, for someone else to go on with its records: the kernel.

use std::fmt;

use rustls::ConnectionTrafficSecrets;
use rustls::crypto::cipher::AeadKey;

use crate::names::Version;

/// Everything that is needed to go on where a session stopped.
#[derive(Debug)]
pub struct Handover {
    /// The version that was agreed on.
    pub version: Version,
    /// For what the peer is to get.
    pub sending: Keys,
    /// For what the peer sends.
    pub receiving: Keys,
}

/// The state of one direction.
pub struct Keys {
    /// How records are encrypted.
    pub cipher: Cipher,
    /// Of the next record; not of any before.
    ///
    /// TLS 1.3 and ChaCha20 make the nonce of each record of this and of its number. AES-GCM in TLS 1.2 has
    /// four bytes of salt, then eight that whoever sends may choose and counts up from.
    pub nonce: [u8; 12],
    /// The number of the next record.
    pub sequence: u64,
    key: AeadKey,
}

/// How records are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cipher {
    /// AES with 128 bits, in Galois/counter mode.
    Aes128Gcm,
    /// AES with 256 bits, in Galois/counter mode.
    Aes256Gcm,
    /// ChaCha20 with Poly1305.
    ChaCha20Poly1305,
}

impl Keys {
    pub(crate) fn new(
        version: Version,
        (sequence, secrets): (u64, ConnectionTrafficSecrets),
    ) -> Option<Self> {
        let (cipher, key, iv) = match secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (Cipher::Aes128Gcm, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (Cipher::Aes256Gcm, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (Cipher::ChaCha20Poly1305, key, iv),
            _ => return None,
        };
        let mut nonce: [u8; 12] = iv.as_ref().try_into().ok()?;
        if version == Version::Tls12 && cipher != Cipher::ChaCha20Poly1305 {
            skip_used(&mut nonce);
        }
        Some(Self { cipher, nonce, sequence, key })
    }

    /// The key itself: 16 bytes for [`Cipher::Aes128Gcm`], otherwise 32.
    pub fn key(&self) -> &[u8] {
        self.key.as_ref()
    }
}

/// Picks a nonce to count up from that no record had. The kernel counts; rustls flips those bits of the first
/// nonce that are set in the record's number. A nonce that comes twice would give the key of AES-GCM away, so
/// the highest bit is another one: whoever counts gets to the ones that were used after 2^63 records at the
/// earliest.
fn skip_used(nonce: &mut [u8; 12]) {
    nonce[4] ^= 0x80;
}

// Keys stay out of logs.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("cipher", &self.cipher).finish_non_exhaustive()
    }
}
