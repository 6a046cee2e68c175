//! A stream out of its records.
//!
//! A log gives back all that is not buried, and perhaps some of what is. Before a whole state nothing was ever buried:
//! there each event is applied. A state tells which messages of those before its head are there, whatever else was
//! given back; from its head on all events are applied again. As nobody knows whether a state will come, both are
//! prepared for: what events make of the stream, and messages as they are found. Messages that a footer of the log tells
//! of are taken as they are there, some thousand at once.

use std::collections::{BTreeMap, BTreeSet};

use log_format::{Item, Kind, Record};
use stream_index::{Filter, Place, Steps, StreamIndex, Stretch, Walk};

use crate::event::{Arrival, Change, Event, is_last_part};
use crate::saved::{Head, Part};
use crate::sizes::RECORD_SIZES;
use crate::{BadRecord, Effect, Stream, StreamMeta};

/// A stream that is being found again.
#[derive(Debug)]
pub struct Rebuild<W> {
    /// What all events so far make of it, if no state was found.
    by_events: Option<Stream<W>>,
    /// What it is configured to be.
    meta: StreamMeta,
    /// All messages that were found before the head of the last whole state, whether they are gone or not; before there is
    /// one, those before the head of one that began.
    found: StreamIndex,
    /// When those end that said so.
    ends: BTreeMap<u64, i64>,
    /// Records that are no messages, before the head of the last whole state or what may be one.
    others: Vec<Place>,
    /// Configurations, and the first of them if its place was told.
    metas: Vec<Place>,
    first_meta: Option<Place>,
    /// Parts of states that never were whole.
    orphans: Vec<Place>,
    /// Messages that were deleted and whose bytes were to be overwritten.
    erased: Vec<Place>,
    state: Option<State>,
    /// A state that began, and is not whole yet.
    begun: Option<State>,
    effects: Vec<Effect<W>>,
}

/// A state, and what came behind its head.
#[derive(Debug)]
struct State {
    meta: StreamMeta,
    head: Head,
    holes: Vec<(u64, u64)>,
    /// Messages that are for later, and when.
    times: Vec<(u64, i64)>,
    /// Sources, and how far the stream is with them.
    sources: Vec<(Box<[u8]>, u64)>,
    ids: Vec<([u8; 16], u64, i64)>,
    parts: Vec<Place>,
    since: Vec<Since>,
    /// How much of what came since the state before it came before its own head.
    behind: usize,
}

#[derive(Clone, Debug)]
enum Since {
    Event(Box<Event>, Place),
    Messages(Stretch),
}

impl<W> Rebuild<W> {
    /// Of the stream with that meta, which is its first one in the log.
    pub fn new(meta: StreamMeta) -> Self {
        Self {
            by_events: Some(Stream::new(meta.clone())),
            meta,
            found: StreamIndex::new(1),
            ends: BTreeMap::new(),
            others: Vec::new(),
            metas: Vec::new(),
            first_meta: None,
            orphans: Vec::new(),
            erased: Vec::new(),
            state: None,
            begun: None,
            effects: Vec::new(),
        }
    }

    /// Where that meta lies: see [`Stream::note_first_meta`].
    pub fn note_first_meta(&mut self, place: Place) {
        self.first_meta = Some(place);
    }

    /// When it was made, if a later meta says something else than the first one.
    pub fn note_created(&mut self, created: i64) {
        self.meta.created = created;
        if let Some(stream) = &mut self.by_events {
            stream.set_created(created);
        }
    }

    /// A record of the stream, in the order in which they were appended first.
    ///
    /// # Errors
    /// It is none of a stream's, or of a version that is not known: the stream must not be served.
    pub fn on_record(&mut self, record: &Record<'_>, place: Place) -> Result<(), BadRecord> {
        self.take(record, record.written_len(), place)
    }

