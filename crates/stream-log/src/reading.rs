//! Reading records.

use std::collections::BTreeSet;
use std::sync::Arc;

use log_format::{Head, Place, Record};

use crate::batch::Batch;
use crate::cache::Spot;
use crate::event::Event;
use crate::log::Log;
use crate::request::{DiskError, Request, Span};
use crate::segment::Segment;

/// Bytes that are read at once, unless a record has more. They begin with the record that is asked for, so whoever reads
/// on finds those behind it.
pub const READ_BYTES: u32 = 128 << 10;

/// Reads that were not answered. Whoever wants one more asks again after an [`Event::Read`].
pub const READS_MAX: usize = 64;

/// What is known of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read<'a> {
    /// It is this.
    Record(Record<'a>),
    /// It is to be read from the disk: ask again after an [`Event::Read`].
    Wait,
    /// It rotted, could not be read, or its segment is gone.
    Lost,
}

#[derive(Debug, Default)]
pub(crate) struct Reads {
    /// Those that were not answered.
    waiting: BTreeSet<Span>,
}

/// Where the bytes from a place on are.
#[derive(Clone, Copy)]
enum Source {
    Open,
    Closed(usize),
    Handed(usize, usize),
    Cached(Spot),
    Disk,
}

impl Log {
    /// The record at this place. What was not yet synced is there as well; whether it may be shown is not decided here.
    pub fn read(&mut self, place: Place) -> Read<'_> {
        let Some(segment) = self.segments.get(&place.segment).filter(|segment| segment.is_readable()) else {
            return Read::Lost;
        };
        let is_gone = self.failed.is_some() && segment.lsn(place.offset) >= self.writes.told;
        if is_gone || place.offset >= segment_end(segment, self.open.as_ref()) {
            return Read::Lost;
        }
        match self.source(place) {
            Source::Disk => {
                self.fetch(place, READ_BYTES);
                Read::Wait
            }
            Source::Cached(spot) => self.read_cached(spot, place),
            source => match Record::read_known(self.own_bytes(source, place)) {
                Ok(record) => Read::Record(record),
                Err(_) => Read::Lost,
            },
        }
    }

    fn source(&mut self, place: Place) -> Source {
        let begins = |segment, offset| segment == place.segment && offset <= place.offset;
        if self.open.as_ref().is_some_and(|open| begins(open.segment, open.offset)) {
            return Source::Open;
        }
        // From the newest on, the first that begins before the place has it.
        if let Some(index) = self.closed.iter().rposition(|batch| begins(batch.segment, batch.offset)) {
            return Source::Closed(index);
        }
        for (index, handed) in self.writes.handed.iter().enumerate().rev() {
            if !handed.batches.first().is_some_and(|first| begins(handed.segment, first.0)) {
                // Mostly what is read was written long ago.
                continue;
            }
            if let Some(batch) = handed.batches.iter().rposition(|batch| begins(handed.segment, batch.0)) {
                return Source::Handed(index, batch);
            }
        }
        self.cache.find(place).map_or(Source::Disk, Source::Cached)
    }

    /// The bytes from a place on that are not written yet.
    fn own_bytes(&self, source: Source, place: Place) -> &[u8] {
        let (offset, bytes): (u32, &[u8]) = match source {
            Source::Open => self.open.as_ref().map_or((0, &[]), |batch| (batch.offset, &batch.bytes)),
            Source::Closed(index) => (self.closed[index].offset, &self.closed[index].bytes),
            Source::Handed(index, batch) => {
                let (offset, bytes) = &self.writes.handed[index].batches[batch];
                (*offset, bytes)
            }
            Source::Cached(_) | Source::Disk => (0, &[]),
        };
        bytes.get((place.offset - offset) as usize..).unwrap_or_default()
    }

    fn read_cached(&mut self, spot: Spot, place: Place) -> Read<'_> {
        let cached = self.cache.at(spot);
        let Some(bytes) = cached.bytes else { return Read::Lost };
        if !cached.is_whole {
            let salt = self.salt(place.segment);
            if Record::read(bytes, salt).is_err() {
                let len = Head::read(bytes, salt).map_or(0, |head| head.len);
                let was_all_read =
                    cached.is_start && bytes.len() >= len.max(READ_BYTES.min(self.rest_from(place)) as usize);
                if was_all_read {
                    return Read::Lost;
                }
                self.fetch(place, READ_BYTES.max(len as u32));
                return Read::Wait;
            }
            self.cache.note_whole(spot);
        }
        let bytes = self.cache.at(spot).bytes.unwrap_or_default();
        Record::read_known(bytes).map_or(Read::Lost, Read::Record)
    }

    /// Bytes of batches from a place on.
    fn rest_from(&self, place: Place) -> u32 {
        self.segments.get(&place.segment).map_or(0, |segment| segment.end.saturating_sub(place.offset))
    }

    fn fetch(&mut self, place: Place, len: u32) {
        let len = len.min(self.rest_from(place));
        self.ask_for(Span { segment: place.segment, offset: place.offset, len });
    }

    /// Returns whether it will be read.
    pub(crate) fn ask_for(&mut self, span: Span) -> bool {
        let waiting = &mut self.reads.waiting;
        if waiting.len() >= READS_MAX {
            return false;
        }
        if waiting.insert(span) {
            self.requests.push_back(Request::Read(span));
        }
        true
    }

    pub(crate) fn on_read(&mut self, span: Span, result: Result<Vec<u8>, DiskError>) {
        self.reads.waiting.remove(&span);
        let result = result.map(|mut bytes| {
            // Where a file ends too early there is nothing that could be read as a record.
            bytes.resize(span.len as usize, 0);
            Arc::new(bytes)
        });
        let was_scrubbed = self.take_scrubbed(span, result.as_ref());
        let bytes = result.ok();
        if self.is_for_cleaner(span) {
            self.on_piece(bytes);
        } else if was_scrubbed {
            // Nobody asked for what it says; whoever does meanwhile asks again.
        } else if self.segments.get(&span.segment).is_some_and(Segment::is_readable) {
            self.cache.put((span.segment, span.offset), bytes, false);
        }
        self.events.push_back(Event::Read);
    }
}

/// Where the bytes end that were appended.
fn segment_end(segment: &Segment, open: Option<&Batch>) -> u32 {
    let open = open.filter(|open| open.offset == segment.end);
    open.map_or(segment.end, |open| segment.end.max(open.end()))
}
