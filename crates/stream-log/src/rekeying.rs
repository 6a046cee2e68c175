//! Getting rid of segments of other keys: what lives in them is copied, as if they were mostly dead.
//!
//! Nobody waits for that, so it goes at a pace: so many pieces between two ticks, whatever the disk could do.

use crate::event::Event;
use crate::log::Log;

/// Pieces that are copied between two ticks, which are about a second apart: some 32 MB, of what a disk does a part.
const PIECES_PER_TICK: u32 = 32;

#[derive(Debug)]
pub(crate) struct Rekeying {
    /// There are segments of other keys.
    pub(crate) is_left: bool,
    /// Pieces that may be read before the next tick.
    pieces: u32,
    /// There is one to be read then.
    pub(crate) waits: bool,
}

impl Default for Rekeying {
    fn default() -> Self {
        Self { is_left: false, pieces: PIECES_PER_TICK, waits: false }
    }
}

impl Rekeying {
    /// Whether one more piece may be read now.
    pub(crate) fn may_go_on(&mut self) -> bool {
        self.waits = self.pieces == 0;
        self.pieces = self.pieces.saturating_sub(1);
        !self.waits
    }

    /// Some time is over.
    pub(crate) fn tick(&mut self) {
        (self.pieces, self.waits) = (PIECES_PER_TICK, false);
    }
}

impl Log {
    /// Whether it is time for the next piece of a segment, which is only read on and on if space is wanted.
    pub(crate) fn may_read_piece(&mut self, segment: u32) -> bool {
        let has_other_key = self.segments[&segment].key != self.config.key;
        !has_other_key || self.is_cleaning_due() || self.rekeying.may_go_on()
    }

    pub(crate) fn tell_if_rekeyed(&mut self) {
        let key = self.config.key;
        if self.rekeying.is_left && self.segments.values().all(|segment| segment.key == key) {
            self.rekeying.is_left = false;
            self.events.push_back(Event::Rekeyed { log: self.config.log, is_encrypted: key != 0 });
        }
    }
}