    /// The same, of what a log knows without having read it perhaps.
    ///
    /// # Errors
    /// The same.
    pub fn on_item(&mut self, item: Item<'_>) -> Result<(), BadRecord> {
        match item {
            Item::Record { place, record, len } => self.take(record, len, place),
            Item::Messages(messages) => self.on_messages(messages),
        }
    }

    /// A record that takes so many bytes.
    fn take(&mut self, record: &Record<'_>, len: usize, place: Place) -> Result<(), BadRecord> {
        if matches!(record.kind, Kind::STREAM_STATE | Kind::DEDUP_CHUNK) {
            let part = Part::read(record)?;
            let is_last = record.kind == Kind::DEDUP_CHUNK && is_last_part(record.payload);
            self.on_part(part, is_last, place);
            return Ok(());
        }
        let mut event = Event::read_part(record, len, self.meta.config.storage)?;
        match &event.change {
            Change::Message(arrival) if arrival.is_stored => {
                let is_behind = event.seq > self.found.last_seq();
                if !(is_behind && self.has_state()) {
                    self.on_message(&event, arrival, place);
                }
            }
            Change::Updated(config) => {
                self.meta.config = (**config).clone();
                self.meta.is_whole = true;
                self.metas.push(place);
            }
            change => {
                if let Change::Removed { erase: true } = change {
                    self.erased.extend(self.found.get(event.seq).map(|row| row.place));
                }
                self.others.push(place);
            }
        }
        let is_repeated = event.is_message()
            && self.by_events.as_ref().is_some_and(|stream| event.seq <= stream.index().last_seq());
        let has_state = self.has_state();
        if let Some(stream) = self.by_events.as_mut().filter(|_| !is_repeated) {
            // It is over what followed from it; and nothing is buried without a state.
            let kept = has_state.then(|| event.clone());
            stream.replay_event(event, place, &mut self.effects);
            self.effects.clear();
            let Some(kept) = kept else { return Ok(()) };
            event = kept;
        }
        for state in self.state.iter_mut().chain(&mut self.begun) {
            state.since.push(Since::Event(Box::new(event.clone()), place));
        }
        Ok(())
    }

    fn has_state(&self) -> bool {
        self.state.is_some() || self.begun.is_some()
    }

    /// Messages of a footer.
    fn on_messages(&mut self, messages: Stretch) -> Result<(), BadRecord> {
        if !self.has_state() || messages.first_seq() <= self.found.last_seq() {
            self.find(&messages)?;
        }
        if let Some(stream) = &mut self.by_events {
            replay_messages(stream, &messages, &mut self.effects)?;
            self.effects.clear();
        }
        for state in self.state.iter_mut().chain(&mut self.begun) {
            state.since.push(Since::Messages(messages.clone()));
        }
        Ok(())
    }

    /// Adds messages to those that were found; of those that were before, it is known where they lie now.
    fn find(&mut self, messages: &Stretch) -> Result<(), BadRecord> {
        let has_state = self.has_state();
        if !has_state && self.found.append(messages, RECORD_SIZES) {
            return Ok(());
        }
        let last_seq = if has_state { self.found.last_seq() } else { u64::MAX };
        for (place, record, len) in messages.each().take_while(|(_, record, _)| record.seq <= last_seq) {
            let event = Event::read_part(&record, len, self.meta.config.storage)?;
            if let Change::Message(arrival) = &event.change {
                self.on_message(&event, arrival, place);
            }
        }
        Ok(())
    }

    fn on_message(&mut self, event: &Event, arrival: &Arrival, place: Place) {
        if event.seq <= self.found.last_seq() {
            self.found.move_to(event.seq, place);
            return;
        }
        let time = self.found.last_time().map_or(event.time, |last| last.max(event.time));
        self.found.push(event.seq, time, arrival.size, &arrival.subject, place, arrival.flags);
        if let Some(ends) = arrival.ends {
            self.ends.insert(event.seq, ends);
        }
    }

