//! The medium of streams that are kept in memory.
//!
//! Records lie in segments of 1 MiB, in the form they have on disk, and have places as they have there. A segment whose
//! records nobody needs gives its memory back at once; one that is mostly dead when it is asked to be cleaned.

use std::collections::BTreeMap;

use log_format::{Place, RECORD_BYTES_MAX, Record, Salt, TooLarge};

use crate::Moved;
use crate::ledger::Ledger;

/// Bytes of a segment. A longer record has one of its own.
pub const RAM_SEGMENT_BYTES: usize = 1 << 20;

/// Segments are cleaned when less than this of a hundred bytes in all of them live.
const LIVE_PERCENT_MIN: u64 = 60;

const SALT: Salt = Salt::of_segment(&[0; 16], 0);

/// Records in memory.
#[derive(Debug, Default)]
pub struct RamLog {
    /// By number. The last one takes records.
    segments: BTreeMap<u32, Segment>,
    /// The number of the last segment, ever.
    last: u32,
    bytes: usize,
}

#[derive(Debug)]
struct Segment {
    bytes: Vec<u8>,
    ledger: Ledger,
}

impl RamLog {
    /// Without any records.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a record.
    ///
    /// # Errors
    /// It is too large for any log.
    pub fn append(&mut self, record: &Record<'_>) -> Result<Place, TooLarge> {
        let len = record.written_len();
        if len > RECORD_BYTES_MAX {
            return Err(TooLarge::Record(len));
        }
        let segment = self.segment_for(len);
        let offset = segment.bytes.len();
        record.append_to(SALT, &mut segment.bytes)?;
        segment.ledger.add(record.group, len);
        Ok(Place { segment: self.last, offset: offset as u32 })
    }

    /// The segment that takes so many bytes.
    fn segment_for(&mut self, len: usize) -> &mut Segment {
        let has_room = |segment: &Segment| segment.bytes.len() + len <= segment.bytes.capacity();
        if !self.segments.get(&self.last).is_some_and(has_room) {
            self.free(self.last);
            let capacity = len.max(RAM_SEGMENT_BYTES);
            self.last += 1;
            let segment = Segment { bytes: Vec::with_capacity(capacity), ledger: Ledger::default() };
            self.bytes += segment.bytes.capacity();
            self.segments.insert(self.last, segment);
        }
        self.segments.get_mut(&self.last).expect("it was there or was just made")
    }

