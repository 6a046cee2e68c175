//! Getting space back from segments that are mostly dead.
//!
//! What lives in one is copied to the end of the log, piece by piece. Once the copies are safe the owner's index is told
//! of them, then it is written down that the segment is not to be read any more. Until that is safe the copies do not
//! count, so a crash anywhere in between leaves each record in one place.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use log_format::{BATCH_HEAD_BYTES, Copied, Found, Kind, Lsn, Place, Record, Scan};

use crate::batch::OWN_GROUP;
use crate::event::Event;
use crate::log::Log;
use crate::request::Span;
use crate::segment::{FIRST_BATCH, Segment, Stage};

/// Bytes that are read and judged at once, unless a batch has more.
const PIECE_BYTES: u32 = 1 << 20;

/// A record that was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Whose it is.
    pub group: u32,
    /// Its sequence.
    pub seq: u64,
    /// What it is.
    pub kind: Kind,
    /// Where it was.
    pub from: Place,
    /// Where it is.
    pub to: Place,
}

#[derive(Debug)]
pub(crate) struct Cleaning {
    pub(crate) segment: u32,
    /// The first batch that was not judged.
    at: u32,
    asked: Option<Span>,
    /// Bytes from `at` on.
    piece: Option<Arc<Vec<u8>>>,
    /// Copies, and when they are safe. Those whose index was told are gone from here.
    moved: VecDeque<(Lsn, Moved)>,
    /// Bytes to be read at least, for a batch that is longer than a piece.
    need: u32,
    /// There was no room for copies when the piece came.
    is_held: bool,
    /// What is being read is to be read again: a record in it is overwritten meanwhile.
    is_stale: bool,
}

/// How far a piece was judged.
enum Judged {
    Bytes(u32),
    /// Its first batch has so many bytes, which are more than it has.
    Longer(u32),
}

