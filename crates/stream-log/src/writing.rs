//! Handing out what is to be written.

use std::collections::VecDeque;
use std::sync::Arc;

use log_format::{Lsn, SegmentHead};

use crate::config::SyncWhen;
use crate::event::Event;
use crate::log::Log;
use crate::request::{DiskError, Request, Seal, Write};
use crate::segment::{FIRST_BATCH, Segment, Stage};

/// Writes that were handed out and not answered: one that is done, and one that begins the moment it is.
const HANDED_MAX: usize = 2;

/// Bytes of one write, unless a single batch has more.
pub const WRITE_BYTES_MAX: usize = 1 << 20;

/// If nothing is being written and more than this waits, half of it goes first: whoever waits for it can go on while the
/// other half is written.
pub const SPLIT_BYTES_MIN: usize = 64 << 10;

/// A write that is shorter waits for the disk rather than for the bytes on their way, and is done sooner over zeros. Longer
/// ones are too, by a third, but lose more than that to the zeros that are written beside them.
const SHORT_WRITE_BYTES: u64 = 32 << 10;

/// A write ends with a page of the cache, or the kernel would have to read the rest of it first.
const PAGE_BYTES: u32 = 4 << 10;

#[derive(Debug)]
pub(crate) struct Writes {
    /// The oldest first.
    pub(crate) handed: VecDeque<Handed>,
    /// Up to where everything is on stable storage.
    pub(crate) synced: Lsn,
    /// Up to where everybody was told so: the same unless syncs wait to be asked for.
    pub(crate) told: Lsn,
    /// A segment that was written to and not synced.
    dirty: Option<u32>,
    is_sync_asked: bool,
    /// The last batch only says that everything before it is safe.
    pub(crate) is_marked: bool,
    /// Nothing is written before these segments were synced.
    pub(crate) gates: Vec<u32>,
    /// Writes of the active segment, and their bytes.
    mean: (u64, u64),
}

/// A write that was not answered.
#[derive(Debug)]
pub(crate) struct Handed {
    pub(crate) segment: u32,
    pub(crate) end: Lsn,
    sync: bool,
    /// It overwrites a record: nothing is safe by it that was not.
    is_erasure: bool,
    /// Bytes of the batches, without the zeros behind them.
    bytes: u64,
    /// Where each batch begins in the file.
    pub(crate) batches: Vec<(u32, Arc<Vec<u8>>)>,
}

impl Handed {
    /// A write that overwrites a record while the log has come to there.
    pub(crate) fn erasure(segment: u32, end: Lsn) -> Self {
        Self { segment, end, sync: false, is_erasure: true, bytes: 0, batches: Vec::new() }
    }
}

impl Writes {
    pub(crate) fn new(start: Lsn) -> Self {
        Self {
            handed: VecDeque::new(),
            synced: start,
            told: start,
            dirty: None,
            is_sync_asked: false,
            is_marked: true,
            gates: Vec::new(),
            mean: (0, 0),
        }
    }

    /// Up to where everything is on stable storage when the next write begins: those before it are done by then.
    fn synced_by_then(&self) -> Lsn {
        let synced = self.handed.iter().rev().find(|handed| handed.sync);
        synced.map_or(self.synced, |handed| handed.end)
    }

    /// Where the next write begins.
    pub(crate) fn next(&self) -> Lsn {
        self.handed.back().map_or(self.synced.max(self.told), |handed| handed.end)
    }

    /// Whether the log waits for the disk's latency rather than for its bandwidth: then zeros are written ahead.
    pub(crate) fn are_short(&self) -> bool {
        self.mean.1.checked_div(self.mean.0).unwrap_or(0) < SHORT_WRITE_BYTES
    }

    /// Another segment is written to. What the last one saw is what is known of it.
    pub(crate) fn on_segment(&mut self) {
        if let Some(mean) = self.mean.1.checked_div(self.mean.0) {
            self.mean = (1, mean);
        }
    }
}

impl Log {
    /// Has all that was written synced, when syncs wait to be asked for.
    pub fn ask_for_sync(&mut self) {
        self.writes.is_sync_asked = true;
    }

