//! Reading what was written long ago, to know whether it is still what was written.
//!
//! Sealed segments are looked at one after the other, each piece by piece, when whoever owns the log says so: one piece at a
//! time, and of none of it is kept more than where it rotted. Whatever becomes of a segment meanwhile comes first: one that is
//! out of reach is left, and a piece that a record was overwritten in is read again.
//!
//! Footers are not looked at: a start finds out what is wrong with them, and makes them anew from what they tell of.

use std::collections::BTreeSet;
use std::sync::Arc;

use log_format::{BATCH_ALIGN, Check, Rot};

use crate::event::{Event, Rotten};
use crate::log::Log;
use crate::request::{DiskError, Span};
use crate::segment::{FIRST_BATCH, Segment, Stage};

/// Bytes that are looked at in one go: twice what a batch usually has. Where a head is damaged one is looked for at each of them,
/// which is a sum over forty bytes each time, and the most that a piece can take.
pub const SCRUB_BYTES: u32 = 64 << 10;

/// Places that are known to be rotten. Of those beyond it is counted that there are more, and no more is said.
pub const ROTTEN_MAX: usize = 1_024;

/// How far it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Bytes that were looked at since the start.
    pub bytes: u64,
    /// How often all segments were.
    pub rounds: u64,
    /// Places that are known to be rotten, in segments that are there.
    pub rotten: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Scrubbing {
    /// The segment that is looked at.
    now: Option<(u32, Check)>,
    /// The last one that was.
    last: u32,
    asked: Option<Span>,
    /// What is being read is to be read again.
    is_stale: bool,
    known: BTreeSet<(u32, u32)>,
    /// Places beyond those, in this round and in the one before.
    more: [u64; 2],
    bytes: u64,
    rounds: u64,
    /// Bytes of sealed segments.
    pub(crate) sealed_bytes: u64,
}

impl Log {
    /// Has the next piece of what was written long ago read and looked at, unless one is being read, or the log has come to an
    /// end. An [`Event::Rotten`] tells of each place that was not known to be rotten.
    pub fn scrub(&mut self) {
        if self.failed.is_some() || self.is_stopping || self.scrubbing.asked.is_some() {
            return;
        }
        if !self.goes_on_in_segment() {
            self.begin_next_segment();
        }
        let Some((segment, check)) = &self.scrubbing.now else { return };
        let (segment, offset) = (*segment, check.at());
        if self.erasures.is_writing(segment) {
            return;
        }
        // It ends where a sector does: what is overwritten between two pieces leaves the sum of both as it was.
        let end = (offset + SCRUB_BYTES) / BATCH_ALIGN as u32 * BATCH_ALIGN as u32;
        let len = end.min(self.segments[&segment].end) - offset;
        let span = Span { segment, offset, len };
        if self.ask_for(span) {
            self.scrubbing.asked = Some(span);
        }
    }

    /// Bytes that a round has to read.
    pub fn bytes_to_scrub(&self) -> u64 {
        self.scrubbing.sealed_bytes
    }

    /// How far it is.
    pub fn scrubbed(&self) -> Scrubbed {
        let Scrubbing { bytes, rounds, known, more, .. } = &self.scrubbing;
        Scrubbed { bytes: *bytes, rounds: *rounds, rotten: known.len() as u64 + more[0].max(more[1]) }
    }

    /// Whether there is more of the segment that is looked at. If not, another one is to come.
    fn goes_on_in_segment(&mut self) -> bool {
        let Some((number, check)) = &self.scrubbing.now else { return false };
        let segment = self.segments.get(number).filter(|segment| segment.stage == Stage::Sealed);
        let goes_on = segment.is_some_and(|segment| check.at() < segment.end);
        if !goes_on {
            self.scrubbing.last = *number;
            self.scrubbing.now = None;
        }
        goes_on
    }

    fn begin_next_segment(&mut self) {
        let is_sealed = |(_, segment): &(&u32, &Segment)| segment.stage == Stage::Sealed;
        let last = self.scrubbing.last;
        let next = self.segments.range(last.saturating_add(1)..).find(is_sealed);
        let next = match next {
            Some(next) => Some(next),
            None => {
                self.end_round();
                self.segments.iter().find(is_sealed)
            }
        };
        let Some((number, end)) = next.map(|(number, segment)| (*number, segment.end)) else { return };
        self.scrubbing.now = Some((number, Check::new(self.salt(number), FIRST_BATCH, end)));
    }

    fn end_round(&mut self) {
        let scrubbing = &mut self.scrubbing;
        if scrubbing.last != 0 {
            scrubbing.rounds += 1;
        }
        (scrubbing.last, scrubbing.more) = (0, [scrubbing.more[1], 0]);
    }

    /// What lies in that segment is overwritten.
    pub(crate) fn note_overwriting(&mut self, segment: u32) {
        let scrubbing = &mut self.scrubbing;
        scrubbing.is_stale |= scrubbing.asked.is_some_and(|span| span.segment == segment);
    }

    /// A piece was read, or could not be. Says whether it was one of these.
    pub(crate) fn take_scrubbed(&mut self, span: Span, read: Result<&Arc<Vec<u8>>, &DiskError>) -> bool {
        if self.scrubbing.asked != Some(span) {
            return false;
        }
        self.scrubbing.asked = None;
        let is_stale = std::mem::take(&mut self.scrubbing.is_stale);
        if is_stale || !self.goes_on_in_segment() {
            return true;
        }
        let Some((segment, check)) = &mut self.scrubbing.now else { return true };
        let (segment, before, mut found) = (*segment, check.at(), Vec::new());
        match read {
            Ok(bytes) => check.take(bytes, &mut found),
            Err(_) => {
                check.skip(span.len);
                found.push(Rot { at: span.offset, len: span.len, head: None });
            }
        }
        self.scrubbing.bytes += u64::from(check.at() - before);
        let error = read.err().map(|error| error.text.clone());
        for rot in found {
            self.note_rotten(Rotten { segment, rot, error: error.clone() });
        }
        true
    }

    fn note_rotten(&mut self, rotten: Rotten) {
        let (key, scrubbing) = ((rotten.segment, rotten.rot.at), &mut self.scrubbing);
        if scrubbing.known.contains(&key) {
            return;
        }
        if scrubbing.known.len() < ROTTEN_MAX {
            scrubbing.known.insert(key);
            self.events.push_back(Event::Rotten(rotten));
        } else {
            scrubbing.more[1] += 1;
        }
    }

    /// Nobody reads that segment any more.
    pub(crate) fn forget_rotten(&mut self, segment: u32) {
        self.scrubbing.known.retain(|(number, _)| *number != segment);
    }

    /// What a round has to read may be another amount by now.
    pub(crate) fn count_sealed(&mut self) {
        let sealed = self.segments.values().filter(|segment| segment.stage == Stage::Sealed);
        self.scrubbing.sealed_bytes = sealed.map(|segment| u64::from(segment.end - FIRST_BATCH)).sum();
    }
}
