//! A moment as Go's JSON has it: RFC 3339 with up to nine digits of a second, and the offset it was written with.

use std::fmt;

use nats_proto::go_json::{Field, Mismatch, Value};
use nats_proto::quote;
use serde::{Serialize, Serializer};

use crate::civil::{date_of, days_of};
use crate::digits::push_padded;

/// A moment between the years 0 and 9999. The default is the beginning of the year 1, which stands for none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timestamp {
    /// Since the beginning of the year 1.
    seconds: i64,
    nanos: u32,
    /// How far ahead of UTC it is shown.
    offset_minutes: i16,
}

/// From the beginning of the year 1 to that of 1970.
const UNIX_EPOCH_SECONDS: i64 = 62_135_596_800;

const SECONDS_PER_DAY: i64 = 86_400;
const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// The form, as Go writes it.
const LAYOUT: &str = "2006-01-02T15:04:05Z07:00";

impl Timestamp {
    /// That long after the beginning of 1970, in UTC.
    pub const fn from_unix_nanos(nanos: i64) -> Self {
        Self {
            seconds: nanos.div_euclid(NANOS_PER_SECOND) + UNIX_EPOCH_SECONDS,
            nanos: nanos.rem_euclid(NANOS_PER_SECOND) as u32,
            offset_minutes: 0,
        }
    }

    /// How long after the beginning of 1970 it is, if that can be told in nanoseconds.
    pub fn unix_nanos(self) -> Option<i64> {
        let seconds = self.seconds - UNIX_EPOCH_SECONDS;
        let nanos = i128::from(seconds) * i128::from(NANOS_PER_SECOND) + i128::from(self.nanos);
        i64::try_from(nanos).ok()
    }

    /// Whether it stands for none.
    pub const fn is_zero(self) -> bool {
        self.seconds == 0 && self.nanos == 0
    }

    /// The same moment, shown in UTC.
    #[must_use]
    pub const fn in_utc(self) -> Self {
        Self { offset_minutes: 0, ..self }
    }

    /// The same moment, shown that many minutes ahead of UTC.
    #[must_use]
    pub const fn shown_at(self, offset_minutes: i16) -> Self {
        Self { offset_minutes, ..self }
    }

    /// Reads one.
    ///
    /// # Errors
    ///
    /// What Go says of the text if it is of another form.
    pub fn parse(text: &str) -> Result<Self, String> {
        Reader { text, rest: text }.time()
    }

