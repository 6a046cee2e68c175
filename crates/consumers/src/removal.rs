//! Messages that go from the stream.

use stream_index::{Filter, Steps, StreamIndex, Walk};
use subject_trie::{filter_contains, filters_overlap};

use crate::backlog::Backlog;
use crate::consumer::Consumer;
use crate::effect::{Effect, Effects};
use crate::event::{DELETED, Delivered, Event};
use crate::now::Now;

/// Messages that a consumer with filters hears of that are gone before it lets its count be: to count anew takes a
/// walk for such a one.
const UNASKED_MAX: u32 = 256;

/// What it costs to find out whether a message is there, in steps.
const LOOK_STEPS: usize = 4;

impl Consumer {
    /// A message is gone: deleted, expired, or since the stream is full. To be said of each one that is not purged,
    /// before anything else is asked of the consumer.
    pub fn on_removed(&mut self, at: &Now, seq: u64, subject: &[u8], out: &mut Effects) {
        if let Some(lasts) = &mut self.lasts {
            lasts.remove(seq);
        }
        if self.is_started() && self.lasts.take_if(|lasts| lasts.left() == 0).is_some() {
            self.changes.touch();
        }
        if seq >= self.cursor && self.settings.filter.matches(subject) {
            self.backlog.drop_one(seq);
        }
        self.terminate_deleted(at, seq, out);
        self.waits.trim(&self.pending);
    }

    /// The first sequence that is of any concern to it: what is gone before it need not hear of. It only rises, but when it
    /// is [reset](Self::reset) or its filters [change](Self::update).
    pub fn lowest(&self) -> u64 {
        if self.settings.member_of.is_some() {
            return u64::MAX;
        }
        if !self.is_started() || self.lasts.is_some() {
            return 0;
        }
        let pending = self.pending.first().map(|entry| entry.seq);
        let known = [pending, self.exceeded.first().copied()].into_iter().flatten();
        known.min().map_or(self.cursor, |seq| seq.min(self.cursor))
    }

    /// It heard of so many messages that are gone since it was asked anything. If it says so it need not hear of more before
    /// it is asked something: it then counts anew what is before it.
    pub fn let_count_be(&mut self, unasked: u32) -> bool {
        let has_more = !self.is_started() || self.lasts.is_some();
        if has_more || !self.pending.is_empty() || !self.exceeded.is_empty() {
            return false;
        }
        let is_over = self.settings.filter.is_all() || unasked >= UNASKED_MAX;
        if is_over {
            self.backlog = Backlog::from(self.cursor);
        }
        is_over
    }

    /// What waits to be acknowledged is as good as acknowledged.
    pub(crate) fn terminate_deleted(&mut self, at: &Now, seq: u64, out: &mut Effects) {
        let Some(entry) = self.pending.get(seq).copied() else {
            return self.forget(seq);
        };
        self.drop_pending(seq);
        self.move_floor(entry.first, seq);
        self.last_acked = at.wall;
        let delivered = Delivered {
            stream_seq: seq,
            consumer_seq: entry.first,
            // As the peer counts them: those that came again, and at least one.
            deliveries: u64::from(entry.deliveries.saturating_sub(1).max(1)),
        };
        out.push(Effect::Event(Event::Terminated { delivered, reason: DELETED.to_owned() }));
    }

    /// Nothing is known of it any more.
    pub(crate) fn forget(&mut self, seq: u64) {
        if let Some(entry) = self.pending.get(seq).copied() {
            self.drop_pending(seq);
            self.move_floor(entry.first, seq);
        } else if self.exceeded.remove(&seq) {
            self.changes.mark(seq, self.pending.len());
        }
    }

    /// The stream was purged: of what a subject matches, or of everything. What is left of it is left. To be said once,
    /// instead of each message that went.
    ///
    /// Whoever wants nothing else stands before what is left of that now; whoever wants more before what is left of the
    /// stream at least, and forgets what is gone. What waited to be acknowledged and is gone counts as acknowledged then.
    ///
    /// `from` is zero at first, and how far it came afterwards. Says whether that is all; if not, it is to be said again,
    /// and nothing else before.
    pub fn on_purged(
        &mut self,
        at: &Now,
        subject: Option<&[u8]>,
        index: &StreamIndex,
        from: &mut u64,
        steps: &mut Steps,
    ) -> bool {
        let pending = self.pending.len();
        let is_done = self.forget_purged(subject, index, from, steps);
        if self.pending.len() < pending {
            self.last_acked = at.wall;
        }
        is_done
    }

