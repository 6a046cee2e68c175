//! The comparison as text: line by line for who watches, and as Markdown for the page.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::run;
use crate::workspace::Workspace;

use super::bars::Metric;
use super::measure::Bench;
use super::options::Options;
use super::servers::Server;
use super::verdict::{Line, Outcome, Rival, Spread, Verdict};

/// Where and how the figures came about.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) machine: String,
    /// Ours, as git names it.
    pub(crate) commit: String,
    pub(crate) rounds: usize,
    /// How much of each load.
    pub(crate) scale: f64,
    /// Names and commands, ours first.
    pub(crate) servers: Vec<(String, String)>,
}

impl Setting {
    pub(crate) fn gather(
        workspace: &Workspace,
        bench: &Bench,
        options: &Options,
        sides: &[Server],
        all: &[&str],
    ) -> Result<Self> {
        let named = |server: &Server| {
            let command = shown_command(&server.path, &workspace.root);
            let words = std::iter::once(command).chain(server.args.iter().map(|arg| shown_word(arg)));
            let words: Vec<String> = words.chain(all.iter().map(|word| (*word).to_owned())).collect();
            (server.name.clone(), words.join(" "))
        };
        Ok(Self {
            machine: bench.machine()?,
            commit: commit(workspace)?,
            rounds: options.wants.rounds,
            scale: options.wants.scale,
            servers: sides.iter().map(named).collect(),
        })
    }
}

/// The commit, as git names it.
pub(crate) fn commit(workspace: &Workspace) -> Result<String> {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty"]).current_dir(&workspace.root);
    Ok(run::output_of(&mut git)?.trim().to_owned())
}

/// As one would type it at the root of the repository.
pub(crate) fn shown_command(server: &Path, root: &Path) -> String {
    let shown = server.strip_prefix(root).ok();
    let name = server.file_name().map(Path::new);
    let path = shown.or(name).unwrap_or(server);
    format!("{} -a 127.0.0.1 -p {{port}}", path.display())
}

