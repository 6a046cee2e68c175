//! What other servers want, and what is wanted of them.

use std::ops::Bound;

use cluster::Interest;
use conns::ConnId;
use nats_proto::{InterestKey, quote};

use super::{UNKNOWN_MAX, Unknown, UnknownKey, WEIGHT_MAX, Wants};
use crate::broker::Broker;
use crate::chores::{Chore, Progress, ROW_STEPS};
use crate::client::Hold;
use crate::input::Flow;
use crate::members::MemberChange;
use crate::party::{PeerId, Target};
use crate::services::Round;
use crate::subscription::{SubKey, Subscription};
use crate::turn::{SUBSCRIPTION_STEPS, long_subject_steps};

impl Broker {
    /// A server of the cluster wants something, with that weight; 0 is that it does not.
    pub(crate) fn on_route_interest(
        &mut self,
        id: ConnId,
        peer: PeerId,
        key: &InterestKey<'_>,
        weight: Option<u32>,
    ) -> Flow {
        let Some(peers) = &self.egress.peers else { return Flow::Next };
        if !peers.may_want(key.subject) {
            let label = &self.egress.clients.at(id).label;
            tracing::debug!(
                "{label} - Can not export {}, ignoring remote subscription request",
                quote(key.subject)
            );
            return Flow::Next;
        }
        self.on_peer_interest(id, peer, key, weight)
    }

    /// The same of any server.
    pub(crate) fn on_peer_interest(
        &mut self,
        id: ConnId,
        peer: PeerId,
        key: &InterestKey<'_>,
        weight: Option<u32>,
    ) -> Flow {
        if self.mesh.has_full_links() {
            self.mesh.hold(id);
            return Flow::Hold(Hold::Link);
        }
        self.egress.steps += SUBSCRIPTION_STEPS + long_subject_steps(key.subject);
        self.egress.clients.at(id).record.last_activity = self.egress.counters.now;
        let Some(peers) = &mut self.egress.peers else { return Flow::Next };
        let account = match peers.account_of(peer, key.account) {
            Ok(account) => account,
            Err(name) => {
                note_unknown(&mut peers.at(peer).unknown, name, key, weight);
                return Flow::Next;
            }
        };
        let name = key.account.unwrap_or_default();
        let row = (account, Interest::of(key));
        if !peers.at(peer).unknown.is_empty() {
            peers.at(peer).unknown.remove(&(name.into(), row.1.clone()));
        }
        let Some(weight) = weight else {
            for sub in peers.at(peer).wants.remove(&row).into_iter().flatten() {
                self.end_peer_subscription(sub);
            }
            self.tell_own_interest();
            return Flow::Next;
        };
        let wanted = if key.queue.is_some() { weight.min(WEIGHT_MAX) } else { 1 };
        let mut subs = peers.at(peer).wants.remove(&row).unwrap_or_default();
        while subs.len() > wanted as usize
            && let Some(sub) = subs.pop()
        {
            self.end_peer_subscription(sub);
        }
        while subs.len() < wanted as usize {
            let Some(sub) = self.begin_peer_subscription(id, peer, account, key) else { break };
            subs.push(sub);
        }
        if subs.is_empty() && wanted > 0 {
            self.egress.send_err(id, "Invalid Subscription");
        } else if let Some(peers) = &mut self.egress.peers {
            peers.at(peer).wants.insert(row, subs);
        }
        self.tell_own_interest();
        Flow::Next
    }

    /// There are other accounts than before: what servers wanted of those that are new is heeded now.
    pub(crate) fn recall_interest(&mut self) {
        let Some(peers) = &self.egress.peers else { return };
        for (peer, conn) in peers.missing_accounts() {
            self.chores.push(Chore::Recalling(peer, conn, None));
        }
    }

    /// Goes on with that behind the row that was looked at last, as far as this turn goes. Returns what is left.
    pub(crate) fn go_on_recalling(
        &mut self,
        peer: PeerId,
        conn: ConnId,
        mut row: Option<UnknownKey>,
    ) -> Option<Chore> {
        loop {
            if !self.chores.budget().lasts() || self.mesh.has_full_links() {
                return Some(Chore::Recalling(peer, conn, row));
            }
            self.chores.budget().spend(ROW_STEPS);
            let peers = self.egress.peers.as_ref()?;
            let its = peers.peek(peer).filter(|its| its.open_conn() == Some(conn));
            let from = row.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            let next = its.and_then(|its| its.unknown.range((from, Bound::Unbounded)).next());
            let (key, weight) = next.map(|(key, weight)| (key.clone(), *weight))?;
            if peers.account_named(&key.0).is_some() {
                self.on_peer_interest(conn, peer, &key.1.key(Some(&key.0)), Some(weight));
            }
            row = Some(key);
        }
    }

