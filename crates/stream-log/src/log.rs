//! One log.
//!
//! Records are appended to the open batch and have their place at once. [`Log::take_request`] hands out what is to be
//! written; [`Log::on_answer`] is told what came of it; [`Log::take_event`] says up to where records are safe.
//!
//! Always true: writes are handed out in the order of the log, two at most that were not answered, and the second is only
//! done when the first is safe. So what is written to a segment, or to the next one, says that all before is on the disk.

use std::collections::{BTreeMap, VecDeque};

use log_format::{
    BATCH_HEAD_BYTES, Copied, Kind, Lsn, Place, RECORD_BYTES_MAX, Record, Salt, TooLarge, padded,
};
use thiserror::Error;

use crate::batch::{BATCH_BYTES_MAX, Batch, own_record};
use crate::cache::Cache;
use crate::cleaning::Cleaning;
use crate::config::Config;
use crate::erasures::Erasures;
use crate::event::Event;
use crate::pace::Rekeying;
use crate::reading::Reads;
use crate::request::{Answer, DiskError, Request};
use crate::scrubbing::Scrubbing;
use crate::segment::{FIRST_BATCH, Segment, Stage};
use crate::shelf::Shelf;
use crate::writing::Writes;

/// Bytes that may wait to be safe. Above, [`Log::room`] asks publishers to wait; what the log's owner has to write by
/// itself may still be appended.
pub const TAIL_BYTES_MAX: u64 = 8 << 20;

/// Segments get twice as long this often.
const DOUBLINGS_MAX: u32 = 4;

/// One log. See the module's text.
#[derive(Debug)]
pub struct Log {
    pub(crate) config: Config,
    pub(crate) segments: BTreeMap<u32, Segment>,
    pub(crate) active: Option<u32>,
    pub(crate) shelf: Shelf,
    /// Where the first segment to come begins, if there is no active one.
    pub(crate) start: Lsn,
    /// Where all that was written before it is over, and the segment that ends there.
    pub(crate) cut: Lsn,
    pub(crate) before: u32,
    pub(crate) open: Option<Batch>,
    /// Batches that are full.
    pub(crate) closed: VecDeque<Batch>,
    /// Bytes of the last batch: the next one has as many, about.
    batch_bytes: usize,
    /// Bytes of those, and of what was handed out and not answered.
    pub(crate) unsafe_bytes: u64,
    pub(crate) writes: Writes,
    pub(crate) cache: Cache,
    pub(crate) reads: Reads,
    pub(crate) erasures: Erasures,
    pub(crate) cleaning: Option<Cleaning>,
    pub(crate) scrubbing: Scrubbing,
    /// Where it says that a segment is not to be read any more, while its file is there.
    pub(crate) retired: BTreeMap<u32, Place>,
    pub(crate) requests: VecDeque<Request>,
    pub(crate) events: VecDeque<Event>,
    pub(crate) failed: Option<DiskError>,
    pub(crate) is_stopping: bool,
    /// Something failed that is to be tried again.
    pub(crate) has_to_retry: bool,
    pub(crate) rekeying: Rekeying,
    /// Segments may need something: looking costs a little for each of them.
    pub(crate) is_restless: bool,
}

/// Whether a publish may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// It may.
    Yes,
    /// Not before something of what waits is safe, or a file was made: an [`Event::Synced`] or [`Event::Room`] says so.
    Later,
    /// There is no room on the disk. What frees some may still be appended.
    DiskFull,
    /// The log takes nothing any more.
    Failed,
}

/// A record that was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Where it lies.
    pub place: Place,
    /// It is safe once the log is synced up to here.
    pub lsn: Lsn,
}

/// A record that was not appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AppendError {
    /// It fits into no log.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// There is no file for it yet: an [`Event::Room`] says when there is.
    #[error("no file yet")]
    NotYet,
    /// There is no file for it, and none can be made.
    #[error("no room on the disk")]
    DiskFull,
    /// The log takes nothing any more: it failed, or was stopped.
    #[error("the log takes nothing any more")]
    Failed,
}

impl Log {
    /// A log without anything in it. It has no file before [`Log::prepare`], [`Log::room`] or [`Log::append`] is called.
    pub fn new(config: Config) -> Self {
        Self::beginning(config, BTreeMap::new(), 1, Lsn(0), Lsn(0))
    }

