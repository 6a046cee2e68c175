//! A log of streams as a machine.
//!
//! [`Log`] takes records and says what is to be done with files: [`Request`]s go out, [`Answer`]s come back, [`Event`]s
//! say what that means. [`Recovery`] makes a log of what a crash or a stop has left. [`RamLog`] keeps the records of
//! streams that live in memory. What a record means, and whether anybody still needs it, is for whoever owns the log.
//!
//! # How a log is driven
//!
//! 1. At the start: read what [`Recovery::want`] says and give it to [`Recovery::on_bytes`], which hands out the records,
//!    until nothing is wanted; [`Recovery::finish`] makes the log. Nobody is shown any of it before its first
//!    [`Event::Synced`].
//! 2. Before a publish is decided: [`Log::room`]. Then [`Log::append`], which says where the record lies and what has to be
//!    synced before anybody is told. Records that stand or fall together come behind a [`Log::unit`].
//! 3. At the end of each turn: [`Log::take_request`] until there is nothing. What came of requests goes to
//!    [`Log::on_answer`], and then [`Log::take_event`] says what that means.
//! 4. To read: [`Log::read`], which has the record or says to ask again after an [`Event::Read`].
//! 5. When a record is not needed any more: [`Log::bury`], once; of a whole group [`Log::bury_all`]. A record that says that
//!    another one is gone is needed as long as that one may be found: until an [`Event::Retired`] of each segment it
//!    was in, or until there is a record that says what is there.
//!    What a record said that nobody may find any more: [`Log::erase`].
//! 6. After an [`Event::Clean`]: [`Log::clean`]; after an [`Event::Moved`]: [`Log::take_moved`] until there is nothing.
//! 7. To know whether what was written long ago is still that: [`Log::scrub`] now and then, and an [`Event::Rotten`] tells of what
//!    is not.
//! 8. While [`Log::wants_tick`]: [`Log::tick`] about once a second. At the end: [`Log::stop`], and on with 3 until
//!    [`Log::is_stopped`].
//!
//! Bytes: docs/formats/log.md. Why it is as it is: docs/decisions/0012-one-log.md.

#![forbid(unsafe_code)]

mod batch;
mod cache;
mod cleaning;
mod config;
mod erasing;
mod erasures;
mod event;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod ledger;
mod log;
mod node_file;
mod pace;
mod ram;
mod reading;
mod recovery;
mod rekeying;
mod request;
mod retiring;
mod scrubbing;
mod segment;
mod shelf;
mod writing;

pub use batch::BATCH_BYTES_MAX;
pub use cleaning::Moved;
pub use config::{CleanRules, Config, SyncWhen};
pub use event::{Event, Rotten};
pub use log::{AppendError, Appended, Log, Room, TAIL_BYTES_MAX};
pub use node_file::{KeyNote, LANES, NoNodeFile, NodeFile};
pub use ram::{RAM_SEGMENT_BYTES, RamLog};
pub use reading::{READ_BYTES, READS_MAX, Read};
pub use recovery::{LOST_MAX, Lost, Missing, NoLog, Recovery, Report, SegmentFound};
pub use request::{Answer, DiskError, Make, Request, Seal, Span, Write};
pub use scrubbing::{ROTTEN_MAX, SCRUB_BYTES, Scrubbed};
pub use writing::{SPLIT_BYTES_MIN, WRITE_BYTES_MAX};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