/// A file by its name alone.
fn shown_word(word: &str) -> String {
    Path::new(word).file_name().map_or(word.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// A line per figure below each row's title, as soon as they are known.
pub(crate) fn plain(lines: &[Line]) -> String {
    let mut text = String::new();
    let mut title = "";
    for line in lines {
        if line.title != title {
            title = line.title;
            text += &format!("{}: {title}\n", line.load);
        }
        text += &plain_line(line);
    }
    text
}

fn plain_line(line: &Line) -> String {
    let head = format!("  {:20}", metric_name(line));
    if let Some(reason) = &line.skipped {
        return format!("{head} {reason}\n");
    }
    let mut parts = vec![format!("{head} {:>12}", value_text(line.metric, line.ours))];
    parts.extend(line.absolute.map(|verdict| absolute_text(line.metric, verdict)));
    parts.extend(disk_text(line));
    for rival in &line.rivals {
        let ratio = rival.ratio.map_or("–".to_owned(), spread_text);
        let bar = rival.verdict.map_or(String::new(), |verdict| format!(" {}", ratio_bar_text(verdict)));
        parts.push(format!("{} {}: {ratio}{bar}", rival.name, value_text(line.metric, rival.value)));
    }
    format!("{}\n", parts.join(" | "))
}

/// Two tables, beside nats-server and beside ourselves, and what was not met or not run.
pub(crate) fn markdown(setting: &Setting, lines: &[Line]) -> String {
    let mut text = String::new();
    let beside_peers: Vec<&Line> = lines.iter().filter(|line| line.is_against_peers).collect();
    let beside_ourselves: Vec<&Line> = lines.iter().filter(|line| !line.is_against_peers).collect();
    let peers: Vec<&str> = setting.servers.iter().skip(1).map(|(name, _)| name.as_str()).collect();
    if !beside_peers.is_empty() {
        text += &markdown_table("buster-server", &peers, &beside_peers);
        text += "\n";
    }
    if !beside_ourselves.is_empty() {
        text += &markdown_table("buster-server", &["with other flags"], &beside_ourselves);
        text += "\n";
    }
    text + &summary(lines)
}

fn markdown_table(ours: &str, rivals: &[&str], lines: &[&Line]) -> String {
    let mut head = vec!["load".to_owned(), "figure".to_owned(), ours.to_owned()];
    for rival in rivals {
        head.extend([(*rival).to_owned(), "ratio".to_owned()]);
    }
    head.push("bar".to_owned());
    let mut text = format!("{}\n|{}\n", cells(&head), "---|".repeat(head.len()));
    let mut title = "";
    for line in lines {
        let shown = if line.title == title { "" } else { line.title };
        title = line.title;
        text += &cells(&markdown_cells(line, shown, rivals.len()));
        text += "\n";
    }
    text
}

fn markdown_cells(line: &Line, title: &str, rivals: usize) -> Vec<String> {
    let mut words = vec![title.to_owned(), metric_name(line), value_text(line.metric, line.ours)];
    for index in 0..rivals {
        let rival = line.rivals.get(index);
        let name = rival.filter(|_| !line.is_against_peers).map(|rival| format!("{}: ", rival.name));
        let value = rival.and_then(|rival| rival.value);
        words.push(name.unwrap_or_default() + &value_text(line.metric, value));
        words.push(rival.and_then(|rival| rival.ratio).map_or("–".to_owned(), spread_text));
    }
    words.push(bars_text(line));
    words
}

fn bars_text(line: &Line) -> String {
    if let Some(reason) = &line.skipped {
        return reason.clone();
    }
    let of_rivals = line.rivals.iter().filter_map(|rival| rival.verdict).map(ratio_bar_text);
    let absolute = line.absolute.map(|verdict| absolute_text(line.metric, verdict));
    absolute.into_iter().chain(of_rivals).chain(disk_text(line)).collect::<Vec<_>>().join(", ")
}

/// What the disk allows, and how much of it is reached.
fn disk_text(line: &Line) -> Option<String> {
    let share = line.share()? * 100.0;
    Some(format!("{share:.0} % of the disk's {}", value_text(line.metric, line.ceiling)))
}

fn cells(words: &[String]) -> String {
    format!("| {} |", words.join(" | "))
}

/// How many bars are met, and which are not.
fn summary(lines: &[Line]) -> String {
    let verdicts = |line: &Line| -> Vec<Verdict> {
        let of_rivals = line.rivals.iter().filter_map(|rival: &Rival| rival.verdict);
        of_rivals.chain(line.absolute).collect()
    };
    let judged: Vec<Verdict> =
        lines.iter().filter(|line| line.skipped.is_none()).flat_map(verdicts).collect();
    let count = |outcome| judged.iter().filter(|verdict| verdict.outcome == outcome).count();
    let (met, bounded) = (count(Outcome::Met), count(Outcome::Disk));
    let mut text = format!("{met} of {} bars met", judged.len());
    if bounded > 0 {
        text += &format!(", {bounded} at the disk's ceiling");
    }
    let named = |lines: Vec<&Line>| -> Vec<String> {
        lines.iter().map(|line| format!("{} ({})", line.load, metric_name(line))).collect()
    };
    let missed = named(lines.iter().filter(|line| line.is_missed()).collect());
    if !missed.is_empty() {
        text += &format!("; missed: {}", missed.join(", "));
    }
    let skipped = named(lines.iter().filter(|line| line.skipped.is_some()).collect());
    if !skipped.is_empty() {
        text += &format!("; not available: {}", skipped.join(", "));
    }
    text + ".\n" + &quietness(lines)
}

/// How much else went on: beyond a few percent, rates and latencies say little.
fn quietness(lines: &[Line]) -> String {
    let shares = Spread::of(lines.iter().filter_map(|line| line.others).collect());
    shares.map_or(String::new(), |shares| {
        format!(
            "Other work took {:.0} % of a core at the median, {:.0} % at the worst load.\n",
            shares.median * 100.0,
            shares.max * 100.0
        )
    })
}

fn metric_name(line: &Line) -> String {
    match line.metric {
        Metric::Cpu => format!("CPU per {}", line.operation),
        Metric::Rate | Metric::Throughput => format!("{} rate", line.operation),
        Metric::P50 => "p50".to_owned(),
        Metric::P99 => "p99".to_owned(),
        Metric::P999 => "p99.9".to_owned(),
        Metric::BytesEach => "memory each".to_owned(),
        Metric::Rss => "RSS".to_owned(),
        Metric::RssPeak => "RSS at its highest".to_owned(),
        Metric::RateKept => "rate kept".to_owned(),
        Metric::OfBare => "rate of a bare answer's".to_owned(),
        Metric::CpuShare => "CPU of a core".to_owned(),
        Metric::Seconds => "time".to_owned(),
        Metric::SyncsEach => format!("syncs per {}", line.operation),
    }
}

pub(crate) fn value_text(metric: Metric, value: Option<f64>) -> String {
    let Some(value) = value else {
        return "–".to_owned();
    };
    match metric {
        Metric::Cpu | Metric::P50 | Metric::P99 | Metric::P999 => format!("{} µs", digits(value)),
        Metric::Rate => format!("{}/s", prefixed(value, "")),
        Metric::Throughput => format!("{}B/s", prefixed(value, " ")),
        Metric::BytesEach | Metric::Rss | Metric::RssPeak => format!("{}B", prefixed(value, " ")),
        Metric::RateKept | Metric::OfBare => format!("{:.0} %", value * 100.0),
        Metric::CpuShare => format!("{:.2} %", value * 100.0),
        Metric::Seconds => format!("{} s", digits(value)),
        Metric::SyncsEach => format!("{value:.3}"),
    }
}

/// `16.3 M`: three digits and a decimal prefix; without one, `none` stands in its place.
fn prefixed(value: f64, none: &str) -> String {
    let (scaled, prefix) = match value.abs() {
        size if size >= 999.5e6 => (value / 1e9, " G"),
        size if size >= 999.5e3 => (value / 1e6, " M"),
        size if size >= 999.5 => (value / 1e3, " k"),
        _ => (value, none),
    };
    format!("{}{prefix}", digits(scaled))
}

/// Three significant digits, never an exponent.
pub(crate) fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        size if size == 0.0 || size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        size if size >= 0.09995 => 3,
        _ => 4,
    };
    format!("{value:.decimals$}")
}