    /// A log that goes on behind these segments.
    pub(crate) fn beginning(
        config: Config,
        segments: BTreeMap<u32, Segment>,
        next_number: u32,
        start: Lsn,
        cut: Lsn,
    ) -> Self {
        Self {
            cache: Cache::new(config.cache_bytes),
            config,
            segments,
            active: None,
            shelf: Shelf::new(next_number),
            start,
            cut,
            before: 0,
            open: None,
            closed: VecDeque::new(),
            batch_bytes: 0,
            unsafe_bytes: 0,
            writes: Writes::new(start),
            reads: Reads::default(),
            erasures: Erasures::default(),
            cleaning: None,
            scrubbing: Scrubbing::default(),
            retired: BTreeMap::new(),
            requests: VecDeque::new(),
            events: VecDeque::new(),
            failed: None,
            is_stopping: false,
            has_to_retry: false,
            rekeying: Rekeying::default(),
            is_restless: true,
        }
    }

    /// Has the first file made, so that the first record finds one.
    pub fn prepare(&mut self) {
        self.is_restless |= self.shelf.want();
    }

    /// Whether a record of so many bytes ([`Record::written_len`]) may be published.
    pub fn room(&mut self, len: usize) -> Room {
        self.prepare();
        let Ok(need) = u32::try_from(BATCH_HEAD_BYTES + len) else { return Room::Yes };
        if self.failed.is_some() || self.is_stopping {
            return Room::Failed;
        }
        if self.shelf.is_full() {
            return Room::DiskFull;
        }
        let has_file = self.rest_behind_open() >= need || self.shelf.has(FIRST_BATCH + need);
        // What does not fit into the spare file has to ask for another one: by being appended.
        let is_long = || need > self.segment_bytes() - FIRST_BATCH;
        if self.unsafe_bytes() >= TAIL_BYTES_MAX || !(has_file || is_long()) {
            Room::Later
        } else {
            Room::Yes
        }
    }

    /// Whether a record of so many bytes can be appended though [`Log::room`] says that the disk is full.
    pub fn has_reserve(&self, len: usize) -> bool {
        u32::try_from(BATCH_HEAD_BYTES + len).is_ok_and(|need| self.rest_behind_open() >= need)
    }

    /// Appends a record, which lives until [`Log::bury`].
    ///
    /// # Errors
    /// It was not appended.
    pub fn append(&mut self, record: &Record<'_>) -> Result<Appended, AppendError> {
        self.append_with(record, None)
    }

    /// The next so many records of this group, of so many bytes together, stand or fall together.
    ///
    /// # Errors
    /// There is no room for them. None of them may be appended then.
    pub fn unit(&mut self, group: u32, records: u32, bytes: usize) -> Result<(), AppendError> {
        let unit = own_record(Kind::UNIT, group, u64::from(records));
        self.make_room(unit.written_len() + bytes, None)?;
        let batch = self.open.as_mut().expect("there is room in it");
        batch.append(&unit)?;
        batch.unit_left = records;
        self.segment_of(batch_segment(&self.open)).ledger.add_dead(unit.written_len());
        Ok(())
    }

    pub(crate) fn append_with(
        &mut self,
        record: &Record<'_>,
        copied: Option<Copied>,
    ) -> Result<Appended, AppendError> {
        let len = record.written_len();
        if record.subject.len() > usize::from(u16::MAX) {
            return Err(TooLarge::Subject(record.subject.len()).into());
        }
        if len > RECORD_BYTES_MAX {
            return Err(TooLarge::Record(len).into());
        }
        self.make_room(len, copied)?;
        let batch = self.open.as_mut().expect("there is room in it");
        let (place, lsn) = batch.append(record)?;
        self.segment_of(place.segment).ledger.add(record.group, len);
        self.writes.is_marked = false;
        Ok(Appended { place, lsn })
    }

    /// Sees to it that the open batch takes so many bytes.
    pub(crate) fn make_room(&mut self, len: usize, copied: Option<Copied>) -> Result<(), AppendError> {
        if self.failed.is_some() || self.is_stopping {
            return Err(AppendError::Failed);
        }
        if let Some(open) = &self.open {
            if open.takes(len, copied) && self.has_room_in(open, len) {
                return Ok(());
            }
            self.close_batch();
        }
        self.open_batch(len, copied)
    }

    fn has_room_in(&self, open: &Batch, len: usize) -> bool {
        let end = u64::from(open.offset) + (open.bytes.len() + len) as u64;
        end <= u64::from(self.segments[&open.segment].capacity)
    }

    /// Begins a batch that takes so many bytes.
    fn open_batch(&mut self, len: usize, copied: Option<Copied>) -> Result<(), AppendError> {
        let need = u32::try_from(BATCH_HEAD_BYTES + len).map_err(|_| TooLarge::Record(len))?;
        if self.active_rest() < need {
            self.roll(need)?;
        }
        let number = self.active.expect("there is one with room");
        let segment = &self.segments[&number];
        let (offset, first) = (segment.end, segment.next());
        let room = self.batch_bytes.max(padded(need as usize));
        self.open = Some(Batch::new(number, offset, first, self.salt(number), copied, room));
        Ok(())
    }

