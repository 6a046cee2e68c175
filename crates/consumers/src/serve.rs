//! What is delivered next, and to whom.
//!
//! A message goes in two steps, since its size is known once it was read: [`Consumer::next`] says which one it is and
//! changes nothing, [`Consumer::deliver`] takes note of it. What comes again goes before what is new.

use std::sync::Arc;

use js_proto::{MsgMetadata, Status};
use stream_index::{Row, Steps, StreamIndex, Walk};

use crate::consumer::Consumer;
use crate::effect::{Delivery, Effect, Effects, push_status};
use crate::event::Event;
use crate::moment::{Moment, due_after};
use crate::pace::Replay;
use crate::pending::Entry;
use crate::requests::Tending;

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// This message is to be read, and [delivered](Consumer::deliver) then. If it has to be fetched from a disk first,
    /// it is to be asked again afterwards what is next.
    Message(Row),
    /// Steps are used up. It is to be called again in another turn.
    Again,
    /// All is delivered, and somebody waits for more: it is to be called again when the stream has a new message.
    End,
    /// There is nothing to do until something is said to it or a deadline has come.
    Idle,
}

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

/// Whether somebody listens at a subject, on any shard.
pub type Listens<'a> = &'a mut dyn FnMut(&[u8]) -> bool;

/// Asleep from the last sequence on, whatever that is.
pub(crate) const FROM_NOW: u64 = u64::MAX;

/// Where a message comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// It was delivered before.
    Again,
    /// The list of last messages.
    Lasts,
    Stream,
}

/// What was looked for.
enum Found {
    Row(Row),
    Again,
    End,
    /// As many messages wait to be acknowledged as may.
    Full,
}

impl Consumer {
    /// What is to be delivered next. It ends requests on the way whose time is over, or that find nothing.
    pub fn next(
        &mut self,
        at: &Moment,
        index: &StreamIndex,
        listens: Listens<'_>,
        steps: &mut Steps,
        out: &mut Effects,
    ) -> Next {
        if !self.is_leading {
            return Next::Idle;
        }
        if !self.settle(index, steps) {
            return Next::Again;
        }
        if self.requests.next_due() <= at.mono {
            self.tend(at, false, &mut *listens, out);
        }
        if self.is_paused(at) {
            self.end_no_waits(at, listens, out);
            return Next::Idle;
        }
        if !self.has_taker() || at.mono < self.not_before {
            return Next::Idle;
        }
        if self.is_asleep(index) {
            return Next::End;
        }
        match self.find(index, steps, out) {
            Found::Row(row) if self.is_early(at, &row, index) => Next::Idle,
            Found::Row(row) => Next::Message(row),
            Found::Again => Next::Again,
            Found::Full => {
                // Others may come to be delivered; those that wait for them go on waiting.
                if self.num_pending() == 0 {
                    self.end_no_waits(at, listens, out);
                }
                Next::Idle
            }
            Found::End => {
                self.end_no_waits(at, listens, out);
                if self.has_taker() { Next::End } else { Next::Idle }
            }
        }
    }

    /// Delivers the message that is next. Says whether it was: if not, nobody is left who takes it, or it is too early.
    /// Either way it is to be asked again what is next.
    pub fn deliver(
        &mut self,
        at: &Moment,
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
        out.push(Effect::Deliver(Delivery { to: taker.to, metadata, headers_only }));
        if let Some((to, left)) = completed {
            push_status(out, &to, &Status::BatchCompleted(left));
        }
        self.waits.trim(&self.pending);
        self.on_pushed(at, with_target, out);
        true
    }

    /// A message cannot be read any more. It is passed over.
    pub fn on_lost(&mut self, at: &Moment, seq: u64, out: &mut Effects) {
        match self.source_of(seq) {
            None => {}
            Some(Source::Again) => self.terminate_deleted(at, seq, out),
            Some(from) => self.step_over(seq, from),
        }
    }

