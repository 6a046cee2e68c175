//! What `cargo xtask compare` takes.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use super::bars::LOADS;

const ROUNDS_DEFAULT: usize = 5;
const ROUNDS_MAX: usize = 100;

/// Enough to see a large step, in a third of the time.
const QUICK_ROUNDS: usize = 3;
const QUICK_SCALE: f64 = 0.4;

#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    /// nats-servers to compare with; none means the one that is installed.
    pub(crate) peers: Vec<PathBuf>,
    /// Our server, if not the one that was just built.
    pub(crate) server: Option<PathBuf>,
    pub(crate) rounds: usize,
    /// Multiplies how much every load publishes.
    pub(crate) scale: f64,
    /// Loads by name; none means all.
    only: Vec<String>,
    /// Rewrite the table in docs/performance.md and the chart.
    pub(crate) write: bool,
}

impl Options {
    pub(crate) fn wants(&self, load: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == load)
    }
}

pub(crate) fn parse(args: &[&str]) -> Result<Options> {
    let mut options = Options {
        peers: Vec::new(),
        server: None,
        rounds: ROUNDS_DEFAULT,
        scale: 1.0,
        only: Vec::new(),
        write: false,
    };
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match *word {
            "--peer" | "--peer2" => options.peers.push(value()?.into()),
            "--server" => options.server = Some(value()?.into()),
            "--rounds" => options.rounds = value()?.parse().context("--rounds takes a number")?,
            "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
            "--quick" => (options.rounds, options.scale) = (QUICK_ROUNDS, QUICK_SCALE),
            "--write" => options.write = true,
            _ => bail!("unknown option `{word}`"),
        }
    }
    ensure!((1..=ROUNDS_MAX).contains(&options.rounds), "--rounds takes 1 to {ROUNDS_MAX}");
    if let Some(name) = options.only.iter().find(|name| LOADS.iter().all(|load| load.name != **name)) {
        let names: Vec<&str> = LOADS.iter().map(|load| load.name).collect();
        bail!("there is no load `{name}`; there are {}", names.join(", "));
    }
    ensure!(
        !options.write || options.only.is_empty() && options.scale == 1.0,
        "--write needs the whole table: without --only and --quick"
    );
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_a_default() {
        let options = parse(&[]).unwrap();
        assert_eq!((options.rounds, options.scale, options.write), (5, 1.0, false));
        assert!(options.wants("fan-out") && options.peers.is_empty());
    }

    #[test]
    fn some_loads_quickly_beside_two_peers() {
        let words = ["--only", "queue,rtt-1", "--quick", "--peer", "a", "--peer2", "b"];
        let options = parse(&words).unwrap();
        assert!(options.wants("queue") && !options.wants("fan-out"));
        assert_eq!((options.rounds, options.peers.len()), (3, 2));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [
            &["--rounds", "0"][..],
            &["--rounds"],
            &["--only", "nonsense"],
            &["--only", "queue", "--write"],
            &["--quick", "--write"],
            &["fast"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
