//! Values as Go's flag package reads them.

use std::ffi::OsStr;
use std::time::Duration;

use nats_proto::GoDuration;

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

/// Reads a length of time the way Go writes it, such as `50us`. None is negative here. The error is the
/// reason to show.
pub(crate) fn duration(text: &OsStr) -> Result<Duration, &'static str> {
    let time = text.to_str().and_then(|text| GoDuration::parse(text).ok()).ok_or(PARSE_ERROR)?;
    if time.is_negative() { Err(OUT_OF_RANGE) } else { Ok(time.length()) }
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
    fn durations_have_units_and_no_sign() {
        let duration = |text: &str| duration(OsStr::new(text));
        assert_eq!(duration("1.5ms"), Ok(Duration::from_micros(1500)));
        assert_eq!(duration("-1s"), Err(OUT_OF_RANGE));
        assert_eq!(duration("50"), Err(PARSE_ERROR));
        assert_eq!(duration(""), Err(PARSE_ERROR));
    }
}
