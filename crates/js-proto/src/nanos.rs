//! A length of time as Go has it: whole nanoseconds in JSON, `1h2m3.5s` elsewhere.

use std::fmt;
use std::time::Duration;

use nats_proto::GoDuration;
use nats_proto::go_json::{Field, Item, Mismatch, Value};
use serde::Serialize;

/// Nanoseconds, below zero as well: a configuration may say so, and mean that there is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Nanos(pub i64);

impl Nanos {
    /// None.
    pub const ZERO: Self = Self(0);

    /// That many milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// That many seconds.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// As a length of time, if it is none below zero.
    pub fn duration(self) -> Option<Duration> {
        u64::try_from(self.0).ok().map(Duration::from_nanos)
    }

    /// Reads what Go writes, and what it reads: `1h`, `-1.5s`, `1m30s`, `.5us`, `0`.
    pub fn parse(text: &str) -> Option<Self> {
        GoDuration::parse(text).ok().map(|length| Self(length.0))
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        GoDuration(self.0).fmt(f)
    }
}

impl Field for Nanos {
    fn store(&mut self, value: Value<'_>) -> Result<(), Mismatch> {
        self.0.store(value).map_err(|mismatch| mismatch.wanting(Some("time.Duration")))
    }
}

impl Item for Nanos {
    const LIST: &'static str = "[]time.Duration";
    const MAP: &'static str = "map[string]time.Duration";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_and_written_as_go_does() {
        for (nanos, text) in [(0, "0s"), (245_001_000_000, "4m5.001s"), (-60_000_000_000, "-1m0s")] {
            assert_eq!(Nanos(nanos).to_string(), text);
            assert_eq!(Nanos::parse(text), Some(Nanos(nanos)), "{text}");
        }
        assert_eq!(Nanos::parse("5"), None);
    }
}
