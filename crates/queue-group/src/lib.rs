//! Which member of a queue group gets this message.
//!
//! One decision, made from numbers alone: how many members are here, which of them can take the
//! message, how many there are elsewhere, and 64 random bits from the caller. Nothing is
//! allocated, nothing is remembered between messages.
//!
//! ```
//! use queue_group::{Locality, Pick, Remote, pick};
//!
//! let remotes = [Remote { at: "shard-2", weight: 3 }];
//!
//! // A local member if one can take it; here the second of two cannot.
//! let picked = pick(7, 2, |member| member != 1, &remotes, Locality::LocalFirst);
//! assert_eq!(picked, Some(Pick::Local(0)));
//!
//! // Nobody here can: a remote one.
//! let picked = pick(7, 2, |_| false, &remotes, Locality::LocalFirst);
//! assert_eq!(picked, Some(Pick::Remote("shard-2")));
//! ```

#![forbid(unsafe_code)]

mod draws;
mod pick;

pub use pick::{Locality, Pick, Remote, draw, pick};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