    /// Whether [`Self::ask_for_sync`] has something to do: something was appended that a power cut may take.
    pub fn wants_sync(&self) -> bool {
        let writes = &self.writes;
        let is_due = writes.dirty.is_some() || writes.handed.iter().any(|handed| !handed.sync);
        let waits = self.open.is_some() || !self.closed.is_empty();
        self.config.sync == SyncWhen::WhenAsked && self.failed.is_none() && (is_due || waits)
    }

    /// Writes down that everything is safe, if nothing was appended since that was written. Until then a start takes rot
    /// in what was written last for a write that a crash cut off. To be called when the log has been idle for a while.
    pub fn mark(&mut self) {
        // What waits to be synced is not safe yet.
        let is_synced = self.writes.dirty.is_none();
        if is_synced && self.is_idle() && !self.writes.is_marked && self.make_room(0, None).is_ok() {
            self.writes.is_marked = true;
            self.open.as_mut().expect("it was just opened").is_mark = true;
        }
    }

    pub(crate) fn take_write(&mut self) -> Option<Write> {
        let writes = &self.writes;
        if self.failed.is_some() || !writes.gates.is_empty() || writes.handed.len() >= HANDED_MAX {
            return None;
        }
        if let Some(write) = self.take_erasure() {
            return Some(write);
        }
        let writes = &self.writes;
        let waiting = self.waiting_bytes();
        let bytes_max = if writes.handed.is_empty() && waiting > SPLIT_BYTES_MIN {
            waiting / 2
        } else {
            self.close_batch();
            WRITE_BYTES_MAX
        };
        if self.closed.is_empty() {
            self.close_batch();
        }
        match self.closed.front().map(|batch| batch.segment) {
            Some(segment) if self.writes.dirty.is_none_or(|dirty| dirty == segment) => {
                Some(self.hand_out(segment, bytes_max.min(WRITE_BYTES_MAX)))
            }
            Some(_) => Some(self.hand_out_sync()),
            None if self.writes.is_sync_asked || self.is_stopping => self.sync_asked(),
            None => None,
        }
    }

    fn waiting_bytes(&self) -> usize {
        let open = self.open.as_ref().filter(|batch| batch.records > 0);
        self.closed.iter().chain(open).map(|batch| batch.bytes.len()).sum()
    }

    /// Hands out the first batches: as many as fit, and one at least.
    fn hand_out(&mut self, segment: u32, bytes_max: usize) -> Write {
        let synced = self.writes.synced_by_then();
        let mut batches: Vec<(u32, Arc<Vec<u8>>)> = Vec::new();
        let (mut bytes, mut end) = (0, synced);
        while let Some(batch) = self.closed.front() {
            let is_too_much = !batches.is_empty() && bytes + batch.bytes.len() > bytes_max;
            if batch.segment != segment || is_too_much {
                break;
            }
            let batch = self.closed.pop_front().expect("it was just there");
            let offset = batch.offset;
            end = self.segments[&segment].lsn(batch.end());
            bytes += batch.bytes.len();
            batches.push((offset, Arc::new(batch.finish(synced))));
        }
        self.writes.mean.0 += 1;
        self.writes.mean.1 += bytes as u64;
        let is_asked = std::mem::take(&mut self.writes.is_sync_asked) || self.is_stopping;
        let sync = is_asked || self.config.sync == SyncWhen::Always;
        let write = self.write_of(segment, &batches, sync);
        self.note_handed(Handed { segment, end, sync, is_erasure: false, bytes: bytes as u64, batches });
        write
    }

    fn write_of(&self, segment: u32, batches: &[(u32, Arc<Vec<u8>>)], sync: bool) -> Write {
        let mut pieces: Vec<Arc<Vec<u8>>> = batches.iter().map(|(_, bytes)| Arc::clone(bytes)).collect();
        let mut offset = batches.first().expect("there is a batch").0;
        if offset == FIRST_BATCH {
            pieces.insert(0, Arc::new(self.page_of(segment)));
            offset = 0;
        }
        pieces.extend(self.padding(segment, batches));
        Write { segment, offset, pieces, sync, is_overwrite: false }
    }

    /// Zeros behind batches, where the next ones will be.
    fn padding(&self, segment: u32, batches: &[(u32, Arc<Vec<u8>>)]) -> Option<Arc<Vec<u8>>> {
        let (offset, bytes) = batches.last()?;
        let end = offset + bytes.len() as u32;
        let padded = end.next_multiple_of(PAGE_BYTES).min(self.segments[&segment].capacity);
        let zeros = padded.saturating_sub(end) as usize;
        (zeros > 0).then(|| Arc::new(vec![0; zeros]))
    }

