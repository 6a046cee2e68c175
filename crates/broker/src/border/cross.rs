//! Requests that cross borders, and what a publisher in an account that shares services is told.

use conns::ConnId;
use nats_proto::{HeaderLen, Publish, put_with_field};
use smallvec::SmallVec;

use crate::broker::Broker;
use crate::client::Hold;
use crate::envelope::Envelope;
use crate::input::Flow;
use crate::journey::Note;
use crate::latency::BAD_REQUEST;
use crate::offers::{Offer, OwnedMessage, Refusals};
use crate::party::Party;
use crate::publish::{Checked, Reach};
use crate::responses::{Request, Token, TokenText};
use crate::settings::Settings;
use crate::trace_request::DESTINATION;

use super::request_info::{Details, Requester, put_with_info};
use super::traced::Trace;
use super::ways::{Told, Ways};
use super::{ACKS, Passage};

/// The reply subject of a request behind a border.
#[derive(Debug, Clone, Copy)]
enum Reply {
    None,
    /// As it was.
    Same,
    Token(TokenText),
}

impl Broker {
    /// A client of an account with mappings, or one that shares services, sent a message.
    #[cold]
    pub(crate) fn publish_by_detours(&mut self, id: ConnId, publish: &Publish<'_>, reach: Reach) -> Flow {
        let Some(subject) = self.mapped(id, publish.subject) else {
            return self.publish_shared(id, publish.subject, publish, reach);
        };
        self.egress.note(|| Note::Mapped { to: subject.as_slice().into() });
        let mapped = Publish { subject: &subject, ..*publish };
        match self.publish_shared(id, publish.subject, &mapped, reach) {
            Flow::Published => Flow::Next, // The next one may go elsewhere.
            flow => flow,
        }
    }

    fn publish_shared(&mut self, id: ConnId, written: &[u8], publish: &Publish<'_>, reach: Reach) -> Flow {
        let account = self.egress.clients.at(id).account;
        let ways = self.find_ways(account, publish.subject);
        let flow = if ways.is_empty() && !self.is_response(account, publish.subject) {
            self.check_and_dispatch(id, written, publish, reach)
        } else {
            self.publish_abroad(id, written, publish, reach, &ways)
        };
        self.border.ways = ways;
        flow
    }

    /// The borders that a request crosses, in scratch that is to be given back.
    fn find_ways(&mut self, account: usize, subject: &[u8]) -> Ways {
        let mut ways = std::mem::take(&mut self.border.ways);
        let mut random = || (self.random.next() >> 32) as u32;
        ways.find(&self.config.settings.directory, account, subject, &mut random);
        self.egress.steps += ways.len() as u64;
        ways
    }

    fn publish_abroad(
        &mut self,
        id: ConnId,
        written: &[u8],
        publish: &Publish<'_>,
        reach: Reach,
        ways: &Ways,
    ) -> Flow {
        let account = self.egress.clients.at(id).account;
        if self.mesh.is_awaited() && self.must_wait_abroad(account, publish.subject, ways) {
            self.mesh.hold(id);
            return Flow::Hold(Hold::Link);
        }
        let Checked { account, abilities, .. } = match self.check(id, written, publish) {
            Ok(checked) => checked,
            Err(flow) => return flow,
        };
        let answer_wanted = abilities.no_responders && publish.reply.is_some();
        let envelope = Envelope::new(id, publish);
        if reach == Reach::Nobody {
            if answer_wanted && !self.would_be_taken_abroad(account, &envelope, ways) {
                self.answer_no_responders(id, publish);
            }
            return Flow::Next;
        }
        if self.sampling.is_due() {
            self.sample(id, account, publish.subject);
        }
        let first = self.offers.next_ticket();
        let mut passage = self.pass(account, &envelope, answer_wanted);
        passage.add(self.respond(account, &envelope));
        passage.add(self.go_abroad(&envelope, ways, answer_wanted));
        if passage.is_offered {
            // Behind a border it has another subject and another reply subject.
            let asked = Publish { header: None, body: b"", ..*publish };
            let asked = answer_wanted.then(|| OwnedMessage::of(&Envelope::new(id, &asked)));
            self.offers.join_from(first, passage.taken, asked);
            return Flow::NextThenHold(Hold::Offer);
        }
        if answer_wanted && !passage.taken {
            self.answer_no_responders(id, publish);
        }
        Flow::Next
    }

