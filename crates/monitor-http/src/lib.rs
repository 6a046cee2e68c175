//! The monitoring listener: HTTP and HTTPS on a thread of its own. What it answers comes from a
//! handler; this crate knows no paths.
#![forbid(unsafe_code)]

mod config;

pub use config::{Config, Scheme};
