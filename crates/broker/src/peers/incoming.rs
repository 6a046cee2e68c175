//! What other servers say.

use cluster::log_words;
use conns::{CloseReason, ConnId, Time};
use monitor::Tally;
use nats_proto::{Limits, PeerMessage, PeerOp, ProtoError, Publish, Step, show};

use super::outgoing::ACKS;
use super::{PAYLOAD_BYTES_MAX, STRANGER_LIMITS};
use crate::broker::Broker;
use crate::client::Hold;
use crate::envelope::Envelope;
use crate::fence::FENCED_OPS_MAX;
use crate::input::Flow;
use crate::offers::{Offer, OwnedMessage, Refusals};
use crate::party::PeerId;
use crate::publish::breaks_lines;
use crate::turn::PEER_OP_TURN_STEPS;

/// A message that a server sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Incoming<'m> {
    /// The account that it is of.
    pub(crate) account: usize,
    pub(crate) message: &'m PeerMessage<'m>,
    /// What it was sent for, if that account maps it to this subject: nobody chose among the groups that want that, unless
    /// the message names some.
    pub(crate) written: Option<&'m [u8]>,
}

/// Dots in an acknowledgement before the `@` that may be behind it: names of streams and consumers may have one, too.
const ACK_DOTS_MIN: usize = 8;

impl Broker {
    /// Acts on what a server said, until it ends, has to wait, or the share of the server does. Returns the bytes used.
    pub(crate) fn drive_peer(&mut self, now: Time, id: ConnId, input: &[u8]) -> usize {
        let share = self.turn.share(self.egress.clients.at(id).share);
        let before = self.egress.deliveries();
        let (bytes_end, steps_left) = share.left(self.turn.max);
        let steps_end = before.all + steps_left;
        self.turn.is_cut = false;
        self.egress.clients.at(id).op_bytes = 0;
        let (mut used, mut ops) = (0, 0);
        while self.egress.clients.open(id).is_some_and(|client| client.hold.is_none()) {
            if used >= bytes_end || self.egress.steps + ops >= steps_end {
                self.turn.is_cut = true;
                break;
            }
            let Some(op_bytes) = self.next_peer_op(now, id, &input[used..]) else { break };
            used += op_bytes;
            ops += 1;
            self.settle();
        }
        self.heed_mailboxes();
        self.act_for_cluster(now);
        let steps = self.egress.deliveries().since(before).all + ops;
        self.turn.spend_beside(ops * PEER_OP_TURN_STEPS);
        let client = self.egress.clients.at(id);
        client.share = share;
        self.turn.spend(&mut client.share, used, steps);
        used
    }

    /// Carries out the op at the front, if it is all there. Returns the bytes of it that are done with.
    fn next_peer_op(&mut self, now: Time, id: ConnId, input: &[u8]) -> Option<usize> {
        let peers = self.egress.peers.as_mut()?;
        let peer = peers.of(id)?;
        let row = peers.at(peer);
        let limits = match (&row.route, &row.branch) {
            (Some(_), _) => route_limits(&self.limits),
            (None, Some(_)) => self.limits,
            (None, None) => STRANGER_LIMITS,
        };
        match row.decoder.step(input, &limits) {
            Ok(Step::NeedMore { at_least }) => {
                self.egress.clients.at(id).op_bytes = at_least;
                None
            }
            Ok(Step::Op { used, op }) => {
                let flow = self.on_peer_op(now, id, peer, &op);
                if let Flow::Hold(hold) | Flow::NextThenHold(hold) = flow
                    && let Some(client) = self.egress.clients.open(id)
                {
                    client.hold = Some(hold);
                }
                Some(if matches!(flow, Flow::Hold(_)) { 0 } else { used })
            }
            Err(error) => {
                self.on_peer_error(id, &error);
                Some(input.len())
            }
        }
    }