impl Log {
    /// Judges a piece of the segment that is being cleaned: `is_live` says whether a record at a place is still needed.
    /// To be called after an [`Event::Clean`].
    pub fn clean(&mut self, is_live: &mut dyn FnMut(Place, &Record<'_>) -> bool) {
        self.is_restless = true;
        let Some(piece) = self.cleaning.as_mut().and_then(|cleaning| cleaning.piece.take()) else { return };
        // As much as the piece has may be appended, and heads of batches: nothing can fail half way.
        let is_possible = self.make_room(piece.len() + piece.len() / 16 + BATCH_HEAD_BYTES, None).is_ok();
        self.close_batch();
        if is_possible {
            let judged = self.judge(&piece, is_live);
            self.close_batch();
            self.cleaning.as_mut().expect("nothing here ends it").on_judged(judged);
        } else if let Some(cleaning) = &mut self.cleaning {
            cleaning.piece = Some(piece);
            cleaning.is_held = true;
        }
    }

    /// Copies what lives in the whole batches of a piece.
    fn judge(&mut self, piece: &[u8], is_live: &mut dyn FnMut(Place, &Record<'_>) -> bool) -> Judged {
        let (from, start) = self.cleaning.as_ref().map_or((0, 0), |cleaning| (cleaning.segment, cleaning.at));
        let mut earlier = None;
        for found in Scan::new(piece, self.salt(from)) {
            match found {
                Found::Batch { at, head } if at + head.padded_len() <= piece.len() => {
                    // What was copied before stays together, so that its place in the order can be told.
                    if earlier.is_some() || head.copied.is_some() {
                        self.close_batch();
                    }
                    earlier = head.copied;
                }
                Found::Batch { at: 0, head } => return Judged::Longer(head.padded_len() as u32),
                Found::Batch { at, .. } => return Judged::Bytes(at as u32),
                Found::Record { at, record } => {
                    let place = Place { segment: from, offset: start + at as u32 };
                    let may_live = record.group != OWN_GROUP && record.kind != Kind::UNIT;
                    // Of a group that was buried as a whole nobody has to be asked.
                    let may_live = may_live && self.segments[&from].ledger.has(record.group);
                    if may_live && is_live(place, &record) {
                        self.copy(&record, place, earlier);
                    }
                }
                // It is lost, here as well as there.
                Found::Damaged { .. } => {}
            }
        }
        Judged::Bytes(piece.len() as u32)
    }

    fn copy(&mut self, record: &Record<'_>, from: Place, earlier: Option<Copied>) {
        let copied = match earlier {
            Some(earlier) => Copied { from: from.segment, ..earlier },
            None => self.copied_first(record.written_len(), from),
        };
        let appended = self.append_with(record, Some(copied)).expect("there is room for the whole piece");
        if let (Some(_), Some(open)) = (earlier, &mut self.open) {
            open.unit_left = u32::MAX;
        }
        let moved =
            Moved { group: record.group, seq: record.seq, kind: record.kind, from, to: appended.place };
        if let Some(cleaning) = &mut self.cleaning {
            cleaning.moved.push_back((appended.lsn, moved));
        }
    }

    /// What is said of records that are copied for the first time: those of a batch have one place in the order.
    fn copied_first(&self, len: usize, from: Place) -> Copied {
        let open = self.open.as_ref().filter(|open| open.records > 0 && open.takes(len, open.copied));
        open.and_then(|open| open.copied).unwrap_or(Copied {
            origin: from.segment,
            offset: from.offset,
            from: from.segment,
        })
    }

    /// A copy that is safe, after an [`Event::Moved`]. If the record is still needed and was not moved, this is its place
    /// from now on; otherwise the copy is to be buried.
    pub fn take_moved(&mut self) -> Option<Moved> {
        self.is_restless = true;
        let synced = self.writes.synced;
        let moved = &mut self.cleaning.as_mut()?.moved;
        let (lsn, _) = moved.front()?;
        if *lsn > synced { None } else { moved.pop_front().map(|(_, moved)| moved) }
    }

    pub(crate) fn note_copies_safe(&mut self) {
        let Some(cleaning) = &self.cleaning else { return };
        if cleaning.moved.front().is_some_and(|(lsn, _)| *lsn <= self.writes.synced) {
            self.events.push_back(Event::Moved);
        }
    }

    /// Begins with a segment, goes on with its next piece, or ends it.
    pub(crate) fn go_on_cleaning(&mut self) {
        if self.is_stopping {
            return;
        }
        if self.cleaning.is_none() {
            self.cleaning = self.next_to_clean().map(Cleaning::new);
        }
        let Some(cleaning) = &self.cleaning else { return };
        let end = self.segments[&cleaning.segment].end;
        if cleaning.asked.is_some() || cleaning.piece.is_some() {
            self.offer_held_piece();
            return;
        }
        if !cleaning.moved.is_empty() {
            return;
        }
        if cleaning.at < end {
            let len = cleaning.need.max(PIECE_BYTES).min(end - cleaning.at);
            let span = Span { segment: cleaning.segment, offset: cleaning.at, len };
            let has_to_wait = self.has_to_retry || !self.erasures.is_empty();
            if has_to_wait || !self.may_read_piece(span.segment) {
                return;
            }
            if self.ask_for(span)
                && let Some(cleaning) = &mut self.cleaning
            {
                cleaning.asked = Some(span);
            }
        } else {
            let segment = cleaning.segment;
            if self.retire(segment) {
                self.cleaning = None;
            }
        }
    }

    /// The segment with the least that lives, if it is time to clean one.
    fn next_to_clean(&self) -> Option<u32> {
        let is_due = self.is_cleaning_due();
        // What a crash left of an earlier attempt has to go before anything else can.
        let holders: BTreeSet<u32> =
            self.segments.values().flat_map(|segment| &segment.held_by).copied().collect();
        let has_other_key = |segment: &Segment| segment.key != self.config.key;
        let may = |segment: &Segment| {
            let ledger = &segment.ledger;
            let has_dead = ledger.live_bytes() < ledger.bytes();
            let is_free = segment.held_by.is_empty() && !ledger.has(OWN_GROUP);
            segment.stage == Stage::Sealed && is_free && (has_dead || has_other_key(segment))
        };
        let candidates = self.segments.iter().filter(|(number, segment)| {
            let is_wanted = is_due || has_other_key(segment);
            may(segment) && (is_wanted || holders.contains(number))
        });
        candidates.min_by_key(|(_, segment)| segment.ledger.live_bytes()).map(|(number, _)| *number)
    }

    /// Whether space is to be got back.
    pub(crate) fn is_cleaning_due(&self) -> bool {
        let rules = self.config.clean;
        let readable = || self.segments.values().filter(|segment| segment.is_readable());
        let bytes: u64 = readable().map(|segment| segment.ledger.bytes()).sum();
        let live: u64 = readable().map(|segment| segment.ledger.live_bytes()).sum();
        let dead = bytes - live;
        self.shelf.is_full() || (dead >= rules.dead_bytes && dead * 100 >= bytes * rules.dead_percent)
    }

    /// Copies of the record at a place that its owner does not know of yet, and when they are safe. No more are made of it
    /// as it is now.
    pub(crate) fn copies_of(&mut self, place: Place) -> Vec<(Lsn, Place)> {
        let Some(cleaning) = self.cleaning.as_mut().filter(|cleaning| cleaning.segment == place.segment)
        else {
            return Vec::new();
        };
        cleaning.is_stale = cleaning.asked.is_some();
        (cleaning.piece, cleaning.is_held) = (None, false);
        let copies = cleaning.moved.iter().filter(|(_, moved)| moved.from == place);
        copies.map(|(lsn, moved)| (*lsn, moved.to)).collect()
    }

    pub(crate) fn is_for_cleaner(&self, span: Span) -> bool {
        self.cleaning.as_ref().is_some_and(|cleaning| cleaning.asked == Some(span))
    }

    /// A piece was read, or could not be.
    pub(crate) fn on_piece(&mut self, bytes: Option<Arc<Vec<u8>>>) {
        let Some(cleaning) = &mut self.cleaning else { return };
        cleaning.asked = None;
        if std::mem::take(&mut cleaning.is_stale) {
            return;
        }
        match bytes {
            Some(bytes) => {
                cleaning.piece = Some(bytes);
                self.events.push_back(Event::Clean);
            }
            // What cannot be read cannot be moved, and stays. It may be read later.
            None => self.has_to_retry = true,
        }
    }

    /// There may be room by now.
    fn offer_held_piece(&mut self) {
        if let Some(cleaning) = &mut self.cleaning
            && cleaning.is_held
            && self.shelf.has(FIRST_BATCH)
        {
            cleaning.is_held = false;
            self.events.push_back(Event::Clean);
        }
    }
}

impl Cleaning {
    fn new(segment: u32) -> Self {
        Self {
            segment,
            at: FIRST_BATCH,
            asked: None,
            piece: None,
            moved: VecDeque::new(),
            need: 0,
            is_held: false,
            is_stale: false,
        }
    }

    fn on_judged(&mut self, judged: Judged) {
        match judged {
            Judged::Bytes(bytes) => {
                self.at += bytes;
                self.need = 0;
            }
            // It was read as long as that, and ends earlier: there is no more.
            Judged::Longer(bytes) if bytes <= self.need => self.at = u32::MAX,
            Judged::Longer(bytes) => self.need = bytes,
        }
    }
}
