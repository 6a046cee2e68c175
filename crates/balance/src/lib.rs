//! Which shard a connection belongs on.
//!
//! Decisions from numbers alone: how busy each shard is, how many connections it has, and samples of
//! who talks to whom. Nothing here measures, waits or moves anything.
//!
//! - [`place`]: where a new connection goes.
//! - [`Relief`] and [`halve`]: when a busy shard hands connections to another, and which.
//! - [`Votes`]: which shard a connection talks to most.
#![forbid(unsafe_code)]

mod halve;
mod load;
mod place;
mod relief;
mod traffic;
mod votes;

pub use halve::halve;
pub use load::Load;
pub use place::{PlacementRule, place};
pub use relief::Relief;
pub use traffic::{Pair, Traffic};
pub use votes::Votes;