    /// The open batch takes no more records.
    pub(crate) fn close_batch(&mut self) {
        let Some(batch) = self.open.take() else { return };
        // A batch without records is only written to say what is safe.
        if batch.records > 0 || batch.is_mark {
            self.segment_of(batch.segment).end = batch.end();
            self.batch_bytes = padded(batch.bytes.len()).min(BATCH_BYTES_MAX);
            self.unsafe_bytes += batch.bytes.len() as u64;
            self.closed.push_back(batch);
        }
    }

    /// The spare file becomes the active segment.
    fn roll(&mut self, need: u32) -> Result<(), AppendError> {
        self.is_restless = true;
        let mut too_short = None;
        let Some(spare) = self.shelf.take(FIRST_BATCH.saturating_add(need), &mut too_short) else {
            self.requests.extend(too_short.map(Request::Remove));
            return Err(if self.shelf.is_full() { AppendError::DiskFull } else { AppendError::NotYet });
        };
        self.close_active();
        self.writes.on_segment();
        let segment = Segment::new(self.start, self.cut, self.before, self.config.key, spare.len);
        self.segments.insert(spare.number, segment);
        self.active = Some(spare.number);
        Ok(())
    }

    /// The active segment takes no more batches. One without any is given up: the next one begins where it did.
    pub(crate) fn close_active(&mut self) {
        let Some(number) = self.active.take() else { return };
        let segment = self.segment_of(number);
        segment.stage = Stage::Closed;
        let (next, is_empty) = (segment.next(), segment.is_empty());
        if is_empty {
            self.segments.remove(&number);
            self.requests.push_back(Request::Remove(number));
        } else {
            (self.start, self.cut, self.before) = (next, next, number);
        }
    }

    /// Nobody needs the record at this place any more, which is one of this group. To be told once.
    pub fn bury(&mut self, place: Place, group: u32) {
        if let Some(segment) = self.segments.get_mut(&place.segment) {
            segment.ledger.bury(group);
            self.is_restless |= segment.ledger.is_dead();
        }
    }

    /// Nobody needs any record of this group any more.
    pub fn bury_all(&mut self, group: u32) {
        self.is_restless = true;
        for segment in self.segments.values_mut() {
            segment.ledger.bury_all(group);
        }
    }

    /// Nobody needs any record of this group any more but the one at that place.
    pub fn bury_all_but(&mut self, place: Place, group: u32) {
        self.bury_all(group);
        if let Some(segment) = self.segments.get_mut(&place.segment) {
            segment.ledger.revive(group);
        }
    }

    /// Whether a start from here on may find what is in that segment.
    pub fn may_find(&self, segment: u32) -> bool {
        self.segments.get(&segment).is_some_and(Segment::is_readable)
    }

    /// The segment that is being cleaned: what was copied from it can be found there until an [`Event::Retired`].
    pub fn cleaned(&self) -> Option<u32> {
        self.cleaning.as_ref().map(|cleaning| cleaning.segment)
    }

    /// Whether [`Log::take_event`] has something to tell.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// What is to be done next. It is to be asked for at the end of a turn, until there is nothing. It may be that nothing
    /// had to be done for something, which an event says then.
    pub fn take_request(&mut self) -> Option<Request> {
        if let Some(write) = self.take_write() {
            return Some(Request::Write(write));
        }
        self.look_after_segments();
        self.requests.pop_front().or_else(|| self.take_write().map(Request::Write))
    }

    /// What came of a request.
    pub fn on_answer(&mut self, answer: Answer) {
        self.is_restless = true;
        match answer {
            Answer::Written(result) => self.on_written(result),
            Answer::Read(span, result) => self.on_read(span, result),
            Answer::Made(number, result) => self.on_made(number, result),
            Answer::Sealed(number, result) => self.on_sealed(number, result),
            Answer::Synced(number, result) => self.on_synced(number, result),
            Answer::Removed(number, result) => self.on_removed(number, &result),
        }
    }

    /// What happened since.
    pub fn take_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Tries again what failed for want of room, and what can be done again; and writes a [mark](Log::mark) if nothing
    /// is being written. To be called about once a second while [`Log::wants_tick`].
    pub fn tick(&mut self) {
        self.mark();
        self.shelf.retry();
        self.rekeying.tick();
        self.is_restless = true;
        self.has_to_retry = false;
    }

