//! The files of a log, encrypted.
//!
//! Whoever writes a log thinks of plain files: a first page, then bytes. In an encrypted file the page stays as it is, and
//! each sector of 512 bytes behind it is sealed on its own and takes 28 more: [`stored_len`] and [`Stretch`] say where
//! what is, [`SegmentKey`] seals and opens. Layout: docs/formats/log.md; why it is safe: docs/encryption.md.

#![forbid(unsafe_code)]

mod cipher;
mod nonces;
mod places;
mod secret;
mod sector;

pub use cipher::{Cipher, UnknownCipher};
pub use nonces::Nonces;
pub use places::{PAGE_BYTES, SEALED_SECTOR_BYTES, SECTOR_BYTES, Stretch, plain_len, stored_len};
pub use secret::{Keychain, Secret, StoreKey};
pub use sector::SegmentKey;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
