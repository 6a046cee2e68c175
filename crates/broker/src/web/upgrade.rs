//! What becomes of a connection with the request that makes it a WebSocket.

use conns::{CloseReason, ConnId, Time};

use crate::broker::Broker;
use crate::client::Reminder;

use super::{Upgraded, WebFacts};

impl Broker {
    /// The connection is a WebSocket, and a client, from here on. INFO is its first message.
    pub fn on_upgraded(&mut self, now: Time, id: ConnId, upgraded: Upgraded) {
        let Some(client) = self.egress.clients.open(id) else { return };
        let Upgraded { security, cookies, client_ip } = upgraded;
        let web = WebFacts { cookies, client_ip: client_ip.map(Into::into) };
        client.set_arrival(security, Some(web));
        client.label = client.bare_label(client.peer()).into();
        client.record.restart(now);
        client.last_in = now;
        client.opening = false;
        client.settings_epoch = self.settings_epoch;
        client.limits = self.limits;
        client.next_ping = now + self.config.settings.ping_interval(client.how());
        client.ping_reminder = client.next_ping;
        let (next_ping, is_counted) = (client.next_ping, client.counted);
        tracing::debug!("{} - Client connection created", client.label);
        self.egress.counters.on_accepted(client);
        self.egress.clients.remind(id, next_ping, Reminder::Ping);
        self.await_identity(id);
        self.limit_time(now, id);
        self.send_first_info(id, |_| ());
        if !is_counted {
            self.refuse_beyond_max(id);
        }
        self.settle();
    }

    /// A request was refused; another may follow.
    pub fn on_upgrade_refused(&self, id: ConnId, words: &str) {
        if let Some(client) = self.egress.clients.peek(id) {
            tracing::error!("{} - websocket handshake error: {words}", client.peer());
        }
    }

    /// A connection ends that never became a client.
    pub fn on_guest_left(&mut self, id: ConnId) {
        self.close(id, CloseReason::ClientClosed);
    }

    /// What comes next cannot be read, for this reason. What came before counts, as before any other end of
    /// input, and what is to be sent leaves.
    pub fn on_unreadable(&mut self, id: ConnId, words: &str) {
        if self.egress.clients.open(id).is_some() {
            self.log_breach(id, words);
            self.on_hangup(id, CloseReason::Unreadable);
        }
    }
}
