//! A seeded simulation of the shards of one server and their clients, on one thread.
//!
//! [`run`] carries out a [`Plan`]: shards take the turns that ship (`shard-core`) at random moments of a virtual clock, batches
//! between them are delayed at random (each link on its own, in order), clients speak the protocol
//! in bytes that are cut anywhere, some over WebSockets, and sockets take what they like. Everything follows from the
//! plan's seed. What the clients did and saw is kept in a [`History`], and the checks judge that
//! alone: they know what one nats-server promises and nothing of how the broker keeps it.
//!
//! [`run_cluster`] does so with several servers and what is between them ([`ClusterPlan`]).
#![forbid(unsafe_code)]

mod asking;
mod check;
mod check_responses;
mod client;
mod connection;
mod ending;
mod fairness;
mod history;
mod kernel;
mod listener;
mod mesh;
mod moves;
mod outcome;
mod plan;
mod random;
mod servers;
mod service;
mod sharing;
mod shell;
mod socket;
mod subject;
mod turn;
mod users;
mod web_client;
mod workload;
mod world;

pub use asking::Asking;
pub use history::{ClientRecord, History, Limit, MessageRecord, Received, SubRecord, Tick, Unsub};
pub use outcome::{Outcome, ServiceStats, Stats};
pub use plan::{Ending, Plan, Profile};
pub use servers::{ClusterOutcome, ClusterPlan, run_cluster};
pub use sharing::Sharing;
pub use users::UserRecord;
pub use world::run;
