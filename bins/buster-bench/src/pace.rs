//! How fast publishers may go when not as fast as they can.

use std::time::{Duration, Instant};

/// How long to wait before looking again whether more may be sent.
pub(crate) const STEP: Duration = Duration::from_millis(1);

pub(crate) struct Pace {
    start: Instant,
    bytes_per_second: f64,
    sent_bytes: u64,
}

impl Pace {
    pub(crate) fn new(bytes_per_second: f64) -> Self {
        Self { start: Instant::now(), bytes_per_second, sent_bytes: 0 }
    }

    pub(crate) fn on_sent(&mut self, bytes: u64) {
        self.sent_bytes += bytes;
    }

    /// How much may be sent now.
    pub(crate) fn room_bytes(&self) -> u64 {
        let allowed = self.start.elapsed().as_secs_f64() * self.bytes_per_second;
        (allowed as u64).saturating_sub(self.sent_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_sent_than_the_time_allows() {
        let start = Instant::now() - Duration::from_secs(10);
        let mut pace = Pace { start, bytes_per_second: 100.0, sent_bytes: 400 };
        assert!(pace.room_bytes() >= 600);
        pace.on_sent(u64::MAX / 2);
        assert_eq!(pace.room_bytes(), 0);
    }
}
