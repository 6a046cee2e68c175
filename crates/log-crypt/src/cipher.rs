//! What bytes are encrypted with.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Algorithm, CHACHA20_POLY1305};
use thiserror::Error;

/// What bytes are encrypted with, and checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cipher {
    /// ChaCha20-Poly1305, which nats-server takes if nothing is said.
    #[default]
    ChaCha,
    /// AES-256-GCM: the faster one where the processor has instructions for it.
    Aes,
}

/// A word that is no cipher's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("Unknown cipher type: \"{0}\"")]
pub struct UnknownCipher(String);

impl Cipher {
    /// Reads the word that a configuration has for it, in nats-server's ways to write it.
    ///
    /// # Errors
    /// It is none.
    pub fn of_setting(word: &str) -> Result<Self, UnknownCipher> {
        match word.to_ascii_lowercase().as_str() {
            "chacha" | "chachapoly" => Ok(Self::ChaCha),
            "aes" => Ok(Self::Aes),
            _ => Err(UnknownCipher(word.to_owned())),
        }
    }

    /// The word that [`Self::of_setting`] reads.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ChaCha => "chacha",
            Self::Aes => "aes",
        }
    }

    pub(crate) fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::ChaCha => &CHACHA20_POLY1305,
            Self::Aes => &AES_256_GCM,
        }
    }
}

impl fmt::Display for Cipher {
    /// As nats-server's log has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChaCha => "ChaCha20-Poly1305",
            Self::Aes => "AES-GCM",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the words of nats-server 2.14.5.
    #[test]
    fn ciphers_have_nats_servers_names() {
        for (word, cipher) in
            [("chacha", Cipher::ChaCha), ("ChaChaPoly", Cipher::ChaCha), ("AES", Cipher::Aes)]
        {
            assert_eq!(Cipher::of_setting(word), Ok(cipher), "{word}");
        }
        for cipher in [Cipher::ChaCha, Cipher::Aes] {
            assert_eq!(Cipher::of_setting(cipher.word()), Ok(cipher));
        }
        let refused = Cipher::of_setting("rot13").expect_err("it is none");
        assert_eq!(refused.to_string(), "Unknown cipher type: \"rot13\"");
        assert_eq!(Cipher::default().to_string(), "ChaCha20-Poly1305");
    }
}
