//! From rounds to verdicts: the ratio within each round, its median, and whether that is little enough.

use serde_json::Value;

use crate::compare::Spread;
use crate::compare::measure::Run;

use super::RATIO_MAX;

/// Parts of a core. Below this the clock that is read says nothing of what an operation costs.
const SHARE_MIN: f64 = 0.001;

/// A phase of a load, and what its operations cost on both sides.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) title: String,
    /// What is counted, in the plural.
    pub(crate) operations: String,
    /// Microseconds of processor time per operation, medians of the rounds.
    pub(crate) ours: Option<f64>,
    pub(crate) baseline: Option<f64>,
    /// Ours to the baseline's in the same round.
    pub(crate) ratio: Option<Spread>,
    pub(crate) verdict: Verdict,
    /// What other work took of one core meanwhile, median of all runs.
    pub(crate) others: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Verdict {
    Met,
    Missed,
    /// The median is too much, but not every round says so.
    Unsure,
    /// Neither side does anything worth a figure.
    Nothing,
    /// One side has no figures.
    Unknown,
}

impl Row {
    /// The bar is not met, for whatever reason.
    pub(crate) fn is_missed(&self) -> bool {
        !matches!(self.verdict, Verdict::Met | Verdict::Nothing)
    }
}

/// A row per phase of `load`; every round has a run of ours and one of the baseline.
pub(crate) fn rows(load: &str, rounds: &[Vec<Run>]) -> Vec<Row> {
    let first = rounds.iter().flatten().flatten().next();
    let phases = first.map_or(1, Vec::len);
    let text = |phase: usize, key: &str| first.and_then(|reports| reports[phase][key].as_str());
    let row = |phase| {
        let title = text(phase, "load").unwrap_or(load);
        row(title, text(phase, "what").unwrap_or("operations"), phase, rounds)
    };
    (0..phases).map(row).collect()
}

fn row(title: &str, operations: &str, phase: usize, rounds: &[Vec<Run>]) -> Row {
    let report = |runs: &[Run], side: usize| runs.get(side)?.as_ref()?.get(phase).cloned();
    let values = |side: usize, key: &str| -> Vec<Option<f64>> {
        rounds.iter().map(|runs| report(runs, side)?[key].as_f64()).collect()
    };
    let median = |values: Vec<Option<f64>>| {
        Spread::of(values.into_iter().flatten().collect()).map(|spread| spread.median)
    };
    let (ours, baseline) = (values(0, "server_cpu_us_each"), values(1, "server_cpu_us_each"));
    let ratios = ours.iter().zip(&baseline).filter_map(|(ours, theirs)| Some((*ours)? / (*theirs)?));
    // Nothing beside nothing is no ratio; something beside nothing is a large one.
    let ratio = Spread::of(ratios.filter(|ratio| !ratio.is_nan()).collect());
    let shares = [0, 1].map(|side| median(values(side, "server_cpu_share")));
    let verdict = verdict(ratio, shares);
    let others = rounds.iter().flatten().flatten().filter_map(|reports| reports.get(phase)).map(others_share);
    Row {
        title: title.to_owned(),
        operations: operations.to_owned(),
        ours: median(ours),
        baseline: median(baseline),
        ratio: ratio.filter(|_| verdict != Verdict::Nothing),
        verdict,
        others: median(others.collect()),
    }
}

fn others_share(report: &Value) -> Option<f64> {
    report["others_cpu_share"].as_f64()
}

