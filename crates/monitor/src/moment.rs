//! Moments, and stretches of time in whole seconds, as nats-server shows them.

use std::time::Duration;

use chrono::DateTime;
use serde::{Serialize, Serializer};

/// A moment on the wall: nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(pub i64);

impl Moment {
    /// So many seconds after 1970.
    pub fn of_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// Whole seconds since 1970.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }

    /// How long after `earlier` this is; zero if it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This long after.
    pub fn after(self, nanos: u64) -> Self {
        Self(self.0.saturating_add_unsigned(nanos))
    }
}

/// RFC 3339 in UTC, its fraction as long as it has to be.
impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let moment = DateTime::from_timestamp_nanos(self.0);
        let text = moment.format("%Y-%m-%dT%H:%M:%S%.9f").to_string();
        let text = text.trim_end_matches('0').trim_end_matches('.');
        serializer.collect_str(&format_args!("{text}Z"))
    }
}

/// A stretch of time in whole seconds, as `1d2h3m4s`.
pub(crate) fn uptime(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let years = days / 365;
    let parts = [
        (years, years, 'y'),
        (days, days % 365, 'd'),
        (hours, hours % 24, 'h'),
        (minutes, minutes % 60, 'm'),
    ];
    let shown = parts.into_iter().filter(|(all, ..)| *all > 0);
    let mut text: String = shown.map(|(_, part, unit)| format!("{part}{unit}")).collect();
    text.push_str(&format!("{}s", seconds % 60));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_the_digits_they_need() {
        let text = |nanos| serde_json::to_string(&Moment(nanos)).unwrap();
        assert_eq!(text(1_700_000_000_206_923_760), "\"2023-11-14T22:13:20.20692376Z\"");
        assert_eq!(text(1_700_000_000_000_000_000), "\"2023-11-14T22:13:20Z\"");
    }

    #[test]
    fn uptimes_begin_with_the_largest_unit_there_is() {
        let of = |seconds| uptime(Duration::from_secs(seconds));
        assert_eq!([of(0), of(61), of(3600), of(93_784)], ["0s", "1m1s", "1h0m0s", "1d2h3m4s"]);
        assert_eq!(of(366 * 86_400 + 5), "1y1d0h0m5s");
    }
}
