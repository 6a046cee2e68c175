//! What servers of one cluster decide about each other, each decision a plain struct: no sockets, no clock, no dice.
//!
//! - [`Control`]: who is dialed, who is let in, and who is connected, in [`Action`]s.
//! - [`Pool`]: which of a route's connections an account uses; [`Places`]: the connections to one server.
//! - [`gossip`]: who tells whom of a server that joined.
//! - [`news`]: what a server does that is told of another one.
//! - [`passing`]: where a message may go on to.
//! - [`redial`]: how long to wait before a server is dialed again.
//! - [`Leafs`]: which leaf nodes are let in, in [`LeafAction`]s; [`LeafRefusal`]: why one is turned away, and what it is
//!   told; [`leaf_words`]: what the log says of them.
//! - [`LeafLedger`]: what leaf nodes and hubs are told that is wanted here.
//! - [`log_words`]: what the log says of routes.
//! - [`Ledger`]: what this server wants of the others, and what they were told of it.
//!
//! What stands on a wire is in `nats-proto`; what a shard does with it in `broker`. Pools are decided here, and no server
//! has them yet.

#![forbid(unsafe_code)]

mod action;
mod config;
mod control;
pub mod gossip;
mod interest;
mod leaf_config;
mod leaf_ledger;
mod leaf_refusal;
pub mod leaf_words;
mod leafs;
mod ledger;
pub mod log_words;
pub mod news;
pub mod passing;
mod places;
pub mod redial;
mod refusal;
mod session;
mod slots;
mod target;

pub use action::{Action, Dial, Ending, Route};
pub use config::{Config, Credentials, NO_GO, RouteUrl};
pub use control::Control;
pub use interest::Interest;
pub use leaf_config::{LeafConfig, LeafListener, LeafRemote};
pub use leaf_ledger::{ClusterNumber, Ear, LeafChange, LeafLedger, Teller};
pub use leaf_refusal::{LeafEnding, LeafRefusal, leaf_delay};
pub use leafs::{Allowed, Bound, LEAF_DIALS, Leaf, LeafAction, Leafs};
pub use ledger::{Change, Ledger, Reading};
pub use places::{NoPlace, Place, Places, Registered};
pub use slots::Pool;
