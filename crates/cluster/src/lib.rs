//! What servers of one cluster decide about each other, each decision a plain struct: no sockets, no clock, no dice.
//!
//! - [`Pool`]: which of a route's connections an account uses; [`Places`]: the connections to one server.
//! - [`gossip`]: who tells whom of a server that joined.
//! - [`news`]: what a server does that is told of another one.
//! - [`Reason`]: what of two connections to one server stays.
//! - [`passing`]: where a message may go on to.
//! - [`redial`]: how long to wait before a server is dialed again.
//! - [`Ledger`]: what this server wants of the others, and what they were told of it; [`Heard`]: what another one
//!   wants of this.
//!
//! What stands on a wire is in `nats-proto`. No server runs this yet.

#![forbid(unsafe_code)]

mod duplicates;
pub mod gossip;
mod heard;
mod interest;
mod ledger;
pub mod news;
pub mod passing;
mod places;
pub mod redial;
mod slots;

pub use duplicates::Reason;
pub use heard::{ENDED_ROWS_MAX, Heard};
pub use interest::Interest;
pub use ledger::{Change, Ledger, Reading};
pub use places::{NoPlace, Place, Places, Registered};
pub use slots::Pool;
