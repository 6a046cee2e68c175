//! One shard as a machine: its broker, the services that live on it, and the order in which all happens.
#![forbid(unsafe_code)]

mod slots;

pub use slots::Slots;
