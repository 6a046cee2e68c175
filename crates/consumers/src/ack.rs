//! What is said of messages that were delivered.

use js_proto::{Ack, AckPolicy, MsgMetadata};
use stream_index::StreamIndex;

use crate::consumer::{Consumer, Position};
use crate::dead_letters::{Death, Dying};
use crate::effect::{Effect, Effects};
use crate::event::{Delivered, Event};
use crate::next::Listens;
use crate::now::{Now, due_after};
use crate::pending::Entry;

impl Consumer {
    /// An acknowledgement, or another word: what is published to a reply subject, without its headers.
    ///
    /// Whoever gave a reply is answered once what it said is stored. One about a message that was never delivered is
    /// passed over, and not answered.
    #[expect(clippy::too_many_arguments, reason = "a word may ask for messages as well")]
    pub fn on_ack(
        &mut self,
        at: &Now,
        metadata: &MsgMetadata,
        body: &[u8],
        reply: &[u8],
        index: &StreamIndex,
        listens: Listens<'_>,
        out: &mut Effects,
    ) {
        if !self.takes_acks() || !self.is_leading {
            return;
        }
        self.life.sign(at.mono);
        self.asleep = None;
        let holder = self.sign_holder(at, metadata.stream_seq);
        let is_answered = match Ack::parse(body) {
            Ack::Done => self.acknowledge(at, metadata, true, out),
            Ack::Next(request) => {
                self.acknowledge(at, metadata, true, out);
                self.take_request_of(at, holder, reply, request, index, listens, out);
                false
            }
            Ack::Again(delay) => self.hand_back(at, metadata, delay.0, out),
            Ack::Progress => self.restart_wait(at, metadata.stream_seq),
            Ack::Terminate(reason) => self.terminate(at, metadata, reason, reply, out),
            Ack::Unknown => true,
        };
        if is_answered && !reply.is_empty() && metadata.stream_seq != 0 {
            out.push(Effect::Answer { to: reply.to_vec() });
        }
        self.waits.trim(&self.pending);
    }

    /// Says whether it was delivered at all.
    pub(crate) fn acknowledge(
        &mut self,
        at: &Now,
        metadata: &MsgMetadata,
        is_sampled: bool,
        out: &mut Effects,
    ) -> bool {
        if metadata.stream_seq > self.reached() {
            return false;
        }
        if self.settings.ack_policy == AckPolicy::Explicit {
            self.acknowledge_one(at, metadata, is_sampled, out);
        } else {
            self.acknowledge_through(at, metadata, out);
        }
        true
    }

    fn acknowledge_one(&mut self, at: &Now, metadata: &MsgMetadata, is_sampled: bool, out: &mut Effects) {
        let seq = metadata.stream_seq;
        if let Some(entry) = self.pending.get(seq).copied() {
            if is_sampled {
                self.sample(at, metadata, &entry, out);
            }
            self.drop_pending(seq);
            self.move_floor(entry.first, seq);
        } else if self.exceeded.remove(&seq) {
            self.changes.mark(seq, self.pending.len());
        }
        self.last_acked = at.wall;
        self.tell_acked(seq, out);
    }

    /// It, and all before it. What was acknowledged so already is so again. That one before it came again meanwhile, and
    /// was acknowledged by a later delivery than this one's, is no reason to pass over what it says, as the peer does:
    /// it may be confirmed.
    fn acknowledge_through(&mut self, at: &Now, metadata: &MsgMetadata, out: &mut Effects) {
        let seq = metadata.stream_seq;
        if seq <= self.floor.stream {
            return;
        }
        // Whatever it says of itself, nothing lies behind what was delivered.
        let consumer = metadata.consumer_seq.min(self.delivered.consumer).max(self.floor.consumer);
        self.floor = Position { consumer, stream: seq.min(self.delivered.stream) };
        self.changes.touch();
        self.last_acked = at.wall;
        let keeps = self.of_stream.keeps_until_acked;
        self.pending.take_through(seq, |mut entry| {
            self.again.forget(&mut entry);
            if keeps {
                push_acked(out, entry.seq);
            }
        });
        while self.exceeded.first().is_some_and(|first| *first <= seq) {
            let first = self.exceeded.pop_first().expect("it was there");
            self.changes.mark(first, self.pending.len());
            self.tell_acked(first, out);
        }
    }