    /// The same for a service. Returns whether a message of it is under offer.
    pub(crate) fn service_publish_abroad(&mut self, account: usize, envelope: &Envelope<'_>) -> bool {
        let first = self.offers.next_ticket();
        let mut passage = self.pass(account, envelope, false);
        if self.config.settings.directory.account(account).shares_services() {
            let ways = self.find_ways(account, envelope.selects);
            passage.add(self.respond(account, envelope));
            passage.add(self.go_abroad(envelope, &ways, false));
            self.border.ways = ways;
        }
        self.offers.join_from(first, passage.taken, None);
        passage.is_offered
    }

    /// Whether a request of a leaf node has to wait on its way to the services that the account imports.
    pub(crate) fn must_wait_for_services(&mut self, account: usize, subject: &[u8]) -> bool {
        if self.config.settings.directory.account(account).service_imports().is_empty() {
            return false;
        }
        let ways = self.find_ways(account, subject);
        let waits = self.must_wait_abroad(account, subject, &ways);
        self.border.ways = ways;
        waits
    }

    /// Gives a request of a leaf node, which those of its account who want it have, to the services that the account
    /// imports. Returns whether it is under offer.
    pub(crate) fn go_abroad_of_leaf(&mut self, account: usize, envelope: &Envelope<'_>) -> bool {
        if !self.config.settings.directory.account(account).shares_services() {
            return false;
        }
        let ways = self.find_ways(account, envelope.selects);
        let first = self.offers.next_ticket();
        let passage = self.go_abroad(envelope, &ways, false);
        self.border.ways = ways;
        self.offers.join_from(first, passage.taken, None);
        passage.is_offered
    }

    /// Gives a message to those of one account who want it.
    pub(super) fn pass(&mut self, account: usize, envelope: &Envelope<'_>, answer_wanted: bool) -> Passage {
        self.space_of(account);
        self.egress.begin();
        self.egress.set_other_subject(envelope.other_subject());
        let is_owned = self.may_be_owned(envelope.selects) && self.send_to_owner(account, envelope);
        let ticket = self.offers.next_ticket();
        let answer_wanted = answer_wanted && !is_owned;
        let dispatched = self.dispatcher(account).dispatch(*envelope, answer_wanted, ticket);
        if self.egress.reader_behind()
            && let Party::Conn(id) = envelope.origin.party()
            && let Some(client) = self.egress.clients.find(id)
        {
            client.stall_wanted = true;
        }
        if dispatched.offers > 0 {
            self.offers.open(Offer {
                origin: envelope.origin,
                is_from_afar: self.border.is_from_afar,
                account,
                message: OwnedMessage::of(envelope),
                awaiting: dispatched.offers,
                taken: dispatched.taken,
                answer_wanted,
                refusals: Refusals::default(),
                with: ticket..ticket + 1,
                asked: None,
            });
        }
        Passage { taken: dispatched.taken || is_owned, is_offered: dispatched.offers > 0 }
    }

    /// Gives a request to the services that its account imports.
    fn go_abroad(&mut self, envelope: &Envelope<'_>, ways: &Ways, answer_wanted: bool) -> Passage {
        let mut replies: SmallVec<[Reply; 4]> = SmallVec::new();
        let mut passages: SmallVec<[Passage; 4]> = SmallVec::new();
        for at in 0..ways.len() {
            let reply = self.await_response(envelope, ways, at, &replies);
            passages.push(self.cross(envelope, ways, at, reply, answer_wanted));
            replies.push(reply);
        }
        let mut all = Passage::default();
        for (at, way) in ways.all().iter().enumerate().rev() {
            let passage = passages[at];
            match way.behind {
                Some(behind) => passages[behind].add(passage),
                None => all.add(passage),
            }
            if let Reply::Token(text) = &replies[at]
                && !passage.has_gone()
                && let Some(token) = Token::read(text)
            {
                self.close_in_vain(token);
            }
        }
        all
    }

