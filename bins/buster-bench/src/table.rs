//! The comparison as a Markdown table: a row per phase of a load, a column per server, and for each
//! server but the first how it does against the first (above 1 is better, whatever is compared).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::report::Report;
use crate::units;

/// One server of a comparison.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) command: String,
}

/// One phase of a load: a cell per server, `None` where every run failed.
#[derive(Debug)]
pub(crate) struct Row {
    title: String,
    cells: Vec<Option<Cell>>,
}

/// Medians over the rounds.
#[derive(Debug, Clone, PartialEq)]
struct Cell {
    what: &'static str,
    rate_per_second: f64,
    cpu_seconds_each: Option<f64>,
    p50_seconds: Option<f64>,
    bytes_each: Option<f64>,
}

impl Column {
    /// Named after the program and the version in its INFO.
    pub(crate) fn new(command: &str, version: &str) -> Self {
        let program = command.split_ascii_whitespace().next().unwrap_or_default();
        let base = program.rsplit('/').next().unwrap_or_default();
        Self { name: format!("{base} ({version})"), command: command.to_owned() }
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "name": self.name, "command": self.command })
    }
}

impl Row {
    pub(crate) fn json(&self) -> Value {
        let cells: Vec<Value> = self.cells.iter().map(cell_json).collect();
        json!({ "load": self.title, "servers": cells })
    }
}

/// Numbers the columns if two of them have the same name.
pub(crate) fn tell_apart(columns: &mut [Column]) {
    let names: BTreeSet<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    if names.len() == columns.len() {
        return;
    }
    for (index, column) in columns.iter_mut().enumerate() {
        column.name = format!("{} {}", index + 1, column.name);
    }
}

/// One row per phase, from what each server's rounds reported. A load whose every run failed still
/// gets its row, under the load's own title.
pub(crate) fn rows(load_title: &str, rounds_per_server: &[Vec<Vec<Report>>]) -> Vec<Row> {
    let first = rounds_per_server.iter().flatten().next();
    let phases = first.map_or(1, Vec::len);
    let row = |phase: usize| {
        let title = first.map_or(load_title, |reports| &reports[phase].title);
        let cell = |rounds: &Vec<Vec<Report>>| {
            let reports: Vec<&Report> = rounds.iter().map(|reports| &reports[phase]).collect();
            cell(&reports)
        };
        Row { title: title.to_owned(), cells: rounds_per_server.iter().map(cell).collect() }
    };
    (0..phases).map(row).collect()
}

pub(crate) fn markdown(columns: &[Column], rows: &[Row]) -> String {
    let mut head = vec!["load".to_owned()];
    head.extend(columns.iter().map(|column| column.name.clone()));
    head.extend(columns.iter().skip(1).map(|column| format!("{} against the first", column.name)));
    let mut lines = vec![line(&head), format!("|{}", "---|".repeat(head.len()))];
    for row in rows {
        let mut words = vec![row.title.clone()];
        words.extend(row.cells.iter().map(cell_text));
        let against = row.cells.iter().skip(1);
        words.extend(against.map(|cell| ratio_text(&row.cells[0], cell)));
        lines.push(line(&words));
    }
    lines.join("\n") + "\n"
}

fn line(words: &[String]) -> String {
    format!("| {} |", words.join(" | "))
}

fn cell(reports: &[&Report]) -> Option<Cell> {
    let first = reports.first()?;
    let median_of = |figure: &dyn Fn(&Report) -> Option<f64>| {
        median(reports.iter().filter_map(|report| figure(report)).collect())
    };
    Some(Cell {
        what: first.what,
        rate_per_second: median_of(&|report| Some(report.rate_per_second()))?,
        cpu_seconds_each: median_of(&Report::server_cpu_each),
        p50_seconds: median_of(&|report| Some(report.latency.as_ref()?.p50.as_secs_f64())),
        bytes_each: median_of(&|report| report.bytes_each),
    })
}

/// The middle value, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    Some((values[middle - 1] + upper) / 2.0)
}

