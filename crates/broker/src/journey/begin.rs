//! Publishing what may be asked to be traced.

use conns::ConnId;
use nats_proto::{Publish, quote};
use subject_trie::is_valid_literal;

use crate::broker::Broker;
use crate::client::Hold;
use crate::complaint::Complaint;
use crate::input::Flow;
use crate::publish::{Reach, is_reserved};

use super::{ORIGIN_ACCOUNT, TraceRequest};

impl Broker {
    /// A client sent a message that may ask for a trace.
    #[cold]
    pub(crate) fn on_traced_publish(&mut self, id: ConnId, publish: &Publish<'_>) -> Flow {
        let client = self.egress.clients.at(id);
        let request = TraceRequest::read(publish.headers()).filter(|_| client.abilities.headers);
        let Some(request) = request else { return self.publish(id, publish, Reach::Subscribers) };
        let account = client.account;
        // What is said below must not be said again.
        if self.must_wait(account, publish.subject) {
            self.mesh.hold(id);
            return Flow::Hold(Hold::Link);
        }
        let untraced = |broker: &mut Self| {
            if request.only { Flow::Next } else { broker.publish(id, publish, Reach::Subscribers) }
        };
        if let Some(account) = request.origin_account {
            let (name, value) = (quote(ORIGIN_ACCOUNT), quote(account));
            let label = &self.egress.clients.at(id).label;
            tracing::error!("{label} - Message tracing disabled because of header {name} with value={value}");
            return untraced(self);
        }
        if !is_valid_literal(request.destination) || has_blank(request.destination) {
            let label = &self.egress.clients.at(id).label;
            let destination = quote(request.destination);
            tracing::error!(
                "{label} - Destination {destination} is not valid, won't be able to trace events"
            );
            return untraced(self);
        }
        if !self.may_be_told(id, request.destination) {
            self.complain(id, &Complaint::of_subject(request.destination));
            return Flow::Next;
        }
        self.publish(id, publish, if request.only { Reach::Nobody } else { Reach::Subscribers })
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
}

fn has_blank(subject: &[u8]) -> bool {
    subject.iter().any(|byte| b"\t\n\x0c\r ".contains(byte))
}