    fn on_part(&mut self, part: Part, is_last: bool, place: Place) {
        match (part, &mut self.begun) {
            (Part::Head(head), begun) => {
                let meta = self.meta.clone();
                // What another one had begun is over.
                let before = begun.take();
                let behind = self.state.as_ref().map_or(0, |state| state.since.len());
                let (holes, times, sources, ids) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
                let (since, parts) = (Vec::new(), vec![place]);
                *begun = Some(State { meta, head, holes, times, sources, ids, parts, since, behind });
                if let Some(before) = before {
                    self.orphans.extend(before.parts);
                    if self.state.is_none() {
                        self.take_in(before.since);
                    }
                }
            }
            (_, None) => self.orphans.push(place),
            (Part::Holes(holes), Some(begun)) => {
                begun.holes.extend(holes);
                begun.parts.push(place);
            }
            (Part::Times(times), Some(begun)) => {
                begun.times.extend(times);
                begun.parts.push(place);
            }
            (Part::Sources(sources), Some(begun)) => {
                begun.sources.extend(sources);
                begun.parts.push(place);
            }
            (Part::Ids(ids), Some(begun)) => {
                begun.ids.extend(ids);
                begun.parts.push(place);
                if is_last {
                    self.end_state();
                }
            }
        }
    }

    /// A state is whole: what it says counts, and nothing before its head.
    fn end_state(&mut self) {
        let Some(mut state) = self.begun.take() else { return };
        state.holes.sort_unstable();
        if let Some(mut before) = self.state.take() {
            self.others.append(&mut before.parts);
            before.since.truncate(state.behind);
            self.take_in(before.since);
        }
        self.by_events = None;
        self.state = Some(state);
    }

    /// Messages that came behind a head that does not count any more.
    fn take_in(&mut self, since: Vec<Since>) {
        for one in since {
            match one {
                Since::Event(event, place) => {
                    if let Change::Message(arrival) = &event.change
                        && arrival.is_stored
                    {
                        self.on_message(&event, arrival, place);
                    }
                }
                Since::Messages(messages) => {
                    if !self.found.append(&messages, RECORD_SIZES) {
                        self.take_in_each(&messages);
                    }
                }
            }
        }
    }

    fn take_in_each(&mut self, messages: &Stretch) {
        for (place, record, len) in messages.each() {
            // They were read before.
            let Ok(event) = Event::read_part(&record, len, self.meta.config.storage) else { continue };
            if let Change::Message(arrival) = &event.change {
                self.on_message(&event, arrival, place);
            }
        }
    }

    /// The stream, and which records nobody needs: no other effects are told. If consumers keep its messages, those that
    /// nobody needs by now are to be released.
    pub fn finish(mut self, effects: &mut Vec<Effect<W>>) -> Stream<W> {
        self.orphans.extend(self.begun.take().into_iter().flat_map(|begun| begun.parts));
        let orphans = std::mem::take(&mut self.orphans);
        let (metas, first_meta) = (std::mem::take(&mut self.metas), self.first_meta);
        let erased = std::mem::take(&mut self.erased);
        let mut stream = match (self.state.take(), self.by_events.take()) {
            (Some(state), _) => self.restored(state, effects),
            (None, by_events) => by_events.expect("it is given up for a state only"),
        };
        orphans.into_iter().for_each(|place| stream.graves.note_orphan(place));
        metas.into_iter().for_each(|place| stream.graves.note_meta(place));
        first_meta.into_iter().for_each(|place| stream.note_first_meta(place));
        stream.erased.extend(erased);
        stream
    }

