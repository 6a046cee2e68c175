//! Lengths of time as Go reads and writes them, and Go's words for what is none.

use std::fmt::{self, Write as _};
use std::time::Duration;

/// A length of time, which in Go has a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) negative: bool,
    pub(crate) length: Duration,
}

/// Go's longest, a bit over 292 years.
const LONGEST: Duration = Duration::from_nanos(i64::MAX as u64);

/// Reads numbers with a unit each, such as `50us` or `1m30.5s`. The error is Go's.
pub(crate) fn span(text: &str) -> Result<Span, String> {
    let invalid = || format!("time: invalid duration {}", quote_as_time(text));
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Ok(Span { negative, length: Duration::ZERO });
    }
    let mut length = Duration::ZERO;
    loop {
        let (part, behind) = part(text, rest)?;
        length = length.checked_add(part).filter(|length| *length <= LONGEST).ok_or_else(invalid)?;
        if behind.is_empty() {
            return Ok(Span { negative: negative && !length.is_zero(), length });
        }
        rest = behind;
    }
}

/// Reads the number and the unit at the front of `rest`.
fn part<'a>(text: &str, rest: &'a str) -> Result<(Duration, &'a str), String> {
    let invalid = || format!("time: invalid duration {}", quote_as_time(text));
    let is_number = |char: char| char.is_ascii_digit() || char == '.';
    let (number, behind) = rest.split_at(rest.find(|char| !is_number(char)).unwrap_or(rest.len()));
    let number: f64 = number.parse().map_err(|_| invalid())?;
    let (unit, behind) = behind.split_at(behind.find(is_number).unwrap_or(behind.len()));
    if unit.is_empty() {
        return Err(format!("time: missing unit in duration {}", quote_as_time(text)));
    }
    let unit_seconds = unit_seconds(unit).ok_or_else(|| {
        format!("time: unknown unit {} in duration {}", quote_as_time(unit), quote_as_time(text))
    })?;
    let length = Duration::try_from_secs_f64(number * unit_seconds).map_err(|_| invalid())?;
    Ok((length, behind))
}

/// Quotes as Go's package `time` does, which escapes less than `strconv`, and each byte for itself.
fn quote_as_time(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='\x7f' => quoted.push(character),
            _ => {
                for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                    // Writing to a string cannot fail.
                    let _ = write!(quoted, "\\x{byte:02x}");
                }
            }
        }
    }
    quoted.push('"');
    quoted
}

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1e-9,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    })
}

/// Shows a length of time as Go does: `2m0s`, `1.5s`, `300ms`.
pub(crate) struct Shown(pub(crate) Duration);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        match nanos {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{nanos}ns"),
            1_000..1_000_000 => write!(f, "{}\u{b5}s", nanos as f64 / 1e3),
            1_000_000..1_000_000_000 => write!(f, "{}ms", nanos as f64 / 1e6),
            _ => {
                let minutes = self.0.as_secs() / 60;
                if minutes >= 60 {
                    write!(f, "{}h", minutes / 60)?;
                }
                if minutes > 0 {
                    write!(f, "{}m", minutes % 60)?;
                }
                write!(f, "{}s", (nanos % 60_000_000_000) as f64 / 1e9)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_numbers_with_units() {
        for (text, nanos) in [
            ("0", 0),
            ("+0", 0),
            ("50us", 50_000),
            ("50\u{b5}s", 50_000),
            ("50\u{3bc}s", 50_000),
            ("1.5ms", 1_500_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("1m30.5s", 90_500_000_000),
            ("1h2ns", 3_600_000_000_002),
        ] {
            let length = Duration::from_nanos(nanos);
            assert_eq!(span(text), Ok(Span { negative: false, length }), "{text}");
        }
        assert_eq!(span("-2m"), Ok(Span { negative: true, length: Duration::from_secs(120) }));
    }

    /// Asked of nats-server 2.14.5.
    #[test]
    fn what_is_no_span_is_refused_in_gos_words() {
        for (text, words) in [
            ("", "time: invalid duration \"\""),
            ("x", "time: invalid duration \"x\""),
            ("5", "time: missing unit in duration \"5\""),
            ("5x", "time: unknown unit \"x\" in duration \"5x\""),
            ("1m5", "time: missing unit in duration \"1m5\""),
            ("1\n", "time: unknown unit \"\\x0a\" in duration \"1\\x0a\""),
            ("\"\\\u{7f}\u{e9}", "time: invalid duration \"\\\"\\\\\u{7f}\\xc3\\xa9\""),
            ("1.2.3s", "time: invalid duration \"1.2.3s\""),
            ("--1s", "time: invalid duration \"--1s\""),
            ("9999999h", "time: invalid duration \"9999999h\""),
        ] {
            assert_eq!(span(text), Err(words.to_owned()), "{text}");
        }
    }

    #[test]
    fn lengths_are_shown_as_go_shows_them() {
        for (nanos, text) in [
            (0, "0s"),
            (7, "7ns"),
            (1_500, "1.5\u{b5}s"),
            (300_000_000, "300ms"),
            (1_500_000_000, "1.5s"),
            (120_000_000_000, "2m0s"),
            (3_600_000_000_000, "1h0m0s"),
            (5_430_250_000_000, "1h30m30.25s"),
        ] {
            assert_eq!(Shown(Duration::from_nanos(nanos)).to_string(), text);
        }
    }
}