fn cell_text(cell: &Option<Cell>) -> String {
    let Some(cell) = cell else {
        return "failed".to_owned();
    };
    let mut parts = vec![format!("{} {}/s", units::count(cell.rate_per_second), cell.what)];
    parts.extend(cell.cpu_seconds_each.map(units::micros));
    parts.extend(cell.p50_seconds.map(|p50| format!("p50 {}", units::micros(p50))));
    parts.extend(cell.bytes_each.map(|bytes| format!("{} each", units::bytes(bytes))));
    parts.join(", ")
}

fn ratio_text(base: &Option<Cell>, cell: &Option<Cell>) -> String {
    let (Some(base), Some(cell)) = (base, cell) else {
        return "–".to_owned();
    };
    let mut parts = vec![format!("rate {}", units::ratio(cell.rate_per_second / base.rate_per_second))];
    let smaller_is_better = [
        ("CPU", base.cpu_seconds_each, cell.cpu_seconds_each),
        ("p50", base.p50_seconds, cell.p50_seconds),
        ("memory", base.bytes_each, cell.bytes_each),
    ];
    for (name, base, cell) in smaller_is_better {
        // A figure of zero is below what can be measured, and no ratio.
        if let (Some(base), Some(cell)) = (base, cell.filter(|cell| *cell > 0.0)) {
            parts.push(format!("{name} {}", units::ratio(base / cell)));
        }
    }
    parts.join(", ")
}

fn cell_json(cell: &Option<Cell>) -> Value {
    let Some(cell) = cell else {
        return Value::Null;
    };
    json!({
        "what": cell.what,
        "rate_per_second": cell.rate_per_second,
        "server_cpu_us_each": cell.cpu_seconds_each.map(|seconds| seconds * 1e6),
        "p50_us": cell.p50_seconds.map(|seconds| seconds * 1e6),
        "bytes_each": cell.bytes_each,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::sample;

    fn columns() -> [Column; 2] {
        [
            Column::new("/usr/sbin/nats-server -p {port}", "2.9.10"),
            Column::new("buster-server -p {port}", "2.14.5"),
        ]
    }

    #[test]
    fn the_table_shows_medians_and_what_is_better() {
        let round = |cpu| vec![sample("fan-out", cpu)];
        let rounds = vec![vec![round(90), round(500), round(100)], vec![round(50), round(50), round(50)]];
        let expected = "\
| load | nats-server (2.9.10) | buster-server (2.14.5) | buster-server (2.14.5) against the first |
|---|---|---|---|
| fan-out | 2.00 M deliveries/s, 0.100 µs | 2.00 M deliveries/s, 0.0500 µs | rate 1.00×, CPU 2.00× |
";
        assert_eq!(markdown(&columns(), &rows("fan-out", &rounds)), expected);
    }

    #[test]
    fn columns_of_one_name_are_numbered_and_others_left_alone() {
        let mut two = columns();
        tell_apart(&mut two);
        assert_eq!(two[0].name, "nats-server (2.9.10)");
        let mut same = [Column::new("x -p 1", "1"), Column::new("y/x -p 2", "1")];
        tell_apart(&mut same);
        assert_eq!(same.map(|column| column.name), ["1 x (1)", "2 x (1)"]);
    }

    #[test]
    fn a_server_that_failed_every_round_is_shown_as_such() {
        let rows = rows("queue", &[vec![vec![sample("queue", 1)]], Vec::new()]);
        let text = markdown(&columns(), &rows);
        assert!(text.ends_with("| failed | – |\n"), "{text}");
        assert!(rows[0].json()["servers"][1].is_null());
    }

    #[test]
    fn a_load_that_failed_everywhere_keeps_its_row() {
        let rows = rows("queue", &[Vec::new(), Vec::new()]);
        assert!(markdown(&columns(), &rows).contains("| queue | failed | failed |"));
    }

    #[test]
    fn each_phase_has_a_row_of_its_own() {
        let phases = vec![sample("subs 5", 3), sample("subs 5, publish", 4)];
        let rows = rows("subs 5", &[vec![phases]]);
        let titles: Vec<&str> = rows.iter().map(|row| row.title.as_str()).collect();
        assert_eq!(titles, ["subs 5", "subs 5, publish"]);
    }

    #[test]
    fn the_median_is_the_middle_or_between_the_two_in_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
