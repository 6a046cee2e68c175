//! A file system in memory that loses power by a seed, fills up and fails on request.
//!
//! [`Disk`] is the plain struct that decides: it takes calls and leaves bytes, and knows of each byte and
//! each name whether it was synced. [`BrittleDisk`] mounts one, so that a server runs on it as it ships.
#![forbid(unsafe_code)]

mod adapter;
mod allocate;
mod attr;
mod brittle_disk;
mod change;
mod cut;
mod dice;
mod disk;
mod faults;
mod gate;
mod ino;
mod inode;
mod names;
mod pages;
mod shared;
mod sync;
mod trace;
mod tree;

pub use allocate::Allocation;
pub use attr::{Attr, Kind};
pub use brittle_disk::{BrittleDisk, DiskOptions, Unmountable, mount_or_say};
pub use cut::{CutReport, Mood};
pub use dice::Dice;
pub use disk::{Disk, Rule};
pub use faults::Fault;
pub use gate::HeldSyncs;
pub use ino::{Ino, ROOT};
pub use sync::SyncMark;
pub use trace::{Call, Counts, Event};
pub use tree::RenameMode;
