//! Streams of S2, the extension of Snappy that nats-server compresses with, as functions over byte slices.
//!
//! A stream is a row of chunks: one that says what it is, then chunks of bytes, packed or as they are, each with a
//! checksum of what it unpacks to. It may say again what it is at any time; nats-server does so at each flush.
//!
//! ```
//! use s2_stream::{Reader, Step, Strength, Writer};
//!
//! let mut stream = Vec::new();
//! let mut writer = Writer::new(Strength::Packed);
//! writer.write(b"PING\r\n", &mut stream);
//! writer.write(&b"again and again, ".repeat(50), &mut stream);
//!
//! let (mut reader, mut plain) = (Reader::new(), Vec::new());
//! for piece in stream.chunks(7) {
//!     reader.feed(piece);
//!     // In steps of a kilobyte, say, so that nothing else waits for long.
//!     loop {
//!         match reader.step(1024)? {
//!             Step::Plain(bytes) => plain.extend_from_slice(bytes),
//!             Step::NotYet => {}
//!             Step::NeedMore => break,
//!         }
//!     }
//! }
//! assert!(plain.starts_with(b"PING\r\nagain and again, "));
//! # Ok::<(), s2_stream::Damage>(())
//! ```
//!
//! # What writing costs
//!
//! The writer packs with Snappy's blocks of 64 KiB. Each is a block of S2 as well, but S2 has more than that: blocks
//! of up to 4 MiB, copies from further back, and copies that repeat the last distance. What nats-server calls fast,
//! better and best are three searches for them, from quick to thorough; here there is one, and it is quick. How
//! large the same bytes come out here and there is measured in the test `sizes_beside_those_of_go`.

#![forbid(unsafe_code)]

mod block;
mod chunk;
mod damage;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod reader;
mod writer;

pub use chunk::{BLOCK_BYTES_MAX, SNAPPY_BLOCK_BYTES_MAX};
pub use damage::Damage;
pub use reader::{Reader, Step};
pub use writer::{PIECE_BYTES_MAX, Strength, Writer};

/// Runs the README's example with the other doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
