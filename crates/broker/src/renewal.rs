//! What becomes of connections and their subscriptions when users and permissions change.

use conns::{CloseReason, ConnId};
use nats_auth::Renewal;
use nats_proto::quote;

use crate::broker::Broker;
use crate::client::Recheck;
use crate::complaint::subscription_violation;
use crate::guard::entry_steps;
use crate::page::stretch;
use crate::shed::Sweep;
use crate::subscription::SubKey;

/// Steps that one call may spend on checking subscriptions, by [`entry_steps`], and on the nodes of those it ends.
const RECHECK_STEPS_AT_ONCE: u64 = 4096;

/// Subscriptions that one call looks at.
const RECHECKED_AT_ONCE: usize = 1024;

/// Subscriptions and shadows that one call ends, and shadows that begin. Each takes some microseconds: its client and
/// the log are told.
const REVOKED_AT_ONCE: usize = 192;

impl Broker {
    /// Holds an admitted connection against the directory in force.
    pub(crate) fn renew(&mut self, id: ConnId) {
        let client = self.egress.clients.at(id);
        match self.config.settings.directory.renew(&client.identity, client.how()) {
            Renewal::Granted(identity) => {
                client.identity = identity;
                client.watch.deliveries = true;
                self.settle_rights(id);
                let client = self.egress.clients.at(id);
                client.recheck = client.guard.is_some().then(Recheck::default);
            }
            Renewal::Refused => {
                let claim = client.who();
                self.refuse_client(id, claim);
            }
            // It finds its user where that is now, if it comes again.
            Renewal::Gone => self.close(id, CloseReason::ClientClosed),
        }
    }

    /// Has the next subscriptions from `from` on, which is 0 at first, import what their accounts do by now; ends those
    /// that their connections may not have since it was settled anew what these may do, and screens those that they may
    /// have in part.
    pub fn recheck_subscriptions(&mut self, from: u64) -> Sweep {
        let (rows, mut next) = stretch(from, self.egress.subs.rows(), RECHECKED_AT_ONCE);
        let (mut count, mut revoked, mut steps, begun) = (0, 0, 0, self.egress.steps);
        for row in rows {
            let spent = steps.max(self.egress.steps - begun);
            if revoked >= REVOKED_AT_ONCE || spent >= RECHECK_STEPS_AT_ONCE {
                next = Some(row as u64);
                break;
            }
            let Some(sub) = self.egress.subs.row(row).filter(|sub| !sub.is_leaving()) else { continue };
            let id = sub.conn();
            let (round, changes) = self.renew_shadows(SubKey(row as u32));
            revoked += changes;
            if self.egress.clients.peek_open(id).is_some() {
                self.raise_fence(id, round);
            }
            if self.egress.clients.peek_open(id).is_some_and(|client| client.recheck.is_some()) {
                count += 1;
                let before = self.egress.steps;
                revoked += usize::from(self.recheck(id, SubKey(row as u32)));
                steps += self.egress.steps - before;
                let guard = self.egress.clients.peek(id).and_then(|client| client.guard.as_ref());
                steps += guard.map_or(1, |guard| entry_steps(guard.access(), &self.filter));
            }
        }
        self.settle();
        Sweep { count, next }
    }

    /// The subscriptions of the next connections from `from` on have all been rechecked.
    pub fn end_rechecks(&mut self, from: u64) -> Sweep {
        self.sweep(from, Self::end_recheck)
    }

    pub(crate) fn end_recheck(&mut self, id: ConnId) {
        let client = self.egress.clients.at(id);
        if let Some(Recheck { screens }) = client.recheck.take() {
            client.watch.deliveries = screens;
        }
    }

    /// Holds a subscription against what its connection may do. Returns whether that ended it.
    pub(crate) fn recheck(&mut self, id: ConnId, key: SubKey) -> bool {
        let sub = self.egress.subs.at(key);
        self.spaces[sub.account()].local.filter(sub.filter, &mut self.filter);
        let Some(guard) = &self.egress.clients.at(id).guard else { return false };
        let sub = self.egress.subs.at(key);
        if !guard.access().may_subscribe(&self.filter, sub.queue()) {
            self.revoke(id, key);
            return true;
        }
        if guard.access().screens(&self.filter, sub.queue()) {
            let round = self.screen(id, key);
            self.raise_fence(id, round);
        }
        false
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
