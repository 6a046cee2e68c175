//! What becomes of a message whose way is told, as it is handed over.

use nats_proto::{HeaderLen, Publish, put_with_field};

use super::{Journey, Note, why};
use crate::broker::Broker;
use crate::egress::Egress;
use crate::party::{Origin, may_pass_to_client};
use crate::peers::Peer;
use crate::peers::outgoing::Given;
use crate::services::service_that_may_have;
use crate::subscription::SubKey;

/// Steps that a noted delivery costs beside what it costs to deliver it.
const NOTE_STEPS: u64 = 2;

/// The header that says by which way a message came to a server.
pub(super) const HOP: &[u8] = b"Nats-Trace-Hop";

impl Egress {
    /// The message that is in hand from now on is one whose way is told.
    pub(crate) fn set_out(&mut self, journey: Journey) {
        self.take_up(Some(Box::new(journey)));
    }

    /// Nothing is noted of the message in hand until [`Self::take_up`].
    pub(crate) fn put_aside(&mut self) -> Option<Box<Journey>> {
        self.is_watched = self.trace;
        self.journey.take()
    }

    pub(crate) fn take_up(&mut self, journey: Option<Box<Journey>>) {
        self.is_watched = self.trace || journey.is_some();
        self.journey = journey;
    }

    /// Notes a step, if the way of the message in hand is told.
    #[inline]
    pub(crate) fn note(&mut self, note: impl FnOnce() -> Note) {
        if let Some(journey) = &mut self.journey {
            journey.note(note());
        }
    }

    /// The message in hand to one subscription, where that is to be logged or noted.
    #[cold]
    pub(crate) fn deliver_watched(&mut self, key: SubKey, origin: Origin, publish: &Publish<'_>) -> bool {
        if self.journey.is_none() {
            return self.deliver_to::<false, true>(key, origin, publish);
        }
        self.steps += NOTE_STEPS;
        let target = self.subs.at(key).target;
        if let Some(of) = target.as_shadow() {
            return self.import_watched(key, of, origin, publish);
        }
        if target.as_service().is_some() {
            return self.serve_watched(key, origin, publish);
        }
        if target.as_peer().is_some() {
            return self.deliver_apart(key, origin, publish);
        }
        let denies = |egress: &Self| !egress.may_have(key, publish);
        self.give(key, key, origin, denies, |egress| egress.deliver_to::<false, true>(key, origin, publish))
    }

    /// Gives the message to the client of the subscription `to`, which gets it by that one, and notes whether it did.
    fn give(
        &mut self,
        by: SubKey,
        to: SubKey,
        origin: Origin,
        denies: impl FnOnce(&Self) -> bool,
        deliver: impl FnOnce(&mut Self) -> bool,
    ) -> bool {
        let (only, sub) = (self.is_traced_only(), self.subs.at(to));
        let (conn, target, had_its_last) = (sub.conn(), sub.target, by == to && sub.is_exhausted());
        let open = self.clients.peek_open(conn).map(|client| (client.abilities.echo, client.pending_bytes()));
        let obstacle = match open {
            None => why::CLOSED,
            Some((echo, _)) if !may_pass_to_client(origin, target, echo) => why::NO_ECHO,
            Some(_) if denies(self) => why::DENIED,
            Some(_) if had_its_last && !only => why::HAD_ITS_LAST,
            Some(_) => "",
        };
        let is_taken = obstacle.is_empty() && (only || deliver(self));
        let is_dropped = || open.is_some_and(|(_, pending)| pending > self.bounds.dropped_above);
        let error = match obstacle {
            "" if is_taken => "",
            "" if is_dropped() => why::SLOW,
            "" => why::CLOSED,
            obstacle => obstacle,
        };
        self.note(|| Note::Given { to: conn, by, error });
        is_taken
    }

