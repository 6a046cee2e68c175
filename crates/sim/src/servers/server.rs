//! One server: its shards, and what is under way between them.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use balance::PlacementRule;
use broker::{Broker, BrokerOptions, Config, Greeting, Settings, ToldUrls};
use cluster::{Dial, LeafConfig, LeafListener, LeafRemote, RouteUrl};
use conns::{CloseReason, ConnId, Flush, Time};
use fabric::{Batch, ShardId};
use nats_proto::ServerInfo;

use super::ClusterPlan;
use crate::random::Random;

/// The port of the first server's listener for routes.
pub(super) const FIRST_PORT: u16 = 7000;

/// The same for leaf nodes.
pub(super) const FIRST_LEAF_PORT: u16 = 8000;

pub(super) struct Server {
    shards: Vec<Broker>,
    /// By who sent it and whom to.
    lanes: BTreeMap<(usize, usize), VecDeque<Batch>>,
    /// What is left of batches.
    left: BTreeMap<(usize, usize), Batch>,
    output: Vec<(usize, ConnId, Vec<u8>)>,
    closed: Vec<ConnId>,
}

impl Server {
    pub(super) fn new(plan: &ClusterPlan, at: usize, routes: &[usize]) -> Self {
        let leafs = (plan.hub == Some(at)).then(|| hub(at));
        Self::with(plan, at, Some(cluster(at, routes)), leafs)
    }

    /// A server that is a leaf node of another one, and in no cluster.
    pub(super) fn leaf(plan: &ClusterPlan, at: usize, hub: usize) -> Self {
        Self::with(plan, at, None, Some(leaf(at, hub)))
    }

    fn with(
        plan: &ClusterPlan,
        at: usize,
        cluster: Option<cluster::Config>,
        leafs: Option<LeafConfig>,
    ) -> Self {
        let info = ServerInfo { headers: true, max_payload: 1 << 20, ..ServerInfo::default() };
        let options = BrokerOptions { placement: PlacementRule::Spread, ..BrokerOptions::default() };
        let settings = Arc::new(Settings { options, ..Settings::new(info) });
        let (cluster, leafs) = (cluster.map(Arc::new), leafs.map(Arc::new));
        let told = cluster.as_ref().map(|cluster| Arc::new(ToldUrls::new(cluster)));
        let shard = |shard: ShardId| {
            Broker::new(Config {
                seed: plan.seed ^ (at as u64) << 8 ^ u64::from(shard.0),
                cluster: cluster.clone().filter(|_| shard == ShardId(0)),
                leafs: leafs.clone().filter(|_| shard == ShardId(0)),
                told: told.clone(),
                ..Config::new(shard, plan.shards, Arc::clone(&settings))
            })
        };
        Self {
            shards: ShardId::all(plan.shards).map(shard).collect(),
            lanes: BTreeMap::new(),
            left: BTreeMap::new(),
            output: Vec::new(),
            closed: Vec::new(),
        }
    }