    /// A message that was delivered did not arrive: nobody listened there after all. It is delivered again at once,
    /// and does not count.
    pub fn on_undelivered(&mut self, at: &Moment, seq: u64, to: &[u8]) {
        if self.push.is_some() {
            self.on_interest(at, false);
        } else {
            self.requests.credit(to);
        }
        let Some(entry) = self.pending.get(seq) else { return };
        let deliveries = entry.deliveries.saturating_sub(1);
        self.pending.set_deliveries(seq, deliveries);
        self.mark(seq);
        self.again.push(seq, &mut self.pending);
        self.waits.trim(&self.pending);
    }

    /// Whether somebody takes a message.
    fn has_taker(&self) -> bool {
        match &self.push {
            Some(push) => push.is_ready(),
            None => !self.requests.is_empty(),
        }
    }

    /// Whether it was let go on after a pause, and nothing happened since.
    fn is_asleep(&mut self, index: &StreamIndex) -> bool {
        let last = index.last_seq();
        self.asleep = match self.asleep {
            Some(FROM_NOW) => Some(last),
            asleep => asleep.filter(|before| *before == last),
        };
        self.asleep.is_some()
    }

    fn find(&mut self, index: &StreamIndex, steps: &mut Steps, out: &mut Effects) -> Found {
        while let Some(seq) = self.again.front(&self.pending) {
            match index.get(seq) {
                _ if self.is_exceeded(seq) => self.exceed(seq, self.deliveries(seq), out),
                Some(row) => return Found::Row(row),
                // Nobody said that it is gone.
                None => self.forget(seq),
            }
        }
        if self.pending.len() >= self.settings.max_ack_pending {
            return Found::Full;
        }
        while let Some(seq) = self.lasts.as_ref().and_then(|lasts| lasts.front()) {
            match index.get(seq) {
                Some(row) => return Found::Row(row),
                None => self.pop_last(false),
            }
        }
        match index.next(&self.settings.filter, self.cursor, steps) {
            Walk::Found(row) => {
                self.cursor = row.seq;
                Found::Row(row)
            }
            Walk::More(seq) => {
                self.cursor = seq.max(self.cursor);
                Found::Again
            }
            Walk::End => {
                self.cursor = self.cursor.max(index.last_seq() + 1);
                Found::End
            }
        }
    }

    fn source_of(&mut self, seq: u64) -> Option<Source> {
        if let Some(again) = self.again.front(&self.pending) {
            return (again == seq).then_some(Source::Again);
        }
        if let Some(lasts) = &self.lasts {
            return (lasts.front() == Some(seq)).then_some(Source::Lasts);
        }
        (self.cursor == seq).then_some(Source::Stream)
    }

