//! When a message that is for later is to be published.

use crate::cron::Cron;
use crate::zone::Zone;
use crate::{KnownError, Nanos, ScheduleHeaders, Timestamp, errors};

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

/// A schedule, and the clock that it goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    schedule: Schedule,
    zone: Zone,
}

impl Plan {
    /// What a message's headers plan, if they do: a time that stands for none is no plan.
    ///
    /// # Errors
    ///
    /// What its publisher is told.
    pub fn of(headers: &ScheduleHeaders<'_>) -> Result<Option<Self>, &'static KnownError> {
        let zone = match headers.time_zone.map(str::from_utf8) {
            None => None,
            Some(name) => {
                let zone = name.ok().and_then(Zone::find);
                Some(zone.ok_or(&errors::MESSAGE_SCHEDULES_TIME_ZONE_INVALID)?)
            }
        };
        let Some(pattern) = headers.pattern else { return Ok(None) };
        let schedule = str::from_utf8(pattern).map_err(|_| BadSchedule);
        let schedule = schedule.and_then(|pattern| Schedule::parse(pattern, zone.is_some()));
        match schedule.map_err(|_| &errors::MESSAGE_SCHEDULES_PATTERN_INVALID)? {
            Schedule::At(time) if time.is_zero() => Ok(None),
            schedule => Ok(Some(Self { schedule, zone: zone.unwrap_or(Zone::UTC) })),
        }
    }

    /// Whether it is kept again and again.
    pub fn repeats(&self) -> bool {
        self.schedule.repeats()
    }

    /// See [`Schedule::first`].
    pub fn first(&self, since: i64) -> Option<i64> {
        self.schedule.first(since, &self.zone)
    }

    /// See [`Schedule::next`].
    pub fn next(&self, due: i64, now: i64) -> Option<i64> {
        self.schedule.next(due, now, &self.zone)
    }

    /// A moment as its clock shows it.
    pub fn shown(&self, nanos: i64) -> Timestamp {
        let offset = self.zone.offset(nanos.div_euclid(SECOND)) / 60;
        Timestamp::from_unix_nanos(nanos).shown_at(i16::try_from(offset).unwrap_or(0))
    }
}

/// To the nearest second.
fn rounded(nanos: i64) -> i64 {
    let rest = nanos.rem_euclid(SECOND);
    let floor = nanos.saturating_sub(rest);
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
    fn headers_plan_what_they_say() {
        let plan = |pattern: Option<&'static str>, time_zone: Option<&'static str>| {
            let (pattern, time_zone) = (pattern.map(str::as_bytes), time_zone.map(str::as_bytes));
            Plan::of(&ScheduleHeaders { pattern, time_zone, ..ScheduleHeaders::default() })
                .map_err(|error| error.error().err_code)
        };
        let (bad_zone, bad_pattern) = (Err(10223), Err(10189));
        assert_eq!(plan(None, None), Ok(None));
        assert_eq!(plan(None, Some("Europe/Paris")), Ok(None));
        assert_eq!(plan(None, Some("")), bad_zone);
        assert_eq!(plan(Some("bad"), Some("europe/paris")), bad_zone);
        assert_eq!(plan(Some("bad"), None), bad_pattern);
        assert_eq!(plan(Some("@every 1m"), Some("UTC")), bad_pattern);
        assert_eq!(plan(Some("@at 0001-01-01T00:00:00Z"), None), Ok(None));
        let noon = plan(Some("0 0 12 * * *"), Some("Europe/Paris")).unwrap().unwrap();
        let summer = Timestamp::parse("2026-07-01T00:00:00Z").unwrap().unix_nanos().unwrap();
        let next = noon.first(summer).unwrap();
        assert_eq!(noon.shown(next).to_string(), "2026-07-01T12:00:00+02:00");
        assert_eq!(noon.shown(next).in_utc().to_string(), "2026-07-01T10:00:00Z");
    }

    #[test]
    fn what_was_missed_is_kept_once() {
        let every = Schedule::parse("@every 10s", false).unwrap();
        let first = every.first(3 * SECOND + SECOND / 2, &Zone::UTC);
        assert_eq!(first, Some(14 * SECOND), "moments are rounded");
        assert_eq!(every.first(i64::MIN, &Zone::UTC), Some(i64::MIN + 10 * SECOND));
        assert_eq!(every.first(i64::MAX, &Zone::UTC), Some(i64::MAX));
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