    /// A client connects. Returns where it lives, and as whom.
    pub(super) fn accept(&mut self, now: Time) -> (usize, ConnId) {
        let placed = self.shards[0].place(&[]);
        let shard = placed.shard.index();
        if shard != 0
            && let Some(batch) = self.shards[0].take_batch(placed.shard)
        {
            self.shards[shard].on_whole_batch(now, ShardId(0), batch);
        }
        let peer = SocketAddr::from(([127, 0, 0, 1], 4000));
        let id = self.shards[shard].on_accepted(now, placed, peer.into(), Greeting::Plain);
        self.feed(now, shard, id, b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\n");
        (shard, id)
    }

    pub(super) fn on_accepted(&mut self, now: Time, from: usize, is_leaf: bool) -> ConnId {
        let from = address(from).into();
        if is_leaf {
            return self.shards[0].on_leaf_accepted(now, from);
        }
        self.shards[0].on_peer_accepted(now, from)
    }

    pub(super) fn on_dialed(&mut self, now: Time, number: u32, to: usize) -> ConnId {
        self.shards[0].on_peer_dialed(now, number, address(to).into())
    }

    pub(super) fn feed(&mut self, now: Time, shard: usize, id: ConnId, bytes: &[u8]) {
        self.shards[shard].on_received(now, id, bytes);
    }

    pub(super) fn hang_up(&mut self, id: ConnId) {
        self.shards[0].on_hangup(id, CloseReason::ClientClosed);
    }

    pub(super) fn connected(&self) -> usize {
        self.shards[0].servers()
    }

    pub(super) fn take_dials(&mut self) -> Vec<Dial> {
        self.shards[0].take_dials()
    }

    /// What connections of the shards were sent.
    pub(super) fn take_output(&mut self) -> Vec<(usize, ConnId, Vec<u8>)> {
        std::mem::take(&mut self.output)
    }

    /// Connections to servers that closed.
    pub(super) fn take_closed(&mut self) -> Vec<ConnId> {
        std::mem::take(&mut self.closed)
    }

    /// Some shards take a turn, or all of them.
    pub(super) fn turn(&mut self, now: Time, random: &mut Random, all: bool) {
        for shard in 0..self.shards.len() {
            if all || random.chance(70) {
                self.turn_of(shard, now, random, all);
            }
        }
    }

    fn turn_of(&mut self, shard: usize, now: Time, random: &mut Random, all: bool) {
        self.shards[shard].on_turn(now);
        for from in (0..self.shards.len()).filter(|from| *from != shard) {
            while (all || random.chance(60)) && self.arrive(now, from, shard) {}
        }
        let broker = &mut self.shards[shard];
        broker.on_deadlines(now);
        broker.work_off();
        broker.serve_all(now);
        broker.take_told_clients();
        for to in (0..self.shards.len()).filter(|to| *to != shard) {
            if let Some(batch) = self.shards[shard].take_batch(ShardId(to as u8)) {
                self.lanes.entry((shard, to)).or_default().push_back(batch);
            }
        }
        self.flush(shard);
    }

    /// The next batch from a shard, if there is one.
    fn arrive(&mut self, now: Time, from: usize, to: usize) -> bool {
        let next = || self.lanes.get_mut(&(from, to)).and_then(VecDeque::pop_front);
        let Some(batch) = self.left.remove(&(from, to)).or_else(next) else { return false };
        if let Some(left) = self.shards[to].on_batch(now, ShardId(from as u8), batch) {
            self.left.insert((from, to), left);
            return false;
        }
        true
    }

    fn flush(&mut self, shard: usize) {
        let mut dirty = Vec::new();
        self.shards[shard].take_dirty(&mut dirty);
        for id in dirty {
            loop {
                let bytes: Vec<u8> = match self.shards[shard].flush(id) {
                    Flush::Nothing => break,
                    Flush::Close => {
                        self.closed.push(id);
                        break;
                    }
                    Flush::Send(outbox) => outbox.slices().flatten().copied().collect(),
                };
                self.shards[shard].on_sent(id, bytes.len());
                self.output.push((shard, id, bytes));
            }
        }
    }
}

fn address(of: usize) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], FIRST_PORT + of as u16))
}

/// What lets a leaf node come.
fn hub(at: usize) -> LeafConfig {
    let listener = LeafListener {
        host: "127.0.0.1".into(),
        port: FIRST_LEAF_PORT + at as u16,
        auth_timeout: Duration::from_secs(2),
        ..LeafListener::default()
    };
    LeafConfig { cluster: "C".into(), listener: Some(listener), ..named(at) }
}

/// What has a leaf node dial.
fn leaf(at: usize, hub: usize) -> LeafConfig {
    let port = FIRST_LEAF_PORT + hub as u16;
    let url = RouteUrl { host: "127.0.0.1".into(), port, credentials: None };
    let remote = LeafRemote { urls: vec![url], ..LeafRemote::default() };
    LeafConfig { remotes: vec![remote], ..named(at) }
}

fn named(at: usize) -> LeafConfig {
    LeafConfig { server_id: format!("N{at}"), server_name: format!("S{at}"), ..LeafConfig::default() }
}

fn cluster(at: usize, routes: &[usize]) -> cluster::Config {
    let url =
        |to: &usize| RouteUrl { host: "127.0.0.1".into(), port: FIRST_PORT + *to as u16, credentials: None };
    cluster::Config {
        server_id: format!("N{at}"),
        server_name: format!("S{at}"),
        cluster: "C".into(),
        host: "0.0.0.0".into(),
        port: FIRST_PORT + at as u16,
        routes: routes.iter().map(url).collect(),
        ..cluster::Config::default()
    }
}
