//! The monotonic clock, as the broker counts it.

use std::time::Instant;

use broker::Time;

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
