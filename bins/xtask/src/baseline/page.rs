//! The comparison with the baseline as text, and its part of docs/performance.md.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::compare::{Spread, digits};
use crate::splice::splice;

use super::RATIO_MAX;
use super::row::{Row, Verdict};

const PAGE: &str = "docs/performance.md";

const BEGIN: &str = "<!-- baseline:begin -->";
const END: &str = "<!-- baseline:end -->";

/// Where and how the figures came about.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) machine: String,
    /// Ours, as git names it.
    pub(crate) ours: String,
    /// The commit we are held against.
    pub(crate) baseline: String,
    pub(crate) rounds: usize,
}

/// A line per row, as soon as it is known.
pub(crate) fn plain(rows: &[Row]) -> String {
    rows.iter().map(plain_line).collect()
}

fn plain_line(row: &Row) -> String {
    let [title, ours, baseline, ratio, verdict] = words(row);
    format!("{title}: ours {ours}, baseline {baseline}, ours / baseline {ratio}, {verdict}\n")
}

pub(crate) fn markdown(setting: &Setting, rows: &[Row]) -> String {
    let mut text = format!(
        "{}. CPU per operation: ours is {}, the baseline {}. Medians of {} rounds in turns; \
         ours / baseline in the same round, below 1 is better, with the lowest and the highest behind it.\n\n\
         | load | ours | baseline | ours / baseline | bar |\n|---|---|---|---|---|\n",
        setting.machine, setting.ours, setting.baseline, setting.rounds
    );
    for row in rows {
        text += &format!("| {} |\n", words(row).join(" | "));
    }
    text + "\n" + &summary(rows)
}

fn words(row: &Row) -> [String; 5] {
    let cost = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{} µs", digits(value)));
    let title = format!("{} ({})", row.title, row.operations);
    let ratio = row.ratio.map_or("–".to_owned(), spread_text);
    [title, cost(row.ours), cost(row.baseline), ratio, verdict_text(row.verdict)]
}

fn spread_text(spread: Spread) -> String {
    format!("{:.2}× ({:.2}–{:.2})", spread.median, spread.min, spread.max)
}

fn verdict_text(verdict: Verdict) -> String {
    match verdict {
        Verdict::Met => format!("≤ {RATIO_MAX}× met"),
        Verdict::Missed => format!("≤ {RATIO_MAX}× **missed**"),
        Verdict::Unsure => format!("≤ {RATIO_MAX}× **missed**, within the spread"),
        Verdict::Nothing => "next to nothing".to_owned(),
        Verdict::Unknown => "**no figures**".to_owned(),
    }
}

fn summary(rows: &[Row]) -> String {
    let met = rows.iter().filter(|row| !row.is_missed()).count();
    let mut text = format!("{met} of {} met", rows.len());
    let missed: Vec<&str> = rows.iter().filter(|row| row.is_missed()).map(|row| row.title.as_str()).collect();
    if !missed.is_empty() {
        // Titles have commas of their own.
        text += &format!("; missed: {}", missed.join("; "));
    }
    text += ".\n";
    let others = Spread::of(rows.iter().filter_map(|row| row.others).collect());
    let quietness = |shares: Spread| {
        let [median, worst] = [shares.median, shares.max].map(|share| share * 100.0);
        format!("Other work took {median:.0} % of a core at the median, {worst:.0} % at the worst load.\n")
    };
    text + &others.map_or(String::new(), quietness)
}

pub(crate) fn write(root: &Path, setting: &Setting, rows: &[Row]) -> Result<()> {
    let path = root.join(PAGE);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {PAGE}"))?;
    let fresh = splice(&text, BEGIN, END, &markdown(setting, rows));
    let fresh = fresh.with_context(|| format!("{PAGE} needs the markers {BEGIN} and {END}"))?;
    fs::write(&path, fresh).with_context(|| format!("writing {PAGE}"))?;
    println!("wrote {PAGE}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::sample;
    use super::*;
    use crate::splice::tests::has_place;

    fn setting() -> Setting {
        let [machine, ours, baseline] = ["A processor", "abc1234", "def5678"].map(str::to_owned);
        Setting { machine, ours, baseline, rounds: 3 }
    }

    #[test]
    fn the_page_has_a_place_for_it() {
        assert!(has_place(PAGE, BEGIN, END));
    }

    #[test]
    fn a_row_says_both_costs_the_ratio_and_whether_it_is_little_enough() {
        let expected = "\
A processor. CPU per operation: ours is abc1234, the baseline def5678. Medians of 3 rounds in turns; ours / \
baseline in the same round, below 1 is better, with the lowest and the highest behind it.

| load | ours | baseline | ours / baseline | bar |
|---|---|---|---|---|
| fan-out (deliveries) | 1.00 µs | 1.00 µs | 1.00× (0.90–1.10) | ≤ 1.05× met |
| queue (deliveries) | 1.20 µs | 1.00 µs | 1.20× (1.00–1.30) | ≤ 1.05× **missed**, within the spread |
| fan-in (deliveries) | 1.20 µs | 1.00 µs | 1.20× (1.20–1.20) | ≤ 1.05× **missed** |

1 of 3 met; missed: queue; fan-in.
Other work took 2 % of a core at the median, 2 % at the worst load.
";
        assert_eq!(markdown(&setting(), &sample()), expected);
    }

    #[test]
    fn who_watches_sees_a_line_a_row() {
        let text = plain(&sample());
        assert!(text.starts_with(
            "fan-out (deliveries): ours 1.00 µs, baseline 1.00 µs, ours / baseline 1.00× (0.90–1.10), \
             ≤ 1.05× met\n"
        ));
        assert_eq!(text.lines().count(), 3);
    }
}
