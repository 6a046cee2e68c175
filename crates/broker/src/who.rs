//! Who a connection is, for services that answer it about itself.

use std::sync::Arc;

use conns::ConnId;
use nats_auth::Identity;

use crate::broker::Broker;

/// Who a connection is.
#[derive(Debug, Clone)]
pub struct ConnectedUser {
    /// As monitoring shows it: a user name, a public key, no secret. Empty if it named none and did not have to.
    pub name: Box<str>,
    /// The name of its account.
    pub account: Arc<str>,
    /// What the configuration says of it.
    pub identity: Arc<Identity>,
}

impl Broker {
    /// Who a connection of this shard is; `None` if it is gone, or has moved to another shard.
    pub fn user(&self, id: ConnId) -> Option<ConnectedUser> {
        let client = self.egress.clients.peek(id)?;
        Some(ConnectedUser {
            name: client.who().map(|who| Box::from(&**who.name())).unwrap_or_default(),
            account: Arc::clone(self.config.settings.directory.account(client.account).name()),
            identity: Arc::clone(&client.identity),
        })
    }
}