    /// Whether [`Log::tick`] has something to do.
    pub fn wants_tick(&self) -> bool {
        let wants_mark = !self.writes.is_marked && !self.is_stopping && self.failed.is_none();
        let wants_mark = wants_mark && !self.wants_sync();
        self.has_to_retry || self.shelf.is_full() || self.rekeying.waits || wants_mark
    }

    /// Takes no more records, and has all segments sealed. The spare file is taken away: a start would have to read all of
    /// it to know that it is one.
    pub fn stop(&mut self) {
        self.close_batch();
        self.is_stopping = true;
        self.is_restless = true;
        self.close_active();
        self.requests.extend(self.shelf.give_up().map(Request::Remove));
    }

    /// Whether it has come to an end after [`Log::stop`]: all that was appended is safe, and segments have their footers
    /// as far as that could be done.
    pub fn is_stopped(&self) -> bool {
        let is_open = |segment: &Segment| segment.stage == Stage::Closed;
        let is_sealed = self.has_to_retry || !self.segments.values().any(is_open);
        self.is_stopping && (self.failed.is_some() || (self.is_idle() && is_sealed))
    }

    /// Whether all that was appended is safe and no footer is being made.
    pub fn is_idle(&self) -> bool {
        let is_sealing = |segment: &Segment| matches!(segment.stage, Stage::Sealing);
        let is_written = self.open.is_none() && self.closed.is_empty() && self.writes.handed.is_empty();
        is_written
            && self.requests.is_empty()
            && self.erasures.is_empty()
            && !self.segments.values().any(is_sealing)
    }

    /// Why it takes nothing any more, if it failed.
    pub fn failure(&self) -> Option<&DiskError> {
        self.failed.as_ref()
    }

    /// Bytes of all files but spare ones, and about how many of them are in records that live.
    pub fn bytes(&self) -> (u64, u64) {
        let files = self.segments.values().map(|segment| u64::from(segment.end)).sum();
        (files, self.segments.values().map(|segment| segment.ledger.live_bytes()).sum())
    }

    /// Where the batches of each segment end: what a start has to find once the log is [stopped](Self::is_stopped). Nothing
    /// is known of a log that failed.
    pub fn ends(&self) -> BTreeMap<u32, u32> {
        let stays = |segment: &Segment| !matches!(segment.stage, Stage::Retiring(_) | Stage::Retired);
        let there = self.segments.iter().filter(|(_, segment)| stays(segment) && !segment.is_empty());
        let ends = there.map(|(number, segment)| (*number, segment.end));
        if self.failed.is_some() { BTreeMap::new() } else { ends.collect() }
    }

    /// Up to where everything is safe, by what the last [`Event::Synced`] said.
    pub fn told(&self) -> Lsn {
        self.writes.told
    }

    pub(crate) fn fail(&mut self, error: DiskError) {
        if self.failed.is_some() {
            return;
        }
        self.open = None;
        self.closed.clear();
        self.unsafe_bytes = 0;
        self.writes.handed.clear();
        self.erasures.clear();
        self.failed = Some(error.clone());
        self.events.push_back(Event::Failed(error));
    }

    pub(crate) fn salt(&self, segment: u32) -> Salt {
        Salt::of_segment(&self.config.store, u64::from(segment))
    }

    pub(crate) fn segment_of(&mut self, number: u32) -> &mut Segment {
        self.segments.get_mut(&number).expect("a segment is known as long as it takes batches")
    }

    fn active_rest(&self) -> u32 {
        self.active.map_or(0, |number| self.segments[&number].rest())
    }

    /// The same once the open batch takes no more.
    fn rest_behind_open(&self) -> u32 {
        let rest = |number| self.segments[&number].rest();
        let open = self.open.as_ref().map_or(0, |open| open.end() - open.offset);
        self.active.map_or(0, |number| rest(number).saturating_sub(open))
    }

    /// How long the next file usually is: about as long as all there are. The first one after a start is short, since it is
    /// waited for.
    pub(crate) fn segment_bytes(&self) -> u32 {
        let shortest = self.config.segment_bytes;
        if self.active.is_none() {
            return shortest;
        }
        let doubled = (self.bytes().0 / u64::from(shortest)).max(1).ilog2();
        shortest << doubled.min(DOUBLINGS_MAX)
    }

    /// Bytes that were appended and are not safe.
    fn unsafe_bytes(&self) -> u64 {
        let open = self.open.as_ref().map_or(0, |batch| batch.bytes.len() as u64);
        open + self.unsafe_bytes
    }
}

fn batch_segment(open: &Option<Batch>) -> u32 {
    open.as_ref().expect("there is an open batch").segment
}

#[cfg(test)]
mod tests;
