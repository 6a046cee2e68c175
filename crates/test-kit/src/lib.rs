//! What tests need to run the server as a process and to talk to it.
//!
//! [`Server`] starts the binary, waits for its ready line, keeps its log and ends it through its
//! own child handle. [`RawClient`] speaks the protocol byte by byte over a blocking socket. Every
//! wait ends on a signal (a log line, bytes on a socket, the end of a process); the deadlines only
//! turn a hang into a failure.
#![forbid(unsafe_code)]

mod binary;
mod deadline;
mod link;
mod raw_client;
mod reserved_port;
mod sandbox;
mod server;
mod server_error;
mod server_log;
mod server_op;
mod setup;

pub use binary::ServerBinary;
pub use deadline::{ANSWER_DEADLINE, START_DEADLINE};
pub use link::Link;
pub use raw_client::{CONNECT_LINE, RawClient};
pub use reserved_port::ReservedPort;
pub use sandbox::Sandbox;
pub use server::{Server, ServerOptions};
pub use server_error::ServerError;
pub use server_log::ServerLog;
pub use server_op::{Message, ServerOp};
pub use setup::{Io, SETUPS, Setup};
