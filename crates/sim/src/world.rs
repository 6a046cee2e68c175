//! The run itself: a virtual clock and what happens on it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;

use balance::PlacementRule;
use broker::{Broker, BrokerOptions, Config, Settings};
use fabric::ShardId;
use nats_proto::ServerInfo;
use shard_core::ShardCore;
use system::System;

use crate::check;
use crate::check_responses;
use crate::client::Client;
use crate::connection::{Connection, Receiving};
use crate::fairness::{ENDLESS, Fairness, SHARE_MAX};
use crate::history::History;
use crate::listener::{acceptor, web_policy};
use crate::mesh::Mesh;
use crate::outcome::{Outcome, Stats};
use crate::plan::{Plan, Profile};
use crate::random::{Random, Stream};
use crate::service::Service;
use crate::shell::SimShell;
use crate::socket::{Hangup, Socket};
use crate::users::directory;
use crate::web_client::WebClient;
use crate::workload::Workload;

pub(crate) const MICROSECOND: u64 = 1000;
pub(crate) const MILLISECOND: u64 = 1_000_000;

/// Nothing moved for this long: the run is quiet. Longer than any delay, pause or stall in it.
const QUIET: u64 = 200 * MILLISECOND;

/// With nothing moving for this long, turns and reads come less often, to get to the end.
const SLACK: u64 = 2 * MILLISECOND;

/// A run that goes on for longer has a defect.
const EVENTS_MAX: u64 = 5_000_000;

/// Carries out a plan and checks what came of it.
pub fn run(plan: &Plan) -> Outcome {
    let mut world = World::new(plan);
    world.run_until_quiet();
    if world.shell.ends() {
        world.check_ended();
    } else {
        world.last_pings();
        world.run_until_quiet();
        world.check_quiet();
    }
    let late = world.cores.iter_mut().map(|core| core.broker_mut().totals().late_responses).sum();
    let SimShell { mut history, mut stats, connections, .. } = world.shell;
    history.late_responses = late;
    let webs = || connections.iter().filter_map(|connection| connection.web.as_ref());
    let mut violations = std::mem::take(&mut history.violations);
    violations.extend(check::all(&history, plan));
    stats.published = history.messages.len();
    stats.received = history.subs.iter().map(|sub| sub.received.len()).sum();
    stats.responses = check_responses::received_in(&history);
    stats.unanswered = history.messages.iter().filter(|message| message.answered.is_some()).count();
    stats.warned = history.clients.iter().filter(|client| client.warned > 0).count();
    stats.webs = webs().count();
    stats.closed_webs = webs().filter(|web| web.is_closed()).count();
    stats.exhausted = history.subs.iter().filter(|sub| check::is_exhausted(&history, sub)).count();
    Outcome { history, violations, stats }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// A shard takes a turn.
    Turn(usize),
    /// A client of the list connects, or takes a step.
    Act(usize),
    /// A client reads from its socket.
    Read(usize),
    /// The server comes to its end, step by step.
    End,
}

pub(crate) struct World {
    pub(crate) cores: Vec<ShardCore<SimShell>>,
    pub(crate) shell: SimShell,
    workload: Workload,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    events_made: u64,
}

impl World {
    fn new(plan: &Plan) -> Self {
        let mut shell = SimShell {
            plan: plan.clone(),
            shard: 0,
            now: 0,
            seen: vec![0; plan.shards],
            views: Random::new(plan.seed, Stream::Views as u64),
            moved_at: 0,
            mesh: Mesh::new(plan),
            connections: Vec::new(),
            backlog: Vec::new(),
            by_id: vec![BTreeMap::new(); plan.shards],
            orders: ShardId::all(plan.shards).map(|_| VecDeque::new()).collect(),
            stopped: vec![None; plan.shards],
            is_listening: true,
            endings: Random::new(plan.seed, Stream::Endings as u64),
            passing_reads: vec![0; plan.shards],
            history: History::new(plan.sharing, plan.asking),
            schedule: Random::new(plan.seed, Stream::Schedule as u64),
            sockets: Random::new(plan.seed, Stream::Sockets as u64),
            moves: Random::new(plan.seed, Stream::Moves as u64),
            moves_left: plan.moves,
            stats: Stats::default(),
            fairness: ShardId::all(plan.shards).map(|_| Fairness::default()).collect(),
            services: Vec::new(),
            service_odds: Random::new(plan.seed, Stream::Services as u64),
            webs: Random::new(plan.seed, Stream::Webs as u64),
        };
        let cores = cores(plan, &mut shell);
        let workload = Workload::new(plan);
        let mut world = Self { cores, shell, workload, events: BinaryHeap::new(), events_made: 0 };
        for shard in 0..plan.shards {
            world.push(0, Event::Turn(shard));
        }
        for client in 0..plan.clients {
            let early = world.shell.schedule.chance(60);
            let latest = if early { 100 * MICROSECOND } else { 10 * MILLISECOND };
            let start = world.shell.schedule.between(0, latest);
            world.push(start, Event::Act(client));
        }
        world.plan_ending();
        world
    }

