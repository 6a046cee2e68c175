//! async-nats against the server, on every setup.

mod client;
mod scenarios;