    /// The reply subject of a request behind a border, from where it leads to the one before.
    fn await_response(
        &mut self,
        envelope: &Envelope<'_>,
        ways: &Ways,
        at: usize,
        replies: &[Reply],
    ) -> Reply {
        let Some(way) = ways.all().get(at) else { return Reply::None };
        let before = way.behind.map_or(Reply::Same, |behind| replies[behind]);
        let original = envelope.publish.reply;
        let measured = if way.latency.is_some() { self.measure_at(envelope, ways, at) } else { None };
        let reply = match (&before, original) {
            (Reply::None, _) | (Reply::Same, None) => {
                if let Some(measured) = measured {
                    self.tell_failed(&measured, BAD_REQUEST);
                }
                return Reply::None;
            }
            (Reply::Same, Some(reply)) if reply.starts_with(ACKS) => return Reply::Same,
            (Reply::Same, Some(reply)) => reply,
            (Reply::Token(text), _) => &text[..],
        };
        // The response has to find this shard, and this one whoever wants it, also when its last connection is gone.
        self.inhabit();
        let request = Request {
            requester: way.importer,
            reply: reply.into(),
            responder: way.account,
            responses: way.responses,
            threshold: way.threshold,
            shares: way.shares,
        };
        let now = self.egress.counters.now;
        let is_tracked = measured.is_some() || matches!(&before, Reply::Token(text) if text.is_tracked());
        Reply::Token(if is_tracked {
            self.responses.open_tracked(now, request, measured)
        } else {
            self.responses.open(now, request)
        })
    }

    /// Publishes a request in the account behind a border.
    fn cross(
        &mut self,
        envelope: &Envelope<'_>,
        ways: &Ways,
        at: usize,
        reply: Reply,
        answer_wanted: bool,
    ) -> Passage {
        let Some(way) = ways.all().get(at) else { return Passage::default() };
        let Told { root, is_shared, is_shared_by_any } = ways.told(at);
        let Envelope { origin, publish, .. } = *envelope;
        let client = match origin.party() {
            Party::Conn(id) => self.egress.clients.peek(id),
            _ => None,
        };
        let Settings { directory, info, .. } = &*self.config.settings;
        let requester = Requester {
            account: directory.account(root).name(),
            service: way.behind.map(|_| &**directory.account(way.importer).name()),
            rtt: client.and_then(|client| client.record.rtt()),
            client: client.filter(|_| is_shared).map(|client| Details::of(client, self.wall_clock)),
            server: is_shared_by_any.then_some(&*info.server_name),
            cluster: self.config.told.as_ref().filter(|_| is_shared_by_any).map(|told| told.cluster()),
        };
        let mut body = std::mem::take(&mut self.border.body);
        let mut header_bytes = put_with_info(&mut body, publish, requester);
        let trace = self.trace_across(publish.subject, ways, at);
        if let Some(Trace { told_to, .. }) = &trace {
            let (headers, payload) = body.split_at(header_bytes);
            let mut told = Vec::with_capacity(body.len());
            header_bytes = put_with_field(&mut told, headers, DESTINATION, told_to);
            told.extend_from_slice(payload);
            body = told;
        }
        let (header_text, size_text) = (header_bytes.to_string(), body.len().to_string());
        let selects = ways.subject(at);
        let crossing = Publish {
            subject: if envelope.other_subject().is_some() { publish.subject } else { selects },
            reply: match &reply {
                Reply::None => None,
                Reply::Same => publish.reply,
                Reply::Token(text) => Some(text),
            },
            header: Some(HeaderLen { bytes: header_bytes, text: header_text.as_bytes() }),
            size_text: size_text.as_bytes(),
            body: &body,
        };
        let envelope = Envelope { origin, selects, publish: &crossing };
        let passage = match trace {
            None => self.pass(way.account, &envelope, answer_wanted),
            Some(trace) => self.pass_traced(way.account, &envelope, answer_wanted, trace),
        };
        self.border.body = body;
        passage
    }
}
