//! What leaf nodes and hubs say.

use cluster::LeafRefusal;
use cluster::leaf_words;
use cluster::passing::Side;
use conns::{CloseReason, ConnId, Time};
use nats_proto::{InterestKey, PeerMessage, PeerOp, quote};
use subject_trie::has_wildcard;

use super::branches::{Branch, LOOPS};
use super::incoming::{Incoming, since_start};
use crate::broker::Broker;
use crate::client::Hold;
use crate::guard::Permit;
use crate::input::Flow;
use crate::party::PeerId;

/// What servers send each other whatever a user may: responses, acknowledgements.
const AMONG_SERVERS: [&[u8]; 2] = [b"_R_.", b"$JS.ACK."];

/// What they may always want.
const WANTED_AMONG_SERVERS: [&[u8]; 3] = [LOOPS, b"$GR.", b"_GR_."];

impl Broker {
    /// Acts on what a leaf node or a hub said.
    pub(super) fn on_leaf_op(&mut self, now: Time, id: ConnId, peer: PeerId, op: &PeerOp<'_>) -> Flow {
        match op {
            PeerOp::Connect(json) => self.branches().control.on_connect(id, json),
            PeerOp::Info(json) => self.branches().control.on_info(since_start(now), id, json),
            _ if !self.branches().control.may_say(id) => {}
            PeerOp::Ping => self.egress.send(id, b"PONG\r\n"),
            PeerOp::Pong => self.on_peer_pong(now, id),
            PeerOp::Err(text) => self.on_leaf_complaint(id, text),
            // Who has not said who it is speaks for nobody yet.
            _ if self.branch(peer).is_none() => {}
            PeerOp::Interest { key, weight } => return self.on_leaf_interest(now, id, peer, key, *weight),
            PeerOp::NoInterest(key) => return self.on_peer_interest(id, peer, key, None),
            PeerOp::Message(message) => return self.on_leaf_message(now, id, peer, message),
            PeerOp::Ok | PeerOp::Ignored => {}
        }
        self.act_for_cluster(now);
        Flow::Next
    }

    fn on_leaf_interest(
        &mut self,
        now: Time,
        id: ConnId,
        peer: PeerId,
        key: &InterestKey<'_>,
        weight: u32,
    ) -> Flow {
        let Some(branch) = self.branch(peer) else { return Flow::Next };
        let account = branch.account;
        if self.branches().is_loop(account, key.subject) {
            let name = self.config.settings.directory.account(account).name().to_string();
            self.branches().control.refuse(id, &LeafRefusal::Loop(&name));
            self.act_for_cluster(now);
            return Flow::Next;
        }
        let is_free = WANTED_AMONG_SERVERS.iter().any(|prefix| key.subject.starts_with(prefix));
        if !is_free && !has_wildcard(key.subject) && !self.may_leaf_want(peer, key.subject) {
            return self.end_violation(id, "Subscription", key.subject);
        }
        if self.has_all_it_may_want(peer, account) {
            self.egress.send_err(id, "maximum subscriptions exceeded");
            return Flow::Next;
        }
        self.on_peer_interest(id, peer, key, Some(weight))
    }

    /// Whether a leaf node wants as much as a connection of its account may.
    fn has_all_it_may_want(&self, peer: PeerId, account: usize) -> bool {
        let settings = &self.config.settings;
        let own = settings.directory.account(account).limits().subscriptions;
        let max = [own, settings.options.subscriptions_max()].into_iter().flatten().min();
        let row = self.egress.peers.as_ref().and_then(|peers| peers.peek(peer));
        max.zip(row).is_some_and(|(max, row)| row.wants.len() >= max)
    }

    /// Whether a leaf node may be sent what it wants. Hubs say what they may be sent, so they are not asked.
    fn may_leaf_want(&mut self, peer: PeerId, subject: &[u8]) -> bool {
        let Some(branch) = self.branch(peer) else { return false };
        branch.ear.side == Side::Hub || branch.may_be_sent(subject)
    }

    fn on_leaf_message(&mut self, now: Time, id: ConnId, peer: PeerId, message: &PeerMessage<'_>) -> Flow {
        let is_free = AMONG_SERVERS.iter().any(|prefix| message.subject.starts_with(prefix));
        let Some(branch) = self.branch(peer) else { return Flow::Next };
        let account = branch.account;
        let mapped = self.mapped_in(account, message.subject);
        let subject = mapped.as_deref().unwrap_or(message.subject);
        // Before an answer that it may give once is used up.
        if self.must_wait_of_leaf(account, subject) {
            self.mesh.hold(id);
            return Flow::Hold(Hold::Link);
        }
        let Some(branch) = self.branch(peer) else { return Flow::Next };
        if let Some(guard) = branch.guard.as_mut().filter(|_| !is_free)
            && guard.may_publish(now, message.subject) == Permit::No
        {
            return self.end_violation(id, "Publish", message.subject);
        }
        let import = branch.import.as_ref().filter(|_| !is_free);
        if import.is_some_and(|import| !import.may_publish(message.subject)) {
            return Flow::Next;
        }
        if subject.is_empty() {
            return Flow::Next; // The mapping drops it.
        }
        let there = PeerMessage { subject, ..*message };
        let written = mapped.as_ref().map(|_| message.subject);
        self.go_on_with_peer_message(id, peer, Incoming { account, message: &there, written })
    }

    /// Whether what becomes of a message of a leaf node or a hub may be told there.
    pub(crate) fn may_leaf_have_told(&self, peer: PeerId, destination: &[u8]) -> bool {
        let row = self.egress.peers.as_ref().and_then(|peers| peers.peek(peer));
        let Some(branch) = row.and_then(|row| row.branch.as_ref()) else { return true };
        let own = branch.guard.as_ref().map(|guard| guard.access());
        own.into_iter().chain(branch.import.as_ref()).all(|access| access.may_publish(destination))
    }

    /// Whether a message has to wait, in any of the accounts that it comes to.
    fn must_wait_of_leaf(&mut self, account: usize, subject: &[u8]) -> bool {
        self.mesh.is_awaited()
            && (self.must_wait_of_peer(account, subject) || self.must_wait_for_services(account, subject))
    }

    fn end_violation(&mut self, id: ConnId, action: &str, subject: &[u8]) -> Flow {
        self.egress.send_err(id, &format!("Permissions Violation for {action} to {}", quote(subject)));
        tracing::error!("{} - {}", self.egress.clients.at(id).label, leaf_words::violation(action, subject));
        self.branches().control.on_violation(id);
        self.close(id, CloseReason::ProtocolViolation);
        Flow::Next
    }

    fn branch(&mut self, peer: PeerId) -> Option<&mut Branch> {
        self.egress.peers.as_mut()?.at(peer).branch.as_deref_mut()
    }
}
