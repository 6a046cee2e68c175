//! A stream that is told as it was at a moment: see `view.rs`.

use js_proto::Storage;
use stream_index::{Filter, Row, Steps, Walk};

use crate::view::{View, Viewed};
use crate::{Effect, Stream};

/// Messages that are let go of in one call.
const ENDED_AT_ONCE: usize = 4_096;

impl<W> Stream<W> {
    /// From now on what it is at this moment can be told. Says whether that is so: one moment at a time is told, and only of
    /// streams in files, whose records stay for as long.
    pub fn begin_view(&mut self) -> bool {
        if self.view.is_some() || self.meta.config.storage != Storage::File {
            return false;
        }
        self.view = Some(Box::new(View::new(self.index.last_seq())));
        true
    }

    /// Nobody wants to be told any more. Lets some go of what was kept for that, and says whether there is more: then it is
    /// to be called again.
    pub fn end_view(&mut self) -> bool {
        let Some(view) = &mut self.view else { return false };
        let places = view.end_some(ENDED_AT_ONCE);
        let has_more = places.len() == ENDED_AT_ONCE;
        places.into_iter().for_each(|place| self.graves.note_orphan(place));
        if !has_more {
            self.view = None;
        }
        has_more
    }

    /// Whether more went before it was told than can be kept: the moment is lost.
    pub fn is_view_torn(&self) -> bool {
        self.view.as_ref().is_some_and(|view| view.is_torn)
    }

    /// The next message of the moment, which stays the next until it is [passed](Self::pass_viewed).
    pub fn next_viewed(&mut self, steps: &mut Steps) -> Walk<Viewed> {
        let Some(view) = &mut self.view else { return Walk::End };
        let kept = view.first_kept();
        let row = match self.index.next(&Filter::all(), view.next, steps) {
            Walk::Found(row) if row.seq <= view.up_to => row,
            Walk::Found(_) | Walk::End => return kept.map_or(Walk::End, Walk::Found),
            // What is kept may come before what is left to be looked at.
            Walk::More(from) => match kept.filter(|kept| kept.seq < from) {
                Some(kept) => return Walk::Found(kept),
                None => {
                    view.next = from;
                    return Walk::More(from);
                }
            },
        };
        match kept.filter(|kept| kept.seq < row.seq) {
            Some(kept) => Walk::Found(kept),
            None => {
                let subject = self.index.subject(row.subject).into();
                Walk::Found(Viewed { seq: row.seq, time: row.time, place: row.place, subject })
            }
        }
    }

    /// The message of that sequence was told.
    pub fn pass_viewed(&mut self, seq: u64) {
        let passed = self.view.as_mut().and_then(|view| view.pass(seq));
        passed.into_iter().for_each(|place| self.graves.note_orphan(place));
    }

    /// A message is gone. Nobody needs its record any more, unless it is to be told yet.
    pub(crate) fn note_gone(&mut self, row: &Row, effects: &mut Vec<Effect<W>>) {
        let subject = self.index.subject(row.subject);
        if !self.view.as_mut().is_some_and(|view| view.keep(row, subject)) {
            self.note_dead(row.place, effects);
        }
    }
}