    /// Appends its text.
    pub fn write(&self, out: &mut Vec<u8>) {
        let shown = self.seconds + i64::from(self.offset_minutes) * 60;
        let (year, month, day) = date_of(shown.div_euclid(SECONDS_PER_DAY));
        let second = shown.rem_euclid(SECONDS_PER_DAY);
        let clock = [(b'T', second / 3_600), (b':', second / 60 % 60), (b':', second % 60)];
        push_padded::<4>(out, year.unsigned_abs());
        for (mark, number) in [(b'-', month), (b'-', day)].into_iter().chain(clock) {
            out.push(mark);
            push_padded::<2>(out, number.unsigned_abs());
        }
        if self.nanos > 0 {
            out.push(b'.');
            push_padded::<9>(out, u64::from(self.nanos));
            while out.pop_if(|digit| *digit == b'0').is_some() {}
        }
        if self.offset_minutes == 0 {
            return out.push(b'Z');
        }
        let offset = u64::from(self.offset_minutes.unsigned_abs());
        out.push(if self.offset_minutes < 0 { b'-' } else { b'+' });
        push_padded::<2>(out, offset / 60);
        out.push(b':');
        push_padded::<2>(out, offset % 60);
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days_of(next_year, next_month, 1) - days_of(year, month, 1)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(LAYOUT.len() + 20);
        self.write(&mut text);
        f.write_str(str::from_utf8(&text).expect("digits and marks"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Field for Timestamp {
    fn store(&mut self, value: Value<'_>) -> Result<(), Mismatch> {
        if !value.is_null() {
            let text = value.string().ok_or_else(|| Mismatch::of_type(value, "time.Time"))?;
            *self = Self::parse(&text).map_err(Mismatch::of_value)?;
        }
        Ok(())
    }
}

/// Reads element after element, as Go does, to say what Go says where one is wrong.
struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl Reader<'_> {
    fn time(&mut self) -> Result<Timestamp, String> {
        let year = self.number("2006", 4, 4)?;
        self.mark("-")?;
        let month = self.number("01", 2, 2)?;
        self.within("month", month, 1, 12)?;
        self.mark("-")?;
        let day = self.number("02", 2, 2)?;
        self.mark("T")?;
        let hour = self.number("15", 1, 2)?;
        self.within("hour", hour, 0, 23)?;
        self.mark(":")?;
        let minute = self.number("04", 2, 2)?;
        self.within("minute", minute, 0, 59)?;
        self.mark(":")?;
        let second = self.number("05", 2, 2)?;
        self.within("second", second, 0, 59)?;
        let nanos = self.fraction();
        let offset_minutes = self.offset()?;
        if !self.rest.is_empty() {
            return Err(self.about(&format!(": extra text: {}", quote(self.rest.as_bytes()))));
        }
        self.within("day", day, 1, days_in(year, month))?;
        let shown = days_of(year, month, day) * SECONDS_PER_DAY + hour * 3_600 + minute * 60 + second;
        Ok(Timestamp { seconds: shown - i64::from(offset_minutes) * 60, nanos, offset_minutes })
    }

    fn mark(&mut self, mark: &str) -> Result<(), String> {
        self.rest = self.rest.strip_prefix(mark).ok_or_else(|| self.bad(mark, self.rest))?;
        Ok(())
    }

    /// A number of that many digits.
    fn number(&mut self, element: &str, min: usize, max: usize) -> Result<i64, String> {
        let digits = self.rest.bytes().take(max).take_while(u8::is_ascii_digit).count();
        if digits < min {
            return Err(self.bad(element, self.rest));
        }
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        Ok(number.bytes().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    /// Nanoseconds; what is finer is cut off.
    fn fraction(&mut self) -> u32 {
        let Some(behind) = self.rest.strip_prefix(['.', ',']) else { return 0 };
        let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return 0;
        }
        let (fraction, rest) = behind.split_at(digits);
        self.rest = rest;
        let digits = fraction.bytes().chain(std::iter::repeat(b'0'));
        digits.take(9).fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
    }

    fn offset(&mut self) -> Result<i16, String> {
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Ok(0);
        }
        let whole = self.rest;
        let bad = |reader: &Self| reader.bad("Z07:00", whole);
        let sign = match whole.as_bytes() {
            [b'+', _, _, b':', _, _, ..] => 1,
            [b'-', _, _, b':', _, _, ..] => -1,
            _ => return Err(bad(self)),
        };
        self.rest = &whole[1..];
        let hours = self.number("", 2, 2).map_err(|_| bad(self))?;
        self.mark(":").map_err(|_| bad(self))?;
        let minutes = self.number("", 2, 2).map_err(|_| bad(self))?;
        self.within("time zone offset hour", hours, 0, 24)?;
        self.within("time zone offset minute", minutes, 0, 60)?;
        let minutes = hours * 60 + minutes;
        // Go reads it and then cannot write it.
        self.within("timezone", minutes, 0, 24 * 60 - 1)?;
        i16::try_from(sign * minutes).map_err(|_| bad(self))
    }

    fn within(&self, what: &str, number: i64, min: i64, max: i64) -> Result<(), String> {
        if (min..=max).contains(&number) {
            Ok(())
        } else {
            Err(self.about(&format!(": {what} out of range")))
        }
    }

    fn about(&self, words: &str) -> String {
        format!("parsing time {}{words}", quote(self.text.as_bytes()))
    }

    fn bad(&self, element: &str, found: &str) -> String {
        let (layout, found, element) =
            (quote(LAYOUT.as_bytes()), quote(found.as_bytes()), quote(element.as_bytes()));
        self.about(&format!(" as {layout}: cannot parse {found} as {element}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_written_is_what_was_read() {
        for text in [
            "0001-01-01T00:00:00Z",
            "2026-11-29T13:40:51.000000001Z",
            "2024-02-29T23:59:59.12+02:00",
            "9999-12-31T23:59:59.999999999-11:30",
            "0000-01-01T00:00:00Z",
            "1969-12-31T23:59:59.9Z",
        ] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        }
        for (text, written) in [
            ("2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05.1234567899Z", "2026-01-02T03:04:05.123456789Z"),
            ("2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05-00:00", "2026-01-02T03:04:05Z"),
        ] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), written);
        }
    }

    #[test]
    fn unix_times_are_counted_from_1970() {
        assert_eq!(Timestamp::parse("1970-01-01T01:00:00.5+01:00").unwrap().unix_nanos(), Some(500_000_000));
        assert_eq!(Timestamp::from_unix_nanos(-1).to_string(), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(Timestamp::default().unix_nanos(), None);
        assert!(Timestamp::default().is_zero());
    }

    #[test]
    fn what_is_wrong_is_called_what_go_calls_it() {
        let file = include_str!("../testdata/times.txt");
        for line in file.lines() {
            let (text, words) = line.split_once('\t').unwrap();
            let read = Timestamp::parse(text).map_or_else(|words| words, |time| time.to_string());
            assert_eq!(read, words);
        }
    }

    proptest! {
        #[test]
        fn any_time_comes_back(nanos: i64, offset in -1439_i16..=1439) {
            let time = Timestamp { offset_minutes: offset, ..Timestamp::from_unix_nanos(nanos) };
            prop_assert_eq!(Timestamp::parse(&time.to_string()), Ok(time));
            prop_assert_eq!(time.unix_nanos(), Some(nanos));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-0-9T:Z+.,]{0,40}|\\PC{0,30}") {
            if let Ok(time) = Timestamp::parse(&text) {
                prop_assert_eq!(Timestamp::parse(&time.to_string()), Ok(time));
            }
        }
    }
}
