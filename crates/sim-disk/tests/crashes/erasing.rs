//! Records whose bytes are overwritten after they were removed.

use std::collections::VecDeque;

use log_format::Place;
use stream_log::Span;

use crate::world::World;

/// Shorter payloads may stand in the log by chance, or cannot be overwritten.
const BYTES_MIN: usize = 16;

/// Removed records to choose from.
const REMOVED_MAX: usize = 50;

#[derive(Debug, Default)]
pub(crate) struct Erasing {
    /// Removed, and said to be so.
    removed: VecDeque<(Place, Vec<u8>)>,
    /// Being overwritten, in their order.
    asked: VecDeque<(Place, Vec<u8>)>,
    /// Said to be overwritten since the last crash.
    done: Vec<(Place, Vec<u8>)>,
}

impl Erasing {
    pub(crate) fn note_removed(&mut self, place: Place, payload: Vec<u8>) {
        // What was overwritten before, and whose record a start found again, is zeros but for a few bytes.
        let says_something = payload.iter().filter(|byte| **byte != 0).count() > payload.len() / 2;
        if payload.len() >= BYTES_MIN && says_something {
            self.removed.push_back((place, payload));
        }
        if self.removed.len() > REMOVED_MAX {
            self.removed.pop_front();
        }
    }
}

impl World {
    pub(crate) fn erase_one(&mut self) {
        let Some(index) = self.erasing.removed.len().checked_sub(1) else { return };
        let index = self.random.below(index as u64 + 1) as usize;
        let (place, payload) = self.erasing.removed.remove(index).expect("it is one of them");
        if self.log.failure().is_none() {
            self.log.erase(place);
            self.erasing.asked.push_back((place, payload));
        }
    }

    pub(crate) fn on_erased(&mut self, is_overwritten: bool) {
        let one = self.erasing.asked.pop_front().expect("it was asked for");
        if is_overwritten {
            self.stats.erased += 1;
            self.erasing.done.push(one);
        }
    }

    /// After a crash: what was said to be overwritten is.
    pub(crate) fn check_erased(&mut self) {
        let Erasing { done, .. } = std::mem::take(&mut self.erasing);
        for (Place { segment, offset }, payload) in done {
            let len = payload.len() as u32 + 200;
            let there = self.disk.read(Span { segment, offset, len });
            let is_there = there.windows(payload.len()).any(|bytes| bytes == payload);
            assert!(!is_there, "{} bytes at {offset} of segment {segment} are still there", payload.len());
        }
    }
}
