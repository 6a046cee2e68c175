//! Core NATS on one shard: connections, accounts, subscriptions, delivery and limits, as a machine
//! that is fed events and the time and leaves bytes, messages to other shards and a next deadline.
//!
//! [`Broker`] is the machine. The files that are its methods: `input` (bytes to ops), `serving` (whose), `session`,
//! `publish` and `subscribe` (what ops do), `options` (what the operator decides), `settings` (that, and what else may
//! change while it runs), `exchange` (what other shards say), `flush`, `lateness`, `ending`, `remains` and `shed`, `moves`, `moved` and `sampling`
//! (connections that change shards, how and why), `chores` (what is too long for one turn).
//! `services` are parts of the server that subscribe and publish without a socket; `party` says who hears whom.
//! The files it is made of: `client`, `subscription`, `subject_space`, `dispatch` (who gets a message), `egress`
//! (what leaves to clients), `mesh` (what leaves to shards), `fence` and `offers` (how shards stay one
//! server).
//!
//! Where such a file has both what the machine holds and methods of the machine, the methods stand in the folder
//! of its name: nobody imports those, so the files that others import need not import the machine.
#![forbid(unsafe_code)]

mod ahead;
mod auth;
mod broker;
mod chores;
mod client;
mod closed_ring;
mod complaint;
mod config;
mod counters;
mod cursor;
mod dispatch;
mod egress;
mod ending;
mod exchange;
mod fence;
mod flush;
mod guard;
mod input;
mod inspect;
mod lateness;
mod literal_interest;
mod members;
mod mesh;
mod moved;
mod moves;
mod offers;
mod options;
mod pacing;
mod page;
mod party;
mod placement;
mod publish;
mod random;
mod record;
mod remains;
mod renewal;
mod sampling;
mod security;
mod seldom;
mod services;
mod serving;
mod session;
mod settings;
mod shed;
mod sid;
mod steady_queue;
mod subject_space;
mod subscribe;
mod subscription;
mod trace;
mod trace_request;
mod turn;
mod who;

pub use broker::Broker;
pub use closed_ring::ClosedConnections;
pub use config::Config;
pub use moved::Moved;
pub use moves::MOVED_CONNECTIONS_MAX;
pub use options::{BrokerOptions, WriteTimeout};
pub use page::Page;
pub use party::{Party, PeerId, ServiceId};
pub use placement::Placed;
pub use security::{Greeting, Security};
pub use seldom::SeldomLines;
pub use services::{CLAIMED, Claims, Owner, PublishOutcome, Round, ServiceSubscription, Wait};
pub use settings::Settings;
pub use shed::{SHED_AT_ONCE_MAX, Sweep};
pub use turn::{SHARE_BYTES_MAX, SHARE_STEPS_MAX, STRETCH_STEPS_MAX, Share, ShareMax};
pub use who::ConnectedUser;
