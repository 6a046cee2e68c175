//! Times that come again and again: six fields that say which seconds, minutes, hours, days of the month, months and
//! days of the week are meant.
//!
//! The grammar, and which time comes next, are nats-server 2.14.5's (`cron.go` there): names of months and days,
//! ranges, steps and lists; a day has to be right in one of its two fields, or in both if one of them is a star.

use crate::civil::Civil;
use crate::zone::Zone;

/// A pattern that was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cron {
    second: u64,
    minute: u64,
    hour: u64,
    day: u64,
    month: u64,
    weekday: u64,
}

/// In a field: it was a star.
const STAR: u64 = 1 << 63;

/// Nothing is looked for beyond so many years.
const YEARS_MAX: i64 = 5;

const MONTHS: &[&str] =
    &["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Cron {
    /// Reads six fields with blanks between them.
    pub(crate) fn parse(pattern: &str) -> Option<Self> {
        let mut fields = pattern.split_whitespace();
        let mut next = |min, max, names| bits_of(fields.next()?, min, max, names);
        let cron = Self {
            second: next(0, 59, &[])?,
            minute: next(0, 59, &[])?,
            hour: next(0, 23, &[])?,
            day: next(1, 31, &[])?,
            month: next(1, 12, MONTHS)?,
            weekday: next(0, 6, DAYS)?,
        };
        fields.next().is_none().then_some(cron)
    }

    /// The first such time behind that one, both in seconds since 1970; none if there is none for years.
    pub(crate) fn next(&self, after: i64, zone: &Zone) -> Option<i64> {
        // A list of nothing means no time. Nobody goes through all seconds of years to see that.
        if [self.second, self.minute, self.hour].contains(&0) {
            return None;
        }
        let mut search = Search { seconds: after + 1, is_cut: false, zone };
        let limit = search.civil().year + YEARS_MAX;
        while !search.turn_on(self) {
            if search.civil().year > limit {
                return None;
            }
        }
        Some(search.seconds)
    }

    fn has_day(&self, civil: Civil) -> bool {
        let (of_month, of_week) = (has(self.day, civil.day), has(self.weekday, civil.weekday()));
        if (self.day | self.weekday) & STAR > 0 { of_month && of_week } else { of_month || of_week }
    }
}

fn has(bits: u64, number: i64) -> bool {
    bits >> number & 1 > 0
}

/// How far the search for a time is.
struct Search<'a> {
    seconds: i64,
    /// What is smaller than the field that did not fit is at its beginning.
    is_cut: bool,
    zone: &'a Zone,
}

impl Search<'_> {
    fn civil(&self) -> Civil {
        self.zone.civil(self.seconds)
    }

    fn go_to(&mut self, civil: Civil) {
        self.seconds = self.zone.seconds(civil);
    }

    /// Turns each field on until it fits. Says whether all do: if one began anew, those above have to be looked at again.
    fn turn_on(&mut self, cron: &Cron) -> bool {
        self.turn_month(cron) && self.turn_day(cron) && self.turn_hour(cron) && self.turn_rest(cron)
    }

    fn turn_month(&mut self, cron: &Cron) -> bool {
        while !has(cron.month, self.civil().month) {
            let civil = self.civil();
            if !std::mem::replace(&mut self.is_cut, true) {
                self.go_to(Civil { day: 1, hour: 0, minute: 0, second: 0, ..civil });
            }
            let civil = self.civil();
            self.go_to(Civil { month: civil.month + 1, ..civil });
            if self.civil().month == 1 {
                return false;
            }
        }
        true
    }

    fn turn_day(&mut self, cron: &Cron) -> bool {
        while !cron.has_day(self.civil()) {
            let civil = self.civil();
            if !std::mem::replace(&mut self.is_cut, true) {
                self.go_to(Civil { hour: 0, minute: 0, second: 0, ..civil });
            }
            let civil = self.civil();
            self.go_to(Civil { day: civil.day + 1, ..civil });
            if self.civil().day == 1 {
                return false;
            }
        }
        true
    }

    fn turn_hour(&mut self, cron: &Cron) -> bool {
        while !has(cron.hour, self.civil().hour) {
            let civil = self.civil();
            if !std::mem::replace(&mut self.is_cut, true) {
                self.go_to(Civil { minute: 0, second: 0, ..civil });
            }
            self.seconds += 3_600;
            if self.civil().hour == 0 {
                return false;
            }
        }
        true
    }

    fn turn_rest(&mut self, cron: &Cron) -> bool {
        while !has(cron.minute, self.civil().minute) {
            if !std::mem::replace(&mut self.is_cut, true) {
                self.seconds -= self.seconds.rem_euclid(60);
            }
            self.seconds += 60;
            if self.civil().minute == 0 {
                return false;
            }
        }
        while !has(cron.second, self.civil().second) {
            self.is_cut = true;
            self.seconds += 1;
            if self.civil().second == 0 {
                return false;
            }
        }
        true
    }
}

