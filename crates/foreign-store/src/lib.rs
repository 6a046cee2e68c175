//! The files in which nats-server keeps a stream, and the archives that it makes of one.
//!
//! Slices in, slices out: no files, no clock. Everything that reads takes any bytes at all, in pieces of any size, and keeps
//! no more of them than its documentation says.
//!
//! | for | see |
//! |---|---|
//! | messages in blocks | [`RecordHash`], [`BlockWriter`], [`unpack_block`] |
//! | which of them are gone | [`StreamState`], [`StateReader`], [`Runs`] |
//! | where a consumer stands | [`ConsumerState`] |
//! | what a file of a stream is | [`Part`] |
//! | archives | [`TarReader`], [`tar_head`]; they are packed as `s2-stream` reads and writes it |
#![forbid(unsafe_code)]

mod block_file;
mod block_writer;
mod consumer_state;
mod damage;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod part;
mod record;
mod record_hash;
mod runs;
mod sequence_set;
mod state_reader;
mod stream_state;
mod tar_reader;
mod tar_writer;
mod varint;

pub use block_file::unpack_block;
pub use block_writer::{BlockWriter, Message};
pub use consumer_state::{ConsumerState, Pending};
pub use damage::Damage;
pub use part::Part;
pub use record::{BlockStep, Kind, RECORD_BYTES_MAX, Record};
pub use record_hash::{RecordHash, meta_sum};
pub use runs::Runs;
pub use state_reader::StateReader;
pub use stream_state::{STATE_BYTES_MAX, StreamState};
pub use tar_reader::{Item, TarReader};
pub use tar_writer::{TAR_END, tar_head, tar_padding};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
