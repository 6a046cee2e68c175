//! A length of time as Go has it: whole nanoseconds in JSON, `1h2m3.5s` elsewhere.

use std::fmt;
use std::time::Duration;

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
        let (is_negative, mut rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Some(Self(0));
        }
        if rest.is_empty() {
            return None;
        }
        let mut sum = 0_u64;
        while !rest.is_empty() {
            let (part, behind) = part(rest)?;
            sum = sum.checked_add(part)?;
            rest = behind;
        }
        let magnitude = i128::from(sum);
        i64::try_from(if is_negative { -magnitude } else { magnitude }).ok().map(Self)
    }
}

/// The units, longest names first.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// The number and unit at the front, in nanoseconds, and what is behind. What is finer is cut off.
fn part(text: &str) -> Option<(u64, &str)> {
    let is_number = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    let (number, behind) = text.split_at(text.bytes().position(|byte| !is_number(byte))?);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let unit_len = behind.bytes().position(is_number).unwrap_or(behind.len());
    let (unit, behind) = behind.split_at(unit_len);
    let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()? };
    let digits: String = fraction.chars().take(FRACTION_DIGITS_MAX).collect();
    let fraction = digits.bytes().fold(0_u128, |sum, digit| sum * 10 + u128::from(digit - b'0'));
    let finer = fraction * u128::from(*unit) / 10_u128.pow(u32::try_from(digits.len()).ok()?);
    Some((whole.checked_mul(*unit)?.checked_add(u64::try_from(finer).ok()?)?, behind))
}

/// An hour has 3.6e12 nanoseconds, so that further digits of a fraction say nothing.
const FRACTION_DIGITS_MAX: usize = 18;

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match magnitude {
            0 => return f.write_str("0s"),
            1..1_000 => return write!(f, "{magnitude}ns"),
            1_000..1_000_000 => return f.write_str(&with_fraction(magnitude, 1_000, "µs")),
            1_000_000..1_000_000_000 => return f.write_str(&with_fraction(magnitude, 1_000_000, "ms")),
            _ => {}
        }
        let minutes = magnitude / 60_000_000_000;
        if minutes >= 60 {
            write!(f, "{}h", minutes / 60)?;
        }
        if minutes > 0 {
            write!(f, "{}m", minutes % 60)?;
        }
        f.write_str(&with_fraction(magnitude % 60_000_000_000, 1_000_000_000, "s"))
    }
}

/// The number in that unit, without zeros at the end.
fn with_fraction(number: u64, unit: u64, name: &str) -> String {
    let digits = unit.ilog10() as usize;
    let text = format!("{}.{:0digits$}", number / unit, number % unit);
    format!("{}{name}", text.trim_end_matches('0').trim_end_matches('.'))
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_looks_as_from_go() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (245_000_000_000, "4m5s"),
            (245_001_000_000, "4m5.001s"),
            (18_367_001_000_000, "5h6m7.001s"),
            (3_600_000_000_000, "1h0m0s"),
            (-60_000_000_000, "-1m0s"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(Nanos(nanos).to_string(), text);
            assert_eq!(Nanos::parse(text), Some(Nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn further_forms_are_read() {
        for (text, nanos) in [
            ("0", 0),
            ("-0", 0),
            ("+5s", 5_000_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("1h1h", 7_200_000_000_000),
            ("12µs", 12_000),
            ("12μs", 12_000),
            ("12us", 12_000),
        ] {
            assert_eq!(Nanos::parse(text), Some(Nanos(nanos)), "{text}");
        }
        for text in ["", "-", "5", "s", ".s", "1.2.3s", "1d", "1 s", " 1s", "1s ", "9999999999h", "1e3s"] {
            assert_eq!(Nanos::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_length_comes_back(nanos: i64) {
            prop_assert_eq!(Nanos::parse(&Nanos(nanos).to_string()), Some(Nanos(nanos)));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9.hmsuµn]{0,24}|\\PC{0,20}") {
            if let Some(nanos) = Nanos::parse(&text) {
                prop_assert_eq!(Nanos::parse(&nanos.to_string()), Some(nanos));
            }
        }
    }
}
