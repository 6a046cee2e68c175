//! From rounds to verdicts: the median of each figure, of its ratio to the rival's in the same round,
//! and whether the bar is met.

use super::bars::{Bar, Bound, Load, Metric, Rivals, Row, Side};
use super::ceiling;
use super::measure::Run;
use super::servers::Server;

/// One figure of one load, and all that is to be said of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) load: &'static str,
    pub(crate) title: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) metric: Metric,
    /// Ours stands beside nats-server, not beside itself.
    pub(crate) is_against_peers: bool,
    /// Why there are no figures.
    pub(crate) skipped: Option<String>,
    pub(crate) ours: Option<f64>,
    /// Only of a rate that the disk bounds: what it allows.
    pub(crate) ceiling: Option<f64>,
    pub(crate) absolute: Option<Verdict>,
    pub(crate) rivals: Vec<Rival>,
    /// What other work took of one core while this was measured, median of all runs.
    pub(crate) others: Option<f64>,
}

/// How we do against one other server.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rival {
    pub(crate) name: String,
    pub(crate) value: Option<f64>,
    pub(crate) ratio: Option<Spread>,
    /// Only where a bar is set.
    pub(crate) verdict: Option<Verdict>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) side: Side,
    pub(crate) bound: f64,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Outcome {
    Met,
    Missed,
    /// Not met, but as good as the disk allows.
    Disk,
}

/// Over the rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            1 => values[middle],
            _ => (values[middle - 1] + values[middle]) / 2.0,
        };
        Some(Self { median, min, max })
    }
}

impl Line {
    /// Whether any bar of this line is missed; a line without figures is no miss, but shows.
    pub(crate) fn is_missed(&self) -> bool {
        let verdicts = self.rivals.iter().filter_map(|rival| rival.verdict).chain(self.absolute);
        self.skipped.is_none() && verdicts.into_iter().any(|verdict| verdict.outcome == Outcome::Missed)
    }

    /// What part of what the disk allows is reached.
    pub(crate) fn share(&self) -> Option<f64> {
        Some(self.ours? / self.ceiling?)
    }
}

/// `sides` has ours first, then the rivals; `rounds` has a run for each of them. `ceiling` is what the disk allows.
pub(crate) fn lines(load: &Load, sides: &[Server], rounds: &[Vec<Run>], ceiling: Option<f64>) -> Vec<Line> {
    let rows = load.rows.iter().flat_map(|row| row.bars.iter().map(move |bar| (row, *bar)));
    let bounded = |metric| ceiling.filter(|_| metric == Metric::Rate);
    let lines =
        rows.map(|(row, bar)| Line { ceiling: bounded(bar.metric), ..line(load, row, bar, sides, rounds) });
    lines.map(excused_by_the_disk).collect()
}

/// A rate that is most of what the disk allows has missed nothing.
fn excused_by_the_disk(mut line: Line) -> Line {
    if line.share().is_some_and(|share| share >= ceiling::SHARE_MIN) {
        let verdicts = line.rivals.iter_mut().filter_map(|rival| rival.verdict.as_mut());
        let missed = verdicts.filter(|verdict| verdict.outcome == Outcome::Missed);
        missed.for_each(|verdict| verdict.outcome = Outcome::Disk);
    }
    line
}

/// The same lines without any figure.
pub(crate) fn skipped(load: &Load, reason: &str) -> Vec<Line> {
    let mut lines = lines(load, &[], &[], None);
    lines.iter_mut().for_each(|line| line.skipped = Some(reason.to_owned()));
    lines
}

