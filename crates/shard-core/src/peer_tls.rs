//! What secures connections to other servers.

use std::sync::Arc;

use tls_session::{Acceptor, Connector};

/// What secures connections to other servers.
#[derive(Debug, Clone, Default)]
pub struct PeerTls {
    /// Those to servers of the cluster, if they are to be secured: accepted ones, and dialed ones.
    pub routes: Option<(Arc<Acceptor>, Arc<Connector>)>,
}
