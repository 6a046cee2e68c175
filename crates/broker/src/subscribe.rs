//! SUB and UNSUB.
//!
//! A change that other shards rely on takes effect once they all know of it: until then a leaving
//! subscription still gets what was sent on its behalf, and a maximum does not count yet.

use nats_proto::{Subscribe, Unsubscribe, show};

use crate::broker::Broker;
use crate::client::{ConnId, Deferred, Hold};
use crate::complaint::Complaint;
use crate::input::Flow;
use crate::members::MemberChange;
use crate::seldom::SeldomLine;
use crate::subscription::{SubKey, Subscription};

/// The queue group that servers keep for themselves.
const SYSTEM_QUEUE: &[u8] = b"_sys_";

impl Broker {
    pub(crate) fn subscribe(&mut self, id: ConnId, subscribe: &Subscribe<'_>) -> Flow {
        if let Some(hold) = self.interest_has_to_wait(id, subscribe.sid) {
            return Flow::Hold(hold);
        }
        let client = self.egress.clients.at(id);
        let access = client.guard.as_ref().map(|guard| guard.access());
        let may = access.is_none_or(|access| access.may_subscribe(subscribe.subject, subscribe.queue));
        let is_screened = access.is_some_and(|access| access.screens(subscribe.subject, subscribe.queue));
        if !may || subscribe.queue == Some(SYSTEM_QUEUE) {
            self.complain(id, &Complaint::of_subscription(subscribe));
            return Flow::Next;
        }
        let account = client.account;
        let tokens_max = self.config.settings.max_sub_tokens.unwrap_or(usize::MAX);
        if subscribe.subject.split(|byte| *byte == b'.').count() > tokens_max {
            self.complain(id, &Complaint::of_tokens(subscribe));
            return Flow::Next;
        }
        if client.subs_max.is_some_and(|max| client.subs.len() >= max) {
            self.log_seldom(id, SeldomLine::MaxSubscriptions);
            self.egress.send_err(id, SeldomLine::MaxSubscriptions.text());
            return Flow::Next;
        }
        if self.egress.find_sub(id, subscribe.sid).is_none() {
            let key = self.egress.subs.next_key();
            let inserted = self.accounts[account].local.insert(subscribe.subject, subscribe.queue, key);
            let Ok(filter) = inserted else {
                self.egress.send_err(id, "Invalid Subject");
                return Flow::Next;
            };
            let sub = Subscription::new(id, account, filter, subscribe.queue, subscribe.sid);
            self.egress.subs.insert(sub);
            self.egress.link_sub(id, key);
            self.note_activity(id);
            self.egress.counters.on_subscribed(account);
            let round = self.announce(key, MemberChange::Join);
            let round = if is_screened { self.screen(id, key).or(round) } else { round };
            self.raise_fence(id, round);
        }
        self.acknowledge(id);
        Flow::Next
    }

    /// A subscription is to be kept from some messages: others may not rely on it to take one.
    pub(crate) fn screen(&mut self, id: ConnId, key: SubKey) -> Option<u64> {
        let client = self.egress.clients.at(id);
        client.watch.deliveries = true;
        if let Some(recheck) = &mut client.recheck {
            recheck.screens = true;
        }
        let sub = self.egress.subs.at_mut(key);
        if sub.is_limited() {
            return None;
        }
        sub.set_limited();
        self.announce(key, MemberChange::BecomeLimited)
    }

    pub(crate) fn unsubscribe(&mut self, id: ConnId, unsubscribe: &Unsubscribe<'_>) -> Flow {
        if let Some(hold) = self.interest_has_to_wait(id, unsubscribe.sid) {
            return Flow::Hold(hold);
        }
        if let Some(key) = self.egress.find_sub(id, unsubscribe.sid) {
            self.note_activity(id);
            let delivered = self.egress.subs.at(key).delivered;
            match unsubscribe.max {
                Some(max) if max > delivered => self.end_after(id, key, max),
                _ => self.leave(id, key),
            }
        }
        self.acknowledge(id);
        Flow::Next
    }

    /// Whether a change of interest has to wait for room towards the other shards, or for a leaving
    /// subscription of the same sid.
    fn interest_has_to_wait(&mut self, id: ConnId, sid: &[u8]) -> Option<Hold> {
        if !self.mesh.congested().is_empty() {
            self.mesh.hold(id);
            return Some(Hold::Link);
        }
        let client = self.egress.clients.at(id);
        let deferred = std::mem::take(&mut client.deferred);
        let leaves = deferred.iter().any(|change| match change {
            Deferred::Remove(key) => *self.egress.subs.at(*key).sid == *sid,
            Deferred::EndAfter(..) => false,
        });
        self.egress.clients.at(id).deferred = deferred;
        leaves.then_some(Hold::Fence)
    }

    fn note_activity(&mut self, id: ConnId) {
        self.egress.clients.at(id).record.last_activity = self.egress.counters.now;
    }

