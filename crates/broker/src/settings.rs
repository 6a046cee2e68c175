//! What may change while the server runs.

mod follow;

use std::sync::Arc;

use nats_auth::Directory;
use nats_proto::ServerInfo;

use crate::options::BrokerOptions;

/// The reloadable settings, the same for all shards. Defaults are nats-server's.
#[derive(Debug, Clone)]
pub struct Settings {
    /// INFO, without what differs from client to client.
    pub info: ServerInfo,
    /// What the operator decides.
    pub options: BrokerOptions,
    /// Log the protocol itself.
    pub trace: bool,
    /// Who may connect, and what they may do. It has to follow the one before it
    /// ([`Directory::next`]): the indexes of accounts stay.
    pub directory: Arc<Directory>,
}

impl Settings {
    /// nats-server's defaults.
    pub fn new(info: ServerInfo) -> Self {
        Self { info, options: BrokerOptions::default(), trace: false, directory: Directory::open() }
    }
}
