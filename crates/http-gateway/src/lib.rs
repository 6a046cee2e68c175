//! The listener of the HTTP API, on a thread of its own.
//!
//! Each identity, credentials and an address, is a client of the server like any other, so what it may do is the server's
//! to say. Its requests share that client; whoever follows a subject has one for himself, so a slow reader meets his own
//! bounds alone. What a request leads to is decided by `http_api`: here are the sockets and the clock.
//!
//! It is open to strangers: connections, identities, streams, bytes of bodies and of what waits to be said are bounded, and
//! the time for a head, a body and an answer.
#![forbid(unsafe_code)]

mod body;
mod client;
mod collect;
mod config;
mod connection;
mod desk;
mod dial;
mod kept;
mod mailbox;
mod perform;
mod pool;
mod server;
mod shared;
mod streams;
mod tail;
mod telling;
mod tickets;
mod unique;

pub use config::Config;
pub use dial::{Backend, Within};
pub use http_api::{BoundRoute, Credentials};
pub use server::{Listener, Running, StartError, start};
pub use shared::{Shared, Speaker, TakeOver};
