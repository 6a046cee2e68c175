//! What becomes of connections when users and permissions change.

use nats_auth::Renewal;
use nats_proto::quote;

use crate::broker::Broker;
use crate::client::{ConnId, Standing};
use crate::close::CloseReason;
use crate::complaint::subscription_violation;
use crate::subscription::SubKey;

impl Broker {
    /// Holds all connections against the directory in force, in the order they came here.
    pub(crate) fn renew_connections(&mut self) {
        self.name_accounts();
        for id in self.egress.clients.ids() {
            let client = self.egress.clients.at(id);
            if client.closing.is_none() && client.standing == Standing::Admitted {
                self.renew(id);
            }
        }
        self.settle();
    }

    fn renew(&mut self, id: ConnId) {
        let client = self.egress.clients.at(id);
        match self.config.settings.directory.renew(&client.identity) {
            Renewal::Granted(identity) => {
                client.identity = identity;
                self.settle_rights(id);
                self.recheck_subscriptions(id);
            }
            Renewal::Refused => {
                let claim = client.who();
                self.refuse_client(id, claim);
            }
            // It finds its user where that is now, if it comes again.
            Renewal::Gone => self.close(id, CloseReason::ClientClosed),
        }
    }

    /// Ends the subscriptions that are not permitted any more, and screens those that are in part.
    fn recheck_subscriptions(&mut self, id: ConnId) {
        let client = self.egress.clients.at(id);
        client.watch.deliveries = false;
        if client.guard.is_none() {
            return;
        }
        let keys: Vec<SubKey> = client.subs.iter().map(|link| link.key).collect();
        for key in keys {
            let sub = self.egress.subs.at(key);
            self.accounts[sub.account()].local.filter(sub.filter, &mut self.filter);
            let client = self.egress.clients.at(id);
            let Some(guard) = &client.guard else { return };
            if !guard.access().may_subscribe(&self.filter, sub.queue()) {
                self.revoke(id, key);
            } else if guard.access().screens(&self.filter, sub.queue()) {
                let round = self.screen(id, key);
                self.raise_fence(id, round);
            }
        }
    }

    /// Ends a subscription and says so. The filter is in hand.
    fn revoke(&mut self, id: ConnId, key: SubKey) {
        let sub = self.egress.subs.at(key);
        let sid = quote(&*sub.sid);
        let text = format!("{} (sid {sid})", subscription_violation(&self.filter, sub.queue()));
        let queue = sub.queue().map(|queue| format!(" using queue {}", quote(queue))).unwrap_or_default();
        let who = self.egress.clients.at(id).who();
        let who = who.map_or_else(|| r#"User "N/A""#.into(), |who| who.to_string());
        let filter = quote(&self.filter);
        self.leave(id, key);
        self.egress.send_err(id, &text);
        tracing::info!("Removed sub {filter}{queue} (sid {sid}) for {who} - not authorized");
    }
}