fn verdict(ratio: Option<Spread>, shares: [Option<f64>; 2]) -> Verdict {
    match (ratio, shares) {
        (_, [Some(ours), Some(theirs)]) if ours < SHARE_MIN && theirs < SHARE_MIN => Verdict::Nothing,
        (None, _) => Verdict::Unknown,
        (Some(ratio), _) if ratio.median <= RATIO_MAX => Verdict::Met,
        (Some(ratio), _) if ratio.min <= RATIO_MAX => Verdict::Unsure,
        (Some(_), _) => Verdict::Missed,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    fn run(title: &str, cpu: f64, share: f64) -> Run {
        Some(vec![json!({
            "load": title, "what": "deliveries", "server_cpu_us_each": cpu, "server_cpu_share": share,
            "others_cpu_share": 0.02,
        })])
    }

    /// Rounds with these figures of ours, beside a baseline of 1 µs.
    fn beside_one(title: &str, ours: &[f64]) -> Row {
        let rounds: Vec<Vec<Run>> =
            ours.iter().map(|cpu| vec![run(title, *cpu, 0.5), run(title, 1.0, 0.5)]).collect();
        rows(title, &rounds).remove(0)
    }

    pub(crate) fn sample() -> Vec<Row> {
        vec![
            beside_one("fan-out", &[0.9, 1.1, 1.0]),
            beside_one("queue", &[1.0, 1.2, 1.3]),
            beside_one("fan-in", &[1.2, 1.2, 1.2]),
        ]
    }

    #[test]
    fn the_median_of_the_ratios_within_rounds_decides() {
        let verdicts: Vec<Verdict> = sample().iter().map(|row| row.verdict).collect();
        assert_eq!(verdicts, [Verdict::Met, Verdict::Unsure, Verdict::Missed]);
        assert_eq!(beside_one("x", &[1.05]).verdict, Verdict::Met);
        // A machine that is slow for a while is slow for both.
        let round = |drift: f64| vec![run("x", 0.9 * drift, 0.5), run("x", drift, 0.5)];
        let row = rows("x", &[round(1.0), round(3.0), round(1.2)]).remove(0);
        let ratio = row.ratio.unwrap();
        assert!((ratio.min - 0.9).abs() < 1e-9 && (ratio.max - 0.9).abs() < 1e-9);
        assert_eq!((row.ours, row.baseline), (Some(0.9 * 1.2), Some(1.2)));
    }

    #[test]
    fn next_to_nothing_is_not_compared() {
        let quiet =
            |ours: f64, theirs: f64| rows("quiet", &[vec![run("q", 9.0, ours), run("q", 0.0, theirs)]]);
        assert_eq!((quiet(0.0005, 0.0)[0].verdict, quiet(0.0005, 0.0)[0].ratio), (Verdict::Nothing, None));
        assert_eq!(quiet(0.01, 0.0)[0].verdict, Verdict::Missed);
        assert!(quiet(0.01, 0.0)[0].is_missed() && !quiet(0.0005, 0.0)[0].is_missed());
    }

    #[test]
    fn a_side_without_figures_misses_and_one_failed_run_does_not() {
        let round = |ours: Run| vec![ours, run("queue", 1.0, 0.5)];
        let failed = rows("queue", &[round(None)]);
        assert_eq!((failed[0].verdict, failed[0].is_missed()), (Verdict::Unknown, true));
        assert_eq!(rows("queue", &[round(None), round(run("queue", 1.0, 0.5))])[0].verdict, Verdict::Met);
        let nothing = rows("queue", &[vec![None, None]]);
        assert_eq!((nothing.len(), nothing[0].title.as_str()), (1, "queue"));
        assert!(nothing[0].is_missed());
    }

    #[test]
    fn each_phase_has_a_row_with_the_generators_words() {
        let phases = |cpu| {
            let [first, second] =
                ["subs", "subs, publish"].map(|title| run(title, cpu, 0.5).unwrap().remove(0));
            Some(vec![first, second])
        };
        let rows = rows("subs:1000000", &[vec![phases(1.0), phases(1.0)]]);
        let titles: Vec<&str> = rows.iter().map(|row| row.title.as_str()).collect();
        assert_eq!(titles, ["subs", "subs, publish"]);
        assert_eq!((rows[0].operations.as_str(), rows[0].others), ("deliveries", Some(0.02)));
    }
}