    /// To a subscription of another account, which imports it.
    fn import_watched(&mut self, shadow: SubKey, of: SubKey, origin: Origin, publish: &Publish<'_>) -> bool {
        let (account, import) = (self.subs.at(of).account(), self.subs.at(shadow).import().cloned());
        let mut to = Vec::new();
        match &import {
            Some(import) if !import.shows_all_as_is() => import.show(publish.subject, &mut to),
            _ => to.extend_from_slice(publish.subject),
        }
        self.note(|| Note::StreamExport { account, to: to.as_slice().into() });
        if !import.is_some_and(|import| import.allows_trace()) {
            if self.is_traced_only() {
                return true;
            }
            let journey = self.put_aside();
            let is_taken = self.deliver_apart(shadow, origin, publish);
            self.take_up(journey);
            return is_taken;
        }
        if self.subs.at(of).target.as_peer().is_some() {
            return self.deliver_apart(shadow, origin, publish);
        }
        if self.subs.at(of).target.as_service().is_some() {
            return self.serve_watched(of, origin, &Publish { subject: &to, ..*publish });
        }
        let denies = |egress: &Self| !egress.can_take_apart(shadow, origin, publish);
        self.give(shadow, of, origin, denies, |egress| egress.deliver_apart(shadow, origin, publish))
    }

    /// To a service. One that tells what becomes of messages is asked for that.
    fn serve_watched(&mut self, key: SubKey, origin: Origin, publish: &Publish<'_>) -> bool {
        let Some((service, _)) = service_that_may_have(origin, self.subs.at(key).target) else {
            return false;
        };
        let tells = self.services.at(service).tells_traces;
        let Some(journey) = &mut self.journey else { return false };
        let ticket = match (tells, journey.only) {
            (false, true) => return true,
            (false, false) => 0,
            (true, _) => journey.serve().to_bits(),
        };
        self.serve_with_ticket(key, origin, publish, ticket)
    }

    /// Whether the way of the message in hand is told, and nobody gets it.
    fn is_traced_only(&self) -> bool {
        self.journey.as_ref().is_some_and(|journey| journey.only)
    }

    /// Sends the message in hand to a server, and notes that.
    #[cold]
    pub(crate) fn send_to_peer_watched(
        &mut self,
        peer: &mut Peer,
        given: Given<'_>,
        groups: &[u8],
        line: &mut Vec<u8>,
    ) {
        let Some(mut journey) = self.put_aside() else { return };
        let Some((to, (server, traces))) = peer.conn.zip(peer.name_and_traces()) else {
            return self.take_up(Some(journey));
        };
        let (hop, server, leaf_of) = (journey.next_hop(), server.into(), peer.account());
        let error = match (traces, journey.only) {
            (true, _) => "",
            (false, true) => why::NOT_SENT,
            (false, false) => why::NOT_TOLD,
        };
        if error != why::NOT_SENT {
            let mut body = Vec::new();
            let bytes = put_with_field(&mut body, given.publish.headers(), HOP, hop.as_bytes());
            body.extend_from_slice(given.publish.payload());
            let text = bytes.to_string();
            let header = Some(HeaderLen { bytes, text: text.as_bytes() });
            let publish = &Publish { header, body: &body, ..*given.publish };
            // Each server gets another body.
            let shared = self.shared.take();
            self.send_to_peer(peer, Given { publish, ..given }, groups, line);
            self.shared = shared;
        }
        journey.note(Note::Sent { to, leaf_of, server, hop: hop.into(), error });
        self.take_up(Some(journey));
    }
}

impl Journey {
    /// The number of the next server that it goes to.
    fn next_hop(&mut self) -> String {
        self.hops += 1;
        let (hop, hops) = (&self.hop, self.hops);
        if hop.is_empty() { hops.to_string() } else { format!("{hop}.{hops}") }
    }
}

impl Broker {
    /// Whether a message whose way is told goes to the service that owns its subject. As in nats-server the JetStream API
    /// is one of the system account, which does not tell what becomes of requests.
    #[cold]
    pub(crate) fn goes_to_owner(&mut self, subject: &[u8]) -> bool {
        let mut accounts = self.config.settings.directory.accounts().iter();
        let system = accounts.position(|account| account.is_system());
        let Some(journey) = &mut self.egress.journey else { return true };
        if let Some(account) = system
            && subject.starts_with(b"$JS.API.")
        {
            journey.note(Note::ServiceImport { account, from: subject.into(), to: subject.into() });
        }
        !journey.only
    }
}
