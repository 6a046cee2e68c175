//! A log of streams as a machine.
//!
//! [`Log`] takes records and says what is to be done with files: [`Request`]s go out, [`Answer`]s come back, [`Event`]s
//! say what that means. [`Recovery`] makes a log of what a crash or a stop has left. [`RamLog`] keeps the records of
//! streams that live in memory. What a record means, and whether anybody still needs it, is for whoever owns the log.
//!
//! Bytes: docs/formats/log.md.

#![forbid(unsafe_code)]

mod batch;
mod cache;
mod cleaning;
mod config;
mod event;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod ledger;
mod log;
mod node_file;
mod ram;
mod reading;
mod recovery;
mod request;
mod retiring;
mod segment;
mod shelf;
mod writing;

pub use batch::BATCH_BYTES_MAX;
pub use cleaning::Moved;
pub use config::{CleanRules, Config, SyncWhen};
pub use event::Event;
pub use log::{AppendError, Appended, Log, Room, TAIL_BYTES_MAX};
pub use node_file::{LANES, NoNodeFile, NodeFile};
pub use ram::{RAM_SEGMENT_BYTES, RamLog};
pub use reading::{READ_BYTES, READS_MAX, Read};
pub use recovery::{LOST_MAX, Lost, NoLog, Recovery, Report};
pub use request::{Answer, DiskError, Make, Request, Seal, Span, Write};
pub use writing::{SPLIT_BYTES_MIN, WRITE_BYTES_MAX};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