    fn begin_peer_subscription(
        &mut self,
        id: ConnId,
        peer: PeerId,
        account: usize,
        key: &InterestKey<'_>,
    ) -> Option<SubKey> {
        let sub = self.egress.subs.next_key();
        let local = &mut self.space_of(account).local;
        let filter = local.insert(key.subject, key.queue, sub).ok()?;
        let origin = key.origin.unwrap_or_default();
        self.egress.subs.insert(Subscription::new(Target::from(peer), account, filter, key.queue, origin));
        self.spend_on_nodes(account);
        self.egress.counters.on_subscribed(account);
        self.egress.services.on_interest_changed();
        let round = self.announce(sub, MemberChange::Join);
        let round = self.cast_shadows(sub, key.subject).or(round);
        self.raise_fence(id, round);
        self.turn.spend_beside(SUBSCRIPTION_STEPS);
        Some(sub)
    }

    /// What others sent before they knew still comes, and goes to the server: a group has another member for it there or
    /// hands it back.
    fn end_peer_subscription(&mut self, sub: SubKey) {
        match self.announce_leave(sub) {
            None => self.remove(sub),
            Some(round) => {
                self.egress.subs.at_mut(sub).set_leaving();
                self.egress.services.leave(Round(round), sub);
            }
        }
        self.turn.spend_beside(SUBSCRIPTION_STEPS);
    }

    /// A server is gone, and what it wanted is there yet.
    pub(crate) fn forget_wants(&mut self, peer: PeerId, wants: Wants) {
        let mut wants = wants;
        if self.go_on_forgetting(peer, &mut wants) == Progress::More {
            self.chores.push(Chore::Forgetting(peer, wants));
        }
    }

    /// Goes on with that as far as this turn goes.
    pub(crate) fn go_on_forgetting(&mut self, peer: PeerId, wants: &mut Wants) -> Progress {
        while let Some(mut row) = wants.first_entry() {
            if !self.chores.budget().lasts() {
                self.tell_own_interest();
                return Progress::More;
            }
            let Some(sub) = row.get_mut().pop() else {
                row.remove();
                continue;
            };
            self.chores.budget().spend(ROW_STEPS);
            self.announce_leave(sub);
            self.remove(sub);
        }
        if let Some(peers) = &mut self.egress.peers {
            peers.free(peer);
        }
        self.tell_own_interest();
        Progress::Done
    }

    /// A subscription here begins or ends: other servers are to be told, if it is not one of theirs.
    #[cold]
    pub(crate) fn note_own_interest(&mut self, key: SubKey, change: MemberChange) {
        let sub = self.egress.subs.at(key);
        let (more, less) = match change {
            MemberChange::Join => (1, 0),
            MemberChange::Leave { .. } => (0, 1),
            MemberChange::BecomeLimited => return,
        };
        let account = sub.account();
        self.spaces[account].local.filter(sub.filter, &mut self.filter);
        let key = InterestKey { origin: None, account: None, subject: &self.filter, queue: sub.queue() };
        let Some(peers) = &mut self.egress.peers else { return };
        // Whoever imports it wants it.
        let wanting = sub.target.as_shadow().map_or(sub, |of| self.egress.subs.at(of));
        match wanting.target.as_peer() {
            None => peers.change(account, &key, more, less),
            // There may be a row of them: what comes of all is told behind the last.
            Some(peer) => return peers.change_of_peer(account, &key, (peer, &wanting.sid), more, less),
        }
        self.tell_own_interest();
    }

    /// Another shard told of its subscriptions.
    #[cold]
    pub(crate) fn note_interest_of_shard(&mut self, interest: &fabric::Interest<'_>) {
        let key =
            InterestKey { origin: None, account: None, subject: interest.filter, queue: interest.queue };
        if let Some(peers) = &mut self.egress.peers {
            peers.change(interest.account as usize, &key, interest.now.weight, interest.before.weight);
        }
        self.tell_own_interest();
    }

    /// Tells other servers what is wanted here. While connections change shards nobody is told: what only moves is not
    /// ended and begun anew.
    pub(crate) fn tell_own_interest(&mut self) {
        if !self.moves.is_paused() && self.egress.peers.as_ref().is_some_and(|peers| peers.have_changes()) {
            self.egress.tell_changes();
        }
    }
}

/// A server wants something of an account that is not there, or does not any more.
fn note_unknown(unknown: &mut Unknown, name: &[u8], key: &InterestKey<'_>, weight: Option<u32>) {
    let row = (name.into(), Interest::of(key));
    unknown.remove(&row);
    if let Some(weight) = weight.filter(|_| unknown.len() < UNKNOWN_MAX) {
        unknown.insert(row, weight);
    }
}
