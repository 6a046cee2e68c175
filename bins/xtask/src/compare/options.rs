//! What `cargo xtask compare` takes.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use super::topic::Topic;
use super::wants::Wants;

const ROUNDS_DEFAULT: usize = 5;

/// Enough to see a large step, in a third of the time.
const QUICK_ROUNDS: usize = 3;
const QUICK_SCALE: f64 = 0.4;

#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    /// nats-servers to compare with; none means the one that is installed.
    pub(crate) peers: Vec<PathBuf>,
    pub(crate) topic: Topic,
    pub(crate) wants: Wants,
}

pub(crate) fn parse(args: &[&str]) -> Result<Options> {
    let (mut peers, mut topic) = (Vec::new(), Topic::Core);
    let wants = Wants::parse(ROUNDS_DEFAULT, args, |wants, word, value| {
        match word {
            "--peer" | "--peer2" => peers.push(value()?.into()),
            "--jetstream" => topic = Topic::JetStream,
            "--routes" => topic = Topic::Routes,
            "--web" => topic = Topic::Web,
            "--quick" => (wants.rounds, wants.scale) = (QUICK_ROUNDS, QUICK_SCALE),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    wants.are_among(topic.loads().iter().map(|load| load.name))?;
    // What streams were scaled by stands on the page.
    let is_whole = wants.scale == 1.0 || topic == Topic::JetStream;
    ensure!(
        !wants.write || wants.only.is_empty() && is_whole,
        "--write needs the whole table: without --only, --quick and --scale"
    );
    ensure!(
        peers.is_empty() || !topic.is_ours_alone(),
        "--web has no use for a --peer: nats-server has no HTTP"
    );
    Ok(Options { peers, topic, wants })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_a_default() {
        let Options { peers, topic, wants } = parse(&[]).unwrap();
        assert_eq!((wants.rounds, wants.scale, wants.write), (5, 1.0, false));
        assert!(wants.load("fan-out") && peers.is_empty() && topic == Topic::Core);
    }

    #[test]
    fn some_loads_quickly_beside_two_peers() {
        let words = ["--only", "queue,rtt-1", "--quick", "--peer", "a", "--peer2", "b"];
        let Options { peers, wants, .. } = parse(&words).unwrap();
        assert!(wants.load("queue") && !wants.load("fan-out"));
        assert_eq!((wants.rounds, peers.len()), (3, 2));
    }

    #[test]
    fn streams_have_a_table_of_their_own_and_may_be_written_at_any_scale() {
        let words = ["--scale", "0.5", "--jetstream", "--write"];
        let Options { topic, wants, .. } = parse(&words).unwrap();
        assert_eq!((topic, wants.scale), (Topic::JetStream, 0.5));
        assert!(parse(&["--jetstream", "--only", "publish-1000"]).is_ok());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [
            &["--only", "nonsense"][..],
            &["--only", "queue", "--write"],
            &["--quick", "--write"],
            &["--scale", "0.5", "--write"],
            &["--scale", "0"],
            &["--only", "publish-1000"],
            &["--jetstream", "--only", "queue"],
            &["--routes", "--only", "publish-1000"],
            &["--routes", "--scale", "0.5", "--write"],
            &["--web", "--peer", "a"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
