//! Clients that came, went or were turned away, for the service that tells of them.
//!
//! Nothing is noted as long as nobody in the account that it would be told to subscribes to anything: then a client
//! that comes or goes costs one look at that.

mod noting;

use std::collections::VecDeque;

use conns::{CloseReason, Time};
use monitor::ConnectionRow;

/// News that wait at most. What happens beyond that is told nobody, and counted: whoever listens is that far behind.
const CLIENT_NEWS_MAX: usize = 1024;

/// What a client did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientDeed {
    /// It entered its account.
    Came,
    /// It is gone.
    Left(CloseReason),
    /// It is not let in. It is gone next.
    Refused(CloseReason),
}

/// Something that a client did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientNews {
    /// What it did.
    pub deed: ClientDeed,
    /// The client as it was then.
    pub client: ConnectionRow,
    /// When.
    pub at: Time,
}

/// News that wait, and whom they are for.
#[derive(Debug, Default)]
pub(crate) struct Herald {
    /// The account; nobody is told without one.
    audience: Option<usize>,
    news: VecDeque<ClientNews>,
}
