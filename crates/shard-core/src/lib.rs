//! One shard as a machine: its broker, the services that live on it, and the order in which all happens.
#![forbid(unsafe_code)]

mod event;
mod measures;
mod slots;

pub use event::{End, Event, Order, Parcel, Run, Sent};
pub use measures::Measures;
pub use slots::Slots;
