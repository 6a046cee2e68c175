//! Lengths of time on the command line: `90s`, `2m`, `1h30m`; a number alone is minutes.

use anyhow::{Context, Result, bail};

/// The units, the longest first, with their seconds.
const UNITS: [(char, u32); 3] = [('h', 3600), ('m', 60), ('s', 1)];

/// Reads a length in whole seconds.
pub(crate) fn read(text: &str) -> Result<u32> {
    let wrong = || format!("`{text}` is no length of time: it is written as 90s, 2m or 1h30m, and 20 is 20m");
    if let Ok(minutes) = text.parse::<u32>() {
        return minutes.checked_mul(60).with_context(wrong);
    }
    let (mut rest, mut seconds, mut units) = (text, 0_u32, UNITS.iter());
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit()).with_context(wrong)?;
        let (number, behind) = rest.split_at(digits);
        let number: u32 = number.parse().ok().with_context(wrong)?;
        // Each at most once, and in this order.
        let Some((unit, length)) = units.find(|(unit, _)| behind.starts_with(*unit)) else { bail!(wrong()) };
        seconds =
            number.checked_mul(*length).and_then(|part| seconds.checked_add(part)).with_context(wrong)?;
        rest = &behind[unit.len_utf8()..];
    }
    if text.is_empty() {
        bail!(wrong())
    }
    Ok(seconds)
}

/// Writes one so that it can be read again; whole minutes are a number alone.
pub(crate) fn shown(seconds: u32) -> String {
    if seconds.is_multiple_of(60) {
        return (seconds / 60).to_string();
    }
    let mut left = seconds;
    let part = |(unit, length): &(char, u32)| {
        let number = left / length;
        left %= length;
        (number > 0).then(|| format!("{number}{unit}"))
    };
    UNITS.iter().filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_minutes_or_have_units() {
        for (text, seconds, written) in [
            ("20", 1200, "20"),
            ("90s", 90, "1m30s"),
            ("2m", 120, "2"),
            ("1h30m", 5400, "90"),
            ("1h5s", 3605, "1h5s"),
            ("0", 0, "0"),
        ] {
            assert_eq!(read(text).unwrap(), seconds, "{text}");
            assert_eq!(shown(seconds), written);
            assert_eq!(read(&shown(seconds)).unwrap(), seconds);
        }
    }

    #[test]
    fn what_is_no_length_is_refused() {
        for text in ["", "m", "5x", "1m1h", "1m1m", "1.5h", "-1", "5 m", "99999999999", "99999999h", "1m5"] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}` is no length of time")), "{error}");
        }
    }
}
