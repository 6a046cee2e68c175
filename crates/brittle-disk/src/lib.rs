//! A file system in memory that loses power by a seed, fills up and fails on request.
//!
//! [`Disk`] is the plain struct that decides: it takes calls and leaves bytes, and knows of each byte and
//! each name whether it was synced.
#![forbid(unsafe_code)]

mod allocate;
mod attr;
mod change;
mod cut;
mod dice;
mod disk;
mod faults;
mod ino;
mod inode;
mod names;
mod pages;
mod sync;
mod trace;
mod tree;

pub use allocate::Allocation;
pub use attr::{Attr, Kind};
pub use cut::{CutReport, Mood};
pub use dice::Dice;
pub use disk::{Disk, Rule};
pub use faults::Fault;
pub use ino::{Ino, ROOT};
pub use sync::SyncMark;
pub use trace::{Call, Counts, Event};
pub use tree::RenameMode;
