//! What each op of a client does, and the PINGs to it. PUB, SUB and UNSUB have files of their own.

use std::time::Duration;

use conns::{CloseReason, ConnId, Time};
use nats_proto::{BodyError, ClientOp, check_info, show};

use crate::broker::Broker;
use crate::client::{Abilities, Hold, Reminder};
use crate::fence::FENCED_OPS_MAX;
use crate::input::Flow;
use crate::trace;
use crate::turn::{SUBSCRIPTION_STEPS, long_subject_steps, subscription_turn_steps};

/// The first PING comes this soon after CONNECT, to learn the round-trip time.
const FIRST_PING: Duration = Duration::from_secs(2);

pub(crate) const OK: &[u8] = b"+OK\r\n";

impl Broker {
    pub(crate) fn on_op(&mut self, now: Time, id: ConnId, op: &ClientOp<'_>) -> Flow {
        let client = self.egress.clients.at(id);
        if client.fence.is_some() {
            let joins = matches!(op, ClientOp::Subscribe(_) | ClientOp::Unsubscribe(_))
                && !client.abilities.verbose
                && client.fenced_ops < FENCED_OPS_MAX
                && client.deferred.len() <= FENCED_OPS_MAX as usize;
            if !joins {
                return Flow::Hold(Hold::Fence);
            }
            client.fenced_ops += 1;
        }
        if matches!(op, ClientOp::Connect(_)) && self.begins_to_leave(id) {
            return Flow::Hold(Hold::Leaving);
        }
        if self.egress.trace {
            trace::received(&self.egress.clients.at(id).label, op);
        }
        match op {
            ClientOp::Publish(publish) => return self.on_publish(id, publish),
            ClientOp::Subscribe(subscribe) => {
                self.spend_on_subscription();
                self.egress.steps += long_subject_steps(subscribe.subject);
                return self.subscribe(id, subscribe);
            }
            ClientOp::Unsubscribe(unsubscribe) => {
                self.spend_on_subscription();
                return self.unsubscribe(id, unsubscribe);
            }
            ClientOp::Connect(json) => return self.connect(now, id, json),
            ClientOp::Ping => self.on_ping(id),
            ClientOp::Pong => {
                let client = self.egress.clients.at(id);
                client.pings_out = 0;
                client.record.on_pong(now);
            }
            ClientOp::Err(text) => {
                tracing::error!("{} - Client Error {}", self.egress.clients.at(id).label, show(text));
                self.close(id, CloseReason::ParseError);
            }
            ClientOp::Info(json) => {
                if let Err(error) = check_info(json) {
                    self.refuse_body(id, &error);
                }
            }
            ClientOp::Ok => {}
        }
        Flow::Next
    }

    fn spend_on_subscription(&mut self) {
        self.egress.steps += SUBSCRIPTION_STEPS;
        self.turn.spend_beside(subscription_turn_steps(self.egress.subs.len()));
    }

    /// The body of an op could not be read.
    fn refuse_body(&mut self, id: ConnId, error: &BodyError) {
        self.end_breach(id, error);
    }

    fn connect(&mut self, now: Time, id: ConnId, json: &[u8]) -> Flow {
        let client = self.egress.clients.at(id);
        let mut options = client.abilities.as_options();
        if let Err(error) = options.merge(json) {
            self.refuse_body(id, &error);
            return Flow::Next;
        }
        options.headers &= self.config.settings.info.headers;
        let is_first = !std::mem::replace(&mut client.connect_received, true);
        client.abilities = Abilities::of(&options);
        client.is_first_connect = is_first;
        if is_first {
            client.record.on_connect(now, &options);
        } else {
            self.leave_all(id);
        }
        let how = self.egress.clients.at(id).how();
        let interval = self.config.settings.ping_interval(how).min(FIRST_PING);
        let jitter = self.random.below(interval.as_nanos() as u64 / 5);
        self.ping_at(id, now + interval + Duration::from_nanos(jitter));
        self.identify(id, &options)
    }

    pub(crate) fn refuse(&mut self, id: ConnId, text: &str, reason: CloseReason) {
        self.pay_ok(id);
        self.egress.send_err(id, text);
        self.close(id, reason);
    }

    /// A `+OK` that is owed comes before what ends the connection. Neither leaves before the fence is gone.
    pub(crate) fn pay_ok(&mut self, id: ConnId) {
        if std::mem::take(&mut self.egress.clients.at(id).owes_ok) {
            self.egress.send_untraced(id, OK);
        }
    }

    /// `+OK`, if the client asked for it, as soon as what it acknowledges is in effect.
    #[inline]
    pub(crate) fn acknowledge(&mut self, id: ConnId) {
        if self.egress.clients.at(id).abilities.verbose {
            self.say_ok(id);
        }
    }

    #[cold]
    fn say_ok(&mut self, id: ConnId) {
        let client = self.egress.clients.at(id);
        if client.fence.is_some() {
            client.owes_ok = true;
            // In the log it stands before what the op brings about, as in nats-server's.
            if self.egress.trace {
                trace::sent(&client.label, OK);
            }
        } else {
            self.egress.send(id, OK);
        }
    }

    fn on_ping(&mut self, id: ConnId) {
        self.egress.send(id, b"PONG\r\n");
        let client = self.egress.clients.at(id);
        if !client.connect_received || std::mem::replace(&mut client.first_pong_sent, true) {
            return;
        }
        if client.abilities.async_info {
            let account = self.config.settings.directory.account(client.account);
            let (name, is_system) = (account.name().to_string(), account.is_system());
            self.send_info(id, |info| {
                info.connect_info = true;
                info.remote_account = name;
                info.acc_is_sys = is_system;
            });
        }
    }

    // Deadlines.

    fn ping_at(&mut self, id: ConnId, at: Time) {
        let client = self.egress.clients.at(id);
        client.next_ping = at;
        if at < client.ping_reminder {
            client.ping_reminder = at;
            self.egress.clients.remind(id, at, Reminder::Ping);
        }
    }

    pub(crate) fn on_ping_due(&mut self, now: Time, id: ConnId) {
        let Some(client) = self.egress.clients.open(id) else { return };
        if client.is_peer() {
            return self.on_peer_ping_due(now, id);
        }
        if client.ping_reminder > now {
            return; // An earlier reminder took this one's place.
        }
        client.ping_reminder = Time(u64::MAX);
        if client.next_ping > now {
            let at = client.next_ping;
            return self.ping_at(id, at);
        }
        if client.is_being_checked() {
            // It expects an answer next, and could not be heard before.
            return self.ping_at(id, now + FIRST_PING);
        }
        tracing::debug!("{} - Client Ping Timer", client.label);
        let interval = self.config.settings.ping_interval(client.how());
        let was_active = now.since(client.last_in) < interval;
        if !was_active || !client.rtt_asked {
            if client.pings_out + 1 > self.config.settings.options.ping_max {
                tracing::debug!("{} - Stale Client Connection - Closing", client.label);
                return self.refuse(id, "Stale Connection", CloseReason::StaleConnection);
            }
            client.pings_out += 1;
            client.rtt_asked = true;
            client.record.on_ping_sent(now);
            self.egress.send(id, b"PING\r\n");
        }
        self.ping_at(id, now + interval);
    }
}
