//! Putting other settings in force.

use std::sync::Arc;

use conns::{CloseReason, ConnId};

use crate::broker::Broker;
use crate::client::Standing;
use crate::seldom::SeldomLine;
use crate::shed::Sweep;

use super::Settings;

impl Broker {
    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.config.settings
    }

    /// Puts other settings in force. Connections that exist follow with [`Self::follow_settings`], and their
    /// subscriptions with [`Self::recheck_subscriptions`] and [`Self::end_rechecks`]: the caller sweeps over all of
    /// each, one after the other, and what was asked for is in force when it has. Connections keep their next PING. Nobody is sent an INFO. A connection with
    /// more subscriptions than it may have now is closed; for others that are too many see [`Self::shed`] and
    /// [`Self::shed_crowds`].
    ///
    /// With another directory, connections whose user is gone or has to show something else are closed,
    /// and subscriptions that are not permitted any more end.
    pub fn reconfigure(&mut self, settings: Arc<Settings>) {
        self.limits = settings.options.limits;
        self.egress.reconfigure(&settings);
        self.placer.set_connections_max(settings.options.connections_max());
        let before = std::mem::replace(&mut self.config.settings, settings);
        self.settings_epoch += 1;
        if !Arc::ptr_eq(&before.directory, &self.config.settings.directory) {
            self.directory_epoch = self.settings_epoch;
            self.name_accounts();
            self.heed_trace_rules();
            self.advertise_accounts();
            self.recall_interest();
            self.renew_leafs();
        }
    }

    /// Has the next connections from `from` on, which is 0 at first, follow the settings in force.
    pub fn follow_settings(&mut self, from: u64) -> Sweep {
        let sweep = self.sweep(from, Self::follow);
        self.settle();
        sweep
    }

    /// A connection follows the settings in force.
    pub(crate) fn follow(&mut self, id: ConnId) {
        let client = self.egress.clients.at(id);
        let followed = std::mem::replace(&mut client.settings_epoch, self.settings_epoch);
        if followed < self.directory_epoch && client.standing == Standing::Admitted {
            self.renew(id);
        }
        let Some(client) = self.egress.clients.open(id) else { return };
        client.settle_limits(&self.config.settings);
        if client.subs_max.is_some_and(|max| client.subs.len() > max) {
            self.log_seldom(id, SeldomLine::MaxSubscriptions);
            let reason = CloseReason::MaxSubscriptionsExceeded;
            self.refuse(id, SeldomLine::MaxSubscriptions.text(), reason);
        }
    }
}
