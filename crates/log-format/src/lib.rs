//! The bytes of a log that keeps streams: how they are written, checked, and found again after a crash.
//!
//! A log is a row of segments, a segment a row of batches behind one page, a batch a row of records. Slices in, slices
//! out: no files, no clock, and nothing about what a record means.
//!
//! ```
//! use log_format::{Kind, Record, Salt};
//!
//! let salt = Salt::of_segment(&[7; 16], 1);
//! let record = Record {
//!     kind: Kind::MESSAGE,
//!     group: 1,
//!     seq: 1,
//!     time: 0,
//!     ttl: None,
//!     message_id: None,
//!     subject: b"orders.new",
//!     header: b"",
//!     payload: b"hello",
//! };
//! let mut bytes = Vec::new();
//! let sum = record.append_to(salt, &mut bytes)?;
//! assert_eq!(Record::read(&bytes, salt), Ok((record, sum)));
//!
//! // Whatever happens to them, nobody takes them for what they are not.
//! bytes[50] ^= 0x10;
//! assert!(Record::read(&bytes, salt).is_err());
//! # Ok::<(), log_format::TooLarge>(())
//! ```

#![forbid(unsafe_code)]

mod batch;
mod check;
mod erase;
mod footer;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod kind;
mod level;
mod place;
mod record;
mod salt;
mod scan;
mod segment;

pub use batch::{BATCH_ALIGN, BATCH_HEAD_BYTES, BatchHead, Copied, Lsn, padded};
pub use check::{Check, Rot};
pub use erase::erase_payload;
pub use footer::{
    Columns, CopiedBatch, FooterDirectory, FooterWriter, Item, NoFooter, Part, ROWS_PER_CHUNK, Row, Section,
    Stretch, Subjects, TRAILER_BYTES, Trailer,
};
pub use kind::Kind;
pub use level::Level;
pub use place::Place;
pub use record::{Damage, Head, RECORD_BYTES_MAX, RECORD_HEAD_BYTES, Record, Sum, TooLarge};
pub use salt::Salt;
pub use scan::{Found, Scan};
pub use segment::{NoSegment, SEGMENT_HEAD_BYTES, SegmentHead, VERSION};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