/// A list of ranges.
fn bits_of(field: &str, min: u32, max: u32, names: &[&str]) -> Option<u64> {
    let ranges = field.split(',').filter(|range| !range.is_empty());
    ranges.map(|range| bits_of_range(range, min, max, names)).try_fold(0, |bits, range| Some(bits | range?))
}

/// A star or a question mark, a number or two with a hyphen between them, and a step perhaps.
fn bits_of_range(text: &str, min: u32, max: u32, names: &[&str]) -> Option<u64> {
    let (range, step) = match text.split_once('/') {
        Some((range, step)) => (range, Some(number(step)?)),
        None => (text, None),
    };
    let (first, last) = match range.split_once('-') {
        Some((first, last)) => (first, Some(last)),
        None => (range, None),
    };
    let is_star = matches!(first, "*" | "?");
    let (start, end) = match (is_star, last) {
        (true, _) => (min, max),
        (false, Some(last)) => (named(first, names)?, named(last, names)?),
        // With a step it goes on to the end.
        (false, None) if step.is_some() => (named(first, names)?, max),
        (false, None) => (named(first, names)?, named(first, names)?),
    };
    let step = step.unwrap_or(1);
    if start < min || end > max || start > end || step == 0 {
        return None;
    }
    let star = if is_star && step == 1 { STAR } else { 0 };
    Some((start..=end).step_by(step as usize).fold(star, |bits, number| bits | 1 << number))
}

fn named(text: &str, names: &[&str]) -> Option<u32> {
    let known = names.iter().position(|name| !name.is_empty() && name.eq_ignore_ascii_case(text));
    known.map_or_else(|| number(text), |at| u32::try_from(at).ok())
}

/// As Go reads one: with a sign perhaps, and not below zero.
fn number(text: &str) -> Option<u32> {
    let number: i64 = text.parse().ok()?;
    u32::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn next(pattern: &str, after: &str) -> String {
        let after = Timestamp::parse(after).unwrap().unix_nanos().unwrap() / 1_000_000_000;
        let found = Cron::parse(pattern).expect("it is understood").next(after, &Zone::UTC);
        found.map_or_else(
            || "never".into(),
            |seconds| Timestamp::from_unix_nanos(seconds * 1_000_000_000).to_string(),
        )
    }

    /// Each line is a pattern, a time, and what nats-server 2.14.5 says comes next: `testdata/cron.txt`.
    #[test]
    fn the_next_time_is_the_peers() {
        for line in include_str!("../testdata/cron.txt").lines().filter(|line| !line.starts_with('#')) {
            let [pattern, after, expected]: [&str; 3] =
                line.split('|').map(str::trim).collect::<Vec<_>>().try_into().expect("three fields");
            assert_eq!(next(pattern, after), expected, "{pattern} after {after}");
        }
    }

    /// The same of a time zone: `testdata/zones_cron.txt`.
    #[test]
    fn the_next_time_in_a_zone_is_the_peers() {
        for line in include_str!("../testdata/zones_cron.txt").lines().filter(|line| !line.starts_with('#')) {
            let [pattern, zone, after, expected]: [&str; 4] =
                line.split('|').map(str::trim).collect::<Vec<_>>().try_into().expect("four fields");
            let seconds = |text| Timestamp::parse(text).unwrap().unix_nanos().unwrap() / 1_000_000_000;
            let zone = Zone::find(zone).expect("it is known");
            let next = Cron::parse(pattern).expect("it is understood").next(seconds(after), &zone);
            assert_eq!(next, Some(seconds(expected)), "{line}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in [
            "",
            "* * * * *",
            "* * * * * * *",
            "60 * * * * *",
            "* * 24 * * *",
            "* * * 0 * *",
            "* * * * 13 *",
            "* * * * * 7",
            "5-1 * * * * *",
            "1-2-3 * * * * *",
            "*/0 * * * * *",
            "1/2/3 * * * * *",
            "x * * * * *",
            "-1 * * * * *",
            "* * * * foo *",
            "1- * * * * *",
        ] {
            assert_eq!(Cron::parse(pattern), None, "{pattern}");
        }
    }
}