    fn forget_purged(
        &mut self,
        subject: Option<&[u8]>,
        index: &StreamIndex,
        from: &mut u64,
        steps: &mut Steps,
    ) -> bool {
        if *from == 0 {
            match subject {
                None => self.move_to(first_of(index)),
                Some(purged) if self.wants_only(purged) => self.move_to(rest_of(purged, index, steps)),
                Some(_) => {}
            }
        }
        if !self.forget_some(index, from, steps) {
            return false;
        }
        if subject.is_some_and(|purged| self.wants_some(purged)) {
            self.move_to(first_of(index));
        }
        if subject.is_none_or(|purged| self.wants_some(purged)) {
            if self.pending.is_empty() {
                self.floor = self.delivered;
            }
            self.recount();
            self.changes.mark_all();
        }
        self.waits.trim(&self.pending);
        true
    }

    fn wants_only(&self, purged: &[u8]) -> bool {
        let filter = &self.settings.filter;
        !filter.is_all() && filter.texts().all(|filter| filter_contains(purged, filter))
    }

    fn wants_some(&self, purged: &[u8]) -> bool {
        let filter = &self.settings.filter;
        filter.is_all() || filter.texts().any(|filter| filters_overlap(purged, filter))
    }

    /// Moves to that sequence: of what lies before nothing is left that it wants.
    fn move_to(&mut self, rest: u64) {
        if self.lasts.is_some() {
            return;
        }
        self.cursor = self.cursor.max(rest);
        if self.floor.stream < rest {
            self.floor.stream = rest - 1;
            self.pending.take_through(rest - 1, |mut entry| {
                self.again.forget(&mut entry);
                self.lanes.iter_mut().for_each(|lanes| lanes.remove(entry.seq));
                self.floor.consumer = self.floor.consumer.max(entry.first);
            });
        }
        self.delivered.stream = self.delivered.stream.max(self.cursor - 1);
    }

    /// Forgets what it waits for that is not in the stream any more, also what it wanted before its filters changed. To be
    /// said when it was found again, and its stream.
    pub fn forget_gone(&mut self, index: &StreamIndex) {
        self.forget_some(index, &mut 0, &mut Steps::new(u32::MAX));
    }

    /// The same of those behind a sequence, as far as the steps go. Says whether that is all.
    fn forget_some(&mut self, index: &StreamIndex, behind: &mut u64, steps: &mut Steps) -> bool {
        loop {
            let pending = self.pending.next_after(*behind).map(|entry| entry.seq);
            let exceeded = self.exceeded.range(*behind + 1..).next().copied();
            let Some(seq) = pending.into_iter().chain(exceeded).min() else { return true };
            // One is looked at in any case, so that whoever goes on gets on.
            steps.spend(LOOK_STEPS);
            *behind = seq;
            if index.get(seq).is_none() {
                self.forget(seq);
            }
            if steps.left() == 0 {
                return false;
            }
        }
    }

    /// Counts again what is before it, and makes the list of last messages again if it stands there.
    pub(crate) fn recount(&mut self) {
        self.backlog = Backlog::from(self.cursor);
        if let Some(resume) = self.lasts.as_ref().map(|lasts| lasts.resume()) {
            self.list_again(self.delivered.stream + 1, resume);
        }
    }
}

/// The first message of the stream, or behind all.
fn first_of(index: &StreamIndex) -> u64 {
    index.state().first_seq.max(1)
}

/// The first message that is left of what was purged, or behind all. Where that takes a long walk, not quite so far.
fn rest_of(purged: &[u8], index: &StreamIndex, steps: &mut Steps) -> u64 {
    match index.next(&Filter::new([purged]), 1, steps) {
        Walk::Found(row) => row.seq,
        Walk::More(seq) => seq,
        Walk::End => index.last_seq() + 1,
    }
}
