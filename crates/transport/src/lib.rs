//! What stands between a socket and the protocol, as a machine without sockets, clocks or threads.
//!
//! A [`Transport`] is all of it for one connection: a stack of stages with one interface. It is fed what the socket
//! received and the time, and leaves behind [`News`] for the protocol, bytes for the socket, work for others to do
//! ([`HandshakeStep`]) and a next deadline. From the socket up the stages are
//!
//! 1. `opening`: who speaks first, and what the first byte says the connection is;
//! 2. `handshake`, then `tls`: TLS in this process, until the kernel goes on with it (`offload`);
//! 3. `web`: WebSocket, from the request to the last frame. It takes what `tls` says, or the socket if there is no
//!    TLS, and its output is what `tls` seals.
//!
//! A connection that turns out to be plain has none of them, and no [`Transport`] any more.
//!
//! Times are nanoseconds since any start, the same for all calls.
#![forbid(unsafe_code)]

mod ended;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod handshake;
mod news;
mod offload;
mod opening;
#[cfg(any(test, feature = "fuzzing"))]
mod testing;
mod tls;
mod transport;
mod web;

pub use ended::{Ended, HandshakeError, Hangup};
pub use handshake::{HandshakeDone, HandshakeStep};
pub use news::{GrantedUpgrade, News};
pub use opening::{Opening, Terms};
pub use transport::{Output, Transport};
pub use web::{InPlace, Tools, WebPolicy};
