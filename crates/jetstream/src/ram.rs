//! Where the messages of streams in memory are: headers and payloads in segments, which go when all in them went.
//!
//! A segment that mostly holds what is gone stays until the rest of it is: bounded by what streams may have, times the
//! segment's size over that of its smallest message.

use std::collections::BTreeMap;

use log_format::Place;
use streams::Said;

/// How large a segment is. A larger message has one of its own.
const SEGMENT_BYTES: usize = 1 << 20;

/// Messages, by place.
#[derive(Debug, Default)]
pub(crate) struct Ram {
    segments: BTreeMap<u32, Segment>,
    /// The number of the segment that is being filled.
    open: u32,
}

#[derive(Debug, Default)]
struct Segment {
    bytes: Vec<u8>,
    /// Messages that are still wanted.
    live: u32,
}

impl Ram {
    /// Keeps a message.
    pub(crate) fn push(&mut self, said: &Said<'_>) -> Place {
        let len = 8 + said.header.len() + said.payload.len();
        let segment = self.segment_for(len);
        let offset = segment.bytes.len() as u32;
        let (header, payload) = (said.header.len() as u32, said.payload.len() as u32);
        segment.bytes.extend_from_slice(&header.to_le_bytes());
        segment.bytes.extend_from_slice(&payload.to_le_bytes());
        segment.bytes.extend_from_slice(said.header);
        segment.bytes.extend_from_slice(said.payload);
        segment.live += 1;
        Place { segment: self.open, offset }
    }

    /// The segment that takes so many bytes. The first one grows with what comes; a stream that filled one is taken to fill
    /// the next as well, which is then never moved to grow.
    fn segment_for(&mut self, len: usize) -> &mut Segment {
        let open = self.segments.get(&self.open).map(|open| open.bytes.len()).unwrap_or_default();
        if open > 0 && open + len > SEGMENT_BYTES {
            self.open += 1;
            let bytes = Vec::with_capacity(SEGMENT_BYTES.max(len));
            self.segments.insert(self.open, Segment { bytes, live: 0 });
        }
        self.segments.entry(self.open).or_default()
    }

    /// What a message says that was kept there and not let go of.
    pub(crate) fn read(&self, place: Place) -> Said<'_> {
        let bytes = &self.segments[&place.segment].bytes[place.offset as usize..];
        let number =
            |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize;
        let (header, payload) = (number(0), number(4));
        let (header, rest) = bytes[8..].split_at(header);
        Said { header, payload: &rest[..payload] }
    }

    /// Lets go of a segment, whatever is in it. Says whether there are more.
    pub(crate) fn discard_some(&mut self) -> bool {
        self.segments.pop_first();
        !self.segments.is_empty()
    }

    /// Lets go of a message.
    pub(crate) fn free(&mut self, place: Place) {
        let Some(segment) = self.segments.get_mut(&place.segment) else { return };
        segment.live -= 1;
        if segment.live == 0 {
            self.segments.remove(&place.segment);
            if place.segment == self.open {
                self.open += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read_until_it_is_let_go_of() {
        let mut ram = Ram::default();
        let large = vec![7; SEGMENT_BYTES];
        let said = [
            Said { header: b"h", payload: b"p" },
            Said { header: b"", payload: &large },
            Said { header: b"", payload: b"" },
        ];
        let places = said.map(|said| ram.push(&said));
        for (place, said) in places.iter().zip(&said) {
            assert_eq!(ram.read(*place), *said);
        }
        assert_eq!(ram.segments.len(), 3);
        ram.free(places[1]);
        assert_eq!(ram.segments.len(), 2);
        ram.free(places[0]);
        ram.free(places[2]);
        assert_eq!(ram.segments.len(), 0);
        let place = ram.push(&said[0]);
        assert_ne!(place, places[0], "places are not used twice while somebody may remember them");
        assert_eq!(ram.read(place), said[0]);
    }
}
