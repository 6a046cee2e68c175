//! The reports of a run as an aligned table: a line per phase, a column per figure that any phase has.

use crate::report::Report;
use crate::units;

/// A head, and what stands below it for one report.
struct Column {
    head: &'static str,
    cell: fn(&Report) -> Option<String>,
}

const COLUMNS: [Column; 14] = [
    Column { head: "load", cell: |report| Some(report.title.clone()) },
    Column {
        head: "rate",
        cell: |report| Some(format!("{} {}/s", units::count(report.rate_per_second()), report.what)),
    },
    Column {
        head: "payload",
        cell: |report| {
            let moved = report.rate_per_second() * report.payload_bytes as f64;
            (moved > 0.0).then(|| format!("{}/s", units::bytes(moved)))
        },
    },
    Column { head: "server CPU each", cell: |report| report.server_cpu_each().map(units::micros) },
    Column { head: "of a core", cell: |report| Some(format!("{:.2} %", report.server_cpu_share()? * 100.0)) },
    Column { head: "generator CPU each", cell: |report| Some(units::micros(report.generator_cpu_each())) },
    Column {
        head: "RSS (peak)",
        cell: |report| {
            let memory = report.usage.memory?;
            Some(format!("{} ({})", units::bytes(memory.now as f64), units::bytes(memory.peak as f64)))
        },
    },
    Column { head: "RSS each", cell: |report| report.bytes_each.map(units::bytes) },
    Column {
        head: "waits, preemptions",
        cell: |report| {
            let switches = report.usage.switches?;
            Some(format!("{}, {}", switches.voluntary, switches.involuntary))
        },
    },
    Column {
        head: "rate kept",
        cell: |report| report.rate_kept.map(|kept| format!("{:.0} %", kept * 100.0)),
    },
    Column {
        head: "of a bare answer's",
        cell: |report| report.of_bare.map(|part| format!("{:.0} %", part * 100.0)),
    },
    Column { head: "syncs each", cell: |report| report.syncs_each.map(|syncs| format!("{syncs:.4}")) },
    Column { head: "latency", cell: |report| report.latency.as_ref().map(|latency| latency.text()) },
    Column { head: "", cell: |report| report.note.clone() },
];

pub(crate) fn table(reports: &[Report]) -> String {
    let mut lines = vec![String::new(); reports.len() + 1];
    for column in &COLUMNS {
        let cells: Vec<Option<String>> = reports.iter().map(column.cell).collect();
        if cells.iter().all(Option::is_none) {
            continue;
        }
        let cells = cells.into_iter().map(Option::unwrap_or_default);
        let words: Vec<String> = std::iter::once(column.head.to_owned()).chain(cells).collect();
        let width = words.iter().map(|word| word.chars().count()).max().unwrap_or_default();
        for (line, word) in lines.iter_mut().zip(words) {
            *line += &format!("{word:width$}  ");
        }
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::sample;

    #[test]
    fn columns_are_aligned_and_those_without_figures_left_out() {
        let mut second = sample("one-to-one", 1_000);
        second.usage.memory = None;
        let expected = "\
load        rate                 payload   server CPU each  of a core  generator CPU each  RSS (peak)         waits, preemptions
fan-out     2.00 M deliveries/s  256 MB/s  0.0950 µs        19.00 %    0.0400 µs           20.0 MB (30.0 MB)  3000, 40
one-to-one  2.00 M deliveries/s  256 MB/s  1.00 µs          200.00 %   0.0400 µs                              3000, 40
";
        assert_eq!(table(&[sample("fan-out", 95), second]), expected);
    }
}
