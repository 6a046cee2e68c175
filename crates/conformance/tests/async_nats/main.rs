//! async-nats against the server, on every setup.

mod client;
mod credentials;
mod operations;
mod scenarios;
mod tls;
