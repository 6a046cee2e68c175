//! Dates, which the grammar knows though no option of nats-server takes one.

use std::fmt;

/// A date and time in UTC, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// The year, from 0 to 9999.
    pub year: u16,
    /// The month, from 1.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
    /// The hour, to 23.
    pub hour: u8,
    /// The minute, to 59.
    pub minute: u8,
    /// The second, to 59.
    pub second: u8,
}

impl Date {
    /// Reads `2016-05-04T18:53:41Z`. None if there is no such moment, or it is written otherwise.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
        if bytes.len() != 20 || marks.iter().any(|&(at, mark)| bytes[at] != mark) {
            return None;
        }
        let number = |from: usize, to: usize| {
            let digits = &bytes[from..to];
            let digit = |value: u16, digit: &u8| value * 10 + u16::from(digit - b'0');
            digits.iter().all(u8::is_ascii_digit).then(|| digits.iter().fold(0, digit))
        };
        let small = |from: usize| number(from, from + 2).map(|value| value as u8);
        let date = Self {
            year: number(0, 4)?,
            month: small(5)?,
            day: small(8)?,
            hour: small(11)?,
            minute: small(14)?,
            second: small(17)?,
        };
        date.exists().then_some(date)
    }

    fn exists(self) -> bool {
        let leap =
            self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        let days = match self.month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 => 28 + u8::from(leap),
            _ => 0,
        };
        (1..=days).contains(&self.day) && self.hour < 24 && self.minute < 60 && self.second < 60
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_it_was_read() {
        for text in
            ["2016-05-04T18:53:41Z", "2024-02-29T00:00:00Z", "2000-02-29T23:59:59Z", "0000-01-01T00:00:00Z"]
        {
            assert_eq!(Date::parse(text).expect(text).to_string(), text);
        }
    }

    #[test]
    fn moments_that_do_not_exist_are_refused() {
        for text in [
            "2015-13-09T00:00:00Z",
            "2015-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2015-04-31T00:00:00Z",
            "2015-04-00T00:00:00Z",
            "2015-04-01T24:00:00Z",
            "2015-04-01T00:60:00Z",
            "2015-04-01T00:00:60Z",
            "2015-04-01T00:00:00z",
            "2015-04-01 00:00:00Z",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }
}
