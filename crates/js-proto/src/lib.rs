//! The words of the JetStream API of NATS.
#![forbid(unsafe_code)]

mod api_error;
mod consumer_config;
pub mod errors;
mod go_struct;
mod nanos;
mod policies;
mod stream_config;
mod time;
mod words;

pub use api_error::{ApiError, KnownError};
pub use consumer_config::ConsumerConfig;
pub use nanos::Nanos;
pub use policies::{
    AckPolicy, Compression, ConsumerAction, DeliverPolicy, Discard, PersistMode, PriorityPolicy,
    ReplayPolicy, Retention, Storage,
};
pub use stream_config::{
    ConsumerLimits, ExternalStream, Placement, Republish, SourceConsumer, StreamConfig, StreamSource,
    SubjectTransform,
};
pub use time::Time;

/// Runs the README's example with the other doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
