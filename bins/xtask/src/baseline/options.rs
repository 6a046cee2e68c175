//! What `cargo xtask baseline` takes.

use anyhow::{Result, ensure};

use crate::compare::wants::Wants;

use super::COMMIT;

const ROUNDS_DEFAULT: usize = 7;

#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    /// What we are held against, as git knows it.
    pub(crate) commit: String,
    pub(crate) wants: Wants,
}

impl Options {
    /// Those of `loads` that are wanted, in their order. A name that is none of them is an error.
    pub(crate) fn chosen(&self, loads: &[String]) -> Result<Vec<String>> {
        self.wants.are_among(loads.iter().map(String::as_str))?;
        Ok(loads.iter().filter(|load| self.wants.load(load)).cloned().collect())
    }
}

pub(crate) fn parse(args: &[&str]) -> Result<Options> {
    let mut commit = COMMIT.to_owned();
    let wants = Wants::parse(ROUNDS_DEFAULT, args, |_, word, value| {
        match word {
            "--commit" => commit = value()?.to_owned(),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    ensure!(!commit.starts_with('-'), "`{commit}` is no commit");
    ensure!(
        !wants.write || wants.only.is_empty() && commit == COMMIT,
        "--write needs the whole table beside the kept commit: without --only and --commit"
    );
    Ok(Options { commit, wants })
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
        assert_eq!((options.commit.as_str(), options.wants.rounds, options.wants.write), (COMMIT, 7, false));
        assert_eq!(options.chosen(&loads()).unwrap(), loads());
    }

    #[test]
    fn some_loads_beside_another_commit() {
        let options = parse(&["--only", "queue,fan-out", "--commit", "a5f6e18", "--scale", "0.2"]).unwrap();
        assert_eq!(options.chosen(&loads()).unwrap(), ["fan-out", "queue"]);
        assert_eq!((options.commit.as_str(), options.wants.scale), ("a5f6e18", 0.2));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [
            &["--scale", "0"][..],
            &["--scale", "nan"],
            &["--commit", "--all"],
            &["--only", "queue", "--write"],
            &["--commit", "a5f6e18", "--write"],
            &["--quick"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
