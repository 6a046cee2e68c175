//! Messages of clients that are to be traced, or not.

use conns::ConnId;
use monitor::TRACED_CLIENT;
use nats_proto::{HeaderLen, Publish, put_with_field, quote};
use subject_trie::is_valid_literal;

use super::write::Arrival;
use super::{Journey, Ticket};
use crate::border::BORDER;
use crate::broker::Broker;
use crate::client::Hold;
use crate::complaint::Complaint;
use crate::envelope::Envelope;
use crate::input::Flow;
use crate::party::ServiceId;
use crate::publish::{Reach, is_reserved};
use crate::trace_request::{DESTINATION, DISABLED, ORIGIN_ACCOUNT, TraceRequest};

/// Where a message is to be told of.
enum Verdict {
    Told(Box<[u8]>),
    /// Nowhere.
    Untold,
    /// Nowhere; and no other server is to tell of it.
    Never,
    /// It goes nowhere either.
    Refused,
}

impl Broker {
    /// Accounts have messages traced by the rules of other systems, or do not any more.
    pub(crate) fn heed_trace_rules(&mut self) {
        let mut accounts = self.config.settings.directory.accounts().iter();
        self.trace_requests.heed_parents = accounts.any(|account| !account.msg_trace().dest.is_empty());
    }

    /// A client sent a message that may ask for a trace.
    #[cold]
    pub(crate) fn on_traced_publish(&mut self, id: ConnId, publish: &Publish<'_>) -> Flow {
        let client = self.egress.clients.at(id);
        let account = client.account;
        let by_rule = !self.config.settings.directory.account(account).msg_trace().dest.is_empty();
        let request = TraceRequest::read(publish.headers(), by_rule).filter(|_| client.abilities.headers);
        let Some(request) = request else { return self.publish(id, publish, Reach::Subscribers) };
        // What is said below must not be said again.
        if self.must_wait(account, publish.subject) {
            self.mesh.hold(id);
            return Flow::Hold(Hold::Link);
        }
        match self.judge_trace(id, account, &request) {
            Verdict::Told(destination) => self.publish_on_journey(id, publish, destination, &request),
            Verdict::Refused => Flow::Next,
            Verdict::Untold | Verdict::Never if request.only => Flow::Next,
            Verdict::Untold => self.publish(id, publish, Reach::Subscribers),
            Verdict::Never => self.publish_untraced(id, publish),
        }
    }

    /// Where a client may have a message told of.
    fn judge_trace(&mut self, id: ConnId, account: usize, request: &TraceRequest<'_>) -> Verdict {
        if let Some(origin) = request.origin_account {
            let (name, value) = (quote(ORIGIN_ACCOUNT), quote(origin));
            let label = &self.egress.clients.at(id).label;
            tracing::error!("{label} - Message tracing disabled because of header {name} with value={value}");
            return Verdict::Never;
        }
        let destination: Box<[u8]> = match request.destination {
            Some(destination) => destination.into(),
            None => {
                let terms = self.config.settings.directory.account(account).msg_trace();
                let (destination, percent) = (Box::from(terms.dest.as_bytes()), terms.percent);
                if !self.is_sampled(percent) {
                    return Verdict::Never;
                }
                destination
            }
        };
        if !is_subject(&destination) {
            let (label, destination) = (&self.egress.clients.at(id).label, quote(&destination));
            tracing::error!(
                "{label} - Destination {destination} is not valid, won't be able to trace events"
            );
            return Verdict::Untold;
        }
        if !self.may_be_told(id, &destination) {
            self.complain(id, &Complaint::of_subject(&destination));
            return Verdict::Refused;
        }
        Verdict::Told(destination)
    }

    /// Whether it is the turn of a message of which so many in a hundred are told of: one more, as in nats-server.
    fn is_sampled(&mut self, percent: u8) -> bool {
        percent >= 100 || self.random.next() % 100 <= u64::from(percent)
    }

    /// Whether the client might tell the destination itself.
    fn may_be_told(&mut self, id: ConnId, destination: &[u8]) -> bool {
        let client = self.egress.clients.at(id);
        let access = client.guard.as_ref().map(|guard| guard.access());
        let permitted = access.is_none_or(|access| access.may_publish(destination));
        let account = client.account;
        let is_system = || self.config.settings.directory.account(account).is_system();
        permitted && !is_reserved(destination, is_system)
    }