    fn on_peer_op(&mut self, now: Time, id: ConnId, peer: PeerId, op: &PeerOp<'_>) -> Flow {
        if self.is_fenced_off(id, op) {
            return Flow::Hold(Hold::Fence);
        }
        let Some(peers) = &mut self.egress.peers else { return Flow::Next };
        if peers.at(peer).is_leaf {
            return self.on_leaf_op(now, id, peer, op);
        }
        if !matches!(op, PeerOp::Connect(_)) && !peers.control.may_say(id) {
            self.act_for_cluster(now);
            return Flow::Next;
        }
        let is_route = peers.at(peer).route.is_some();
        match op {
            PeerOp::Connect(json) => peers.control.on_connect(id, json),
            PeerOp::Info(json) => peers.control.on_info(since_start(now), id, json),
            PeerOp::Ping => self.egress.send(id, b"PONG\r\n"),
            PeerOp::Pong => self.on_peer_pong(now, id),
            PeerOp::Err(text) => {
                let words = log_words::complaint(&format!("'{}'", show(text)));
                tracing::error!("{} - {words}", self.egress.clients.at(id).label);
                self.close(id, CloseReason::ParseError);
            }
            // Who has not said who it is speaks for nobody yet.
            _ if !is_route => {}
            PeerOp::Interest { key, weight } => return self.on_route_interest(id, peer, key, Some(*weight)),
            PeerOp::NoInterest(key) => return self.on_route_interest(id, peer, key, None),
            PeerOp::Message(message) => return self.on_peer_message(id, peer, message),
            PeerOp::Ok | PeerOp::Ignored => {}
        }
        self.act_for_cluster(now);
        Flow::Next
    }

    pub(super) fn on_peer_pong(&mut self, now: Time, id: ConnId) {
        let client = self.egress.clients.at(id);
        client.pings_out = 0;
        client.record.on_pong(now);
    }

    /// Whether an op waits until all shards know what the server said before. Changes of interest join in.
    fn is_fenced_off(&mut self, id: ConnId, op: &PeerOp<'_>) -> bool {
        let client = self.egress.clients.at(id);
        if client.fence.is_none() {
            return false;
        }
        let joins = matches!(op, PeerOp::Interest { .. } | PeerOp::NoInterest(_));
        if joins && client.fenced_ops < FENCED_OPS_MAX {
            client.fenced_ops += 1;
            return false;
        }
        true
    }

    pub(super) fn on_peer_message(&mut self, id: ConnId, peer: PeerId, message: &PeerMessage<'_>) -> Flow {
        let Some(peers) = &mut self.egress.peers else { return Flow::Next };
        let Ok(account) = peers.account_of(peer, message.account) else { return Flow::Next };
        self.go_on_with_peer_message(id, peer, Incoming { account, message, written: None })
    }

    pub(super) fn go_on_with_peer_message(
        &mut self,
        id: ConnId,
        peer: PeerId,
        incoming: Incoming<'_>,
    ) -> Flow {
        let message = incoming.message;
        if let Some(peers) = &mut self.egress.peers {
            peers.note_where_it_comes_from(message.origin);
        }
        if message.header.is_some() && self.trace_requests.may_be_in(message.headers()) {
            return self.on_traced_peer_message(id, peer, incoming);
        }
        self.take_peer_message(id, peer, incoming)
    }

    /// A message of a server.
    pub(crate) fn take_peer_message(&mut self, id: ConnId, peer: PeerId, incoming: Incoming<'_>) -> Flow {
        let Incoming { account, message, written } = incoming;
        if self.must_wait_of_peer(account, message.subject) {
            self.mesh.hold(id);
            return Flow::Hold(Hold::Link);
        }
        let (reply, shown) = acknowledged(message.reply);
        let publish = Publish {
            subject: shown.unwrap_or(message.subject),
            reply,
            header: message.header,
            size_text: message.size_text,
            body: message.body,
        };
        if breaks_lines(&publish) {
            return Flow::Next;
        }
        self.space_of(account);
        let is_leaf = self.egress.is_leaf(peer);
        let envelope = match shown {
            None => Envelope::new(peer, &publish),
            Some(_) => Envelope { origin: peer.into(), selects: message.subject, publish: &publish },
        };
        self.egress.begin();
        self.egress.set_other_subject(envelope.other_subject());
        let taken = Tally { msgs: 1, bytes: message.body.len() as u64 };
        let record = &mut self.egress.clients.at(id).record;
        record.last_activity = self.egress.counters.now;
        record.input.add(taken);
        self.egress.counters.of_peer(is_leaf).input.add(taken);
        if self.may_be_owned(envelope.selects) && !self.send_to_owner(account, &envelope) {
            self.refuse_if_unowned(account, &envelope);
        }
        let ticket = self.offers.next_ticket();
        let mut dispatcher = self.dispatcher(account);
        let dispatched = if written.is_some() && message.groups.is_empty() {
            dispatcher.dispatch(envelope, false, ticket)
        } else {
            dispatcher.dispatch_of_peer(&envelope, message.groups, ticket)
        };
        if dispatched.offers > 0 {
            self.offers.open(Offer {
                origin: peer.into(),
                is_from_afar: false,
                account,
                message: OwnedMessage::of(&envelope),
                awaiting: dispatched.offers,
                taken: dispatched.taken,
                answer_wanted: false,
                refusals: Refusals::default(),
                with: ticket..ticket + 1,
                asked: None,
            });
        }
        self.respond_of_peer(account, &envelope);
        let is_offered_abroad = is_leaf && self.go_abroad_of_leaf(account, &envelope);
        if dispatched.offers > 0 || is_offered_abroad {
            return Flow::NextThenHold(Hold::Offer);
        }
        Flow::Next
    }

