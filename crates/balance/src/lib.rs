//! Which shard a connection belongs on.
//!
//! Decisions from numbers alone: how busy each shard is, how many connections it has. Nothing here
//! measures, waits or moves anything.
#![forbid(unsafe_code)]

mod load;
mod place;

pub use load::Load;
pub use place::{PlacementRule, place};
