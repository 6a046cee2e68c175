//! Requests that are measured while they cross borders.

use conns::Time;
use fabric::Letter;

use super::BORDER;
use super::ways::Ways;
use crate::broker::Broker;
use crate::envelope::Envelope;
use crate::latency::{Measured, TIMEOUT, UNAVAILABLE};
use crate::responses::Token;
use crate::services::shown;

impl Broker {
    /// Begins to measure a request behind that border, if it is one that is measured.
    #[cold]
    pub(super) fn measure_at(
        &mut self,
        envelope: &Envelope<'_>,
        ways: &Ways,
        at: usize,
    ) -> Option<Box<Measured>> {
        let way = ways.all().get(at)?;
        let terms = way.latency.as_ref()?;
        if !self.responses.may_measure() {
            self.egress.counters.totals.untold_events += 1;
            return None;
        }
        self.measure(terms, way.account, ways.told(at).root, way.shares, envelope)
    }

    /// Nobody has the request: what comes for it goes nowhere.
    pub(super) fn close_in_vain(&mut self, token: Token) {
        if let Some(measured) = self.responses.take_measured(token) {
            self.tell_failed(&measured, UNAVAILABLE);
        }
        self.responses.close(token);
    }

    /// Forgets up to `count` requests that waited for as long as they may.
    pub(crate) fn lapse_responses(&mut self, now: Time, count: usize) {
        self.responses.lapse(now, count);
        while let Some(measured) = self.responses.take_lapsed() {
            self.tell_failed(&measured, TIMEOUT);
        }
    }

    /// Gives a response to the shard that knows the request, and tells that who sent it if it is to be told.
    pub(super) fn send_response(&mut self, account: usize, token: Token, envelope: &Envelope<'_>) {
        let mut message = shown(account, envelope.origin, envelope.publish);
        message.other_subject = envelope.other_subject();
        let responder = token.is_tracked.then(|| self.responder(envelope.origin)).flatten();
        let (mut tag, mut body) = (0, Vec::new());
        if let Some(responder) = responder {
            tag = responder.len() as u32;
            body = responder.before(message.publish.body);
            message.publish.body = &body;
        }
        self.mesh.send_letter(token.shard, &Letter { service: BORDER, tag, message });
        drop(body);
    }
}
