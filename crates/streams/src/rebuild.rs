//! A stream out of its records.
//!
//! A log gives back all that is not buried, and perhaps some of what is. Before a whole state nothing was ever buried:
//! there each event is applied. A state tells which messages of those before its head are there, whatever else was
//! given back; from its head on all events are applied again. As nobody knows whether a state will come, both are
//! prepared for: what events make of the stream, and messages as they are found.

use std::collections::{BTreeMap, BTreeSet};

use log_format::{Kind, Record};
use stream_index::{Filter, Place, Steps, StreamIndex, Walk};

use crate::event::{Arrival, Change, Event, is_last_part};
use crate::saved::{Head, Part};
use crate::{BadRecord, Effect, Stream, StreamMeta};

/// A stream that is being found again.
#[derive(Debug)]
pub struct Rebuild<W> {
    /// What all events so far make of it, if no state was found.
    by_events: Option<Stream<W>>,
    /// What it is configured to be.
    meta: StreamMeta,
    /// All messages that were found, whether they are gone or not, but for those that a state knew of.
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
    ids: Vec<([u8; 16], u64, i64)>,
    parts: Vec<Place>,
    since: Vec<(Event, Place)>,
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
            state: None,
            begun: None,
            effects: Vec::new(),
        }
    }

    /// Where that meta lies: see [`Stream::note_first_meta`].
    pub fn note_first_meta(&mut self, place: Place) {
        self.first_meta = Some(place);
    }

    /// A record of the stream, in the order in which they were appended first.
    ///
    /// # Errors
    /// It is none of a stream's, or of a version that is not known: the stream must not be served.
    pub fn on_record(&mut self, record: &Record<'_>, place: Place) -> Result<(), BadRecord> {
        if matches!(record.kind, Kind::STREAM_STATE | Kind::DEDUP_CHUNK) {
            let part = Part::read(record)?;
            let is_last = record.kind == Kind::DEDUP_CHUNK && is_last_part(record.payload);
            self.on_part(part, is_last, place);
            return Ok(());
        }
        let mut event = Event::read(record, self.meta.config.storage)?;
        match &event.change {
            Change::Message(arrival) if arrival.is_stored => self.on_message(&event, arrival, place),
            Change::Updated(config) => {
                self.meta.config = (**config).clone();
                self.metas.push(place);
            }
            _ => self.others.push(place),
        }
        let is_repeated = event.is_message()
            && self.by_events.as_ref().is_some_and(|stream| event.seq <= stream.index().last_seq());
        let has_state = self.state.is_some() || self.begun.is_some();
        if let Some(stream) = self.by_events.as_mut().filter(|_| !is_repeated) {
            // It is over what followed from it; and nothing is buried without a state.
            let kept = has_state.then(|| event.clone());
            stream.replay_event(event, place, &mut self.effects);
            self.effects.clear();
            let Some(kept) = kept else { return Ok(()) };
            event = kept;
        }
        for state in self.state.iter_mut().chain(&mut self.begun) {
            state.since.push((event.clone(), place));
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
                let (holes, ids, since) = (Vec::new(), Vec::new(), Vec::new());
                let meta = self.meta.clone();
                // What another one had begun is over.
                self.orphans.extend(begun.take().into_iter().flat_map(|begun| begun.parts));
                *begun = Some(State { meta, head, holes, ids, parts: vec![place], since });
            }
            (_, None) => self.orphans.push(place),
            (Part::Holes(holes), Some(begun)) => {
                begun.holes.extend(holes);
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
        self.others.extend(self.state.take().into_iter().flat_map(|before| before.parts));
        self.by_events = None;
        self.state = Some(state);
    }

    /// The stream, and which records nobody needs: no other effects are told. If consumers keep its messages, those that
    /// nobody needs by now are to be released.
    pub fn finish(mut self, effects: &mut Vec<Effect<W>>) -> Stream<W> {
        self.orphans.extend(self.begun.take().into_iter().flat_map(|begun| begun.parts));
        let orphans = std::mem::take(&mut self.orphans);
        let (metas, first_meta) = (std::mem::take(&mut self.metas), self.first_meta);
        let mut stream = match (self.state.take(), self.by_events.take()) {
            (Some(state), _) => self.restored(state, effects),
            (None, by_events) => by_events.expect("it is given up for a state only"),
        };
        orphans.into_iter().for_each(|place| stream.graves.note_orphan(place));
        metas.into_iter().for_each(|place| stream.graves.note_meta(place));
        first_meta.into_iter().for_each(|place| stream.note_first_meta(place));
        stream
    }

    /// The stream as a state has it, and then by what is behind.
    fn restored(self, state: State, effects: &mut Vec<Effect<W>>) -> Stream<W> {
        let State { meta, head, holes, ids, parts, since } = state;
        let mut stream = Stream::new(meta);
        stream.index = StreamIndex::new(1);
        let mut dead = self.others;
        let mut from = 0;
        while let Walk::Found(row) = self.found.next(&Filter::all(), from, &mut Steps::new(u32::MAX)) {
            from = row.seq + 1;
            if row.seq > head.last_seq {
                break;
            }
            if is_in(&holes, row.seq) {
                dead.push(row.place);
                continue;
            }
            let subject = self.found.subject(row.subject);
            stream.index.push(row.seq, row.time, row.size, subject, row.place, row.flags);
            if let Some(ends) = self.ends.get(&row.seq) {
                stream.calendar.insert(row.seq, *ends);
            }
        }
        stream.index.skip_to(head.last_seq, head.last_time);
        for (hash, seq, time) in ids {
            stream.dedup.insert(hash, seq, time);
        }
        stream.is_fresh = head.is_fresh;
        stream.last_id = head.last_id;
        parts.into_iter().for_each(|place| stream.graves.note_part(place));
        stream.graves.end_state();
        stream.look_ahead();
        // Those behind the head have a life of their own.
        let behind: BTreeSet<Place> = since.iter().map(|(_, place)| *place).collect();
        effects.extend(dead.into_iter().filter(|place| !behind.contains(place)).map(Effect::Bury));
        for (event, place) in since {
            if !(event.is_message() && event.seq <= stream.index.last_seq()) {
                stream.replay_event(event, place, effects);
            }
        }
        stream.finish_work(effects);
        effects.retain(|effect| matches!(effect, Effect::Bury(_)));
        stream
    }
}

/// Whether one of the ranges, which are in order, has it.
fn is_in(ranges: &[(u64, u64)], seq: u64) -> bool {
    let behind = ranges.partition_point(|(start, _)| *start <= seq);
    behind.checked_sub(1).is_some_and(|at| seq <= ranges[at].1)
}
