//! What tests need to run the server as a process and to talk to it.
//!
//! [`Server`] starts the binary, waits for its ready line, keeps its log and ends it through its
//! own child handle. [`RawClient`] speaks the protocol byte by byte over a blocking socket. Every
//! wait ends on a signal (a log line, bytes on a socket, the end of a process); the deadlines only
//! turn a hang into a failure.
#![forbid(unsafe_code)]

mod binary;
mod deadline;
mod frame;
mod raw_client;
mod reserved_port;
mod server;
mod server_error;
mod server_log;

pub use binary::ServerBinary;
pub use deadline::{ANSWER_DEADLINE, START_DEADLINE};
pub use frame::{Frame, Message};
pub use raw_client::{CONNECT_LINE, RawClient};
pub use reserved_port::ReservedPort;
pub use server::{Server, ServerOptions};
pub use server_error::ServerError;
pub use server_log::ServerLog;

/// The shard counts every end-to-end test runs at. Four is more than the cores of a small machine,
/// on purpose.
pub const SHARD_COUNTS: [u32; 3] = [1, 2, 4];

/// Makes each named `fn(shards: u32)` of the calling file a test at every one of [`SHARD_COUNTS`].
#[macro_export]
macro_rules! at_every_shard_count {
    ($($test:ident),* $(,)?) => {
        mod one_shard { $(#[test] fn $test() { super::$test($crate::SHARD_COUNTS[0]) })* }
        mod two_shards { $(#[test] fn $test() { super::$test($crate::SHARD_COUNTS[1]) })* }
        mod four_shards { $(#[test] fn $test() { super::$test($crate::SHARD_COUNTS[2]) })* }
    };
}