    /// The record at a place. `None` if nobody needed it any more.
    pub fn read(&self, place: Place) -> Option<Record<'_>> {
        let segment = self.segments.get(&place.segment)?;
        Record::read_known(segment.bytes.get(place.offset as usize..)?).ok()
    }

    /// Nobody needs the record at this place any more, which is one of this group.
    pub fn bury(&mut self, place: Place, group: u32) {
        if let Some(segment) = self.segments.get_mut(&place.segment) {
            segment.ledger.bury(group);
            self.free_if_closed(place.segment);
        }
    }

    /// Nobody needs any record of this group any more.
    pub fn bury_all(&mut self, group: u32) {
        let numbers: Vec<u32> = self.segments.keys().copied().collect();
        for number in numbers {
            self.segments.get_mut(&number).expect("it is one of them").ledger.bury_all(group);
            self.free_if_closed(number);
        }
    }

    fn free_if_closed(&mut self, number: u32) {
        if number != self.last {
            self.free(number);
        }
    }

    fn free(&mut self, number: u32) {
        if self.segments.get(&number).is_some_and(|segment| segment.ledger.is_dead()) {
            let segment = self.segments.remove(&number).expect("it was just there");
            self.bytes -= segment.bytes.capacity();
        }
    }

    /// Bytes of memory that the segments take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether [`RamLog::clean`] would give memory back.
    pub fn wants_cleaning(&self) -> bool {
        let live: u64 = self.segments.values().map(|segment| segment.ledger.live_bytes()).sum();
        self.segments.len() > 2 && live * 100 < self.bytes as u64 * LIVE_PERCENT_MIN
    }

    /// Copies what lives in the segment that has least of it to the end, and frees that segment. Returns where the
    /// records went, whose index has to be told before anything else happens here.
    pub fn clean(&mut self, is_live: &mut dyn FnMut(Place, &Record<'_>) -> bool) -> Vec<Moved> {
        let closed = self.segments.iter().filter(|(number, _)| **number != self.last);
        let Some(number) = closed.min_by_key(|(_, segment)| segment.ledger.live_bytes()).map(|one| *one.0)
        else {
            return Vec::new();
        };
        let segment = self.segments.remove(&number).expect("it is one of them");
        self.bytes -= segment.bytes.capacity();
        let mut moved = Vec::new();
        let mut offset = 0;
        while let Ok(record) = Record::read_known(&segment.bytes[offset..]) {
            let from = Place { segment: number, offset: offset as u32 };
            if is_live(from, &record) {
                let to = self.append(&record).expect("it was appended before");
                moved.push(Moved { group: record.group, seq: record.seq, kind: record.kind, from, to });
            }
            offset += record.written_len();
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use log_format::Kind;

    use super::*;

    fn record(group: u32, seq: u64, payload: &[u8]) -> Record<'_> {
        Record {
            kind: Kind::MESSAGE,
            group,
            seq,
            time: 0,
            ttl: None,
            message_id: None,
            subject: b"a",
            header: b"",
            payload,
        }
    }

    #[test]
    fn what_nobody_needs_gives_its_memory_back() {
        let mut ram = RamLog::new();
        let payload = vec![1; 100_000];
        let places: Vec<Place> =
            (0..25).map(|seq| ram.append(&record(1, seq, &payload)).expect("it is small")).collect();
        assert_eq!(ram.bytes(), 3 * RAM_SEGMENT_BYTES);
        assert_eq!(ram.read(places[7]).map(|record| record.seq), Some(7));
        for place in &places[..10] {
            ram.bury(*place, 1);
        }
        assert_eq!((ram.bytes(), ram.read(places[7])), (2 * RAM_SEGMENT_BYTES, None));
        ram.bury_all(1);
        assert_eq!(ram.bytes(), RAM_SEGMENT_BYTES);
    }

    #[test]
    fn a_long_record_has_a_segment_of_its_own() {
        let mut ram = RamLog::new();
        let payload = vec![1; 3 << 20];
        let place = ram.append(&record(1, 1, &payload)).expect("it fits");
        assert_eq!(ram.read(place).map(|record| record.payload.len()), Some(3 << 20));
        assert!(ram.append(&record(1, 2, &vec![0; RECORD_BYTES_MAX])).is_err());
        ram.append(&record(1, 3, b"")).expect("it is small");
        ram.bury(place, 1);
        assert_eq!(ram.bytes(), RAM_SEGMENT_BYTES);
    }

    #[test]
    fn a_few_old_records_do_not_hold_much_memory() {
        let mut ram = RamLog::new();
        let payload = vec![1; 10_000];
        let mut index = Vec::new();
        for seq in 0..1_000 {
            let place = ram.append(&record(1, seq, &payload)).expect("it is small");
            if seq % 100 == 0 {
                index.push((seq, place));
            } else {
                ram.bury(place, 1);
            }
            while ram.wants_cleaning() {
                for moved in ram.clean(&mut |place, record| index.contains(&(record.seq, place))) {
                    let row = index.iter_mut().find(|row| row.1 == moved.from).expect("it lives");
                    row.1 = moved.to;
                }
            }
        }
        assert!(ram.bytes() <= 3 * RAM_SEGMENT_BYTES, "{}", ram.bytes());
        for (seq, place) in index {
            assert_eq!(ram.read(place).map(|record| record.seq), Some(seq));
        }
    }
}
