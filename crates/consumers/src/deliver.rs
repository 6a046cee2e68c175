//! A message that was read goes out, and what is noted of it.

use std::sync::Arc;

use js_proto::{MsgMetadata, Status};
use stream_index::Row;

use crate::consumer::Consumer;
use crate::dead_letters::{Death, Dying};
use crate::effect::{Effect, Effects, Handout, push_status};
use crate::event::Delivered;
use crate::next::Listens;
use crate::now::{Now, due_after};
use crate::pending::Entry;

/// How large a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes of its subject.
    pub subject: usize,
    /// Bytes of its header block.
    pub header: usize,
    /// Bytes of what it says.
    pub payload: usize,
}

/// Why a message is terminated that cannot be read.
const UNREADABLE: &str = "Message cannot be read";

/// Where a message comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// It was delivered before.
    Again,
    /// The list of last messages.
    Lasts,
    Stream,
}

/// Who takes a message.
struct Taker {
    to: Arc<[u8]>,
    /// What it could still have got, if it has all messages that it wanted.
    completed: Option<js_proto::Pending>,
    pin: Option<Arc<str>>,
}

impl Consumer {
    /// Delivers the message that is next. Says whether it was: if not, nobody is left who takes it, or it is too early.
    /// Either way it is to be asked again what is next.
    pub fn deliver(
        &mut self,
        at: &Now,
        row: &Row,
        sizes: &Sizes,
        listens: Listens<'_>,
        out: &mut Effects,
    ) -> bool {
        let Some(from) = self.source_of(row.seq) else { return false };
        let metadata = self.metadata_of(row, from);
        let (header, payload) = self.sent(sizes);
        let reply = self.reply_len(&metadata);
        let size = (sizes.subject + reply + header + payload) as u64;
        if let Some(rate) = &self.rate
            && rate.ready_at(size) > at.mono
        {
            self.not_before = rate.ready_at(size);
            return false;
        }
        let Some(taker) = self.taker(at, size, listens, out) else { return false };
        self.note_delivery(at, row.seq, from, out);
        self.pace(at, size, row);
        let with_target = (taker.to.len() + reply + header + payload) as u64;
        let completed = taker.completed.map(|left| (taker.to.clone(), left));
        let headers_only = self.settings.headers_only;
        out.push(Effect::Deliver(Handout { to: taker.to, metadata, headers_only, pin: taker.pin }));
        if let Some((to, left)) = completed {
            push_status(out, &to, &Status::BatchCompleted(left));
        }
        self.waits.trim(&self.pending);
        self.on_pushed(at, with_target, out);
        true
    }

    /// A message cannot be read any more. It is passed over.
    pub fn on_lost(&mut self, at: &Now, seq: u64, out: &mut Effects) {
        match self.source_of(seq) {
            None => {}
            Some(Source::Again) if self.die_unreadable(at, seq) => {}
            Some(Source::Again) => self.terminate_deleted(at, seq, out),
            Some(from) if self.dead.is_some() => {
                // As if it had been delivered, so that it counts.
                self.note_delivery(at, seq, from, out);
                self.die_unreadable(at, seq);
            }
            Some(from) => self.step_over(seq, from),
        }
    }

    fn die_unreadable(&mut self, at: &Now, seq: u64) -> bool {
        let Some(entry) = self.pending.get(seq).filter(|_| self.dead.is_some()) else { return false };
        let (first, deliveries) = (entry.first, entry.deliveries.into());
        let delivered = Delivered { stream_seq: seq, consumer_seq: first, deliveries };
        self.die(at, seq, Dying::of(Death::Unreadable, UNREADABLE.to_owned(), delivered))
    }

    /// A message that was delivered did not arrive: nobody listened there after all. It is delivered again at once,
    /// and does not count.
    pub fn on_undelivered(&mut self, at: &Now, seq: u64, to: &[u8]) {
        if self.push.is_some() {
            self.on_interest(at, false);
        } else {
            self.requests.credit(to);
        }
        let Some(entry) = self.pending.get(seq) else { return };
        let deliveries = entry.deliveries.saturating_sub(1);
        self.pending.set_deliveries(seq, deliveries);
        self.mark(seq);
        self.come_again(seq);
        self.waits.trim(&self.pending);
    }

