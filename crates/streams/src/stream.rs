//! A stream: what of it is committed, and what waits to be.

use std::collections::VecDeque;

use js_proto::StreamConfig;
use log_format::Record;
use stream_index::{Place, State, StreamIndex};

use crate::calendar::Calendar;
use crate::command::SEQUENCE_MAX;
use crate::dedup::Dedup;
use crate::event::{Event, Staged};
use crate::expiry::Expiry;
use crate::fast_batches::FastBatches;
use crate::graves::Graves;
use crate::lookup::Lookup;
use crate::open_batches::OpenBatches;
use crate::positions::Positions;
use crate::rules::Rules;
use crate::staged_fast::StagedFast;
use crate::staged_unit::StagedUnit;
use crate::tail::Tail;
use crate::timetable::Timetable;
use crate::view::View;
use crate::work::{Leaving, Work};
use crate::{Answer, BadRecord, Effect, StreamMeta};

/// One stream. `W` is what stands for somebody who waits for an answer.
#[derive(Debug)]
pub struct Stream<W> {
    pub(crate) meta: StreamMeta,
    pub(crate) rules: Rules,
    pub(crate) index: StreamIndex,
    pub(crate) dedup: Dedup,
    pub(crate) calendar: Calendar,
    pub(crate) timetable: Timetable,
    pub(crate) positions: Positions,
    /// The id of the last message, empty if it had none.
    pub(crate) last_id: Box<[u8]>,
    /// Nothing ever happened to it but updates, and it was not told where to begin.
    pub(crate) is_fresh: bool,
    pub(crate) tail: Tail<W>,
    /// What the tail comes to.
    pub(crate) ahead: Ahead,
    /// What is left of events that were applied.
    pub(crate) work: VecDeque<Work<W>>,
    pub(crate) leaving: Option<Leaving>,
    /// Messages that were found again and are gone, whose bytes were to be overwritten.
    pub(crate) erased: Vec<Place>,
    pub(crate) expiry: Expiry,
    pub(crate) graves: Graves,
    /// What somebody expects is being looked for.
    pub(crate) lookup: Option<Box<Lookup>>,
    /// What was decided, until it is appended.
    pub(crate) staged: Option<Staged>,
    /// The same of a batch.
    pub(crate) unit: Option<StagedUnit>,
    /// Those that are not whole yet.
    pub(crate) batches: OpenBatches,
    /// A message of a fast batch, until it is appended.
    pub(crate) staged_fast: Option<StagedFast>,
    /// Batches whose messages are stored one by one.
    pub(crate) fast: FastBatches,
    pub(crate) scratch: Scratch,
    /// What it was at a moment is being told.
    pub(crate) view: Option<Box<View>>,
}

/// Where the stream will be once the tail is committed.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    pub(crate) last_seq: u64,
    pub(crate) last_time: i64,
    /// The id of the last message of the tail, if that has messages.
    pub(crate) last_id: Option<Box<[u8]>>,
}

/// Texts of a decision.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) subject: Vec<u8>,
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

impl<W> Stream<W> {
    /// A new stream.
    pub fn new(meta: StreamMeta) -> Self {
        let index = StreamIndex::new(meta.config.first_seq.min(SEQUENCE_MAX));
        let mut stream = Self {
            rules: if meta.is_whole { Rules::new(&meta.config) } else { Rules::lax(&meta.config) },
            dedup: Dedup::new(meta.id_key),
            index,
            calendar: Calendar::default(),
            timetable: Timetable::default(),
            positions: Positions::default(),
            last_id: Box::default(),
            is_fresh: meta.config.first_seq == 0,
            tail: Tail::default(),
            ahead: Ahead::default(),
            work: VecDeque::new(),
            leaving: None,
            erased: Vec::new(),
            expiry: Expiry::default(),
            graves: Graves::default(),
            lookup: None,
            staged: None,
            unit: None,
            batches: OpenBatches::default(),
            staged_fast: None,
            fast: FastBatches::default(),
            scratch: Scratch::default(),
            view: None,
            meta,
        };
        stream.positions.configure(&stream.meta.config);
        stream.look_ahead();
        stream
    }

    /// Who it is.
    pub fn meta(&self) -> &StreamMeta {
        &self.meta
    }

    /// How it is configured.
    pub fn config(&self) -> &StreamConfig {
        &self.meta.config
    }

    /// What is committed of it: all that readers may see. Not while it [is busy](Self::is_busy).
    pub fn index(&self) -> &StreamIndex {
        &self.index
    }

    /// Its counters as nats-server shows them: a stream to which nothing ever happened has no first sequence, unless
    /// one is configured.
    pub fn state(&self) -> State {
        let state = self.index.state();
        if self.is_fresh && state.last_seq == 0 { State { first_seq: 0, ..state } } else { state }
    }

    /// Whether [`decide`](Self::decide) said *later* for nothing but want of time: it may be asked again in the next turn.
    pub fn is_looking(&self) -> bool {
        self.lookup.is_some()
    }

