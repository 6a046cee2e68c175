//! The words of the JetStream API of NATS.
#![forbid(unsafe_code)]

mod api_error;
pub mod errors;
mod nanos;
mod time;

pub use api_error::{ApiError, KnownError};
pub use nanos::Nanos;
pub use time::Time;

/// Runs the README's example with the other doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