    pub(crate) fn push(&mut self, delay: u64, event: Event) {
        self.events_made += 1;
        self.events.push(Reverse((self.shell.now + delay, self.events_made, event)));
    }

    // The clock.

    fn run_until_quiet(&mut self) {
        self.shell.moved();
        while self.shell.now < self.shell.moved_at + QUIET {
            if self.events_made > EVENTS_MAX {
                return self.shell.history.wrong("the run does not go quiet".into());
            }
            // While there are shards they take another turn.
            let Some(Reverse((at, _, event))) = self.events.pop() else { return };
            self.shell.now = at;
            match event {
                Event::Turn(shard) => self.turn(shard),
                Event::Act(client) => self.act(client),
                Event::Read(client) => self.read(client),
                Event::End => self.end(),
            }
        }
    }

    fn last_pings(&mut self) {
        for service in &self.shell.services {
            service.settle(&mut self.shell.history);
        }
        for index in 0..self.shell.connections.len() {
            let connection = &mut self.shell.connections[index];
            if connection.open && connection.socket.hangup.is_none() {
                connection.client.ping(&mut self.shell.history);
                self.hand_over(index);
            }
        }
    }

    /// When things are slow, slow down.
    pub(crate) fn stretched(&self, gap: u64) -> u64 {
        if self.shell.now > self.shell.moved_at + SLACK { gap * 20 } else { gap }
    }

    // Clients.

    fn act(&mut self, index: usize) {
        if index >= self.shell.connections.len() {
            if !self.shell.is_listening {
                return;
            }
            // Clients connect in whatever order they come up.
            let index = self.connect();
            self.push(10 * MICROSECOND, Event::Read(index));
            let gap = self.shell.schedule.between(1, 200 * MICROSECOND);
            return self.push(gap, Event::Act(index));
        }
        let connection = &mut self.shell.connections[index];
        if !connection.open || connection.socket.hangup.is_some() {
            return;
        }
        if connection.steps_left == 0 {
            if connection.hangs_up {
                self.hang_up(index);
            }
            return;
        }
        connection.steps_left -= 1;
        self.workload.step(&mut connection.client, &mut self.shell.history);
        self.hand_over(index);
        let gap = if self.shell.schedule.chance(10) { 2 * MILLISECOND } else { 150 * MICROSECOND };
        let gap = self.shell.schedule.between(1, gap);
        self.push(gap, Event::Act(index));
    }

    fn connect(&mut self) -> usize {
        let abilities = self.workload.abilities();
        let user = self.workload.user();
        let history = &mut self.shell.history;
        let record = history.add_client(0, abilities.echo, user);
        let mut client = Client::new(record, abilities, user);
        client.connect(history);
        self.workload.take_ballast(&mut client, history);
        let index = self.shell.connections.len();
        let mut socket = Socket::new(self.shell.plan.socket_bytes);
        let webs = &mut self.shell.webs;
        let web = webs.chance(self.shell.plan.webs).then(|| WebClient::new(Random::new(webs.next(), 0)));
        let mut under_way = VecDeque::new();
        if let Some(web) = &web {
            let request = web.request();
            under_way.push_back((self.shell.now, request.len()));
            socket.up.extend(request.as_bytes());
        }
        self.shell.connections.push(Connection {
            client,
            web,
            home: None,
            was_accepted: false,
            socket,
            arrived: 0,
            under_way,
            receiving: Receiving::Off,
            reads_out: 0,
            steps_left: self.workload.steps(),
            hangs_up: self.workload.hangs_up(),
            open: true,
        });
        self.shell.backlog.push(index);
        self.hand_over(index);
        index
    }

    fn hang_up(&mut self, index: usize) {
        let connection = &mut self.shell.connections[index];
        let hangup = if self.shell.schedule.chance(50) { Hangup::Graceful } else { Hangup::Reset };
        connection.socket.hangup = Some(hangup);
        connection.socket.down.clear();
        let record = connection.client.record;
        self.shell.history.clients[record].hung_up = Some(self.shell.history.tick());
        self.shell.moved();
    }

    /// What the client wrote goes to its socket.
    fn hand_over(&mut self, index: usize) {
        let Connection { client, web, socket, under_way, .. } = &mut self.shell.connections[index];
        let said = std::mem::take(&mut client.outgoing);
        let bytes = match web {
            None => said,
            Some(web) => web.say(said),
        };
        under_way.push_back((self.shell.now, bytes.len()));
        socket.up.extend(bytes);
        self.shell.moved();
    }

