//! What commands take alike that hold servers against each other under loads.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

const ROUNDS_MAX: usize = 100;

/// As much as the load generator allows.
const SCALE_MAX: f64 = 1000.0;

#[derive(Debug, PartialEq)]
pub(crate) struct Wants {
    /// Our server, if not the one that was just built.
    pub(crate) server: Option<PathBuf>,
    /// How often each server has its turn.
    pub(crate) rounds: usize,
    /// Multiplies how much every load publishes.
    pub(crate) scale: f64,
    /// Loads by name; none means all.
    pub(crate) only: Vec<String>,
    /// Rewrite the table in docs/performance.md.
    pub(crate) write: bool,
}

impl Wants {
    /// Reads the words: `own` those that are the command's own, of which it returns whether one is.
    pub(crate) fn parse<'a>(
        rounds: usize,
        args: &[&'a str],
        mut own: impl FnMut(&mut Self, &str, &mut dyn FnMut() -> Result<&'a str>) -> Result<bool>,
    ) -> Result<Self> {
        let mut wants = Self { server: None, rounds, scale: 1.0, only: Vec::new(), write: false };
        let mut words = args.iter().copied();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match word {
                "--server" => wants.server = Some(value()?.into()),
                "--rounds" => wants.rounds = value()?.parse().context("--rounds takes a number")?,
                "--only" => wants.only = value()?.split(',').map(str::to_owned).collect(),
                "--scale" => wants.scale = value()?.parse().context("--scale takes a number")?,
                "--write" => wants.write = true,
                _ => ensure!(own(&mut wants, word, &mut value)?, "unknown option `{word}`"),
            }
        }
        let is_scale = wants.scale > 0.0 && wants.scale <= SCALE_MAX;
        ensure!(is_scale, "--scale must lie above 0 and up to {SCALE_MAX}");
        ensure!((1..=ROUNDS_MAX).contains(&wants.rounds), "--rounds takes 1 to {ROUNDS_MAX}");
        Ok(wants)
    }

    /// Whether this load is to run.
    pub(crate) fn load(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }

    /// All that are to run are among these.
    ///
    /// # Errors
    /// One is not.
    pub(crate) fn are_among<'n>(&self, names: impl Iterator<Item = &'n str> + Clone) -> Result<()> {
        if let Some(name) = self.only.iter().find(|name| names.clone().all(|one| one != **name)) {
            bail!("there is no load `{name}`; there are {}", names.collect::<Vec<_>>().join(", "));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Wants> {
        Wants::parse(4, args, |wants, word, value| {
            match word {
                "--half" => wants.scale = value()?.parse::<f64>()? / 2.0,
                _ => return Ok(false),
            }
            Ok(true)
        })
    }

    #[test]
    fn words_of_both_kinds_stand_in_any_order() {
        let wants = parse(&["--only", "queue,rtt", "--scale", "0.5", "--write", "--rounds", "3"]).unwrap();
        assert_eq!((wants.rounds, wants.scale, wants.write), (3, 0.5, true));
        assert!(wants.load("rtt") && !wants.load("fan-out"));
        assert_eq!(parse(&[]).unwrap().rounds, 4);
        assert_eq!(parse(&["--half", "1"]).unwrap().scale, 0.5);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [
            &["--rounds", "0"][..],
            &["--rounds"],
            &["--scale"],
            &["--scale", "0"],
            &["--scale", "nan"],
            &["--server"],
            &["fast"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn a_load_that_is_not_there_is_named_with_those_that_are() {
        let loads = ["fan-out", "rtt:64", "queue"];
        let among = |only| parse(&["--only", only]).unwrap().are_among(loads.into_iter());
        assert!(among("queue,fan-out").is_ok());
        let error = among("rtt").unwrap_err().to_string();
        assert_eq!(error, "there is no load `rtt`; there are fan-out, rtt:64, queue");
    }
}
