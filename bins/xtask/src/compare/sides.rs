//! Which servers stand in a comparison, and which of them run under a load.

use std::path::Path;

use anyhow::Result;

use super::bars::{Load, Rivals};
use super::measure::Run;
use super::servers::Server;
use super::topic::Topic;

/// Our server, and then nats-servers.
#[derive(Debug)]
pub(crate) struct Sides {
    servers: Vec<Server>,
    /// Who has no bar under a load does not run.
    only_due: bool,
}

impl Sides {
    /// Streams are compared with nats-servers as they are by default, and then with those that sync first, which a file
    /// below `target` tells them.
    pub(crate) fn new(ours: Server, peers: Vec<Server>, topic: Topic, target: &Path) -> Result<Self> {
        let mut servers = vec![ours];
        servers.extend(peers.iter().cloned());
        let only_due = topic == Topic::JetStream;
        if only_due {
            for peer in &peers {
                servers.extend(peer.syncing(target)?);
            }
        }
        Ok(Self { servers, only_due })
    }

    pub(crate) fn all(&self) -> &[Server] {
        &self.servers
    }

    /// Those of a load, with their arguments; ours is the first.
    pub(crate) fn under(&self, load: &Load) -> Vec<Server> {
        let (ours, peers) = self.servers.split_first().expect("ours is always there");
        match &load.rivals {
            Rivals::Peers if load.ours.is_empty() => self.servers.clone(),
            Rivals::Peers => std::iter::once(ours.with(load.ours)).chain(peers.iter().cloned()).collect(),
            Rivals::Ourselves { ours: args, theirs } => vec![ours.with(args), ours.with(theirs)],
        }
    }

    /// Has `run` run those that have to: per round, per server of `servers`; who does not run has a gap.
    pub(crate) fn rounds(
        &self,
        load: &Load,
        servers: &[Server],
        run: impl FnOnce(&[Server]) -> Vec<Vec<Run>>,
    ) -> Vec<Vec<Run>> {
        let runs: Vec<bool> = servers
            .iter()
            .enumerate()
            .map(|(index, server)| index == 0 || !self.only_due || load.is_due(server))
            .collect();
        let chosen = servers.iter().zip(&runs).filter(|(_, runs)| **runs).map(|(server, _)| server.clone());
        let spread = |round: Vec<Run>| {
            let mut round = round.into_iter();
            runs.iter().map(|runs| if *runs { round.next().flatten() } else { None }).collect()
        };
        run(&chosen.collect::<Vec<_>>()).into_iter().map(spread).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{bars, jetstream};
    use super::*;
    use serde_json::{Value, json};

    fn sides(topic: Topic) -> (Sides, tempfile::TempDir) {
        let target = tempfile::tempdir().unwrap();
        let [ours, old, new] = ["", "2.9.10", "2.14.5"].map(|version| Server::for_tests("/x", version));
        (Sides::new(ours, vec![old, new], topic, target.path()).unwrap(), target)
    }

    fn load<'a>(loads: &'a [Load], name: &str) -> &'a Load {
        loads.iter().find(|load| load.name == name).unwrap()
    }

    /// What one round of those that run becomes, which are numbered as they come.
    fn round(sides: &Sides, load: &Load) -> Vec<Option<Value>> {
        let run = |chosen: &[Server]| vec![(0..chosen.len()).map(|index| Some(vec![json!(index)])).collect()];
        let rounds: Vec<Vec<Run>> = sides.rounds(load, &sides.under(load), run);
        rounds[0].iter().map(|run| run.as_ref().map(|reports| reports[0].clone())).collect()
    }

    #[test]
    fn streams_are_held_against_those_that_a_bar_is_about() {
        let (sides, _target) = sides(Topic::JetStream);
        assert_eq!(sides.all().len(), 4, "the old one cannot sync first");
        let ran = |name| round(&sides, load(&jetstream::LOADS, name));
        assert_eq!(ran("publish-1000"), [0, 1, 2, 3].map(|index| Some(json!(index))));
        assert_eq!(ran("publish-1"), [Some(json!(0)), None, None, Some(json!(1))]);
        assert_eq!(ran("memory"), [Some(json!(0)), Some(json!(1)), Some(json!(2)), None]);
    }

    #[test]
    fn core_loads_run_on_all_or_on_ours_twice() {
        let (sides, _target) = sides(Topic::Core);
        assert_eq!(round(&sides, load(&bars::LOADS, "fan-in")).iter().flatten().count(), 3);
        let epoll = load(&bars::LOADS, "epoll-fan-out");
        assert_eq!(sides.under(epoll).len(), 2);
        assert_eq!(round(&sides, epoll), [Some(json!(0)), Some(json!(1))]);
        assert_eq!(sides.under(load(&bars::LOADS, "fairness"))[0].args, ["--shards", "1"]);
    }
}
