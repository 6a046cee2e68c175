//! Records that nobody needs any more once a state says so.
//!
//! Which messages are gone follows from records: of removals, of those that came later, of what consumers
//! acknowledged. A log that gave some of these back, and not yet all that they took out, would bring messages to life
//! again. So a record of a file stream is buried only when a state is committed that knows what it led to; then the
//! order in which a log gives things back does not matter. Streams in memory end with the server, and bury at once.

use std::collections::BTreeSet;

use js_proto::Storage;
use log_format::{Kind, Record};
use stream_index::Place;

use crate::work::Work;
use crate::{Effect, Stream};

/// With fewer records to be buried no state is written. Tests have fewer, to see many states.
const STATE_AFTER: u64 = if cfg!(test) { 4 } else { 8_192 };

/// Places that are dropped in one step, of each kind.
const DROPPED_AT_ONCE: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct Graves {
    /// Records that were not needed any more when the last state was begun, or since.
    dead: BTreeSet<Place>,
    /// Those that the state knows of that is being written.
    covered: BTreeSet<Place>,
    /// Parts of that state.
    parts: BTreeSet<Place>,
    /// Parts of the one before.
    parts_before: BTreeSet<Place>,
    /// Configurations: the first and all updates.
    metas: BTreeSet<Place>,
    /// The first one is among them.
    knows_first_meta: bool,
    /// One is to be written, however little it frees.
    is_state_wanted: bool,
    /// Messages were released that only consumers' records tell of.
    has_releases: bool,
    /// The state that is being written tells of some.
    covers_releases: bool,
}

impl Graves {
    fn sets(&mut self) -> [&mut BTreeSet<Place>; 4] {
        [&mut self.dead, &mut self.covered, &mut self.parts, &mut self.parts_before]
    }

    /// The stream is gone: gives some memory back. Says whether there is more.
    pub(crate) fn discard_some(&mut self) -> bool {
        let mut has_more = false;
        for places in self.sets() {
            for _ in 0..DROPPED_AT_ONCE {
                places.pop_first();
            }
            has_more |= !places.is_empty();
        }
        has_more
    }

    /// Records that a state would free.
    fn waiting(&self) -> u64 {
        (self.dead.len() + self.covered.len()) as u64
    }

    /// A record that was never of any use.
    pub(crate) fn note_orphan(&mut self, place: Place) {
        self.dead.insert(place);
    }

    /// Another configuration.
    pub(crate) fn note_meta(&mut self, place: Place) {
        self.metas.insert(place);
    }

    /// A state is begun.
    pub(crate) fn begin_state(&mut self) {
        // What an earlier one did not come to say, this one does.
        self.covered.append(&mut self.dead);
        self.covered.append(&mut self.parts);
        self.is_state_wanted = false;
        self.covers_releases |= std::mem::take(&mut self.has_releases);
    }

    pub(crate) fn note_release(&mut self) {
        self.has_releases = true;
    }

    /// A part of it is committed.
    pub(crate) fn note_part(&mut self, place: Place) {
        self.parts.insert(place);
    }

    /// It is whole. Gives what is not needed any more.
    pub(crate) fn end_state(&mut self) -> [BTreeSet<Place>; 2] {
        self.covers_releases = false;
        let before = std::mem::replace(&mut self.parts_before, std::mem::take(&mut self.parts));
        [std::mem::take(&mut self.covered), before]
    }
}

impl<W> Stream<W> {
    /// Whether a committed record at that place is still needed, by the stream or by who reads the log again.
    pub fn is_live(&mut self, record: &Record<'_>, place: Place) -> bool {
        record.kind == Kind::STREAM_META && self.is_meta(place)
            || self.graves.sets().iter().any(|places| places.contains(&place))
            || record.kind == Kind::MESSAGE
                && self.view.as_ref().is_some_and(|view| view.keeps(record.seq, place))
            || record.kind == Kind::MESSAGE
                && self.index.get(record.seq).is_some_and(|row| row.place == place)
    }

    /// A record lies elsewhere now. Says whether it was still needed, and where it was thought to be: if not, nobody
    /// needs it at its new place.
    pub fn on_moved(&mut self, kind: Kind, seq: u64, from: Place, to: Place) -> bool {
        if kind == Kind::STREAM_META {
            let is_one = self.is_meta(from);
            if self.graves.metas.remove(&from) {
                self.graves.metas.insert(to);
            }
            return is_one;
        }
        if kind == Kind::MESSAGE && self.index.get(seq).is_some_and(|row| row.place == from) {
            self.index.move_to(seq, to);
            return true;
        }
        if kind == Kind::MESSAGE && self.view.as_mut().is_some_and(|view| view.on_moved(seq, from, to)) {
            return true;
        }
        for places in self.graves.sets() {
            if places.remove(&from) {
                return places.insert(to);
            }
        }
        false
    }

    /// Where the record lies that made the stream. Until that is said, every meta record counts as needed, which a log
    /// that has a second copy of one takes for two.
    pub fn note_first_meta(&mut self, place: Place) {
        self.graves.note_meta(place);
        self.graves.knows_first_meta = true;
    }

    /// Where its configurations lie, the first and all updates.
    pub fn meta_places(&self) -> impl Iterator<Item = Place> {
        self.graves.metas.iter().copied()
    }

    fn is_meta(&self, place: Place) -> bool {
        !self.graves.knows_first_meta || self.graves.metas.contains(&place)
    }

    /// So much is to be buried that a state is worth what it takes.
    pub(crate) fn wants_state(&self) -> bool {
        self.graves.is_state_wanted || self.is_worth(self.graves.waiting())
    }

    /// Has a state written as soon as nothing waits, for a log that needs its room or is to be read quickly: at the next
    /// [`expire`](Self::expire). Of streams in memory there is none.
    pub fn want_state(&mut self) {
        self.graves.is_state_wanted = self.meta.config.storage == Storage::File;
    }

    /// Whether messages were [released](Self::release) of which no state tells yet. As long as that is so, records of
    /// consumers that released them must not be buried: have a [state](Self::want_state) written before.
    pub fn has_unsaved_releases(&self) -> bool {
        self.graves.has_releases || self.graves.covers_releases
    }

    /// So much that whatever comes has to wait until one is begun.
    pub(crate) fn needs_state(&self) -> bool {
        self.is_worth(self.graves.waiting() / 16)
    }

    /// Whether a state takes less than so many records. Asked for each message, so what takes long is asked last.
    fn is_worth(&self, records: u64) -> bool {
        records >= STATE_AFTER && records >= STATE_AFTER + self.ranges_max()
    }

    /// A record is not needed any more but to tell what it led to.
    pub(crate) fn note_dead(&mut self, place: Place, effects: &mut Vec<Effect<W>>) {
        if self.meta.config.storage == Storage::File {
            self.graves.dead.insert(place);
        } else {
            effects.push(Effect::Bury(place));
        }
    }

    /// A part of a state is committed, perhaps the last one.
    pub(crate) fn note_state_part(&mut self, place: Place, is_last: bool) {
        self.graves.note_part(place);
        if is_last {
            let places = self.graves.end_state();
            self.work.extend(places.map(Work::Bury));
        }
    }

    /// How many ranges of sequences are without messages, at most.
    fn ranges_max(&self) -> u64 {
        let state = self.index.state();
        state.deleted.min(state.messages)
    }
}
