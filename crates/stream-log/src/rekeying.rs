//! Getting rid of segments of other keys: what lives in them is copied, as if they were mostly dead.
//!
//! Nobody waits for that, so it goes at a pace: so many pieces between two ticks, whatever the disk could do.

use crate::event::Event;
use crate::log::Log;

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
