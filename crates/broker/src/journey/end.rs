//! Messages whose way is known, and is to be told.

use conns::Time;

use super::write::{Arrival, write_request};
use super::{Journey, ToldTrace, add_events};
use crate::broker::Broker;
use crate::trace_request::TraceRequest;

impl Broker {
    /// Takes what is to be told first of the ways of messages.
    pub fn take_told_trace(&mut self) -> Option<ToldTrace> {
        self.journeys.ended.pop_front()
    }

    /// What could be done with a message here was done: it is told of once other shards, and services, have reported.
    pub(super) fn end_journey(
        &mut self,
        journey: &Journey,
        arrival: &Arrival<'_>,
        request: &TraceRequest<'_>,
        (headers, len): (&[u8], usize),
    ) {
        let mut events = self.write_arrival(arrival, journey.error.as_deref().unwrap_or_default());
        add_events(&mut events, &self.write_notes(journey));
        let told = ToldTrace {
            account: arrival.account,
            destination: journey.destination.clone(),
            accepts: request.accepts.into(),
            request: write_request(headers, len),
            hops: journey.hops,
            events,
        };
        if journey.awaited == 0 {
            self.journeys.ended.push_back(told);
            self.egress.services.have_something();
        } else {
            self.journeys.open(self.now(), journey.ticket.number(), told, journey.awaited);
        }
    }

    /// Has that told of which not all has become known in time.
    pub(crate) fn lapse_journeys(&mut self, now: Time) {
        if self.journeys.lapse(now) {
            self.egress.services.have_something();
        }
    }

    pub(crate) fn journeys_deadline(&self) -> Option<Time> {
        self.journeys.next_deadline()
    }
}
