//! Deliveries that are not to be faster than that: so many bytes a second, or as the messages came in.

use crate::now::later;

const SECOND: i128 = 1_000_000_000;

/// So many bytes a second, and so many at once after a pause.
#[derive(Debug)]
pub(crate) struct Rate {
    bytes_per_second: u64,
    burst: u64,
    /// When all that was delivered is paid for.
    paid_at: i64,
}

impl Rate {
    /// The burst is what the largest message may have.
    pub(crate) fn new(bytes_per_second: u64, burst: u64) -> Self {
        Self { bytes_per_second, burst, paid_at: i64::MIN }
    }

    /// When a message of that size may be delivered.
    pub(crate) fn ready_at(&self, size: u64) -> i64 {
        later(self.paid_at, self.time_for(size))
    }

    /// It is delivered.
    pub(crate) fn pay(&mut self, size: u64, now: i64) {
        let begun = self.paid_at.max(now.saturating_sub(self.time_for(self.burst)));
        self.paid_at = later(begun, self.time_for(size));
    }

    fn time_for(&self, bytes: u64) -> i64 {
        let nanos = i128::from(bytes) * SECOND / i128::from(self.bytes_per_second.max(1));
        i64::try_from(nanos).unwrap_or(i64::MAX)
    }
}

/// As the messages came in, up to those that were there in the beginning.
#[derive(Debug)]
pub(crate) struct Replay {
    /// The last one that is paced.
    until: u64,
    /// When the last one was delivered, and when it had been stored.
    last: Option<(i64, i64)>,
}

/// Messages that came closer together than this are delivered at once.
const GAP_MIN: i64 = 1_000_000;

impl Replay {
    pub(crate) fn new(until: u64) -> Self {
        Self { until, last: None }
    }

    /// When a message may be delivered that was stored then.
    pub(crate) fn ready_at(&self, stored: i64) -> i64 {
        match self.last {
            Some((at, before)) if stored.saturating_sub(before) > GAP_MIN => later(at, stored - before),
            _ => i64::MIN,
        }
    }

    pub(crate) fn on_delivered(&mut self, now: i64, stored: i64) {
        self.last = Some((now, stored));
    }

    /// Whether all that was there is delivered.
    pub(crate) fn is_over(&self, cursor: u64) -> bool {
        cursor > self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn a_rate_lets_a_burst_through_and_then_keeps_to_itself() {
        let mut rate = Rate::new(1_000, 500);
        let now = 10_000 * MS;
        assert!(rate.ready_at(500) <= now);
        rate.pay(500, now);
        assert_eq!(rate.ready_at(100), now + 100 * MS);
        rate.pay(100, now + 100 * MS);
        assert_eq!(rate.ready_at(1_000), now + 1_100 * MS);
        rate.pay(1, now + 9_000 * MS);
        assert_eq!(rate.ready_at(499), now + 9_000 * MS);
    }

    #[test]
    fn a_message_larger_than_the_burst_comes_in_the_end() {
        let mut rate = Rate { paid_at: 1_000 * MS, ..Rate::new(1_000, 10) };
        assert_eq!(rate.ready_at(110), 1_110 * MS);
        rate.pay(110, 5_000 * MS);
        assert_eq!(rate.ready_at(1), 5_101 * MS);
    }

    #[test]
    fn a_replay_keeps_gaps() {
        let mut replay = Replay::new(2);
        assert_eq!(replay.ready_at(5 * MS), i64::MIN);
        replay.on_delivered(100 * MS, 5 * MS);
        assert_eq!(replay.ready_at(6 * MS), i64::MIN);
        assert_eq!(replay.ready_at(25 * MS), 120 * MS);
        assert_eq!(replay.ready_at(MS), i64::MIN);
        assert!(!replay.is_over(2) && replay.is_over(3));
    }
}