fn line(load: &Load, row: &Row, bar: Bar, sides: &[Server], rounds: &[Vec<Run>]) -> Line {
    let values = |side: usize| -> Vec<Option<f64>> {
        rounds.iter().map(|runs| bar.metric.read(runs[side].as_ref()?.get(row.phase)?)).collect()
    };
    let ours = if sides.is_empty() { Vec::new() } else { values(0) };
    let median = Spread::of(ours.iter().copied().flatten().collect()).map(|spread| spread.median);
    let newest = sides.iter().skip(1).map(|server| server.series).max().flatten();
    let rival = |(index, server): (usize, &Server)| {
        let theirs = values(index + 1);
        rival(server, load.rivals == Rivals::Peers, server.series == newest, bar.bound, &ours, &theirs)
    };
    let reports = rounds.iter().flatten().flatten().flatten();
    let others = reports.filter_map(|report| report["others_cpu_share"].as_f64()).collect();
    Line {
        load: load.name,
        title: row.title,
        operation: row.operation,
        metric: bar.metric,
        is_against_peers: load.rivals == Rivals::Peers,
        skipped: None,
        ours: median,
        ceiling: None,
        absolute: match bar.bound {
            Bound::Absolute { side, value } => Some(verdict(side, value, median)),
            _ => None,
        },
        rivals: sides.iter().skip(1).enumerate().map(rival).collect(),
        others: Spread::of(others).map(|spread| spread.median),
    }
}

fn rival(
    server: &Server,
    is_peer: bool,
    is_newest: bool,
    bound: Bound,
    ours: &[Option<f64>],
    theirs: &[Option<f64>],
) -> Rival {
    let pairs = ours.iter().zip(theirs).filter_map(|(ours, theirs)| Some((*ours)? / (*theirs)?));
    let ratio = Spread::of(pairs.filter(|ratio| ratio.is_finite()).collect());
    Rival {
        name: server.name.clone(),
        value: Spread::of(theirs.iter().copied().flatten().collect()).map(|spread| spread.median),
        ratio,
        verdict: bound
            .due(server, is_peer)
            .filter(|_| is_newest || !bound.is_of_newest())
            .map(|(side, bound)| verdict(side, bound, ratio.map(|ratio| ratio.median))),
    }
}

