//! Overwriting what records said whose bytes are not to be found any more.
//!
//! It is the one write that does not go to the end of the log. It stands in the row of writes like any other, but says
//! nothing about what is safe. A segment whose record is about to be overwritten is not sealed, not cleaned and not used
//! again meanwhile.

use std::sync::Arc;

use log_format::{Lsn, Place, erase_payload};

use crate::erasures::Erasure;
use crate::event::Event;
use crate::log::Log;
use crate::reading::Read;
use crate::request::Write;
use crate::segment::Stage;
use crate::writing::Handed;

impl Log {
    /// What the record at this place says is to be overwritten, and that synced: an [`Event::Erased`] says when it is. It
    /// is a record that is safe, and that nobody reads any more. It stays a record, of the same length and with the same
    /// head, subject and header; only its payload becomes another one.
    pub fn erase(&mut self, place: Place) {
        if self.failed.is_some() {
            return;
        }
        for (safe_at, place) in self.copies_of(place) {
            self.push_erasure(place, safe_at, false);
        }
        self.push_erasure(place, Lsn(0), true);
        self.is_restless = true;
    }

    fn push_erasure(&mut self, place: Place, safe_at: Lsn, is_last: bool) {
        self.erasures.0.push_back(Erasure { place, safe_at, is_handed: false, is_last, is_missed: false });
    }

    /// The write that overwrites the next one, as soon as that can be done.
    pub(crate) fn take_erasure(&mut self) -> Option<Write> {
        while let Some(erasure) = self.erasures.0.front().copied().filter(|erasure| !erasure.is_handed) {
            let Erasure { place, safe_at, .. } = erasure;
            let stage = self.segments.get(&place.segment).map(|segment| segment.stage);
            if stage == Some(Stage::Sealing) || safe_at > self.writes.synced {
                return None;
            }
            let erased = match self.read(place) {
                Read::Wait => return None,
                // What stands there is not known, so it cannot be overwritten as it should be.
                Read::Lost => {
                    self.end_erasure(false);
                    continue;
                }
                Read::Record(record) => {
                    let behind_head = record.written_len() - record.payload.len();
                    let offset = place.offset + behind_head as u32;
                    let mut payload = record.payload.to_vec();
                    erase_payload(&mut payload, offset);
                    // Nothing is left to be overwritten where that was done before.
                    Some((offset, payload)).filter(|(_, payload)| **payload != *record.payload)
                }
            };
            match erased {
                Some((offset, payload)) => {
                    return Some(self.hand_out_erasure(place.segment, offset, payload));
                }
                None => self.end_erasure(true),
            }
        }
        None
    }

    fn hand_out_erasure(&mut self, segment: u32, offset: u32, payload: Vec<u8>) -> Write {
        if let Some(erasure) = self.erasures.0.front_mut() {
            erasure.is_handed = true;
        }
        self.cache.forget(segment);
        self.note_overwriting(segment);
        self.writes.handed.push_back(Handed::erasure(segment, self.writes.next()));
        Write { segment, offset, pieces: vec![Arc::new(payload)], sync: true, is_overwrite: true }
    }

    /// The first one is over: its bytes are overwritten, or cannot be.
    pub(crate) fn end_erasure(&mut self, is_overwritten: bool) {
        self.is_restless = true;
        let Some(erasure) = self.erasures.0.pop_front() else { return };
        let is_missed = erasure.is_missed || !is_overwritten;
        if erasure.is_last {
            self.events.push_back(Event::Erased { is_overwritten: !is_missed });
        } else if let Some(next) = self.erasures.0.front_mut() {
            next.is_missed |= is_missed;
        }
    }
}
