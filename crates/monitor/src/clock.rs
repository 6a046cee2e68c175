//! The shards' clock beside the one on the wall.

use crate::moment::Moment;

/// The same moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// On the wall.
    pub now: Moment,
    /// On the shards' clock, in nanoseconds.
    pub shards_now: u64,
}

impl Clock {
    /// A moment on the shards' clock, on the wall.
    pub fn moment(self, shards: u64) -> Moment {
        let ago =
            i64::try_from(self.shards_now).unwrap_or(i64::MAX) - i64::try_from(shards).unwrap_or(i64::MAX);
        Moment(self.now.0.saturating_sub(ago))
    }
}