    fn read(&mut self, index: usize) {
        let connection = &mut self.shell.connections[index];
        if connection.socket.hangup.is_some() || (!connection.open && connection.socket.down.is_empty()) {
            return;
        }
        let most = match self.shell.plan.profile {
            Profile::Heavy => 256 << 10,
            Profile::SlowReaders => 600,
            Profile::Usual => 4096,
        };
        let bytes = connection.socket.read_down(self.shell.sockets.size(1, most));
        if !bytes.is_empty() {
            self.shell.moved_at = self.shell.now;
            let history = &mut self.shell.history;
            let bytes = match &mut connection.web {
                None => bytes,
                Some(web) => web.hear(&bytes).unwrap_or_else(|wrong| {
                    history.wrong(format!("client {index}: {wrong}"));
                    Vec::new()
                }),
            };
            for seen in connection.client.on_bytes(&mut self.shell.history, &bytes) {
                self.workload.react(&mut connection.client, &mut self.shell.history, seen);
            }
            let connection = &mut self.shell.connections[index];
            if connection.open {
                self.hand_over(index);
            }
        }
        let sleeps = self.shell.plan.profile == Profile::SlowReaders && self.shell.sockets.chance(10);
        let gap = if sleeps { 10 * MILLISECOND } else { 100 * MICROSECOND };
        let gap = self.shell.sockets.between(1, gap);
        self.push(self.stretched(gap), Event::Read(index));
    }

    // The end.

    /// Nothing moves any more: nothing may be left to move.
    fn check_quiet(&mut self) {
        let mut wrong = Vec::new();
        for connection in self.shell.connections.iter().filter(|connection| connection.open) {
            let name = connection.client.record;
            let Some((shard, id)) = connection.home else {
                wrong.push(format!("client {name}: lives nowhere"));
                continue;
            };
            let broker = self.cores[shard].broker();
            if connection.socket.hangup.is_some() {
                wrong.push(format!("client {name}: hung up, but still there"));
                continue;
            }
            if connection.client.owed() > 0 {
                wrong.push(format!("client {name}: {} replies owed", connection.client.owed()));
            }
            if let Some(unanswered) = connection.web.as_ref().and_then(WebClient::unanswered) {
                wrong.push(format!("client {name}: a WebSocket left without an answer to {unanswered}"));
            }
            if connection.receiving != Receiving::On || !broker.wants_input(id) {
                wrong.push(format!("client {name}: still held"));
            }
            if !connection.socket.up.is_empty() || !connection.socket.down.is_empty() {
                wrong.push(format!("client {name}: bytes left in the socket"));
            }
        }
        if self.brokers().any(Broker::has_chores) {
            wrong.push("chores left".into());
        }
        for (shard, service) in self.shell.services.iter().enumerate() {
            if service.is_busy() {
                wrong.push(format!("service {shard}: still waits: {service:?}"));
            }
        }
        if self.shell.mesh.under_way() > 0 {
            wrong.push("batches left under way".into());
        }
        let open = self.shell.connections.iter().filter(|connection| connection.open).count();
        let kept: usize = self.brokers().map(Broker::connections).sum();
        if open != kept {
            wrong.push(format!("{kept} connections kept, {open} open"));
        }
        self.shell.history.violations.extend(wrong);
    }

    fn brokers(&self) -> impl Iterator<Item = &Broker> {
        self.cores.iter().map(ShardCore::broker)
    }
}

/// A core for each shard, and the services of the shards.
fn cores(plan: &Plan, shell: &mut SimShell) -> Vec<ShardCore<SimShell>> {
    let info = ServerInfo { headers: true, ..ServerInfo::default() };
    let directory = directory(plan);
    let placement = PlacementRule::Spread;
    let options = BrokerOptions { max_pending: plan.max_pending, placement, ..BrokerOptions::default() };
    let settings = Settings { options, directory, ..Settings::new(info) };
    let settings = Arc::new(settings);
    let core = |shard: ShardId| {
        let mut broker = Broker::new(Config {
            seed: plan.seed ^ u64::from(shard.0),
            share_max: if plan.forge_shares { ENDLESS } else { SHARE_MAX },
            chore_steps: plan.chore_steps,
            ..Config::new(shard, plan.shards, Arc::clone(&settings))
        });
        broker.forge_services(plan.forge_services);
        let system = System::open(&mut broker, shard, Arc::default());
        if plan.services {
            let history = &mut shell.history;
            shell.services.push(Service::open(plan, shard.index(), &mut broker, history));
        }
        let mut core = ShardCore::new(shard, plan.shards, broker, system);
        core.forge(plan.forge_turn);
        core.secure(plan.offers_tls.then(acceptor));
        core.open_web(web_policy());
        core
    };
    ShardId::all(plan.shards).map(core).collect()
}
