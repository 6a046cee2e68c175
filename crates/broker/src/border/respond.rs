//! Responses that cross borders, to where their requests came from.

use fabric::{Letter, ShardId};
use nats_auth::ResponseType;
use nats_proto::Publish;

use crate::broker::Broker;
use crate::envelope::Envelope;
use crate::journey::Note;
use crate::latency::Responder;
use crate::offers::{Deferred, OwnedMessage};
use crate::party::Origin;
use crate::responses::{Request, Token, may_be_response};

use super::ways::WAYS_MAX;
use super::{ACKS, Passage};

/// What it takes to publish a response that came during a pause, beside what it takes to deliver it.
const DEFERRED_STEPS: usize = 16;

/// Bytes of such a response that are copied in one step.
const BYTES_PER_STEP: usize = 256;

impl Broker {
    /// Whether a message of the account may be a response to another.
    pub(super) fn is_response(&self, account: usize, subject: &[u8]) -> bool {
        may_be_response(subject) && self.config.settings.directory.account(account).shares_services()
    }

    /// Gives a response, if this is one, to whoever asked.
    pub(super) fn respond(&mut self, account: usize, envelope: &Envelope<'_>) -> Passage {
        self.respond_through(account, envelope, WAYS_MAX)
    }

    /// The same with what came from another server, where nobody waits for what comes of it. Whoever asked may be there,
    /// and may want it at a third one.
    pub(crate) fn respond_of_peer(&mut self, account: usize, envelope: &Envelope<'_>) {
        self.border.is_from_afar = true;
        self.respond(account, &Envelope { origin: Origin::across(0), ..*envelope });
        self.border.is_from_afar = false;
    }

    /// The same through this many borders at most: no request crosses more, and no client may name a response as where
    /// it is to be answered (`publish.rs`).
    fn respond_through(&mut self, account: usize, envelope: &Envelope<'_>, borders: usize) -> Passage {
        if !self.is_response(account, envelope.selects) {
            return Passage::default();
        }
        let Some(token) = self.token_of(envelope.selects) else { return Passage::default() };
        // See `is_taken_as_response`.
        let gone = Passage { taken: true, is_offered: false };
        if token.shard == self.config.shard {
            let passage = self.respond_here(account, token, envelope, borders);
            return Passage { is_offered: passage.is_offered, ..gone };
        }
        self.send_response(account, token, envelope);
        gone
    }

    /// Whether a message is taken since it may be a response: as in nats-server, to respond is never in vain for who does.
    pub(crate) fn is_taken_as_response(&self, account: usize, subject: &[u8]) -> bool {
        self.is_response(account, subject) && self.token_of(subject).is_some()
    }

    /// The token that a subject is, of a shard of this server.
    pub(super) fn token_of(&self, subject: &[u8]) -> Option<Token> {
        let is_own = |token: &Token| {
            token.server == self.responses.server() && token.shard.index() < self.config.shards
        };
        Token::read(subject).filter(is_own)
    }

    /// The same where the request is known.
    fn respond_here(
        &mut self,
        account: usize,
        token: Token,
        envelope: &Envelope<'_>,
        borders: usize,
    ) -> Passage {
        let request = self.responses.find(token, account).filter(|_| borders > 0).cloned();
        let Some(request) = request else {
            self.egress.counters.totals.late_responses += 1;
            return Passage::default();
        };
        let Request { requester, reply, responses, threshold, shares, .. } = request;
        let measured = token.is_tracked.then(|| self.responses.take_measured(token)).flatten();
        if self.config.settings.directory.account(requester).is_gone() {
            self.egress.counters.totals.late_responses += 1;
            self.responses.close(token);
            return Passage::default();
        }
        let Envelope { origin, publish, .. } = *envelope;
        if let Some(measured) = measured {
            let responder = self.responder(origin);
            self.tell_answered(&measured, responder);
        }
        let now = self.egress.counters.now;
        let back = publish.reply.filter(|back| !back.starts_with(ACKS)).map(|back| {
            let back = Request {
                requester: account,
                reply: back.into(),
                responder: requester,
                responses,
                threshold,
                shares,
            };
            self.responses.open(now, back)
        });
        let response = Publish {
            subject: if envelope.other_subject().is_some() { publish.subject } else { &reply },
            reply: back.as_ref().map(|text| &text[..]).or(publish.reply),
            ..*publish
        };
        let onwards = Envelope { origin, selects: &reply, publish: &response };
        let mut passage = if self.egress.journey.is_some() {
            self.egress.note(|| Note::ServiceImport {
                account: requester,
                from: envelope.selects.into(),
                to: reply.clone(),
            });
            self.pass_untraced(requester, &onwards, false)
        } else {
            self.pass(requester, &onwards, false)
        };
        passage.add(self.respond_through(requester, &onwards, borders - 1));
        let is_last = responses == ResponseType::Singleton || publish.body.is_empty();
        if is_last || !passage.has_gone() {
            self.responses.close(token);
        } else {
            self.responses.renew(now, token);
        }
        if !passage.has_gone()
            && let Some(back) = back.as_ref().and_then(|text| Token::read(text))
        {
            self.responses.close(back);
        }
        passage
    }