    /// The stream as a state has it, and then by what is behind.
    fn restored(mut self, state: State, effects: &mut Vec<Effect<W>>) -> Stream<W> {
        let State { meta, head, holes, times, sources, ids, parts, since, .. } = state;
        let mut dead = std::mem::take(&mut self.others);
        let mut stream = Stream::new(meta);
        stream.index = self.found_up_to(head.last_seq);
        for (start, end) in holes {
            take_hole(&mut stream.index, start, end, &mut dead);
        }
        stream.index.forget_dead();
        for (seq, ends) in std::mem::take(&mut self.ends) {
            if seq <= head.last_seq && stream.index.get(seq).is_some() {
                stream.calendar.insert(seq, ends);
            }
        }
        for (seq, due) in times {
            if seq <= head.last_seq
                && let Some(row) = stream.index.get(seq)
            {
                stream.timetable.insert(seq, stream.index.subject(row.subject), due, row.time);
            }
        }
        stream.index.skip_to(head.last_seq, head.last_time);
        sources.into_iter().for_each(|(source, seq)| stream.positions.restore(source, seq));
        for (hash, seq, time) in ids {
            stream.dedup.insert(hash, seq, time);
        }
        stream.is_fresh = head.is_fresh;
        stream.last_id = head.last_id;
        parts.into_iter().for_each(|place| stream.graves.note_part(place));
        stream.graves.end_state();
        stream.look_ahead();
        // Those behind the head have a life of their own.
        let place_of = |since: &Since| match since {
            Since::Event(_, place) => Some(*place),
            Since::Messages(_) => None,
        };
        let behind: BTreeSet<Place> = since.iter().filter_map(place_of).collect();
        effects.extend(dead.into_iter().filter(|place| !behind.contains(place)).map(Effect::Bury));
        for one in since {
            match one {
                Since::Event(event, _) if event.is_message() && event.seq <= stream.index.last_seq() => {}
                Since::Event(event, place) => {
                    if let Change::Removed { erase: true } = event.change {
                        let row = stream.index.get(event.seq);
                        stream.erased.extend(row.map(|row| row.place));
                    }
                    stream.replay_event(*event, place, effects);
                }
                // All of them were read before.
                Since::Messages(messages) => _ = replay_messages(&mut stream, &messages, effects),
            }
        }
        stream.finish_work(effects);
        effects.retain(|effect| matches!(effect, Effect::Bury(_)));
        stream
    }

    /// The messages that were found up to a sequence.
    fn found_up_to(&mut self, last_seq: u64) -> StreamIndex {
        let found = std::mem::replace(&mut self.found, StreamIndex::new(1));
        if found.last_seq() <= last_seq {
            return found;
        }
        // No state that was written as it should be knows less than what is before its head.
        let (mut index, mut from) = (StreamIndex::new(1), 0);
        while let Walk::Found(row) = found.next(&Filter::all(), from, &mut Steps::new(u32::MAX)) {
            from = row.seq + 1;
            if row.seq > last_seq {
                break;
            }
            index.push(row.seq, row.time, row.size, found.subject(row.subject), row.place, row.flags);
        }
        index
    }
}

/// Nothing is there between two sequences: where that was which is found there.
fn take_hole(index: &mut StreamIndex, start: u64, end: u64, dead: &mut Vec<Place>) {
    let mut from = start;
    while let Walk::Found(row) = index.next(&Filter::all(), from, &mut Steps::new(u32::MAX)) {
        from = row.seq + 1;
        if row.seq > end {
            break;
        }
        index.remove(row.seq);
        dead.push(row.place);
    }
}

/// Applies messages of a footer, but for those that are there already.
fn replay_messages<W>(
    stream: &mut Stream<W>,
    messages: &Stretch,
    effects: &mut Vec<Effect<W>>,
) -> Result<(), BadRecord> {
    if stream.replay_messages(messages, effects) {
        return Ok(());
    }
    for (place, record, len) in messages.each().filter(|(_, record, _)| record.seq > 0) {
        if record.seq > stream.index.last_seq() {
            let event = Event::read_part(&record, len, stream.meta.config.storage)?;
            stream.replay_event(event, place, effects);
        }
    }
    Ok(())
}
