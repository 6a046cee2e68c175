//! TLS for NATS connections: rustls configuration and a bytes-in, bytes-out session.
//!
//! [`Config`] says what to offer, in the configuration file's words and with the files' contents;
//! [`Acceptor`] is made of it once, for all connections. A [`Session`] turns the bytes of one connection
//! into those of its peer and back; whoever owns the socket moves them. Key exchange takes its randomness,
//! and certificate checks take the date, from where the crypto library finds them.

#![forbid(unsafe_code)]

mod acceptor;
mod certificate;
mod config;
mod connection;
mod connector;
mod distinguished_name;
mod error;
mod handover;
mod names;
mod rate_limit;
mod resolver;
mod sealed;
mod server_verifier;
mod session;
#[cfg(test)]
mod testing;
mod verifier;

pub use acceptor::{Acceptor, Expiry};
pub use certificate::{Certificate, Secured};
pub use config::{Config, HandshakeFirst, KeyPair, Policy, Roots, TLS_TIMEOUT};
pub use connector::Connector;
pub use distinguished_name::{Attribute, DistinguishedName};
pub use error::{ConfigError, KeyPairError, SessionError};
pub use handover::{Cipher, Handover, Keys};
pub use names::{CipherSuite, Curve, NameError, Pin, Version};
pub use rate_limit::Admission;
pub use sealed::Sealed;
pub use session::Session;
