//! What `cargo xtask baseline` takes.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use super::COMMIT;

const ROUNDS_DEFAULT: usize = 7;
const ROUNDS_MAX: usize = 100;

/// As much as the load generator allows.
const SCALE_MAX: f64 = 1000.0;

#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    /// What we are held against, as git knows it.
    pub(crate) commit: String,
    /// Our server, if not the one that was just built.
    pub(crate) server: Option<PathBuf>,
    pub(crate) rounds: usize,
    /// Multiplies how much every load publishes.
    pub(crate) scale: f64,
    /// Loads by name; none means all.
    only: Vec<String>,
    /// Rewrite the table in docs/performance.md.
    pub(crate) write: bool,
}

impl Options {
    /// Those of `loads` that are wanted, in their order. A name that is none of them is an error.
    pub(crate) fn chosen(&self, loads: &[String]) -> Result<Vec<String>> {
        if let Some(name) = self.only.iter().find(|name| !loads.contains(name)) {
            bail!("there is no load `{name}`; there are {}", loads.join(", "));
        }
        let wants = |load: &&String| self.only.is_empty() || self.only.contains(load);
        Ok(loads.iter().filter(wants).cloned().collect())
    }
}

pub(crate) fn parse(args: &[&str]) -> Result<Options> {
    let mut options = Options {
        commit: COMMIT.to_owned(),
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
            "--commit" => options.commit = (*value()?).to_owned(),
            "--server" => options.server = Some(value()?.into()),
            "--rounds" => options.rounds = value()?.parse().context("--rounds takes a number")?,
            "--scale" => options.scale = value()?.parse().context("--scale takes a number")?,
            "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
            "--write" => options.write = true,
            _ => bail!("unknown option `{word}`"),
        }
    }
    ensure!((1..=ROUNDS_MAX).contains(&options.rounds), "--rounds takes 1 to {ROUNDS_MAX}");
    ensure!(
        options.scale > 0.0 && options.scale <= SCALE_MAX,
        "--scale must lie above 0 and up to {SCALE_MAX}"
    );
    ensure!(!options.commit.starts_with('-'), "`{}` is no commit", options.commit);
    ensure!(
        !options.write || options.only.is_empty() && options.commit == COMMIT,
        "--write needs the whole table beside the kept commit: without --only and --commit"
    );
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loads() -> Vec<String> {
        ["fan-out", "rtt:64", "queue"].map(str::to_owned).to_vec()
    }

    #[test]
    fn everything_has_a_default() {
        let options = parse(&[]).unwrap();
        assert_eq!((options.commit.as_str(), options.rounds, options.write), (COMMIT, 7, false));
        assert_eq!(options.chosen(&loads()).unwrap(), loads());
    }

    #[test]
    fn some_loads_beside_another_commit() {
        let options = parse(&["--only", "queue,fan-out", "--commit", "a5f6e18", "--scale", "0.2"]).unwrap();
        assert_eq!(options.chosen(&loads()).unwrap(), ["fan-out", "queue"]);
        assert_eq!((options.commit.as_str(), options.scale), ("a5f6e18", 0.2));
    }

    #[test]
    fn a_load_that_is_not_there_is_named_with_those_that_are() {
        let error = parse(&["--only", "rtt"]).unwrap().chosen(&loads()).unwrap_err().to_string();
        assert_eq!(error, "there is no load `rtt`; there are fan-out, rtt:64, queue");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [
            &["--rounds", "0"][..],
            &["--rounds"],
            &["--scale", "0"],
            &["--scale", "nan"],
            &["--commit", "--all"],
            &["--only", "queue", "--write"],
            &["--commit", "a5f6e18", "--write"],
            &["fast"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
