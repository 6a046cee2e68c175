//! Lengths of time as Go reads and writes them, and Go's words for what is none.

use std::fmt::{self, Write as _};
use std::time::Duration;

/// A length of time in Go: nanoseconds, which may be below zero.
///
/// ```
/// use nats_proto::GoDuration;
///
/// let length = GoDuration::parse("1m30.5s").unwrap();
/// assert_eq!((length.0, length.to_string()), (90_500_000_000, "1m30.5s".into()));
/// let error = GoDuration::parse("5x").unwrap_err();
/// assert_eq!(error.to_string(), r#"time: unknown unit "x" in duration "5x""#);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(pub i64);

/// Why a text is no length of time. `Display` is in Go's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GoDurationError<'a> {
    /// There is no number where one has to be, or it is too large.
    #[error("time: invalid duration {}", Quoted(.0))]
    Invalid(&'a str),
    /// No unit follows a number.
    #[error("time: missing unit in duration {}", Quoted(.0))]
    MissingUnit(&'a str),
    /// What follows a number is no unit.
    #[error("time: unknown unit {} in duration {}", Quoted(unit), Quoted(text))]
    UnknownUnit {
        /// What follows it.
        unit: &'a str,
        /// All of the text.
        text: &'a str,
    },
}

/// The longest one in nanoseconds, a bit over 292 years. Only below zero is there one of just this length.
const LONGEST: u64 = 1 << 63;

/// The units in nanoseconds.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

impl GoDuration {
    /// A length of time. What is longer than Go's longest is as long as that.
    pub fn of(length: Duration) -> Self {
        Self(i64::try_from(length.as_nanos()).unwrap_or(i64::MAX))
    }

    /// Reads numbers with a unit each: `50us`, `1m30.5s`, `-.5h`, or `0` alone.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, GoDurationError<'_>> {
        let invalid = GoDurationError::Invalid(text);
        let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
        if rest == "0" {
            return Ok(Self(0));
        }
        let mut nanos = 0;
        loop {
            let (part, behind) = part(text, rest)?;
            nanos = part.saturating_add(nanos);
            if nanos > LONGEST {
                return Err(invalid);
            }
            if behind.is_empty() {
                break;
            }
            rest = behind;
        }
        let signed = if text.starts_with('-') {
            0_i64.checked_sub_unsigned(nanos)
        } else {
            0_i64.checked_add_unsigned(nanos)
        };
        signed.map(Self).ok_or(invalid)
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// How long it is, whatever its sign.
    pub fn length(self) -> Duration {
        Duration::from_nanos(self.0.unsigned_abs())
    }
}

/// Reads the number and the unit at the front of `rest`, in nanoseconds: [`LONGEST`] at most. What is finer is cut off.
fn part<'a>(text: &'a str, rest: &'a str) -> Result<(u64, &'a str), GoDurationError<'a>> {
    let invalid = GoDurationError::Invalid(text);
    let (whole, behind) = digits(rest);
    let (fraction, behind) = behind.strip_prefix('.').map_or(("", behind), digits);
    if whole.is_empty() && fraction.is_empty() {
        return Err(invalid);
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid)? };
    let is_of_number = |char: char| char.is_ascii_digit() || char == '.';
    let (unit, behind) = behind.split_at(behind.find(is_of_number).unwrap_or(behind.len()));
    if unit.is_empty() {
        return Err(if whole > LONGEST { invalid } else { GoDurationError::MissingUnit(text) });
    }
    let known = UNITS.iter().find(|(name, _)| *name == unit);
    let (_, unit) = known.ok_or(GoDurationError::UnknownUnit { unit, text })?;
    let nanos = whole.checked_mul(*unit).filter(|nanos| *nanos <= LONGEST).ok_or(invalid)?;
    let nanos = nanos + of_fraction(fraction, *unit);
    if nanos <= LONGEST { Ok((nanos, behind)) } else { Err(invalid) }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len()))
}

/// The digits behind a point, of a unit. Go takes as many as fit 63 bits, and counts like this.
fn of_fraction(digits: &str, unit: u64) -> u64 {
    let (mut number, mut scale) = (0_u64, 1.0);
    for digit in digits.bytes() {
        if number > (LONGEST - 1) / 10 {
            break;
        }
        let next = number * 10 + u64::from(digit - b'0');
        if next > LONGEST {
            break;
        }
        (number, scale) = (next, scale * 10.0);
    }
    (number as f64 * (unit as f64 / scale)) as u64
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        if self.is_negative() {
            f.write_str("-")?;
        }
        match nanos {
            0 => return f.write_str("0s"),
            1..1_000 => return write!(f, "{nanos}ns"),
            1_000..1_000_000 => return f.write_str(&with_fraction(nanos, 1_000, "\u{b5}s")),
            1_000_000..1_000_000_000 => return f.write_str(&with_fraction(nanos, 1_000_000, "ms")),
            _ => {}
        }
        let minutes = nanos / 60_000_000_000;
        if minutes >= 60 {
            write!(f, "{}h", minutes / 60)?;
        }
        if minutes > 0 {
            write!(f, "{}m", minutes % 60)?;
        }
        f.write_str(&with_fraction(nanos % 60_000_000_000, 1_000_000_000, "s"))
    }
}

