//! What `cargo xtask compare` takes.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use super::bars::LOADS;
use super::wants::Wants;

const ROUNDS_DEFAULT: usize = 5;

/// Enough to see a large step, in a third of the time.
const QUICK_ROUNDS: usize = 3;
const QUICK_SCALE: f64 = 0.4;

#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    /// nats-servers to compare with; none means the one that is installed.
    pub(crate) peers: Vec<PathBuf>,
    pub(crate) wants: Wants,
}

pub(crate) fn parse(args: &[&str]) -> Result<Options> {
    let mut peers = Vec::new();
    let wants = Wants::parse(ROUNDS_DEFAULT, args, |wants, word, value| {
        match word {
            "--peer" | "--peer2" => peers.push(value()?.into()),
            "--quick" => (wants.rounds, wants.scale) = (QUICK_ROUNDS, QUICK_SCALE),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    wants.are_among(LOADS.iter().map(|load| load.name))?;
    ensure!(
        !wants.write || wants.only.is_empty() && wants.scale == 1.0,
        "--write needs the whole table: without --only and --quick"
    );
    Ok(Options { peers, wants })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_a_default() {
        let Options { peers, wants } = parse(&[]).unwrap();
        assert_eq!((wants.rounds, wants.scale, wants.write), (5, 1.0, false));
        assert!(wants.load("fan-out") && peers.is_empty());
    }

    #[test]
    fn some_loads_quickly_beside_two_peers() {
        let words = ["--only", "queue,rtt-1", "--quick", "--peer", "a", "--peer2", "b"];
        let Options { peers, wants } = parse(&words).unwrap();
        assert!(wants.load("queue") && !wants.load("fan-out"));
        assert_eq!((wants.rounds, peers.len()), (3, 2));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [
            &["--only", "nonsense"][..],
            &["--only", "queue", "--write"],
            &["--quick", "--write"],
            &["--scale", "2"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