    fn page_of(&self, number: u32) -> Vec<u8> {
        let segment = &self.segments[&number];
        let head = SegmentHead {
            store: self.config.store,
            log: self.config.log,
            key: segment.key,
            number: u64::from(number),
            first: segment.first,
            cut: segment.cut,
            len: u64::from(segment.capacity),
            before: segment.before,
        };
        head.page().to_vec()
    }

    /// What was written to the segment before has to be safe before anything is written to the next.
    fn hand_out_sync(&mut self) -> Write {
        let segment = self.writes.dirty.expect("it is what has to be synced");
        self.note_handed(Handed {
            segment,
            end: self.writes.next(),
            sync: true,
            is_erasure: false,
            bytes: 0,
            batches: Vec::new(),
        });
        Write { segment, offset: 0, pieces: Vec::new(), sync: true, is_overwrite: false }
    }

    fn sync_asked(&mut self) -> Option<Write> {
        self.writes.is_sync_asked = false;
        self.writes.dirty.map(|_| self.hand_out_sync())
    }

    fn note_handed(&mut self, handed: Handed) {
        self.writes.dirty = (!handed.sync).then_some(handed.segment);
        self.writes.handed.push_back(handed);
    }

    pub(crate) fn on_written(&mut self, result: Result<(), DiskError>) {
        if self.failed.is_some() {
            return;
        }
        if let Err(error) = result {
            self.fail(error);
            return;
        }
        let Some(handed) = self.writes.handed.pop_front() else { return };
        if handed.is_erasure {
            self.end_erasure(true);
            return self.on_safe();
        }
        self.unsafe_bytes -= handed.bytes;
        for (offset, bytes) in handed.batches {
            self.cache.put((handed.segment, offset), Some(bytes), true);
        }
        if handed.sync {
            self.writes.synced = handed.end;
        }
        if self.config.sync == SyncWhen::WhenAsked || handed.sync {
            self.writes.told = handed.end;
            self.events.push_back(Event::Synced(handed.end));
        }
        self.on_safe();
    }

    /// Has the footers made of segments that are safe as a whole, one at a time.
    pub(crate) fn seal_next(&mut self) {
        let is_sealing = |stage| stage == Stage::Sealing;
        // A footer says that all before it is safe.
        let is_unsure = self.has_to_retry || !self.writes.gates.is_empty() || !self.erasures.is_empty();
        if is_unsure || self.segments.values().any(|segment| is_sealing(segment.stage)) {
            return;
        }
        let synced = self.writes.synced;
        let is_due = |segment: &Segment| segment.stage == Stage::Closed && segment.next() <= synced;
        let Some((number, segment)) = self.segments.iter_mut().find(|(_, segment)| is_due(segment)) else {
            return;
        };
        segment.stage = Stage::Sealing;
        let (number, end, next) = (*number, segment.end, segment.next());
        let needs_page = segment.needs_page;
        let salt = self.salt(number);
        let page = needs_page.then(|| Arc::new(self.page_of(number)));
        self.requests.push_back(Request::Seal(Seal { number, end, next, salt, page }));
    }

    pub(crate) fn on_sealed(&mut self, number: u32, result: Result<(), DiskError>) {
        let Some(segment) = self.segments.get_mut(&number) else { return };
        segment.stage = if result.is_ok() { Stage::Sealed } else { Stage::Closed };
        // A start does without a footer, so this is no more than a delay.
        self.has_to_retry |= result.is_err();
    }

    /// Of a segment that a start found and that nobody knows to be on stable storage.
    pub(crate) fn on_synced(&mut self, number: u32, result: Result<(), DiskError>) {
        match result {
            Ok(()) => {
                self.writes.gates.retain(|gate| *gate != number);
                self.tell_if_safe();
            }
            Err(error) => self.fail(error),
        }
    }

    /// All that a start found is on stable storage.
    pub(crate) fn tell_if_safe(&mut self) {
        if self.writes.gates.is_empty() {
            self.events.push_back(Event::Synced(self.writes.told));
        }
    }
}
