//! One consumer of a stream as a machine: what is delivered to whom, acknowledged, and delivered again.
#![forbid(unsafe_code)]
#![expect(dead_code, reason = "the machine that uses them comes next")]

mod backlog;
mod changes;
mod codec;
mod effect;
mod event;
mod flow;
mod headers_only;
mod lasts;
mod life;
mod moment;
mod pace;
mod pending;
mod redeliveries;
mod requests;
mod settings;
mod waits;

pub use codec::{BadState, VERSION};
pub use effect::{Delivery, Effect, Effects};
pub use event::{Delivered, Event, EventHead};
pub use headers_only::headers_only;
pub use moment::Moment;
