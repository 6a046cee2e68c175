//! When a message that is for later is to be published.

use crate::{Nanos, Timestamp};

/// What a schedule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule<'a> {
    /// Once, then.
    At(Timestamp),
    /// Again and again, that far apart.
    Every(Nanos),
    /// Whenever second, minute, hour, day, month and weekday are so. These are not looked at yet.
    Cron(&'a str),
}

/// A schedule that cannot be understood, or that would be kept more than once a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadSchedule;

impl<'a> Schedule<'a> {
    /// Reads one, which may be in a time zone: that only means something to the last kind.
    ///
    /// # Errors
    ///
    /// See [`BadSchedule`].
    pub fn parse(pattern: &'a str, has_time_zone: bool) -> Result<Self, BadSchedule> {
        let simple = if let Some(time) = pattern.strip_prefix("@at ") {
            Timestamp::parse(time).ok().map(Self::At)
        } else if let Some(length) = pattern.strip_prefix("@every ") {
            Nanos::parse(length).filter(|length| *length >= Nanos::from_secs(1)).map(Self::Every)
        } else {
            return Ok(Self::Cron(match pattern {
                "@yearly" | "@annually" => "0 0 0 1 1 *",
                "@monthly" => "0 0 0 1 * *",
                "@weekly" => "0 0 0 * * 0",
                "@daily" | "@midnight" => "0 0 0 * * *",
                "@hourly" => "0 0 * * * *",
                fields => fields,
            }));
        };
        simple.filter(|_| !has_time_zone).ok_or(BadSchedule)
    }
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
        assert_eq!(parse("@daily"), Ok(Schedule::Cron("0 0 0 * * *")));
        assert_eq!(parse("0 30 14 * * *"), Ok(Schedule::Cron("0 30 14 * * *")));
        for pattern in ["@at tomorrow", "@at ", "@every 999ms", "@every x", "@every -5s"] {
            assert_eq!(parse(pattern), Err(BadSchedule), "{pattern}");
        }
    }

    #[test]
    fn time_zones_are_for_fields_only() {
        assert_eq!(Schedule::parse("@every 1m", true), Err(BadSchedule));
        assert_eq!(Schedule::parse("@at 1970-01-01T00:00:01Z", true), Err(BadSchedule));
        assert_eq!(Schedule::parse("@hourly", true), Ok(Schedule::Cron("0 0 * * * *")));
    }
}