    /// The floor moves to just before the next message that is to be acknowledged; without any, to what was delivered
    /// last. It stays where it is if it does not lie right before the one that was, and never passes one that waits,
    /// whatever acknowledgements say of the deliveries they are for.
    pub(crate) fn move_floor(&mut self, first: u64, seq: u64) {
        if self.pending.is_empty() {
            self.floor = self.delivered;
        } else if let Some(next) = self.pending.first()
            && first == self.floor.consumer + 1
            && next.seq > seq
        {
            self.floor = Position { consumer: next.first - 1, stream: next.seq - 1 };
        }
        self.changes.touch();
    }

    /// It is not waited for any more.
    pub(crate) fn drop_pending(&mut self, seq: u64) {
        self.mark(seq);
        let Some(mut entry) = self.pending.remove(seq) else { return };
        self.again.forget(&mut entry);
        self.let_live(seq);
        self.lanes.iter_mut().for_each(|lanes| lanes.remove(seq));
        if self.pending.is_empty() {
            self.waits.clear();
        }
    }

    /// It is to be delivered again, after that long.
    fn hand_back(&mut self, at: &Now, metadata: &MsgMetadata, delay: i64, out: &mut Effects) -> bool {
        let seq = metadata.stream_seq;
        let is_in_range = metadata.consumer_seq > self.floor.consumer
            && metadata.consumer_seq <= self.delivered.consumer + 1;
        if !is_in_range || self.pending.get(seq).is_none() || self.is_dying(seq) {
            return true;
        }
        out.push(Effect::Event(Event::Nacked(delivered(metadata))));
        if self.is_exceeded(seq) && self.die_exceeded(at, seq) {
            return true;
        }
        if delay <= 0 {
            self.come_again(seq);
            return true;
        }
        if let Some(entry) = self.pending.get_mut(seq) {
            self.again.forget(entry);
        }
        self.lanes.iter_mut().for_each(|lanes| lanes.come_back(seq, true));
        self.wait_until(seq, due_after(at.mono, delay));
        true
    }

    /// It takes longer.
    fn restart_wait(&mut self, at: &Now, seq: u64) -> bool {
        let deliveries = self.deliveries(seq);
        self.wait_until(seq, due_after(at.mono, self.settings.wait_after(deliveries)));
        true
    }

    /// It is not to be delivered again, for that reason. Says whether that is to be answered now.
    fn terminate(
        &mut self,
        at: &Now,
        metadata: &MsgMetadata,
        reason: String,
        reply: &[u8],
        out: &mut Effects,
    ) -> bool {
        let seq = metadata.stream_seq;
        let dying = || Dying::of(Death::Terminated, reason.clone(), delivered(metadata));
        if seq <= self.reached() && self.die(at, seq, dying()) {
            self.answer_after(seq, reply);
            return false;
        }
        let was_delivered = self.acknowledge(at, metadata, false, out);
        if was_delivered {
            out.push(Effect::Event(Event::Terminated { delivered: delivered(metadata), reason }));
        }
        was_delivered
    }

    fn sample(&self, at: &Now, metadata: &MsgMetadata, entry: &Entry, out: &mut Effects) {
        let percent = u64::from(self.settings.sample);
        if percent == 0 || (percent < 100 && at.random % 100 > percent) {
            return;
        }
        let begun = entry.due.saturating_sub(self.settings.wait_after(entry.deliveries));
        let ack_time = at.mono.saturating_sub(begun);
        out.push(Effect::Event(Event::Acked { delivered: delivered(metadata), ack_time }));
    }

    pub(crate) fn tell_acked(&self, seq: u64, out: &mut Effects) {
        if self.of_stream.keeps_until_acked {
            push_acked(out, seq);
        }
    }
}

/// Neighbours are told together.
fn push_acked(out: &mut Effects, seq: u64) {
    match out.last_mut() {
        Some(Effect::Acked { last, .. }) if *last + 1 == seq => *last = seq,
        _ => out.push(Effect::Acked { first: seq, last: seq }),
    }
}

fn delivered(metadata: &MsgMetadata) -> Delivered {
    Delivered {
        stream_seq: metadata.stream_seq,
        consumer_seq: metadata.consumer_seq,
        deliveries: metadata.delivered,
    }
}
