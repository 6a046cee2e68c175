//! What `cargo xtask night` takes.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use super::pieces::CHECKS;
use super::state::Check;

/// Each of them, unless told otherwise.
const SECONDS_DEFAULT: u64 = 3600;

/// A week.
const SECONDS_MAX: u64 = 7 * 24 * 3600;

#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    only: Vec<String>,
    seconds: u64,
    pub(crate) peer: Option<PathBuf>,
    pub(crate) restart: bool,
}

impl Options {
    /// The checks of a night that has not begun.
    pub(crate) fn checks(&self) -> Vec<Check> {
        let wanted =
            CHECKS.iter().filter(|name| self.only.is_empty() || self.only.iter().any(|one| one == *name));
        wanted.map(|name| Check::new(name, self.seconds)).collect()
    }
}

pub(crate) fn parse(args: &[&str]) -> Result<Options> {
    let mut options = Options { only: Vec::new(), seconds: SECONDS_DEFAULT, peer: None, restart: false };
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match *word {
            "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
            "--seconds" => options.seconds = value()?.parse().context("--seconds takes a number")?,
            "--peer" => options.peer = Some(std::path::absolute(value()?)?),
            "--restart" => options.restart = true,
            _ => bail!("unknown option `{word}`"),
        }
    }
    ensure!((1..=SECONDS_MAX).contains(&options.seconds), "--seconds takes 1 to {SECONDS_MAX}");
    if let Some(name) = options.only.iter().find(|name| !CHECKS.contains(&name.as_str())) {
        bail!("there is no check `{name}`; there are {}", CHECKS.join(", "));
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(options: &Options) -> Vec<String> {
        options.checks().into_iter().map(|check| check.name).collect()
    }

    #[test]
    fn everything_for_an_hour_unless_told_otherwise() {
        let options = parse(&[]).unwrap();
        assert_eq!(names(&options), CHECKS);
        assert!(options.checks().iter().all(|check| check.seconds == 3600));
        let options = parse(&["--only", "differ,sim", "--seconds", "60", "--peer", "/x"]).unwrap();
        assert_eq!(names(&options), ["sim", "differ"]);
        assert_eq!((options.seconds, options.peer), (60, Some("/x".into())));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [&["--only", "nonsense"][..], &["--seconds", "0"], &["--seconds"], &["fast"]] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
