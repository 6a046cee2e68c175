//! When a message that is for later is to be published.

use crate::cron::Cron;
use crate::zone::Zone;
use crate::{Nanos, Timestamp};

const SECOND: i64 = 1_000_000_000;

/// What a schedule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// Once, then.
    At(Timestamp),
    /// Again and again, that far apart.
    Every(Nanos),
    /// Whenever second, minute, hour, day, month and weekday are so.
    Cron(Cron),
}

/// A schedule that cannot be understood, or that would be kept more than once a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadSchedule;

impl Schedule {
    /// Reads one, which may be in a time zone: that only means something to the last kind.
    ///
    /// # Errors
    ///
    /// See [`BadSchedule`].
    pub fn parse(pattern: &str, has_time_zone: bool) -> Result<Self, BadSchedule> {
        let simple = if let Some(time) = pattern.strip_prefix("@at ") {
            Timestamp::parse(time).ok().map(Self::At)
        } else if let Some(length) = pattern.strip_prefix("@every ") {
            Nanos::parse(length).filter(|length| *length >= Nanos::from_secs(1)).map(Self::Every)
        } else {
            let fields = match pattern {
                "@yearly" | "@annually" => "0 0 0 1 1 *",
                "@monthly" => "0 0 0 1 * *",
                "@weekly" => "0 0 0 * * 0",
                "@daily" | "@midnight" => "0 0 0 * * *",
                "@hourly" => "0 0 * * * *",
                fields => fields,
            };
            return Cron::parse(fields).map(Self::Cron).ok_or(BadSchedule);
        };
        simple.filter(|_| !has_time_zone).ok_or(BadSchedule)
    }

    /// Whether it is kept again and again.
    pub fn repeats(&self) -> bool {
        !matches!(self, Self::At(_))
    }

    /// The first time behind a moment, both in nanoseconds since 1970. Of what is kept once it is that one, even if it is
    /// over. None if there is none.
    pub fn first(&self, since: i64, zone: &Zone) -> Option<i64> {
        match self {
            Self::At(time) => Some(time.unix_nanos().unwrap_or(i64::MAX)),
            Self::Every(length) => Some(rounded(since).saturating_add(length.0)),
            Self::Cron(cron) => cron.next(since.div_euclid(SECOND), zone)?.checked_mul(SECOND),
        }
    }

    /// The next time, when it was kept that was due then, and it is this late by now: what is over by then is left out.
    pub fn next(&self, due: i64, now: i64, zone: &Zone) -> Option<i64> {
        let next = self.first(due, zone)?;
        match self {
            Self::At(_) => Some(next),
            _ if next >= now => Some(next),
            Self::Every(_) => self.first(now, zone),
            Self::Cron(_) => self.first(rounded(now), zone),
        }
    }
}

/// To the nearest second.
fn rounded(nanos: i64) -> i64 {
    let rest = nanos.rem_euclid(SECOND);
    let floor = nanos - rest;
    if rest * 2 >= SECOND { floor.saturating_add(SECOND) } else { floor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_times_lengths_or_fields() {
        let parse = |pattern| Schedule::parse(pattern, false);
        let time = Timestamp::from_unix_nanos(1_000_000_000);
        assert_eq!(parse("@at 1970-01-01T00:00:01Z"), Ok(Schedule::At(time)));
        assert_eq!(parse("@every 1m"), Ok(Schedule::Every(Nanos::from_secs(60))));
        assert_eq!(parse("@daily"), parse("0 0 0 * * *"));
        assert!(matches!(parse("0 30 14 * * *"), Ok(Schedule::Cron(_))));
        for pattern in ["@at tomorrow", "@at ", "@every 999ms", "@every x", "@every -5s", "@never", "bad"] {
            assert_eq!(parse(pattern), Err(BadSchedule), "{pattern}");
        }
    }

    #[test]
    fn time_zones_are_for_fields_only() {
        assert_eq!(Schedule::parse("@every 1m", true), Err(BadSchedule));
        assert_eq!(Schedule::parse("@at 1970-01-01T00:00:01Z", true), Err(BadSchedule));
        assert!(Schedule::parse("@hourly", true).is_ok());
    }

    #[test]
    fn what_was_missed_is_kept_once() {
        let every = Schedule::parse("@every 10s", false).unwrap();
        let first = every.first(3 * SECOND + SECOND / 2, &Zone::UTC);
        assert_eq!(first, Some(14 * SECOND), "moments are rounded");
        assert_eq!(every.next(14 * SECOND, 15 * SECOND, &Zone::UTC), Some(24 * SECOND));
        assert_eq!(every.next(14 * SECOND, 99 * SECOND, &Zone::UTC), Some(109 * SECOND));
        let hourly = Schedule::parse("@hourly", false).unwrap();
        let hour = 3_600 * SECOND;
        assert_eq!(hourly.first(hour, &Zone::UTC), Some(2 * hour));
        assert_eq!(hourly.next(2 * hour, 7 * hour + 1, &Zone::UTC), Some(8 * hour));
        let at = Schedule::parse("@at 1970-01-01T00:00:01Z", false).unwrap();
        assert_eq!(at.first(hour, &Zone::UTC), Some(SECOND));
    }
}
