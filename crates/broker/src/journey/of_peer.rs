//! Messages of other servers that are to be traced.

use conns::ConnId;
use monitor::{TRACED_LEAF, TRACED_ROUTE};
use nats_proto::quote;

use super::Note;
use super::begin::is_subject;
use super::write::Arrival;
use crate::broker::Broker;
use crate::client::Hold;
use crate::complaint::Complaint;
use crate::input::Flow;
use crate::party::PeerId;
use crate::peers::incoming::Incoming;
use crate::trace_request::{ORIGIN_ACCOUNT, TraceRequest};

impl Broker {
    /// A server sent a message that may ask for a trace.
    #[cold]
    pub(crate) fn on_traced_peer_message(
        &mut self,
        id: ConnId,
        peer: PeerId,
        incoming: Incoming<'_>,
    ) -> Flow {
        let Incoming { account, message, .. } = incoming;
        let mut subject = message.subject;
        let by_rule = !self.config.settings.directory.account(account).msg_trace().dest.is_empty();
        let Some(request) = TraceRequest::read(message.headers(), by_rule) else {
            return self.take_peer_message(id, peer, incoming);
        };
        if self.must_wait_of_peer(account, message.subject) {
            self.mesh.hold(id);
            return Flow::Hold(Hold::Link);
        }
        let destination = self.destination_of_peer(id, account, &request);
        if let Some(destination) = &destination
            && !self.may_leaf_have_told(peer, destination)
        {
            self.complain(id, &Complaint::of_subject(destination));
            return Flow::Next;
        }
        let journey = destination.and_then(|destination| self.begin_journey(account, destination, &request));
        let Some(journey) = journey else {
            // Where it came from others tell of it.
            return if request.only { Flow::Next } else { self.take_peer_message(id, peer, incoming) };
        };
        self.egress.set_out(journey);
        if let Some(written) = incoming.written {
            subject = written;
            self.egress.note(|| Note::Mapped { to: message.subject.into() });
        }
        let flow = self.take_peer_message(id, peer, incoming);
        let Some(journey) = self.egress.put_aside() else { return flow };
        if matches!(flow, Flow::Hold(_)) {
            return flow; // It comes again.
        }
        let cid = self.egress.clients.peek(id).map_or(0, |client| client.cid);
        let row = self.egress.peers.as_ref().and_then(|peers| peers.peek(peer));
        let kind = if row.is_some_and(|row| row.is_leaf) { TRACED_LEAF } else { TRACED_ROUTE };
        let name =
            row.and_then(|row| row.name_and_traces()).map(|(name, _)| name.to_owned()).unwrap_or_default();
        let arrival = Arrival { kind, cid, name: &name, account, subject };
        self.end_journey(&journey, &arrival, &request, (message.headers(), message.body.len()));
        flow
    }

    /// Where a server may have a message told of.
    fn destination_of_peer(
        &mut self,
        id: ConnId,
        account: usize,
        request: &TraceRequest<'_>,
    ) -> Option<Box<[u8]>> {
        let label = &self.egress.clients.at(id).label;
        if let Some(origin) = request.origin_account {
            let (name, value) = (quote(ORIGIN_ACCOUNT), quote(origin));
            tracing::error!("{label} - Message tracing disabled because of header {name} with value={value}");
            return None;
        }
        let terms = self.config.settings.directory.account(account).msg_trace();
        let destination = request.destination.unwrap_or(terms.dest.as_bytes());
        if !is_subject(destination) {
            let destination = quote(destination);
            tracing::error!(
                "{label} - Destination {destination} is not valid, won't be able to trace events"
            );
            return None;
        }
        Some(destination.into())
    }
}
