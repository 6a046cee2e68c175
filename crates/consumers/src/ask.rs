//! Requests for messages: which are taken, and which are refused at once.

use std::sync::Arc;

use js_proto::{PullError, PullRequest, Status};
use stream_index::{Steps, StreamIndex};

use crate::consumer::Consumer;
use crate::effect::{Effects, push_status};
use crate::members::MemberId;
use crate::next::Listens;
use crate::now::{NEVER, Now, later};
use crate::request::Request;

/// Looking for requests whose time is over takes a while when there are many; at most once in that time it is done to
/// make room.
const ROOM_SOUGHT_EVERY: i64 = 1_000_000_000;

/// How far it is looked for a request that does not wait, when it comes.
const FINDING_STEPS: u32 = 1_000;

/// Whoever wants to hear of silence more often hears of it this often.
const HEARTBEAT_MIN: i64 = 1_000_000;

impl Consumer {
    /// Somebody asks for messages: what is published to `$JS.API.CONSUMER.MSG.NEXT`, without its headers.
    pub fn on_request(
        &mut self,
        at: &Now,
        reply: &[u8],
        body: &[u8],
        index: &StreamIndex,
        listens: Listens<'_>,
        out: &mut Effects,
    ) {
        self.take_request(at, reply, PullRequest::parse(body), index, listens, out);
    }

    pub(crate) fn take_request(
        &mut self,
        at: &Now,
        reply: &[u8],
        request: Result<PullRequest, PullError>,
        index: &StreamIndex,
        listens: Listens<'_>,
        out: &mut Effects,
    ) {
        self.life.sign(at.mono);
        self.asleep = None;
        // Whoever cannot be answered gets nothing.
        if reply.is_empty() || !self.is_leading {
            return;
        }
        let reply: Arc<[u8]> = reply.into();
        if self.push.is_some() {
            return push_status(out, &reply, &Status::ConsumerIsPushBased);
        }
        if self.lanes.is_some() && self.asking() == MemberId::NOBODY {
            return push_status(out, &reply, &Status::BadRequest("Consumer is a group, ask a member"));
        }
        let request = match request {
            Ok(request) => request,
            Err(error) => return push_status(out, &reply, &Status::BadRequest(&error.to_string())),
        };
        let refusal = self.refusal(&request).or_else(|| self.check_priority(at, &request.priority));
        if let Some(refusal) = refusal {
            return push_status(out, &reply, &refusal);
        }
        self.make_room(at, listens, out);
        if let Some(finding) = self.finding(&request, index) {
            return push_status(out, &reply, &finding);
        }
        if self.requests.len() < self.settings.max_waiting as usize {
            let wish = self.wish(&request.priority);
            let ticket = self.class(&request.priority);
            let member = self.asking();
            self.requests.push(Request { ticket, wish, member, ..waiting(at, reply, &request) });
        } else if request.idle_heartbeat.0 == 0 {
            // Whoever listens for heartbeats is let wait for them, so that it does not ask again at once.
            push_status(out, &reply, &Status::ExceededMaxWaiting);
        }
    }

    /// Why it is refused, whatever there is to deliver.
    fn refusal(&self, request: &PullRequest) -> Option<Status<'static>> {
        let Self { settings, .. } = self;
        let exceeds = |asked: i64, most: i64| most > 0 && asked > most;
        if exceeds(request.batch, settings.max_batch) {
            return Some(Status::ExceededMaxRequestBatch(settings.max_batch));
        }
        if exceeds(request.expires.0, settings.max_expires) {
            return Some(Status::ExceededMaxRequestExpires(js_proto::Nanos(settings.max_expires)));
        }
        if exceeds(request.max_bytes, settings.max_bytes) {
            return Some(Status::ExceededMaxRequestMaxBytes(settings.max_bytes));
        }
        None
    }

    /// What a request that does not wait finds, if that can be told yet. If not, it is told when it is served.
    fn finding(&mut self, request: &PullRequest, index: &StreamIndex) -> Option<Status<'static>> {
        if !request.no_wait || !self.settle(index, &mut Steps::new(FINDING_STEPS)) {
            return None;
        }
        let messages = self.num_pending() + self.again.len() as u64;
        if messages == 0 && !self.has_for(self.asking()) {
            return (request.expires.0 == 0).then_some(Status::NoMessages);
        }
        if self.lanes.is_some() {
            // What there is may be for others.
            return None;
        }
        self.requests.want_more_than(messages).then_some(Status::RequestsPending)
    }

    /// Ends requests if there are as many as may be.
    fn make_room(&mut self, at: &Now, listens: Listens<'_>, out: &mut Effects) {
        let is_full = self.requests.len() >= self.settings.max_waiting as usize;
        if is_full && at.mono.saturating_sub(self.room_sought) >= ROOM_SOUGHT_EVERY {
            self.room_sought = at.mono;
            self.tend(at, false, listens, out);
        }
    }
}

fn waiting(at: &Now, reply: Arc<[u8]>, request: &PullRequest) -> Request {
    let after = |length: i64| if length == 0 { NEVER } else { later(at.mono, length) };
    let heartbeat = match request.idle_heartbeat.0 {
        ..=0 => 0,
        heartbeat => heartbeat.max(HEARTBEAT_MIN),
    };
    Request {
        reply,
        // What asks for none or less gets one.
        left: request.batch.max(0),
        bytes: u64::try_from(request.max_bytes).unwrap_or(0),
        delivered: 0,
        expires: after(request.expires.0),
        heartbeat,
        next_heartbeat: after(heartbeat),
        no_wait: request.no_wait,
        ticket: 0,
        wish: None,
        member: MemberId::NOBODY,
    }
}
