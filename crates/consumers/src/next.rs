//! Which message is delivered next: one that comes again, one of the list of last messages, or one of the stream.
//!
//! A message goes in two steps, since its size is known once it was read: [`Consumer::next`] says which one it is and
//! changes nothing of it, [`Consumer::deliver`] takes note. What cannot be read at once is just asked for again.

use stream_index::{Row, Steps, StreamIndex, Walk};

use crate::consumer::Consumer;
use crate::effect::Effects;
use crate::now::Now;
use crate::pace::Replay;
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

/// Whether somebody listens at a subject, on any shard.
pub type Listens<'a> = &'a mut dyn FnMut(&[u8]) -> bool;

/// Asleep from the last sequence on, whatever that is.
pub(crate) const FROM_NOW: u64 = u64::MAX;

/// Requests that are looked at in the time of a step.
const REQUESTS_A_STEP: usize = 16;

/// Who takes a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takers {
    Ready,
    /// Nobody does now, and once there are more messages somebody may.
    Later,
    None,
}

/// What was looked for.
pub(crate) enum Found {
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
        at: &Now,
        index: &StreamIndex,
        listens: Listens<'_>,
        steps: &mut Steps,
        out: &mut Effects,
    ) -> Next {
        if !self.is_leading || self.settings.member_of.is_some() {
            return Next::Idle;
        }
        if !self.settle(index, steps) {
            return Next::Again;
        }
        self.tend_due(at, &mut *listens, out);
        if self.is_paused(at) {
            self.end_no_waits(at, listens, out);
            return Next::Idle;
        }
        if at.mono < self.not_before {
            return Next::Idle;
        }
        let takers = self.takers(steps);
        if takers != Takers::Ready {
            if self.num_pending() == 0 && self.again.len() == 0 {
                self.end_no_waits(at, listens, out);
            }
            return if takers == Takers::Later { Next::End } else { Next::Idle };
        }
        if self.is_asleep(index) {
            return Next::End;
        }
        match self.find(at, index, steps, out) {
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
                if self.takers(steps) == Takers::None { Next::Idle } else { Next::End }
            }
        }
    }

    /// Whether somebody takes a message. Where not all who wait are alike, they are looked through.
    fn takers(&self, steps: &mut Steps) -> Takers {
        if self.picks() {
            steps.spend(self.requests.len() / REQUESTS_A_STEP);
        }
        let is_ready = match &self.push {
            Some(push) => push.is_ready(),
            None => self.has_claim(),
        };
        match is_ready {
            true => Takers::Ready,
            false if self.serves_overflow() && !self.requests.is_empty() => Takers::Later,
            false => Takers::None,
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

    fn find(&mut self, at: &Now, index: &StreamIndex, steps: &mut Steps, out: &mut Effects) -> Found {
        if self.lanes.is_some() {
            return self.find_in_lanes(at, index, steps, out);
        }
        while let Some(seq) = self.again.front(&self.pending) {
            match index.get(seq) {
                _ if self.is_exceeded(seq) => self.exceed(at, seq, self.deliveries(seq), out),
                Some(row) => return Found::Row(row),
                // Nobody said that it is gone.
                None => self.forget(seq),
            }
        }
        if self.is_full() {
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

    pub(crate) fn is_exceeded(&self, seq: u64) -> bool {
        let most = self.settings.max_deliver;
        most > 0 && self.deliveries(seq) >= most
    }

    /// Whether the messages that are there are delivered as they came in, and it is not yet time for this one.
    fn is_early(&mut self, at: &Now, row: &Row, index: &StreamIndex) -> bool {
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

    fn end_no_waits(&mut self, at: &Now, listens: Listens<'_>, out: &mut Effects) {
        if self.requests.has_no_wait() {
            self.tend(at, true, listens, out);
        }
    }

    /// Looks through the requests that wait, if the time of any has come. While nothing may be delivered, those that do
    /// not wait end then: nobody else would tell them.
    pub(crate) fn tend_due(&mut self, at: &Now, listens: Listens<'_>, out: &mut Effects) {
        if self.requests.next_due() > at.mono {
            return;
        }
        let has_some = self.again.len() > 0 || self.lanes.as_ref().is_some_and(|lanes| lanes.has_ready());
        let is_held = self.is_paused(at) || (self.is_full() && !has_some);
        let is_end = is_held && self.requests.has_no_wait() && self.requests.has_due(at.mono);
        self.tend(at, is_end, listens, out);
    }

    /// Whether as many messages wait to be acknowledged as may.
    pub(crate) fn is_full(&self) -> bool {
        self.pending.len() >= self.settings.max_ack_pending
    }

    /// Looks through the requests that wait.
    pub(crate) fn tend(&mut self, at: &Now, is_end: bool, listens: Listens<'_>, out: &mut Effects) {
        let last = (self.delivered.consumer, self.reached());
        let before = self.requests.len();
        self.requests.tend(&mut Tending { now: at.mono, is_end, listens, last }, out);
        // Whoever waited until now has time to ask again.
        if self.requests.len() < before {
            self.life.sign(at.mono);
        }
    }
}