    /// Whether the messages that are there are delivered as they came in, and it is not yet time for this one.
    fn is_early(&mut self, at: &Moment, row: &Row, index: &StreamIndex) -> bool {
        if !self.replays {
            return false;
        }
        let replay = self.replay.get_or_insert_with(|| Box::new(Replay::new(index.last_seq())));
        if replay.is_over(row.seq) {
            (self.replays, self.replay) = (false, None);
            return false;
        }
        let ready = replay.ready_at(row.time);
        if ready > at.mono {
            self.not_before = ready;
        }
        ready > at.mono
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
    fn note_delivery(&mut self, at: &Moment, seq: u64, from: Source, out: &mut Effects) {
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
    }

    fn step_over(&mut self, seq: u64, from: Source) {
        self.changes.touch();
        if from == Source::Lasts {
            return self.pop_last(true);
        }
        self.cursor = seq + 1;
        self.backlog.drop_one(seq);
    }

    fn pop_last(&mut self, was_there: bool) {
        if let Some(lasts) = &mut self.lasts {
            lasts.pop(was_there);
        }
        self.lasts.take_if(|lasts| lasts.left() == 0);
    }

    /// It is to be acknowledged, or it is so by itself.
    fn expect_ack(&mut self, at: &Moment, seq: u64, out: &mut Effects) {
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
    fn renew(&mut self, at: &Moment, seq: u64) {
        let Some(entry) = self.pending.get_mut(seq) else { return };
        self.again.forget(entry);
        let deliveries = entry.deliveries.saturating_add(1);
        self.pending.set_deliveries(seq, deliveries);
        self.wait_until(seq, due_after(at.mono, self.settings.wait_after(deliveries)));
    }

    /// It is delivered again then, unless it is acknowledged.
    pub(crate) fn wait_until(&mut self, seq: u64, due: i64) {
        let Some(entry) = self.pending.get_mut(seq) else { return };
        entry.due = due;
        self.waits.push(due, seq, &self.pending);
        self.mark(seq);
    }

    /// It fares otherwise than what was stored of it says.
    pub(crate) fn mark(&mut self, seq: u64) {
        let is_known =
            self.pending.get_mut(seq).is_some_and(|entry| std::mem::replace(&mut entry.is_dirty, true));
        if !is_known {
            self.changes.mark(seq, self.pending.len());
        }
    }

    fn is_exceeded(&self, seq: u64) -> bool {
        let most = self.settings.max_deliver;
        most > 0 && self.deliveries(seq) >= most
    }

    pub(crate) fn deliveries(&self, seq: u64) -> u32 {
        self.pending.get(seq).map_or(0, |entry| entry.deliveries)
    }

    /// It was delivered as often as it may be. It is not delivered any more, and stays unacknowledged. That is told,
    /// unless more was allowed when it was delivered last.
    pub(crate) fn exceed(&mut self, seq: u64, deliveries: u32, out: &mut Effects) {
        let Some(mut entry) = self.pending.remove(seq) else { return };
        self.again.forget(&mut entry);
        self.exceeded.insert(seq);
        self.changes.mark(seq, self.pending.len());
        if deliveries == self.settings.max_deliver {
            out.push(Effect::Event(Event::MaxDeliver { stream_seq: seq, deliveries: deliveries.into() }));
        }
    }

    fn pace(&mut self, at: &Moment, size: u64, row: &Row) {
        if let Some(rate) = &mut self.rate {
            rate.pay(size, at.mono);
        }
        if let Some(replay) = &mut self.replay {
            replay.on_delivered(at.mono, row.time);
        }
    }

    /// Who takes a message of that size. Requests that cannot are ended.
    fn taker(&mut self, at: &Moment, size: u64, listens: Listens<'_>, out: &mut Effects) -> Option<Taker> {
        if let Some(push) = &self.push {
            return push.is_ready().then(|| Taker { to: push.to.clone(), completed: None });
        }
        loop {
            let request = self.requests.front()?;
            if request.is_expired(at.mono) {
                push_status(out, &request.reply, &Status::RequestTimeout(request.pending()));
            } else if request.bytes > 0 && size > request.bytes {
                push_status(out, &request.reply, &Status::MessageSizeExceedsMaxBytes(request.pending()));
            } else if listens(&request.reply) {
                break;
            }
            self.requests.drop_front();
        }
        let (to, completed) = self.requests.serve_front(size, at.mono)?;
        Some(Taker { to, completed })
    }

    fn end_no_waits(&mut self, at: &Moment, listens: Listens<'_>, out: &mut Effects) {
        if self.requests.has_no_wait() {
            self.tend(at, true, listens, out);
        }
    }

    /// Looks through the requests that wait.
    pub(crate) fn tend(&mut self, at: &Moment, is_end: bool, listens: Listens<'_>, out: &mut Effects) {
        let last = (self.delivered.consumer, self.reached());
        let before = self.requests.len();
        self.requests.tend(&mut Tending { now: at.mono, is_end, listens, last }, out);
        // Whoever waited until now has time to ask again.
        if self.requests.len() < before {
            self.life.sign(at.mono);
        }
    }
}

/// Who takes a message.
struct Taker {
    to: Arc<[u8]>,
    /// What it could still have got, if it has all messages that it wanted.
    completed: Option<js_proto::Pending>,
}
