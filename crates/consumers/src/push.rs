//! Consumers that push: who listens, how far ahead of it, and how long there is silence.

use std::sync::Arc;

use js_proto::{MsgMetadata, Status};

use crate::consumer::Consumer;
use crate::effect::{Effect, Effects, push_status};
use crate::flow::{Flow, token};
use crate::now::{NEVER, Now, later};

/// What is not stored of such a consumer.
#[derive(Debug)]
pub(crate) struct Push {
    pub(crate) to: Arc<[u8]>,
    /// Whether somebody listens there.
    pub(crate) is_active: bool,
    pub(crate) flow: Option<Flow>,
    /// When silence is broken.
    pub(crate) next_heartbeat: i64,
}

impl Push {
    pub(crate) fn new(to: Arc<[u8]>, has_flow_control: bool) -> Self {
        let flow = has_flow_control.then(Flow::default);
        Self { to, is_active: false, flow, next_heartbeat: NEVER }
    }

    /// Whether a message may be delivered.
    pub(crate) fn is_ready(&self) -> bool {
        self.is_active && !self.flow.as_ref().is_some_and(Flow::is_stalled)
    }
}

impl Consumer {
    /// Somebody listens where it pushes to, on any shard, or nobody does. It is to be told at first, and whenever that
    /// changes.
    pub fn on_interest(&mut self, at: &Now, is_there: bool) {
        let heartbeat = self.next_heartbeat(at);
        let Some(push) = &mut self.push else { return };
        if push.is_active && !is_there {
            self.life.sign(at.mono);
        }
        if !push.is_active && is_there {
            push.next_heartbeat = heartbeat;
            self.asleep = None;
        }
        push.is_active = is_there;
    }

    /// Somebody answered to flow control, at that subject. The header of the answer says how far it is, which
    /// acknowledges what was delivered if that is how it is acknowledged.
    pub fn on_flow_answer(&mut self, at: &Now, subject: &[u8], last: Option<(u64, u64)>, out: &mut Effects) {
        let Some(flow) = self.push.as_mut().and_then(|push| push.flow.as_mut()) else { return };
        if !flow.on_answer(subject) {
            return;
        }
        if let Some((consumer_seq, stream_seq)) = last.filter(|_| self.settings.acks_by_flow()) {
            let metadata = MsgMetadata { delivered: 1, stream_seq, consumer_seq, timestamp: 0, pending: 0 };
            self.acknowledge(at, &metadata, false, out);
            self.waits.trim(&self.pending);
        }
    }

    /// A message went to the one it pushes to.
    pub(crate) fn on_pushed(&mut self, at: &Now, bytes: u64, out: &mut Effects) {
        let heartbeat = self.next_heartbeat(at);
        let is_full = self.pending.len() >= self.settings.max_ack_pending && self.settings.acks_by_flow();
        let Some(push) = &mut self.push else { return };
        push.next_heartbeat = heartbeat;
        let Some(flow) = &mut push.flow else { return };
        let has_question = flow.question().is_some();
        if flow.on_delivered(bytes) || (is_full && !has_question) {
            self.ask_flow(at, out);
        }
    }

    /// Asks how far the one is that it pushes to.
    fn ask_flow(&mut self, at: &Now, out: &mut Effects) {
        let (Some(push), Some(reply)) = (&mut self.push, &self.flow_reply) else { return };
        let Some(flow) = &mut push.flow else { return };
        let subject = reply.subject(&token(at.random));
        flow.ask(subject.clone());
        push_status(out, &push.to, &Status::FlowControlRequest);
        if let Some(Effect::Status { reply, .. }) = out.last_mut() {
            *reply = Some(subject);
        }
    }

    /// Breaks the silence, if it is time.
    pub(crate) fn beat(&mut self, at: &Now, out: &mut Effects) {
        let heartbeat = self.next_heartbeat(at);
        let (consumer_seq, stream_seq) = (self.delivered.consumer, self.reached());
        let has_pending = !self.pending.is_empty();
        let Some(push) = &mut self.push else { return };
        if !push.is_active || at.mono < push.next_heartbeat {
            return;
        }
        push.next_heartbeat = heartbeat;
        let stalled = push.flow.as_ref().and_then(Flow::question);
        let is_asked = stalled.is_some();
        push_status(out, &push.to, &Status::IdleHeartbeat { consumer_seq, stream_seq, stalled });
        if self.settings.acks_by_flow() && has_pending && !is_asked {
            self.ask_flow(at, out);
        }
    }

    fn next_heartbeat(&self, at: &Now) -> i64 {
        match self.settings.idle_heartbeat {
            0 => NEVER,
            heartbeat => later(at.mono, heartbeat),
        }
    }
}