/// Two decimals are what the bars have; the extremes of the rounds stand behind the median.
fn spread_text(spread: Spread) -> String {
    format!("{:.2}× ({:.2}–{:.2})", spread.median, spread.min, spread.max)
}

fn ratio_bar_text(verdict: Verdict) -> String {
    bar_text(verdict, &format!("{}×", verdict.bound))
}

fn absolute_text(metric: Metric, verdict: Verdict) -> String {
    bar_text(verdict, &value_text(metric, Some(verdict.bound)))
}

fn bar_text(verdict: Verdict, bound: &str) -> String {
    let word = match verdict.outcome {
        Outcome::Met => "met",
        Outcome::Missed => "**missed**",
        Outcome::Disk => "disk's ceiling",
    };
    format!("{} {bound} {word}", verdict.side.sign())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::bars::LOADS;
    use super::super::verdict::{skipped, tests::sample};
    use super::*;

    pub(crate) fn setting() -> Setting {
        let server = |name: &str, command: &str| (name.to_owned(), command.to_owned());
        Setting {
            machine: "A processor, 2 cores, Linux 6.18".to_owned(),
            commit: "abc1234".to_owned(),
            rounds: 3,
            scale: 1.0,
            servers: vec![
                server("buster-server", "target/release/buster-server -a 127.0.0.1 -p {port}"),
                server("nats-server 2.9.10", "nats-server -a 127.0.0.1 -p {port}"),
                server("nats-server 2.14.5", "nats-server -a 127.0.0.1 -p {port}"),
            ],
        }
    }

    #[test]
    fn a_row_has_both_sides_ratio_spread_and_bars() {
        let text = markdown(&setting(), &sample());
        let expected = "\
| load | figure | buster-server | nats-server 2.9.10 | ratio | nats-server 2.14.5 | ratio | bar |
|---|---|---|---|---|---|---|---|
| fan-out, 10 × 10 subjects × 10 subscribers, 128 B | CPU per delivery | 0.0550 µs | 0.110 µs | \
0.50× (0.50–0.50) | 0.275 µs | 0.20× (0.20–0.20) | ≤ 0.6× met, ≤ 0.25× met |
|  | delivery rate | 18.2 M/s | 13.6 M/s | 1.33× (1.33–1.33) | 4.55 M/s | 4.00× (4.00–4.00) | ≥ 1.25× met, \
≥ 2.5× met |

4 of 4 bars met.
Other work took 3 % of a core at the median, 3 % at the worst load.
";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_missed_or_not_available_is_named() {
        let mut lines = sample();
        lines[1].rivals[0].verdict.as_mut().unwrap().outcome = Outcome::Missed;
        let load = LOADS.iter().find(|load| load.name == "epoll-rtt-64").unwrap();
        lines.extend(skipped(load, "not available: no --io"));
        let text = markdown(&setting(), &lines);
        assert!(text.contains("≥ 1.25× **missed**"), "{text}");
        assert!(text.contains(
            "3 of 4 bars met; missed: fan-out (delivery rate); not available: epoll-rtt-64 (CPU per \
             request), epoll-rtt-64 (request rate).\n"
        ));
        assert!(plain(&lines).contains("not available: no --io"));
    }

    #[test]
    fn the_disk_is_named_where_it_decides() {
        let mut lines = sample();
        lines[1].ceiling = Some(20e6);
        lines[1].rivals[0].verdict.as_mut().unwrap().outcome = Outcome::Disk;
        let text = markdown(&setting(), &lines);
        assert!(text.contains("≥ 1.25× disk's ceiling, ≥ 2.5× met, 91 % of the disk's 20.0 M/s |"), "{text}");
        assert!(text.contains("3 of 4 bars met, 1 at the disk's ceiling.\n"), "{text}");
    }

    #[test]
    fn values_wear_their_units() {
        assert_eq!(value_text(Metric::RssPeak, Some(134_217_728.0)), "134 MB");
        assert_eq!(value_text(Metric::BytesEach, Some(200.0)), "200 B");
        assert_eq!(value_text(Metric::Throughput, Some(4.2e9)), "4.20 GB/s");
        assert_eq!(value_text(Metric::Rate, Some(2.0e6)), "2.00 M/s");
        assert_eq!(value_text(Metric::CpuShare, Some(0.005)), "0.50 %");
        assert_eq!(value_text(Metric::Seconds, Some(0.25)), "0.250 s");
        assert_eq!(value_text(Metric::SyncsEach, Some(1.0)), "1.000");
        assert_eq!(value_text(Metric::Cpu, None), "–");
    }
}
