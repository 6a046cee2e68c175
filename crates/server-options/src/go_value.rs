//! Values as Go's flag package reads them.

use std::ffi::OsStr;
use std::time::Duration;

/// Go's reason for text that is not of the wanted kind.
pub(crate) const PARSE_ERROR: &str = "parse error";
/// Go's reason for a number that does not fit.
pub(crate) const OUT_OF_RANGE: &str = "value out of range";

/// Reads a boolean: `1 t T true TRUE True` and their opposites, nothing else.
pub(crate) fn switch(text: &OsStr) -> Option<bool> {
    match text.to_str()? {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Reads an integer the way Go literals are written: an optional sign, `0x`, `0o`, `0b` or a leading
/// `0` for the base, and single underscores between digits. The error is the reason to show.
pub(crate) fn integer(text: &OsStr) -> Result<i64, &'static str> {
    let text = text.to_str().ok_or(PARSE_ERROR)?;
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    if unsigned.starts_with('_') || unsigned.ends_with('_') || unsigned.contains("__") {
        return Err(PARSE_ERROR);
    }
    let (radix, digits) = split_radix(unsigned);
    let digits = digits.replace('_', "");
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(PARSE_ERROR);
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).map_err(|_| OUT_OF_RANGE)
}

/// Reads a length of time the way Go writes it: numbers with a unit each, such as `50us` or `1m30.5s`.
/// None is negative here. The error is the reason to show.
pub(crate) fn duration(text: &OsStr) -> Result<Duration, &'static str> {
    let text = text.to_str().ok_or(PARSE_ERROR)?;
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    loop {
        let is_number = |char: char| char.is_ascii_digit() || char == '.';
        let (number, behind) = rest.split_at(rest.find(|char| !is_number(char)).ok_or(PARSE_ERROR)?);
        let (unit, behind) = behind.split_at(behind.find(is_number).unwrap_or(behind.len()));
        let seconds = number.parse::<f64>().map_err(|_| PARSE_ERROR)? * unit_seconds(unit)?;
        let part = Duration::try_from_secs_f64(seconds).map_err(|_| OUT_OF_RANGE)?;
        total = total.checked_add(part).ok_or(OUT_OF_RANGE)?;
        if behind.is_empty() {
            return Ok(total);
        }
        rest = behind;
    }
}

fn unit_seconds(unit: &str) -> Result<f64, &'static str> {
    Ok(match unit {
        "ns" => 1e-9,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(PARSE_ERROR),
    })
}

fn split_radix(unsigned: &str) -> (u32, &str) {
    match unsigned.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, &unsigned[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &unsigned[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &unsigned[2..]),
        [b'0', _, ..] => (8, unsigned),
        _ => (10, unsigned),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn integers_take_every_base_go_takes() {
        for (text, number) in [
            ("4222", 4222),
            ("-1", -1),
            ("+7", 7),
            ("0", 0),
            ("-0", 0),
            ("0x61a1", 24993),
            ("0X_61_A1", 24993),
            ("0o17", 15),
            ("017", 15),
            ("0_17", 15),
            ("0b101", 5),
            ("24_991", 24991),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(integer(OsStr::new(text)), Ok(number), "{text}");
        }
    }

    #[test]
    fn what_is_no_integer_is_a_parse_error() {
        for text in [
            "", "-", "+", "abc", "1a", "0x", "0xg", "08", "0b2", "_1", "1_", "1__0", "--1", "-+1", " 1",
            "1 ", "1.0", "٣",
        ] {
            assert_eq!(integer(OsStr::new(text)), Err(PARSE_ERROR), "{text:?}");
        }
        assert_eq!(integer(OsStr::from_bytes(b"1\xff")), Err(PARSE_ERROR));
    }

    #[test]
    fn an_integer_past_64_bits_is_out_of_range() {
        for text in ["9223372036854775808", "-9223372036854775809", "99999999999999999999"] {
            assert_eq!(integer(OsStr::new(text)), Err(OUT_OF_RANGE), "{text}");
        }
    }

    #[test]
    fn durations_are_numbers_with_units() {
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
            assert_eq!(duration(OsStr::new(text)), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_an_error() {
        for text in ["", "+", "50", "us", "-1s", "1x", "1 s", ".s", "1..5s", "1s2", "1S", "1e3s"] {
            assert_eq!(duration(OsStr::new(text)), Err(PARSE_ERROR), "{text}");
        }
        let long = "9".repeat(30) + "h";
        assert_eq!(duration(OsStr::new(&long)), Err(OUT_OF_RANGE));
    }

    #[test]
    fn switches_take_go_words_only() {
        for text in ["1", "t", "T", "true", "TRUE", "True"] {
            assert_eq!(switch(OsStr::new(text)), Some(true), "{text}");
        }
        for text in ["0", "f", "F", "false", "FALSE", "False"] {
            assert_eq!(switch(OsStr::new(text)), Some(false), "{text}");
        }
        for text in ["", "yes", "no", "on", "tRUE", "2", " true"] {
            assert_eq!(switch(OsStr::new(text)), None, "{text:?}");
        }
    }
}
