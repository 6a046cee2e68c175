//! What may change while the server runs.

use std::sync::Arc;
use std::time::Duration;

use conns::{CloseReason, ConnId};
use nats_auth::Directory;
use nats_proto::{Limits, ServerInfo};

use crate::broker::Broker;
use crate::client::Standing;
use crate::seldom::SeldomLine;
use crate::shed::Sweep;

/// The reloadable settings, the same for all shards. Defaults are nats-server's.
#[derive(Debug, Clone)]
pub struct Settings {
    /// INFO, without what differs from client to client.
    pub info: ServerInfo,
    /// `max_control_line` and `max_payload`, in bytes.
    pub limits: Limits,
    /// `max_connections`, over all shards.
    pub max_connections: usize,
    /// `max_subscriptions` of one connection; `None` is no limit.
    pub max_subscriptions: Option<usize>,
    /// `max_sub_tokens`: tokens that the subject of a subscription may have; `None` is no limit.
    pub max_sub_tokens: Option<usize>,
    /// `max_pending`: bytes that may wait for one reader before it is cut off.
    pub max_pending: usize,
    /// `ping_interval`.
    pub ping_interval: Duration,
    /// `ping_max`: PINGs without an answer before a connection is stale.
    pub ping_max: u32,
    /// `write_deadline`: how long a reader may take over what waits when its socket is full.
    pub write_deadline: Duration,
    /// `write_timeout: retry`: who takes longer, but took something, gets as much time again instead of
    /// being cut off.
    pub retry_writes: bool,
    /// Publishers wait for readers that fall behind. `no_fast_producer_stall`: such readers miss messages
    /// instead.
    pub stall_publishers: bool,
    /// Log the protocol itself.
    pub trace: bool,
    /// `max_traced_msg_len`: bytes of a message that are logged; 0 is no limit.
    pub max_traced_msg_len: usize,
    /// `trace_headers`: log headers only, and nothing of payloads.
    pub trace_headers: bool,
    /// Who may connect, and what they may do. It has to follow the one before it
    /// ([`Directory::next`]): the indexes of accounts stay.
    pub directory: Arc<Directory>,
}

impl Settings {
    /// nats-server's defaults.
    pub fn new(info: ServerInfo) -> Self {
        Self {
            info,
            limits: Limits::default(),
            max_connections: 64 << 10,
            max_subscriptions: None,
            max_sub_tokens: None,
            max_pending: 64 << 20,
            ping_interval: Duration::from_secs(120),
            ping_max: 2,
            write_deadline: Duration::from_secs(10),
            retry_writes: false,
            stall_publishers: true,
            trace: false,
            max_traced_msg_len: 0,
            trace_headers: false,
            directory: Directory::open(),
        }
    }
}

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
        self.limits = settings.limits;
        self.egress.reconfigure(&settings);
        self.placement.set_connections_max(settings.max_connections);
        let before = std::mem::replace(&mut self.config.settings, settings);
        self.settings_epoch += 1;
        if !Arc::ptr_eq(&before.directory, &self.config.settings.directory) {
            self.directory_epoch = self.settings_epoch;
            self.name_accounts();
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