/// The number in that unit, without zeros at the end.
fn with_fraction(number: u64, unit: u64, name: &str) -> String {
    let digits = unit.ilog10() as usize;
    let text = format!("{}.{:0digits$}", number / unit, number % unit);
    format!("{}{name}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Quotes as Go's package `time` does, which escapes less than `strconv`, and each byte for itself.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                ' '..='\x7f' => f.write_char(character)?,
                _ => {
                    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                        write!(f, "\\x{byte:02x}")?;
                    }
                }
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<i64, String> {
        GoDuration::parse(text).map(|length| length.0).map_err(|error| error.to_string())
    }

    #[test]
    fn what_go_writes_is_read_and_written() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (7, "7ns"),
            (17, "17ns"),
            (1_100, "1.1µs"),
            (1_500, "1.5µs"),
            (343_000, "343µs"),
            (1_234_567, "1.234567ms"),
            (2_200_000, "2.2ms"),
            (300_000_000, "300ms"),
            (1_500_000_000, "1.5s"),
            (2_000_000_000, "2s"),
            (3_300_000_000, "3.3s"),
            (90_050_000_000, "1m30.05s"),
            (120_000_000_000, "2m0s"),
            (245_000_000_000, "4m5s"),
            (245_001_000_000, "4m5.001s"),
            (3_600_000_000_000, "1h0m0s"),
            (5_430_250_000_000, "1h30m30.25s"),
            (18_367_001_000_000, "5h6m7.001s"),
            (-60_000_000_000, "-1m0s"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(GoDuration(nanos).to_string(), text);
            assert_eq!(read(text), Ok(nanos), "{text}");
        }
    }

    #[test]
    fn further_forms_are_read() {
        for (text, nanos) in [
            ("0", 0),
            ("+0", 0),
            ("-0", 0),
            ("+5s", 5_000_000_000),
            ("-2m", -120_000_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("1.5ms", 1_500_000),
            ("1m30.5s", 90_500_000_000),
            ("1h1h", 7_200_000_000_000),
            ("1h2ns", 3_600_000_000_002),
            ("50us", 50_000),
            ("50\u{b5}s", 50_000),
            ("50\u{3bc}s", 50_000),
            ("1.9ns", 1),
            ("0.3333333333333333333h", 1_200_000_000_000),
            ("0.9223372036854775807s", 922_337_203),
            ("0.9223372036854775808s", 922_337_203),
        ] {
            assert_eq!(read(text), Ok(nanos), "{text}");
        }
    }

    /// Asked of nats-server.
    #[test]
    fn what_is_none_is_refused_in_gos_words() {
        for (text, words) in [
            ("", "time: invalid duration \"\""),
            ("-", "time: invalid duration \"-\""),
            ("x", "time: invalid duration \"x\""),
            (".s", "time: invalid duration \".s\""),
            ("s", "time: invalid duration \"s\""),
            ("5", "time: missing unit in duration \"5\""),
            ("5x", "time: unknown unit \"x\" in duration \"5x\""),
            ("1d", "time: unknown unit \"d\" in duration \"1d\""),
            ("1 s", "time: unknown unit \" s\" in duration \"1 s\""),
            (" 1s", "time: invalid duration \" 1s\""),
            ("1s ", "time: unknown unit \"s \" in duration \"1s \""),
            ("1e3s", "time: unknown unit \"e\" in duration \"1e3s\""),
            ("1m5", "time: missing unit in duration \"1m5\""),
            ("1\n", "time: unknown unit \"\\x0a\" in duration \"1\\x0a\""),
            ("\"\\\u{7f}\u{e9}", "time: invalid duration \"\\\"\\\\\u{7f}\\xc3\\xa9\""),
            ("1.2.3s", "time: missing unit in duration \"1.2.3s\""),
            ("--1s", "time: invalid duration \"--1s\""),
            ("9999999h", "time: invalid duration \"9999999h\""),
            ("9999999999h", "time: invalid duration \"9999999999h\""),
            ("2562047h47m16.854775808s", "time: invalid duration \"2562047h47m16.854775808s\""),
            ("9223372036854775808", "time: missing unit in duration \"9223372036854775808\""),
            ("9223372036854775809", "time: invalid duration \"9223372036854775809\""),
            ("99999999999999999999x", "time: invalid duration \"99999999999999999999x\""),
        ] {
            assert_eq!(read(text), Err(words.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_length_has_no_sign_and_go_has_a_longest() {
        let back = GoDuration::parse("-1.5s").unwrap();
        assert!(back.is_negative() && !GoDuration(0).is_negative());
        assert_eq!(back.length(), Duration::from_millis(1500));
        assert_eq!(GoDuration::of(Duration::from_micros(3)), GoDuration(3000));
        assert_eq!(GoDuration::of(Duration::MAX), GoDuration(i64::MAX));
    }

    proptest! {
        #[test]
        fn any_length_comes_back(nanos: i64) {
            prop_assert_eq!(read(&GoDuration(nanos).to_string()), Ok(nanos));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9.hmsuµn]{0,24}|\\PC{0,20}") {
            if let Ok(length) = GoDuration::parse(&text) {
                prop_assert_eq!(read(&length.to_string()), Ok(length.0));
            }
        }
    }
}
