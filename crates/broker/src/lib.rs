//! Core NATS on one shard: connections, accounts, subscriptions, delivery and limits, as a machine
//! that is fed events and the time and leaves bytes, messages to other shards and a next deadline.
//!
//! [`Broker`] is the machine. Files by concept: `session` what an op does, `publish` and `subscribe`
//! the two that matter most, `route` who gets a message, `egress` what leaves to clients, `mesh` what
//! leaves to other shards, `fence` and `offers` how shards stay one server.
#![forbid(unsafe_code)]

mod account;
mod broker;
mod client;
mod close;
mod config;
mod deadlines;
mod egress;
mod fence;
mod mesh;
mod offers;
mod outbox;
mod placement;
mod publish;
mod random;
mod route;
mod session;
mod subscribe;
mod subscription;
mod time;
mod trace;

pub use broker::{Broker, Flush};
pub use client::ConnId;
pub use close::CloseReason;
pub use config::Config;
pub use outbox::Outbox;
pub use placement::Placed;
pub use time::Time;