    /// Whether a message has to wait for other shards, also as the response that it may be.
    pub(crate) fn must_wait_of_peer(&mut self, account: usize, subject: &[u8]) -> bool {
        self.mesh.is_awaited()
            && (self.must_wait(account, subject) || self.response_must_wait(account, subject))
    }

    /// All shards that were offered a message of a server have answered.
    pub(crate) fn on_peer_offer_over(&mut self, peer: PeerId) {
        let conn = self.egress.peers.as_ref().and_then(|peers| peers.peek(peer)).and_then(|peer| peer.conn);
        if let Some(conn) = conn {
            self.resume(conn, Hold::Offer);
        }
    }

    #[cold]
    fn on_peer_error(&mut self, id: ConnId, error: &ProtoError) {
        let said = match error {
            ProtoError::ControlLineTooLong { .. } => {
                Some(("maximum control line exceeded", CloseReason::MaxControlLineExceeded))
            }
            ProtoError::PayloadTooLarge { .. } => {
                Some(("Maximum Payload Violation", CloseReason::MaxPayloadExceeded))
            }
            ProtoError::UnknownOperation | ProtoError::BadPayloadEnd => {
                Some(("Unknown Protocol Operation", CloseReason::ProtocolViolation))
            }
            _ => None,
        };
        tracing::error!("{} - {error}", self.egress.clients.at(id).label);
        let (words, reason) = said.unzip();
        if let Some(words) = words {
            self.egress.send_err(id, words);
        }
        self.close(id, reason.unwrap_or(CloseReason::ProtocolViolation));
    }
}

/// Time since the shards began.
pub(super) fn since_start(now: Time) -> std::time::Duration {
    now.since(Time::default())
}

fn route_limits(own: &Limits) -> Limits {
    Limits { payload_bytes_max: own.payload_bytes_max.max(PAYLOAD_BYTES_MAX), ..*own }
}

/// The reply, and the subject to show if the reply acknowledges to JetStream and has one behind it.
fn acknowledged(reply: Option<&[u8]>) -> (Option<&[u8]>, Option<&[u8]>) {
    let Some(whole) = reply.filter(|reply| reply.starts_with(ACKS)) else { return (reply, None) };
    let mut dots = 0;
    let at = whole.iter().position(|byte| {
        dots += usize::from(*byte == b'.');
        *byte == b'@' && dots >= ACK_DOTS_MIN
    });
    match at.map(|at| (&whole[..at], &whole[at + 1..])) {
        Some((reply, shown)) if !shown.is_empty() => (Some(reply), Some(shown)),
        _ => (reply, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_may_have_a_subject_behind_them() {
        let ack = |reply: &'static str| {
            let text = |bytes: &'static [u8]| std::str::from_utf8(bytes).unwrap();
            let (reply, shown) = acknowledged(Some(reply.as_bytes()));
            (reply.map(text), shown.map(text))
        };
        let plain = "$JS.ACK.S@.D.1.1.1.1.1.0";
        assert_eq!(ack(plain), (Some(plain), None));
        assert_eq!(ack("$JS.ACK.S@.D.1.1.1.1.1.0@dlv.x"), (Some(plain), Some("dlv.x")));
        for whole in ["a@b", "$JS.ACK.S.D@x", "$JS.ACK.S@.D.1.1.1.1.1.0@"] {
            assert_eq!(ack(whole), (Some(whole), None));
        }
        assert_eq!(acknowledged(None), (None, None));
    }
}
