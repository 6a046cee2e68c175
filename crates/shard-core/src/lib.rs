//! One shard as a machine: its broker, the services that live on it, and the order in which all happens.
//!
//! A [`ShardCore`] takes turns. In a turn it takes in what happened, acts on what clients and other shards sent,
//! gives everybody who waits a share, and sends what came of it: batches to other shards first, then output to
//! clients. It waits for nothing and knows no socket, clock or thread. Whatever it needs of those it asks its
//! [`Shell`] for: `shard-runtime` is one on the kernel, `sim` is one on a seed, and both run the turn that ships.
#![forbid(unsafe_code)]

mod aside;
mod deadlines;
mod event;
mod forged;
mod intake;
mod line;
mod measures;
mod moves;
mod offloading;
mod orders;
mod output;
mod parcels;
mod peer_tls;
mod peers;
mod receiving;
mod sealing;
mod securing;
mod securing_peers;
mod security;
mod services;
mod shard_core;
mod shell;
mod slots;
mod stopping;
mod transports;
mod web;

pub use crate::shard_core::ShardCore;
pub use event::{Arrival, Carried, End, Event, Order, Parcel, Run, RunStreams, Sent};
pub use forged::Forged;
pub use measures::Measures;
pub use peer_tls::PeerTls;
pub use shell::{EventOf, OrderOf, PIECES_MAX, ParcelOf, Shell};
pub use slots::Slots;
