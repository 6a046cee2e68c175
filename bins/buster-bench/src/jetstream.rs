//! Loads of streams: publish, pull, push, work queues, gets, key-value, restart.
//!
//! The protocol is spoken here as it is everywhere in this crate, without a client library. Each run makes its own
//! stream, which has to be new, and deletes it.

mod api;
mod askers;
mod asking;
mod batched;
mod commit;
mod delivery;
mod direct_get;
#[cfg(test)]
mod fake;
mod filled;
mod gets;
mod key_value;
mod link;
mod numbered;
mod pub_ack;
mod publish;
mod publishing;
mod pull;
mod push;
mod restart;
mod said;
mod setup;
mod stored;
mod syncs;
mod window;
mod work_queue;

use anyhow::Result;

use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;

pub(crate) use self::api::Api;

/// More are never on their way.
pub(crate) const WINDOW_MAX: u32 = 1_000_000;

/// Each is a connection.
pub(crate) const WORKERS_MAX: u32 = 10_000;

/// More take longer to store than anyone waits.
pub(crate) const RESTART_MESSAGES_MAX: u32 = 100_000_000;

/// What is done with a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Load {
    /// The number is that of publishes, or batches, without an answer.
    Publish,
    /// The number is that of messages asked for at a time.
    Pull,
    /// The number is that of messages asked for and committed at a time.
    Commit,
    Push,
    /// The number is that of clients.
    WorkQueue,
    /// The number is that of requests without an answer, here and in `KeyValue`.
    DirectGet,
    KeyValue,
    /// The number is that of messages.
    Restart,
}

impl Load {
    pub(crate) fn run(
        self,
        server: &mut Server,
        title: &str,
        size: u32,
        settings: &Settings,
    ) -> Result<Vec<Report>> {
        match self {
            Self::Publish => publish::run(server, title, size, settings),
            Self::Pull => pull::run(server, title, size, settings),
            Self::Commit => commit::run(server, title, size, settings),
            Self::Push => push::run(server, title, settings),
            Self::WorkQueue => work_queue::run(server, title, size, settings),
            Self::DirectGet => direct_get::run(server, title, size, settings),
            Self::KeyValue => key_value::run(server, title, size, settings),
            Self::Restart => restart::run(server, title, size, settings),
        }
    }
}
