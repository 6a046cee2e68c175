//! The monotonic clock, as the broker counts it, and the one on the wall.

use std::time::{Instant, SystemTime};

use conns::Time;
use monitor::Moment;

/// The time on the wall.
pub fn wall_clock() -> Moment {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Moment(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now() }
    }

    /// The time since the clock was made. One second is added so that no moment is zero.
    pub(crate) fn now(self) -> Time {
        Time(1_000_000_000 + self.start.elapsed().as_nanos() as u64)
    }
}