    /// Where messages lie that were deleted before it was found again, and whose bytes were to be overwritten: a crash may
    /// have come before that.
    pub fn take_erased(&mut self) -> Vec<Place> {
        std::mem::take(&mut self.erased)
    }

    /// Events that are not committed yet.
    pub fn uncommitted(&self) -> usize {
        self.tail.len()
    }

    /// Messages that are not committed yet, and their bytes.
    pub fn unstored(&self) -> (u64, u64) {
        (self.tail.messages, self.tail.bytes)
    }

    /// What was decided last was logged there.
    ///
    /// # Panics
    ///
    /// Nothing was.
    pub fn on_appended(&mut self, place: Place, waiter: Option<W>) {
        let Staged { event, is_expiry } = self.staged.take().expect("something was decided");
        self.note_appended(&event);
        self.tail.push(event, place, waiter);
        if is_expiry {
            self.expiry.note_appended(self.tail.len());
        }
    }

    /// What is decided from here on knows of an event.
    pub(crate) fn note_appended(&mut self, event: &Event) {
        self.ahead.note(event);
        self.note_id(event);
        self.note_under_way(event);
    }

    /// Somebody is told that once all that was decided so far is committed.
    pub fn defer(&mut self, waiter: W, answer: Answer, effects: &mut Vec<Effect<W>>) {
        if let Some((to, answer)) = self.tail.defer(waiter, answer) {
            effects.push(Effect::Answer { to, answer });
        }
    }

    /// The first event of the tail is committed. Says whether there was one.
    pub fn commit(&mut self, effects: &mut Vec<Effect<W>>) -> bool {
        self.finish_work(effects);
        let Some(entry) = self.tail.pop() else { return false };
        self.apply(entry.event, entry.place, entry.waiter, effects);
        let behind = entry.behind.into_iter().map(|(to, answer)| Effect::Answer { to, answer });
        effects.extend(behind);
        true
    }

    /// Applies a committed record that this stream did not decide. A message that is there already lies elsewhere now.
    ///
    /// # Errors
    /// It is none of a stream's, or of a version that is not known: nothing was done, and the stream must not go on.
    pub fn replay(
        &mut self,
        record: &Record<'_>,
        place: Place,
        effects: &mut Vec<Effect<W>>,
    ) -> Result<(), BadRecord> {
        debug_assert!(self.tail.is_empty(), "who decides does not replay");
        let event = Event::read(record, self.meta.config.storage)?;
        if event.is_message() && event.seq <= self.index.last_seq() {
            self.index.move_to(event.seq, place);
        } else {
            self.replay_event(event, place, effects);
        }
        Ok(())
    }

    pub(crate) fn replay_event(&mut self, event: Event, place: Place, effects: &mut Vec<Effect<W>>) {
        self.finish_work(effects);
        self.note_id(&event);
        self.apply(event, place, None, effects);
        self.look_ahead();
    }

    /// Forgets all that is not committed but the first so many events. Gives those who waited for the others.
    pub fn drop_tail(&mut self, keep: usize) -> Vec<W> {
        let dropped = self.tail.drop_behind(keep);
        (self.staged, self.unit, self.staged_fast) = (None, None, None);
        // Nobody is to be told of messages that are forgotten.
        self.fast.clear();
        self.expiry.start_again();
        self.timetable.forget_under_way();
        self.look_ahead();
        self.dedup.drop_from(self.ahead.last_seq + 1);
        let waiters = dropped.into_iter().flat_map(|entry| {
            let behind = entry.behind.into_iter().map(|(waiter, _)| waiter);
            entry.waiter.into_iter().chain(behind)
        });
        waiters.collect()
    }

    /// Where committed state and tail lead.
    pub(crate) fn look_ahead(&mut self) {
        let mut ahead = Ahead {
            last_seq: self.index.last_seq(),
            last_time: self.index.last_time().unwrap_or(i64::MIN),
            last_id: None,
        };
        for event in self.tail.events() {
            ahead.note(event);
        }
        self.ahead = ahead;
    }

    /// The time of an event that is decided at that time: times never go back.
    pub(crate) fn time_at(&self, now: i64) -> i64 {
        now.max(self.ahead.last_time)
    }

    pub(crate) fn stage(&mut self, event: Event, is_expiry: bool) {
        self.staged = Some(Staged { event, is_expiry });
    }

    fn note_id(&mut self, event: &Event) {
        let Some(window) = self.rules.id_window else { return };
        event.each_arrival(|seq, arrival| {
            if let Some((hash, _)) = arrival.id {
                self.dedup.expire(event.time, window);
                self.dedup.insert(hash, seq, event.time);
            }
        });
    }
}

impl Ahead {
    fn note(&mut self, event: &Event) {
        self.last_time = self.last_time.max(event.time);
        self.last_seq = event.last_seq_after(self.last_seq);
        if let Some(id) = event.id_text() {
            self.last_id = Some(id.into());
        }
    }
}