    /// Publishes a message that says that it is not to be traced.
    fn publish_untraced(&mut self, id: ConnId, publish: &Publish<'_>) -> Flow {
        let mut body = Vec::new();
        let bytes = put_with_field(&mut body, publish.headers(), DESTINATION, DISABLED);
        body.extend_from_slice(publish.payload());
        let (text, size_text) = (bytes.to_string(), body.len().to_string());
        let header = Some(HeaderLen { bytes, text: text.as_bytes() });
        let publish = Publish { header, size_text: size_text.as_bytes(), body: &body, ..*publish };
        self.publish(id, &publish, Reach::Subscribers)
    }

    fn publish_on_journey(
        &mut self,
        id: ConnId,
        publish: &Publish<'_>,
        destination: Box<[u8]>,
        request: &TraceRequest<'_>,
    ) -> Flow {
        let account = self.egress.clients.at(id).account;
        let Some(journey) = self.begin_journey(account, destination, request) else {
            let reach = if request.only { Reach::Nobody } else { Reach::Subscribers };
            return self.publish(id, publish, reach);
        };
        self.egress.set_out(journey);
        let flow = self.publish(id, publish, Reach::Subscribers);
        let Some(journey) = self.egress.put_aside() else { return flow };
        if matches!(flow, Flow::Hold(_)) {
            return flow; // It comes again.
        }
        let (cid, name) = match self.egress.clients.peek(id) {
            Some(client) => (client.cid, client.record.introduction().name.to_owned()),
            None => return flow,
        };
        let arrival = Arrival { kind: TRACED_CLIENT, cid, name: &name, account, subject: publish.subject };
        self.end_journey(&journey, &arrival, request, (publish.headers(), publish.body.len()));
        if flow == Flow::Published { Flow::Next } else { flow }
    }

    /// A client sent more than it may: who has that traced is told, if the headers came with the line. Nothing else of
    /// the message is read.
    pub(crate) fn trace_too_large(&mut self, id: ConnId, arguments: &[u8], input: &[u8]) {
        let words: Vec<&[u8]> = arguments.split(|byte| b" \t".contains(byte)).collect();
        let size = |word: &&[u8]| str::from_utf8(word).ok()?.parse::<usize>().ok();
        let mut sizes = words.iter().rev().filter(|word| !word.is_empty()).map(size);
        let (Some(Some(len)), Some(Some(headers_len))) = (sizes.next(), sizes.next()) else { return };
        let Some(subject) = words.iter().find(|word| !word.is_empty()) else { return };
        let behind = input.iter().position(|byte| *byte == b'\n').map_or(&[][..], |at| &input[at + 1..]);
        let headers = &behind[..headers_len.min(behind.len())];
        let account = self.egress.clients.at(id).account;
        let by_rule = !self.config.settings.directory.account(account).msg_trace().dest.is_empty();
        let Some(request) = TraceRequest::read(headers, by_rule) else { return };
        let Verdict::Told(destination) = self.judge_trace(id, account, &request) else { return };
        let Some(mut journey) = self.begin_journey(account, destination, &request) else { return };
        journey.refuse("maximum payload exceeded");
        let client = self.egress.clients.at(id);
        let (cid, name) = (client.cid, client.record.introduction().name.to_owned());
        let arrival = Arrival { kind: TRACED_CLIENT, cid, name: &name, account, subject };
        self.end_journey(&journey, &arrival, &request, (headers, len));
    }

    /// What is noted of a message that came to that account, if somebody listens to where it is told, and there is room.
    pub(super) fn begin_journey(
        &mut self,
        account: usize,
        destination: Box<[u8]>,
        request: &TraceRequest<'_>,
    ) -> Option<Journey> {
        if !self.is_trace_heard(account, &destination) {
            return None;
        }
        let ticket = Ticket::new(self.journeys.take_number()?, request.only);
        let hop = String::from_utf8_lossy(request.hop).into();
        Some(Journey { destination, hop, ..Journey::across(self.config.shard, ticket, account) })
    }

    fn is_trace_heard(&mut self, account: usize, destination: &[u8]) -> bool {
        self.space_of(account);
        let publish = Publish { subject: destination, reply: None, header: None, size_text: b"0", body: b"" };
        self.would_be_taken(account, &Envelope::new(ServiceId(BORDER), &publish))
            || self.config.settings.directory.account(account).service_imports().take(destination)
            || self.is_heard_as_response(account, destination)
    }
}

/// Whether somebody can publish to it.
pub(super) fn is_subject(destination: &[u8]) -> bool {
    is_valid_literal(destination) && !destination.iter().any(|byte| b"\t\n\x0c\r ".contains(byte))
}