    fn end_after(&mut self, id: ConnId, key: SubKey, max: u64) {
        let sub = self.egress.subs.at_mut(key);
        if sub.is_limited() {
            // A maximum that waits for its fence is followed by this one; else others know already that
            // they cannot rely on the subscription.
            if sub.max() > 0 || self.egress.clients.at(id).fence.is_none() {
                sub.set_max(max);
            } else {
                self.defer_end(id, key, max);
            }
            return;
        }
        sub.set_limited();
        match self.announce(key, MemberChange::BecomeLimited) {
            None => self.egress.subs.at_mut(key).set_max(max),
            Some(round) => {
                self.defer_end(id, key, max);
                self.raise_fence(id, Some(round));
            }
        }
    }

    /// Notes a maximum for when the fence is down; of several the last counts.
    fn defer_end(&mut self, id: ConnId, key: SubKey, max: u64) {
        let deferred = &mut self.egress.clients.at(id).deferred;
        let noted = deferred.iter_mut().find_map(|change| match change {
            Deferred::EndAfter(at, max) if *at == key => Some(max),
            _ => None,
        });
        match noted {
            Some(noted) => *noted = max,
            None => deferred.push(Deferred::EndAfter(key, max)),
        }
    }

    pub(crate) fn leave(&mut self, id: ConnId, key: SubKey) {
        self.egress.unlink_sub(id, key);
        let round = self.announce_leave(key);
        if round.is_none() && !self.has_deferred_end(id, key) {
            self.remove(key);
            return;
        }
        self.egress.subs.at_mut(key).set_leaving();
        self.egress.clients.at(id).deferred.push(Deferred::Remove(key));
        self.raise_fence(id, round);
    }

    /// Ends all subscriptions of a connection that goes on, as UNSUB ends one.
    pub(crate) fn leave_all(&mut self, id: ConnId) {
        let keys: Vec<SubKey> = self.egress.clients.at(id).subs.iter().map(|link| link.key).collect();
        for key in keys {
            self.leave(id, key);
        }
    }

    fn has_deferred_end(&mut self, id: ConnId, key: SubKey) -> bool {
        self.egress
            .clients
            .at(id)
            .deferred
            .iter()
            .any(|change| matches!(change, Deferred::EndAfter(at, _) if *at == key))
    }

    /// A subscription had its last message.
    pub(crate) fn expire(&mut self, key: SubKey) {
        let sub = self.egress.subs.at(key);
        let id = sub.conn;
        if let Some(client) = self.egress.clients.peek(id) {
            let (label, max, sid) = (&client.label, sub.max(), show(&sub.sid));
            tracing::debug!("{label} - Auto-unsubscribe limit of {max} reached for sid '{sid}'");
        }
        self.egress.unlink_sub(id, key);
        // No fence: whoever relies on interest that may run out asks before it does.
        self.announce_leave(key);
        self.remove(key);
    }

    pub(crate) fn announce_leave(&mut self, key: SubKey) -> Option<u64> {
        let limited = self.egress.subs.at(key).is_limited();
        self.announce(key, MemberChange::Leave { limited })
    }

    pub(crate) fn remove(&mut self, key: SubKey) {
        self.remove_from_account(key);
        self.egress.subs.discard(key);
    }

    /// Removes a subscription and hands it out.
    pub(crate) fn take_out(&mut self, key: SubKey) -> Subscription {
        self.remove_from_account(key);
        self.egress.subs.remove(key)
    }

    fn remove_from_account(&mut self, key: SubKey) {
        let sub = self.egress.subs.at(key);
        let account = sub.account();
        self.accounts[account].remove(sub.filter, sub.queue(), key);
        self.egress.counters.on_unsubscribed(account);
    }

    pub(crate) fn raise_fence(&mut self, id: ConnId, round: Option<u64>) {
        if let Some(round) = round {
            let client = self.egress.clients.at(id);
            self.fences.raise(id, client, round);
        }
    }

    /// All shards confirmed up to some round: what waited for that takes effect.
    pub(crate) fn lift_fences(&mut self) {
        let confirmed = self.mesh.confirmed();
        while let Some((round, id)) = self.fences.pop(confirmed) {
            let Some(client) = self.egress.clients.find(id) else { continue };
            if client.fence != Some(round) {
                continue; // It moved on to a later round.
            }
            client.fence = None;
            client.fenced_ops = 0;
            let owes_ok = std::mem::take(&mut client.owes_ok);
            for change in std::mem::take(&mut client.deferred) {
                self.take_effect(change);
            }
            if owes_ok {
                self.egress.send(id, b"+OK\r\n");
            }
            self.egress.mark_dirty(id);
            self.resume(id, Hold::Fence);
        }
    }

    fn take_effect(&mut self, change: Deferred) {
        match change {
            Deferred::Remove(key) => self.remove(key),
            Deferred::EndAfter(key, max) => {
                let sub = self.egress.subs.at_mut(key);
                sub.set_max(max);
                // What it got while the others learnt of the maximum counts.
                if sub.is_exhausted() && !sub.is_leaving() {
                    self.expire(key);
                }
            }
        }
    }
}
