//! What other shards, and services, tell the shard where a message began.

use fabric::{Letter, ShardId};
use monitor::{TraceStep, compact};
use nats_proto::Publish;

use super::{REPORT, TraceTicket};
use crate::broker::Broker;
use crate::party::ServiceId;
use crate::services::shown;

/// What a report takes, in deliveries.
const REPORT_STEPS: u64 = 2;

impl Broker {
    /// Has a service that gets messages whose way is told say what becomes of each, once: it is asked by a
    /// [ticket](TraceTicket::of), and answers with [`Self::tell_trace`].
    pub fn follow_traces(&mut self, service: ServiceId) {
        self.egress.services.at(service).tells_traces = true;
    }

    /// A service tells what became of a message that it took in; nothing if nobody is to hear of it.
    pub fn tell_trace(&mut self, ticket: TraceTicket, step: Option<&TraceStep<'_>>) {
        let events = step.map(compact).unwrap_or_default();
        if ticket.began_on() == self.config.shard {
            self.on_reported(ticket.number(), 0, 0, &events);
        } else {
            self.report(ticket.began_on(), ticket.number(), 0, 0, &events);
        }
    }

    /// A message of another shard, which is in hand, was handed over here: tells that one what became of it.
    pub(crate) fn end_part(&mut self, from: ShardId) {
        let Some(journey) = self.egress.put_aside() else { return };
        let events = self.write_notes(&journey);
        self.report(from, journey.ticket.number(), journey.awaited, journey.hops, &events);
    }

    /// Reports to the shard where the message of that number began. So many more will.
    fn report(&mut self, to: ShardId, number: u16, more: u32, hops: u32, events: &[u8]) {
        let tag = u32::from(number) | more.min(u32::from(u16::MAX)) << 16;
        let body = [&hops.to_le_bytes()[..], events].concat();
        let publish = Publish { subject: b"", reply: None, header: None, size_text: b"", body: &body };
        let message = shown(0, ServiceId(REPORT).into(), &publish);
        // As an answer to an offer it goes out whether or not there is room: there is one for each message that came.
        self.mesh.link(to).push_letter(&Letter { service: REPORT, tag, message });
    }

    /// Another shard reports.
    pub(crate) fn on_trace_report(&mut self, letter: &Letter<'_>) {
        if let Some((hops, events)) = letter.message.publish.body.split_first_chunk() {
            self.on_reported(letter.tag as u16, letter.tag >> 16, u32::from_le_bytes(*hops), events);
        }
        self.turn.spend_on_arrival(REPORT_STEPS);
    }

    fn on_reported(&mut self, number: u16, more: u32, hops: u32, events: &[u8]) {
        if self.journeys.report(number, more, hops, events) {
            self.egress.services.have_something();
        }
    }
}
