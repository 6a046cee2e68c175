//! What stands between a socket and the protocol.
#![forbid(unsafe_code)]

mod opening;

pub use opening::Opening;