/// A figure that is not there does not meet its bar.
fn verdict(side: Side, bound: f64, value: Option<f64>) -> Verdict {
    let is_met = value.is_some_and(|value| side.allows(value, bound));
    Verdict { side, bound, outcome: if is_met { Outcome::Met } else { Outcome::Missed } }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::bars::LOADS;
    use super::*;
    use serde_json::json;

    fn load(name: &str) -> &'static Load {
        LOADS.iter().find(|load| load.name == name).unwrap()
    }

    fn peer(version: &str) -> Server {
        Server::for_tests(&format!("nats-server {version}"), version)
    }

    fn run(cpu: f64, rate: f64) -> Run {
        let report = json!({ "server_cpu_us_each": cpu, "rate_per_second": rate, "others_cpu_share": 0.03 });
        Some(vec![report])
    }

    /// Fan-out: ours beside an old and a new nats-server, three rounds of which the last drifted.
    pub(crate) fn sample() -> Vec<Line> {
        let sides = [Server::for_tests("buster-server", ""), peer("2.9.10"), peer("2.14.5")];
        let round = |drift: f64| {
            let run = |cpu: f64, rate: f64| run(cpu * drift, rate / drift);
            vec![run(0.05, 20e6), run(0.1, 15e6), run(0.25, 5e6)]
        };
        lines(load("fan-out"), &sides, &[round(1.0), round(1.1), round(3.0)], None)
    }

    #[test]
    fn ratios_are_taken_within_a_round_so_drift_does_not_count() {
        let lines = sample();
        assert_eq!(lines.len(), 2);
        let cpu = &lines[0];
        let against_old = cpu.rivals[0].ratio.unwrap();
        assert!((against_old.min - 0.5).abs() < 1e-9 && (against_old.max - 0.5).abs() < 1e-9);
        assert!((cpu.ours.unwrap() - 0.055).abs() < 1e-9);
        assert!(!cpu.is_missed());
    }

    #[test]
    fn the_newer_peer_has_its_own_bound_or_none() {
        let lines = sample();
        let bounds = |line: &Line| {
            line.rivals.iter().map(|rival| rival.verdict.map(|verdict| verdict.bound)).collect::<Vec<_>>()
        };
        assert_eq!(bounds(&lines[0]), [Some(0.6), Some(0.25)]);
        let sides = [Server::for_tests("ours", ""), peer("2.14.5")];
        let lines = super::lines(load("fan-in"), &sides, &[vec![run(1.0, 1.0), run(1.0, 1.0)]], None);
        assert_eq!(bounds(&lines[0]), [None]);
    }

    #[test]
    fn a_bar_is_missed_by_its_median_or_for_want_of_figures() {
        let sides = [Server::for_tests("ours", ""), peer("2.9.10")];
        let round = |ours| vec![ours, run(1.0, 1.0)];
        let judge = |rounds: &[Vec<Run>]| lines(load("fan-in"), &sides, rounds, None)[0].is_missed();
        assert!(!judge(&[round(run(0.3, 9.0)), round(run(0.9, 9.0)), round(run(0.4, 9.0))]));
        assert!(judge(&[round(run(0.5, 9.0)), round(run(0.9, 9.0)), round(run(0.4, 9.0))]));
        assert!(!judge(&[round(None), round(run(0.4, 9.0))]), "one failed run is not the end");
        assert!(judge(&[round(None)]));
    }

    #[test]
    fn an_absolute_bar_needs_no_rival() {
        let sides = [Server::for_tests("ours", "")];
        let share = |share: f64| vec![Some(vec![json!({ "server_cpu_share": share })])];
        assert!(!lines(load("quiet"), &sides, &[share(0.004)], None)[0].is_missed());
        assert!(lines(load("quiet"), &sides, &[share(0.006)], None)[0].is_missed());
    }

    #[test]
    fn a_rate_that_the_disk_bounds_is_excused_at_its_ceiling() {
        let sides = [Server::for_tests("ours", ""), peer("2.9.10")];
        let rounds = [vec![run(1.0, 85.0), run(1.0, 50.0)]];
        let outcomes = |ceiling| {
            let lines = lines(load("fan-in"), &sides, &rounds, ceiling);
            let outcome = |line: &Line| line.rivals[0].verdict.unwrap().outcome;
            (outcome(&lines[0]), outcome(&lines[1]))
        };
        // Twice the rate was due, and 0.4 times the CPU, for which the disk is no excuse.
        assert_eq!(outcomes(None), (Outcome::Missed, Outcome::Missed));
        assert_eq!(outcomes(Some(101.0)), (Outcome::Missed, Outcome::Missed));
        assert_eq!(outcomes(Some(100.0)), (Outcome::Missed, Outcome::Disk));
    }

    #[test]
    fn what_is_skipped_is_not_missed_and_says_why() {
        let lines = skipped(load("epoll-fan-out"), "not available");
        assert!(lines.len() == 2 && lines.iter().all(|line| !line.is_missed()));
        assert_eq!(lines[0].skipped.as_deref(), Some("not available"));
    }

    #[test]
    fn the_median_is_the_middle_or_between_the_two_in_the_middle() {
        let median = |values: &[f64]| Spread::of(values.to_vec()).map(|spread| spread.median);
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn what_is_due_against_the_newest_is_not_due_against_others() {
        let ours = Server::for_tests("buster-server", "");
        let judged = |sides: &[Server]| {
            let runs = sides.iter().map(|_| run(0.05, 20e6)).collect();
            let line = lines(load("ws-fan-out"), sides, &[runs], None).remove(0);
            line.rivals.iter().map(|rival| rival.verdict.is_some()).collect::<Vec<_>>()
        };
        assert_eq!(judged(&[ours.clone(), peer("2.9.10"), peer("2.14.5")]), [false, true]);
        assert_eq!(judged(&[ours.clone(), peer("2.14.5"), peer("2.9.10")]), [true, false]);
        assert_eq!(judged(&[ours, peer("2.9.10")]), [true]);
    }
}
