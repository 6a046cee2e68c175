//! Asking for leaf nodes.

use monitor::LeafzQuery;
use nats_proto::go_json::Field;

/// Which leaf nodes to tell of, and how.
#[derive(Debug, Default)]
pub(crate) struct LeafzOptions {
    subscriptions: bool,
    account: String,
}

impl LeafzOptions {
    /// The field of that name.
    pub(crate) fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        Some(match name {
            "subscriptions" => &mut self.subscriptions,
            "account" => &mut self.account,
            _ => return None,
        })
    }

    /// What is to be found out: of the account that the subject names, if it names one.
    pub(crate) fn query(self, account: Option<&str>) -> LeafzQuery {
        let account = account.map_or(self.account, str::to_owned);
        LeafzQuery { subs: self.subscriptions, account }
    }
}