    fn source_of(&mut self, seq: u64) -> Option<Source> {
        if let Some(lanes) = &self.lanes {
            let offer = lanes.offer.filter(|offer| offer.seq == seq)?;
            return Some(if offer.place.is_some() { Source::Stream } else { Source::Again });
        }
        if let Some(again) = self.again.front(&self.pending) {
            return (again == seq).then_some(Source::Again);
        }
        if let Some(lasts) = &self.lasts {
            return (lasts.front() == Some(seq)).then_some(Source::Lasts);
        }
        (self.cursor == seq).then_some(Source::Stream)
    }

    fn metadata_of(&self, row: &Row, from: Source) -> MsgMetadata {
        MsgMetadata {
            delivered: u64::from(self.deliveries(row.seq)) + 1,
            stream_seq: row.seq,
            consumer_seq: self.delivered.consumer + 1,
            timestamp: u64::try_from(row.time).unwrap_or(0),
            pending: self.num_pending().saturating_sub(u64::from(from != Source::Again)),
        }
    }

    /// Bytes that are sent of its header and of what it says.
    fn sent(&self, sizes: &Sizes) -> (usize, usize) {
        if !self.settings.headers_only {
            return (sizes.header, sizes.payload);
        }
        (crate::headers_only::len(sizes.header, sizes.payload), 0)
    }

    /// Takes note that a message goes out.
    fn note_delivery(&mut self, at: &Now, seq: u64, from: Source, out: &mut Effects) {
        self.delivered.consumer += 1;
        self.delivered.stream = self.delivered.stream.max(seq);
        self.last_delivered = at.wall;
        self.life.sign(at.mono);
        match from {
            Source::Again => self.renew(at, seq),
            _ => {
                self.step_over(seq, from);
                self.expect_ack(at, seq, out);
            }
        }
        self.note_out(seq);
    }

    fn step_over(&mut self, seq: u64, from: Source) {
        self.changes.touch();
        if from == Source::Lasts {
            return self.pop_last(true);
        }
        self.pass(seq);
    }

    /// The cursor goes behind a message.
    pub(crate) fn pass(&mut self, seq: u64) {
        self.cursor = seq + 1;
        self.backlog.drop_one(seq);
    }

    pub(crate) fn pop_last(&mut self, was_there: bool) {
        if let Some(lasts) = &mut self.lasts {
            lasts.pop(was_there);
        }
        self.lasts.take_if(|lasts| lasts.left() == 0);
    }

    /// It is to be acknowledged, or it is so by itself.
    fn expect_ack(&mut self, at: &Now, seq: u64, out: &mut Effects) {
        if !self.settings.takes_acks() {
            self.floor = self.delivered;
            return self.tell_acked(seq, out);
        }
        let due = due_after(at.mono, self.settings.wait_after(1));
        self.pending.insert(Entry::new(seq, self.delivered.consumer, due));
        self.waits.push(due, seq, &self.pending);
        self.mark(seq);
    }

    /// It was delivered once more.
    fn renew(&mut self, at: &Now, seq: u64) {
        let Some(entry) = self.pending.get_mut(seq) else { return };
        self.again.forget(entry);
        let deliveries = entry.deliveries.saturating_add(1);
        self.pending.set_deliveries(seq, deliveries);
        self.wait_until(seq, due_after(at.mono, self.settings.wait_after(deliveries)));
    }

    fn pace(&mut self, at: &Now, size: u64, row: &Row) {
        if let Some(rate) = &mut self.rate {
            rate.pay(size, at.mono);
        }
        if let Some(replay) = &mut self.replay {
            replay.on_delivered(at.mono, row.time);
        }
    }

    /// Who takes a message of that size. Requests that cannot are ended.
    fn taker(&mut self, at: &Now, size: u64, listens: Listens<'_>, out: &mut Effects) -> Option<Taker> {
        if let Some(push) = &self.push {
            return push.is_ready().then(|| Taker { to: push.to.clone(), completed: None, pin: None });
        }
        let member = self.lanes.as_ref().and_then(|lanes| lanes.offer).map(|offer| offer.member);
        let place = loop {
            let place = match member {
                Some(member) => self.requests.place_of(member)?,
                None => self.pick(out)?,
            };
            let request = self.requests.get(place)?;
            if request.is_expired(at.mono) {
                push_status(out, &request.reply, &Status::RequestTimeout(request.pending()));
            } else if request.bytes > 0 && size > request.bytes {
                push_status(out, &request.reply, &Status::MessageSizeExceedsMaxBytes(request.pending()));
            } else if listens(&request.reply) {
                break place;
            }
            self.requests.drop_at(place);
        };
        let pin = self.pin(at, place, out);
        let (to, completed) = self.requests.serve(place, size, at.mono)?;
        Some(Taker { to, completed, pin })
    }
}
