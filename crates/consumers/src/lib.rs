//! One consumer of a stream as a machine: what is delivered to whom, acknowledged, and delivered again.
#![forbid(unsafe_code)]
#![expect(dead_code, reason = "the machine that uses them comes next")]

mod backlog;
mod changes;
mod codec;
mod lasts;
mod moment;
mod pending;
mod redeliveries;
mod waits;

pub use codec::{BadState, VERSION};
pub use moment::Moment;
