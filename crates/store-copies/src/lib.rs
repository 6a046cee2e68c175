//! A client that copies streams from a server into a folder, and from a folder to a server.
//!
//! | for | see |
//! |---|---|
//! | a backup of all streams of an account, and back | [`backup`], [`restore`] |
//! | streams of nats-server's files | [`import`] |
//! | messages that consumers gave up, published again | [`replay`] |
//! | the server | [`Link`] |
#![forbid(unsafe_code)]

mod backup;
mod error;
mod import;
mod link;
mod old_files;
mod outcome;
mod replay;
mod restore;
mod sending;
mod url;

pub use backup::backup;
pub use error::CopyError;
pub use import::import;
pub use link::{Link, Received};
pub use outcome::{Copied, Outcome, Tell};
pub use replay::{Letters, Replayed, replay};
pub use restore::restore;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
