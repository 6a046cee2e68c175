//! Numbers a reader takes in at a glance: three significant digits and a prefix.

/// `16.3 M`, `52.1 k`, `941`.
pub(crate) fn count(value: f64) -> String {
    let (scaled, prefix) = match value.abs() {
        magnitude if magnitude >= 999.5e6 => (value / 1e9, " G"),
        magnitude if magnitude >= 999.5e3 => (value / 1e6, " M"),
        magnitude if magnitude >= 999.5 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    format!("{}{prefix}", digits(scaled))
}

/// `0.0954 µs`, `28.1 µs`, from seconds: a `Duration` is too coarse for time per operation.
pub(crate) fn micros(seconds: f64) -> String {
    format!("{} µs", digits(seconds * 1e6))
}

/// `22.3 kB`, `929 B`; decimal, as the rates are.
pub(crate) fn bytes(value: f64) -> String {
    let text = count(value);
    let unit = if text.ends_with(char::is_alphabetic) { "B" } else { " B" };
    format!("{text}{unit}")
}

/// `1.93×`.
pub(crate) fn ratio(value: f64) -> String {
    format!("{}×", digits(value))
}

/// Three significant digits, never an exponent.
fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        magnitude if magnitude == 0.0 || magnitude >= 99.95 => 0,
        magnitude if magnitude >= 9.995 => 1,
        magnitude if magnitude >= 0.9995 => 2,
        magnitude if magnitude >= 0.09995 => 3,
        _ => 4,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_keep_three_digits() {
        let cases = [
            (0.0, "0"),
            (7.5, "7.50"),
            (941.4, "941"),
            (999.7, "1.00 k"),
            (52_100.0, "52.1 k"),
            (999_600.0, "1.00 M"),
            (16_340_000.0, "16.3 M"),
            (3.3e9, "3.30 G"),
        ];
        for (value, text) in cases {
            assert_eq!(count(value), text);
        }
    }

    #[test]
    fn units_are_set_with_one_blank() {
        assert_eq!(bytes(929.0), "929 B");
        assert_eq!(bytes(22_300.0), "22.3 kB");
        assert_eq!(micros(95e-9), "0.0950 µs");
        assert_eq!(micros(28.14e-6), "28.1 µs");
        assert_eq!(ratio(1.934), "1.93×");
    }
}