    /// A response that was published on another shard.
    pub(crate) fn on_response(&mut self, from: ShardId, letter: &Letter<'_>) {
        let message = &letter.message;
        let origin = Origin::across_from(from, message.origin);
        let (responder, body) = Responder::split(message.publish.body, letter.tag as usize);
        let publish = &Publish { body, ..message.publish };
        let selects = message.other_subject.unwrap_or(publish.subject);
        let envelope = Envelope { origin, selects, publish };
        let account = message.account as usize;
        if self.moves.holds_input() {
            // What this shard sends during a pause would be behind its last word.
            self.offers.defer(account, origin, OwnedMessage::of(&envelope), responder);
            return self.keep_up_with_responses();
        }
        let before = self.egress.deliveries();
        self.respond_from_afar(account, &envelope, responder);
        if self.egress.reader_behind() || !self.mesh.congested().is_empty() {
            self.mesh.link(from).push_stall(message.origin);
        }
        let deliveries = self.egress.deliveries().since(before);
        self.turn.spend_on_arrival(1 + deliveries.all);
        self.settle();
    }

    /// Who responds on another shard is not held while a link is full, only slowed down: beyond what services may
    /// put there as well its responses are lost.
    fn respond_from_afar(&mut self, account: usize, envelope: &Envelope<'_>, responder: Option<Responder>) {
        self.space_of(account);
        let Some(token) = self.token_of(envelope.selects) else { return };
        let stuffed = self.mesh.stuffed();
        if self.response_crosses_to(account, envelope.selects, stuffed) {
            self.egress.counters.totals.late_responses += 1;
            return;
        }
        (self.border.is_from_afar, self.border.responder) = (true, responder);
        self.respond_here(account, token, envelope, WAYS_MAX);
        (self.border.is_from_afar, self.border.responder) = (false, None);
    }

    /// While those that came during a pause are published others come: there are fewer with each of these.
    fn keep_up_with_responses(&mut self) {
        for _ in 0..2 {
            if self.moves.is_ending() {
                self.respond_deferred();
            }
        }
    }

    /// Connections have changed shards: publishes responses that came meanwhile, as far as this turn goes. Returns
    /// whether there are more.
    pub(crate) fn has_responses_after_slice(&mut self) -> bool {
        while self.chores.budget().lasts() && !self.mesh.has_full_links() && self.offers.has_deferred() {
            self.respond_deferred();
        }
        self.offers.has_deferred()
    }

    fn respond_deferred(&mut self) {
        let Some(Deferred { account, origin, message, responder }) = self.offers.take_deferred() else {
            return;
        };
        let before = self.egress.deliveries();
        let publish = &message.as_publish();
        let selects = message.other_subject().unwrap_or(publish.subject);
        self.respond_from_afar(account, &Envelope { origin, selects, publish }, responder);
        self.settle();
        let deliveries = self.egress.deliveries().since(before);
        let steps = DEFERRED_STEPS + 2 * deliveries.all as usize + publish.body.len() / BYTES_PER_STEP;
        self.chores.budget().spend(steps);
    }
}
