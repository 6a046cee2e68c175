//! SUB and UNSUB, and how subscriptions end.
//!
//! A change that other shards rely on takes effect once they all know of it: until then a leaving
//! subscription still gets what was sent on its behalf, and a maximum does not count yet.

use conns::{Conn, ConnId};
use nats_proto::{Subscribe, Unsubscribe};

use crate::broker::Broker;
use crate::chores::{Chore, Progress, ROW_NODE_STEPS, ROW_STEPS, ROWS_PER_STEP, are_many};
use crate::client::{Client, Deferred, Hold};
use crate::complaint::Complaint;
use crate::guard::entry_steps;
use crate::input::Flow;
use crate::members::MemberChange;
use crate::seldom::SeldomLine;
use crate::session::OK;
use crate::subscription::{BySid, SidHash, SubKey, Subscription, Subscriptions};
use crate::trace;
use crate::turn::CHANGED_NODE_STEPS;

/// The queue group that servers keep for themselves.
const SYSTEM_QUEUE: &[u8] = b"_sys_";

/// Filters up to this length have few tokens.
const USUAL_FILTER_BYTES: usize = 64;

impl Broker {
    pub(crate) fn subscribe(&mut self, id: ConnId, subscribe: &Subscribe<'_>) -> Flow {
        if let Some(hold) = self.interest_has_to_wait(id) {
            return Flow::Hold(hold);
        }
        let client = self.egress.clients.at(id);
        if has_sid_leaving(client, &self.egress.subs, subscribe.sid) {
            return Flow::Hold(Hold::Fence);
        }
        let access = client.guard.as_ref().map(|guard| guard.access());
        self.egress.steps += access.map_or(0, |access| entry_steps(access, subscribe.subject));
        let may = access.is_none_or(|access| access.may_subscribe(subscribe.subject, subscribe.queue));
        let is_screened = access.is_some_and(|access| access.screens(subscribe.subject, subscribe.queue));
        if !may || subscribe.queue == Some(SYSTEM_QUEUE) {
            self.complain(id, &Complaint::of_subscription(subscribe));
            return Flow::Next;
        }
        let account = client.account;
        let tokens = || subscribe.subject.split(|byte| *byte == b'.').count();
        if self.config.settings.options.max_sub_tokens.is_some_and(|max| tokens() > usize::from(max)) {
            self.complain(id, &Complaint::of_tokens(subscribe));
            return Flow::Next;
        }
        if client.has_all_its_subscriptions() {
            if self.has_to_await_expiry(id) {
                return Flow::Hold(Hold::Expiry);
            }
            self.log_seldom(id, SeldomLine::MaxSubscriptions);
            self.egress.send_err(id, SeldomLine::MaxSubscriptions.text());
            return Flow::Next;
        }
        let hash = self.egress.subs.hash_of(subscribe.sid);
        if self.find_living(id, hash, subscribe.sid).is_none() {
            let key = self.egress.subs.next_key();
            let inserted = self.spaces[account].local.insert(subscribe.subject, subscribe.queue, key);
            let Ok(filter) = inserted else {
                self.egress.send_err(id, "Invalid Subject");
                return Flow::Next;
            };
            self.egress.clients.at(id).stays |= self.spend_on_nodes(account);
            let sub = Subscription::new(id.into(), account, filter, subscribe.queue, subscribe.sid);
            self.egress.subs.insert(sub);
            self.egress.enter_sub(id, BySid { hash, key });
            self.note_activity(id);
            self.egress.counters.on_subscribed(account);
            self.egress.services.on_interest_changed();
            let round = self.announce(key, MemberChange::Join);
            let round = self.cast_shadows(key, subscribe.subject).or(round);
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
        let round = self.limit_one(key);
        self.limit_shadows(key).or(round)
    }

    /// Others may not rely on a subscription to take a message.
    pub(crate) fn limit_one(&mut self, key: SubKey) -> Option<u64> {
        let sub = self.egress.subs.at_mut(key);
        if sub.is_limited() {
            return None;
        }
        sub.set_limited();
        self.announce(key, MemberChange::BecomeLimited)
    }

    pub(crate) fn unsubscribe(&mut self, id: ConnId, unsubscribe: &Unsubscribe<'_>) -> Flow {
        if let Some(hold) = self.interest_has_to_wait(id) {
            return Flow::Hold(hold);
        }
        let mut ended = None;
        let hash = self.egress.subs.hash_of(unsubscribe.sid);
        if let Some(key) = self.find_living(id, hash, unsubscribe.sid) {
            self.note_activity(id);
            let delivered = self.egress.subs.at(key).delivered;
            match unsubscribe.max {
                Some(max) if max > delivered => self.end_after(id, key, max),
                _ => ended = Some((key, self.begin_leave(id, BySid { hash, key }))),
            }
        }
        self.acknowledge(id);
        if let Some((key, is_free)) = ended {
            self.egress.trace_unsubscribed(key);
            if is_free {
                self.remove(key);
            }
        }
        Flow::Next
    }

    /// Whether a change of interest has to wait for room towards the other shards.
    fn interest_has_to_wait(&mut self, id: ConnId) -> Option<Hold> {
        if !self.mesh.has_full_links() {
            return None;
        }
        self.mesh.hold(id);
        Some(Hold::Link)
    }

    /// Whether a connection that has as many subscriptions as it may have waits until those that had their last
    /// message are taken out: some may be its own, and they do not count.
    #[cold]
    fn has_to_await_expiry(&mut self, id: ConnId) -> bool {
        let has_to_wait = self.has_expired();
        if has_to_wait {
            self.chores.await_expiry(id);
        }
        has_to_wait
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
        let round = self.limit_one(key);
        // What it gets by imports does not count, and ends with it.
        match self.limit_shadows(key).or(round) {
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
            None => deferred.push_back(Deferred::EndAfter(key, max)),
        }
    }

    pub(crate) fn leave(&mut self, id: ConnId, key: SubKey) {
        self.egress.trace_unsubscribed(key);
        if self.begin_leave(id, self.egress.subs.by_sid(key)) {
            self.remove(key);
        }
    }

    /// A subscription is its client's no longer; true if nothing else waits for it, so that it can be removed.
    fn begin_leave(&mut self, id: ConnId, by_sid: BySid) -> bool {
        let key = by_sid.key;
        self.egress.withdraw_sub(id, by_sid);
        let limited = self.egress.subs.at(key).is_limited();
        let round = self.announce_leave(key);
        if round.is_none() && !(limited && self.has_deferred_end(id, key)) {
            return true;
        }
        self.egress.subs.at_mut(key).set_leaving();
        self.egress.clients.at(id).deferred.push_back(Deferred::Remove(by_sid));
        self.raise_fence(id, round);
        false
    }

    /// Ends all subscriptions of a connection that goes on, as UNSUB ends one.
    pub(crate) fn leave_all(&mut self, id: ConnId) {
        let keys: Vec<SubKey> = self.egress.clients.at(id).subs.iter().map(|by_sid| by_sid.key).collect();
        for key in keys {
            self.chores.budget().spend(ROW_STEPS);
            self.leave(id, key);
        }
    }

    /// Begins to end all subscriptions of a connection, if there are too many of them for this turn: the CONNECT
    /// that ends them has to wait.
    pub(crate) fn begins_to_leave(&mut self, id: ConnId) -> bool {
        let client = self.egress.clients.at(id);
        let is_long = client.connect_received
            && (!self.chores.budget().covers(client.subs.len() * ROW_STEPS) || self.has_long_filters(id));
        if is_long {
            self.chores.push(Chore::Leaving(id));
        }
        is_long
    }

    /// Whether the filters of so few subscriptions that a turn could end them have so many tokens that it cannot.
    fn has_long_filters(&mut self, id: ConnId) -> bool {
        let mut steps = 0;
        let subs = &self.egress.subs;
        self.egress.clients.peek(id).is_some_and(|client| {
            client.subs.iter().any(|by_sid| {
                let sub = subs.at(by_sid.key);
                self.spaces[sub.account()].local.filter(sub.filter, &mut self.filter);
                // Each second byte may be a token.
                steps +=
                    ROW_STEPS + self.filter.len().saturating_sub(USUAL_FILTER_BYTES) / 2 * ROW_NODE_STEPS;
                !self.chores.budget().covers(steps)
            })
        })
    }

    /// Goes on with that as far as this turn goes. With a fence up it is for the CONNECT to go on: it is tried
    /// again behind the fence.
    pub(crate) fn go_on_leaving(&mut self, id: ConnId) -> Progress {
        let is_held = |client: &&mut Conn<Client>| client.hold == Some(Hold::Leaving);
        while let Some(client) = self.egress.clients.open(id).filter(is_held) {
            if client.subs.is_empty() {
                client.leaving_row = 0;
                self.resume(id, Hold::Leaving);
                break;
            }
            if !self.chores.budget().lasts() {
                if client.fence.is_none() {
                    return Progress::More;
                }
                client.hold = Some(Hold::Fence);
                break;
            }
            if let Some(key) = self.next_to_leave(id) {
                self.chores.budget().spend(ROW_STEPS);
                self.leave(id, key);
            }
        }
        Progress::Done
    }

    /// Finds one of a connection's subscriptions, if the turn lasts that long.
    fn next_to_leave(&mut self, id: ConnId) -> Option<SubKey> {
        let client = self.egress.clients.at(id);
        let (subs, budget) = (&self.egress.subs, self.chores.budget());
        let first = client.leaving_row;
        if !are_many(client.subs.len(), subs.rows().saturating_sub(first)) {
            client.leaving_row = 0;
            return client.subs.some().next().map(|by_sid| by_sid.key);
        }
        for number in first..subs.rows() {
            if number.is_multiple_of(ROWS_PER_STEP) && number > first {
                budget.spend(1);
                if !budget.lasts() {
                    client.leaving_row = number;
                    return None;
                }
            }
            if subs.row(number).is_some_and(|sub| sub.conn() == id && !sub.is_leaving()) {
                client.leaving_row = number + 1;
                return Some(SubKey(number as u32));
            }
        }
        client.leaving_row = 0;
        None
    }

    fn has_deferred_end(&mut self, id: ConnId, key: SubKey) -> bool {
        let is_it = |change: &Deferred| matches!(change, Deferred::EndAfter(at, _) if *at == key);
        self.egress.clients.at(id).deferred.iter().any(is_it)
    }

    /// The same for one that had it a while ago, if it is there yet.
    pub(crate) fn expire_late(&mut self, key: SubKey) {
        self.chores.budget().spend(ROW_STEPS);
        let sub = self.egress.subs.row(key.0 as usize);
        let client = sub.and_then(|sub| self.egress.clients.peek(sub.conn()));
        // That of a connection which ends is taken out with the others.
        let is_there = client.is_some_and(|client| !client.is_ending());
        if is_there && sub.is_some_and(|sub| sub.is_exhausted() && !sub.is_leaving()) {
            self.expire(key);
        }
    }

    /// Whether subscriptions that had their last message are there yet.
    pub(crate) fn has_expired(&self) -> bool {
        !self.egress.expired.is_empty()
    }

    /// Takes out subscriptions that had their last message, as far as the turn goes.
    pub(crate) fn expire_some(&mut self) {
        while self.chores.budget().lasts()
            && let Some(key) = self.egress.expired.pop()
        {
            self.expire_late(key);
        }
        if !self.has_expired() {
            for id in self.chores.take_expiry_awaited() {
                self.resume(id, Hold::Expiry);
            }
        }
    }

    /// The subscription of that sid, which has that hash, unless it had its last message.
    fn find_living(&mut self, id: ConnId, hash: SidHash, sid: &[u8]) -> Option<SubKey> {
        let key = self.egress.find_sub(id, hash, sid)?;
        let sub = self.egress.subs.at(key);
        if !sub.is_exhausted() {
            return Some(key);
        }
        self.expire(key);
        None
    }

    /// A subscription had its last message.
    pub(crate) fn expire(&mut self, key: SubKey) {
        let id = self.egress.subs.at(key).conn();
        self.egress.withdraw_sub(id, self.egress.subs.by_sid(key));
        // No fence: whoever relies on interest that may run out asks before it does.
        self.announce_leave(key);
        self.remove(key);
    }

    pub(crate) fn announce_leave(&mut self, key: SubKey) -> Option<u64> {
        let sub = self.egress.subs.at(key);
        let (limited, has_shadows) = (sub.is_limited(), !sub.shadows().is_empty());
        let round = self.announce(key, MemberChange::Leave { limited });
        if has_shadows { self.announce_shadows_leave(key).or(round) } else { round }
    }

    pub(crate) fn remove(&mut self, key: SubKey) {
        let heard = self.responses.measure_any().then(|| self.heard_by(key));
        self.remove_from_account(key);
        self.egress.subs.discard(key);
        if let Some((account, filter)) = heard {
            self.give_up_unheard(account, &filter);
        }
    }

    /// What a subscription listens to, and in which account.
    #[cold]
    fn heard_by(&self, key: SubKey) -> (usize, Vec<u8>) {
        let sub = self.egress.subs.at(key);
        let mut filter = Vec::new();
        self.spaces[sub.account()].local.filter(sub.filter, &mut filter);
        (sub.account(), filter)
    }

    /// Removes a subscription and hands it out.
    pub(crate) fn take_out(&mut self, key: SubKey) -> Subscription {
        self.remove_from_account(key);
        self.egress.subs.remove(key)
    }

    fn remove_from_account(&mut self, key: SubKey) {
        let sub = self.egress.subs.at(key);
        if !sub.shadows().is_empty() {
            self.remove_shadows(key);
        }
        let sub = self.egress.subs.at(key);
        let account = sub.account();
        self.spaces[account].remove(sub.filter, sub.queue(), key);
        self.egress.counters.on_unsubscribed(account);
        self.egress.services.on_interest_changed();
        self.spend_on_nodes(account);
    }

    /// Counts what a change of an account's filters took beyond the usual: towards the share of who asked for it,
    /// and what the turn has for chores, of which it may be one. Returns whether there was any of that.
    #[inline]
    pub(crate) fn spend_on_nodes(&mut self, account: usize) -> bool {
        let nodes = self.spaces[account].local.take_nodes();
        if nodes > 0 {
            self.egress.steps += nodes * CHANGED_NODE_STEPS;
            self.chores.budget().spend(nodes as usize * ROW_NODE_STEPS);
        }
        nodes > 0
    }

    pub(crate) fn raise_fence(&mut self, id: ConnId, round: Option<u64>) {
        if let Some(round) = round {
            let client = self.egress.clients.at(id);
            self.fences.raise(id, client, round);
        }
    }

    /// All shards confirmed up to some round: what waited for that takes effect. If that is very much, some of it
    /// does in the next turns, and the fence of who it is of stays up until then.
    pub(crate) fn lift_fences(&mut self) {
        let confirmed = self.mesh.confirmed();
        while let Some((round, id)) = self.fences.next(confirmed) {
            if !self.chores.budget().lasts() {
                return;
            }
            if self.take_deferred_effect(id, round) {
                self.fences.pop();
                self.lift_fence(id, round);
            }
        }
    }

    /// Whether some of that is left.
    pub(crate) fn has_fences_to_lift(&self) -> bool {
        !self.fences.is_empty() && self.fences.next(self.mesh.confirmed()).is_some()
    }

    /// Lets what a connection deferred until this round take effect. Returns whether all of it has.
    fn take_deferred_effect(&mut self, id: ConnId, round: u64) -> bool {
        loop {
            let client = self.egress.clients.find(id);
            let Some(client) = client.filter(|client| client.fence == Some(round)) else { return true };
            let Some(change) = client.deferred.pop_front() else { return true };
            self.take_effect(change);
            self.chores.budget().spend(ROW_STEPS);
            if !self.chores.budget().lasts() {
                return false;
            }
        }
    }

    fn lift_fence(&mut self, id: ConnId, round: u64) {
        self.chores.budget().spend(1);
        let Some(client) = self.egress.clients.find(id) else { return };
        if client.fence != Some(round) {
            return; // It moved on to a later round.
        }
        client.fence = None;
        client.fenced_ops = 0;
        if std::mem::take(&mut client.owes_ok) {
            self.egress.send_untraced(id, OK);
        }
        self.egress.clients.mark_dirty(id);
        self.resume(id, Hold::Fence);
    }

    fn take_effect(&mut self, change: Deferred) {
        match change {
            Deferred::Remove(by_sid) => self.remove(by_sid.key),
            Deferred::EndAfter(key, max) => {
                let sub = self.egress.subs.at_mut(key);
                sub.set_max(max);
                // What it got while the others learnt of the maximum counts.
                if sub.is_exhausted() && !sub.is_leaving() {
                    if let Some(client) = self.egress.clients.peek(sub.conn()) {
                        trace::had_its_last(&client.label, &sub.sid, max);
                    }
                    self.egress.trace_unsubscribed(key);
                    self.expire(key);
                }
            }
        }
    }
}

/// Whether a subscription of that sid waits for its fence to leave. One that comes has to wait for that.
fn has_sid_leaving(client: &Client, subs: &Subscriptions, sid: &[u8]) -> bool {
    if client.deferred.is_empty() {
        return false;
    }
    let hash = subs.hash_of(sid);
    client.deferred.iter().any(|change| match change {
        Deferred::Remove(by_sid) => by_sid.hash == hash && *subs.at(by_sid.key).sid == *sid,
        Deferred::EndAfter(..) => false,
    })
}
