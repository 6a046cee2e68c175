//! What a server says of its turns in `/metrics`, all shards together.

use std::net::SocketAddr;

use anyhow::{Result, ensure};

use crate::monitor::get;

use super::TURN_CPU_MAX;

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Tally {
    /// In seconds, of all turns so far.
    pub(crate) longest: f64,
    /// Turns that took longer than they may.
    pub(crate) long: u64,
    pub(crate) turns: u64,
    /// In seconds.
    pub(crate) time: f64,
    pub(crate) subscriptions: u64,
    pub(crate) connections: u64,
}

impl Tally {
    pub(crate) fn ask(monitor: SocketAddr) -> Result<Self> {
        Self::read(&get(monitor, "/metrics")?)
    }

    fn read(text: &str) -> Result<Self> {
        let values = |name: &str, label: &str| {
            let lines = text.lines().filter_map(|line| line.strip_prefix(name));
            let wanted = lines.filter(|line| line.starts_with('{') && line.contains(label));
            let values = wanted.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
            values.collect::<Vec<f64>>()
        };
        let sum = |name: &str| values(name, "").iter().sum::<f64>();
        let longest = values("buster_turn_longest_seconds", "");
        ensure!(!longest.is_empty(), "the server does not measure its turns");
        let short = values("buster_turn_seconds_bucket", &format!("le=\"{TURN_CPU_MAX}\""));
        let turns = sum("buster_turn_seconds_count") as u64;
        Ok(Self {
            longest: longest.into_iter().fold(0.0, f64::max),
            long: turns - short.iter().sum::<f64>() as u64,
            turns,
            time: sum("buster_turn_seconds_sum"),
            subscriptions: sum("buster_subscriptions") as u64,
            connections: sum("buster_connections") as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_taken_together() {
        let text = "# HELP buster_turn_longest_seconds x\nbuster_turn_longest_seconds{shard=\"0\"} 0.001\n\
            buster_turn_longest_seconds{shard=\"1\"} 0.003\nbuster_subscriptions{shard=\"0\"} 7\n\
            buster_subscriptions{shard=\"1\"} 2\nbuster_connections{shard=\"0\"} 1\n\
            buster_connections_accepted_total{shard=\"0\"} 9\n\
            buster_turn_seconds_bucket{shard=\"0\",le=\"0.001\"} 1\n\
            buster_turn_seconds_bucket{shard=\"0\",le=\"0.002\"} 4\n\
            buster_turn_seconds_bucket{shard=\"1\",le=\"0.002\"} 5\n\
            buster_turn_seconds_sum{shard=\"0\"} 0.5\nbuster_turn_seconds_count{shard=\"0\"} 4\n\
            buster_turn_seconds_count{shard=\"1\"} 6\n";
        let expected =
            Tally { longest: 0.003, long: 1, turns: 10, time: 0.5, subscriptions: 9, connections: 1 };
        assert_eq!(Tally::read(text).unwrap(), expected);
        assert!(Tally::read("# nothing\n").is_err());
    }
}
