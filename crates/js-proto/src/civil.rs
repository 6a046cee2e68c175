//! Dates and times of day, as they are counted from a moment: proleptic Gregorian, without a time zone.

/// From the beginning of the year 1 to that of 1970, in days.
const EPOCH_DAYS: i64 = 719_162;

const SECONDS_PER_DAY: i64 = 86_400;

/// The days of a date since the beginning of the year 1. Months from March on, so that the odd day comes last.
pub(crate) fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + year * 365 + year / 4 - year / 100 + (month * 153 + 2) / 5 + day - 307
}

/// The date that many days after the beginning of the year 1.
pub(crate) fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 306;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

/// What a clock and a calendar show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// From 1.
    pub(crate) month: i64,
    /// From 1.
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
}

impl Civil {
    /// That many seconds after the beginning of 1970.
    pub(crate) fn of_seconds(seconds: i64) -> Self {
        let (year, month, day) = date_of(seconds.div_euclid(SECONDS_PER_DAY) + EPOCH_DAYS);
        let rest = seconds.rem_euclid(SECONDS_PER_DAY);
        Self { year, month, day, hour: rest / 3_600, minute: rest / 60 % 60, second: rest % 60 }
    }

    /// The same the other way round. Days and months beyond their range go on into the next month or year.
    pub(crate) fn seconds(self) -> i64 {
        let month = self.month - 1;
        let (year, month) = (self.year + month.div_euclid(12), month.rem_euclid(12) + 1);
        let days = days_of(year, month, 1) + self.day - 1 - EPOCH_DAYS;
        days * SECONDS_PER_DAY + self.hour * 3_600 + self.minute * 60 + self.second
    }

    /// From 0, which is a Sunday.
    pub(crate) fn weekday(self) -> i64 {
        // The first day of the year 1 was a Monday.
        (days_of(self.year, self.month, self.day) + 1).rem_euclid(7)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_names() {
        let weekday = |year, month, day| Civil { year, month, day, hour: 0, minute: 0, second: 0 }.weekday();
        assert_eq!([weekday(1970, 1, 1), weekday(2024, 2, 29), weekday(2026, 11, 29)], [4, 4, 0]);
    }

    #[test]
    fn what_goes_beyond_a_month_is_in_the_next() {
        let seconds = |year, month, day| Civil { year, month, day, hour: 1, minute: 2, second: 3 }.seconds();
        assert_eq!(Civil::of_seconds(seconds(2023, 2, 29)), Civil::of_seconds(seconds(2023, 3, 1)));
        assert_eq!(Civil::of_seconds(seconds(2023, 13, 1)), Civil::of_seconds(seconds(2024, 1, 1)));
        let civil = Civil { year: 1969, month: 12, day: 31, hour: 23, minute: 59, second: 59 };
        assert_eq!((civil.seconds(), Civil::of_seconds(-1)), (-1, civil));
    }
}
