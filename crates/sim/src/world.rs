//! The run itself: a virtual clock and what happens on it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;
use std::sync::Arc;

use balance::PlacementRule;
use broker::{Broker, Config, ConnId, Greeting, Settings, Time};
use fabric::ShardId;
use nats_proto::ServerInfo;

use crate::aside::Aside;
use crate::check;
use crate::client::Client;
use crate::fairness::{Fairness, SHARE_MAX};
use crate::history::History;
use crate::mesh::Mesh;
use crate::outcome::{Outcome, Stats};
use crate::plan::{Plan, Profile};
use crate::random::{Random, Stream};
use crate::service::Service;
use crate::socket::{Hangup, Socket};
use crate::users::directory;
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
    world.last_pings();
    world.run_until_quiet();
    world.check_quiet();
    let World { mut history, mut stats, .. } = world;
    let mut violations = std::mem::take(&mut history.violations);
    violations.extend(check::all(&history));
    stats.published = history.messages.len();
    stats.received = history.subs.iter().map(|sub| sub.received.len()).sum();
    stats.unanswered = history.messages.iter().filter(|message| message.answered.is_some()).count();
    stats.exhausted = history.subs.iter().filter(|sub| check::is_exhausted(sub)).count();
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
}

/// A connection, seen from both ends.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) shard: usize,
    pub(crate) id: ConnId,
    pub(crate) socket: Socket,
    pub(crate) steps_left: u64,
    pub(crate) hangs_up: bool,
    /// Whether the shard reads from it.
    pub(crate) armed: bool,
    /// Whether the shard still has it.
    pub(crate) open: bool,
}

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) brokers: Vec<Broker>,
    pub(crate) mesh: Mesh,
    pub(crate) connections: Vec<Connection>,
    pub(crate) by_id: Vec<BTreeMap<ConnId, usize>>,
    pub(crate) history: History,
    pub(crate) workload: Workload,
    pub(crate) schedule: Random,
    pub(crate) sockets: Random,
    pub(crate) moves: Random,
    pub(crate) moves_left: u64,
    pub(crate) events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    pub(crate) events_made: u64,
    pub(crate) now: u64,
    pub(crate) moved_at: u64,
    pub(crate) stats: Stats,
    /// By shard.
    pub(crate) fairness: Vec<Fairness>,
    /// By shard: reads of those who stand in line.
    pub(crate) aside: Vec<BTreeMap<ConnId, Aside>>,
    /// By shard, if there are any.
    pub(crate) services: Vec<Service>,
    pub(crate) service_odds: Random,
}

impl World {
    fn new(plan: &Plan) -> Self {
        let info = ServerInfo { headers: true, ..ServerInfo::default() };
        let directory = directory(plan);
        let settings = Settings { max_pending: plan.max_pending, directory, ..Settings::new(info) };
        let settings = Arc::new(settings);
        let brokers = ShardId::all(plan.shards).map(|shard| {
            Broker::new(Config {
                seed: plan.seed ^ u64::from(shard.0),
                placement: PlacementRule::Spread,
                share_max: SHARE_MAX,
                chore_steps: plan.chore_steps,
                ..Config::new(shard, plan.shards, Arc::clone(&settings))
            })
        });
        let mut world = Self {
            brokers: brokers.collect(),
            mesh: Mesh::new(plan),
            connections: Vec::new(),
            by_id: vec![BTreeMap::new(); plan.shards],
            history: History::default(),
            workload: Workload::new(plan),
            schedule: Random::new(plan.seed, Stream::Schedule),
            sockets: Random::new(plan.seed, Stream::Sockets),
            moves: Random::new(plan.seed, Stream::Moves),
            moves_left: plan.moves,
            events: BinaryHeap::new(),
            events_made: 0,
            now: 0,
            moved_at: 0,
            stats: Stats::default(),
            fairness: ShardId::all(plan.shards).map(|_| Fairness::default()).collect(),
            aside: ShardId::all(plan.shards).map(|_| BTreeMap::new()).collect(),
            services: Vec::new(),
            service_odds: Random::new(plan.seed, Stream::Services),
            plan: plan.clone(),
        };
        if plan.services {
            for shard in 0..plan.shards {
                let (broker, history) = (&mut world.brokers[shard], &mut world.history);
                world.services.push(Service::open(plan, shard, broker, history));
            }
        }
        for shard in 0..plan.shards {
            world.push(0, Event::Turn(shard));
        }
        for client in 0..plan.clients {
            let early = world.schedule.chance(60);
            let latest = if early { 100 * MICROSECOND } else { 10 * MILLISECOND };
            let start = world.schedule.between(0, latest);
            world.push(start, Event::Act(client));
        }
        world
    }

    pub(crate) fn push(&mut self, delay: u64, event: Event) {
        self.events_made += 1;
        self.events.push(Reverse((self.now + delay, self.events_made, event)));
    }

    pub(crate) fn moved(&mut self) {
        self.moved_at = self.now;
    }

    // The clock.

    fn run_until_quiet(&mut self) {
        self.moved();
        while self.now < self.moved_at + QUIET {
            if self.events_made > EVENTS_MAX {
                return self.history.wrong("the run does not go quiet".into());
            }
            let Reverse((at, _, event)) = self.events.pop().expect("shards always take another turn");
            self.now = at;
            match event {
                Event::Turn(shard) => self.turn(shard),
                Event::Act(client) => self.act(client),
                Event::Read(client) => self.read(client),
            }
        }
    }

    fn last_pings(&mut self) {
        for service in &self.services {
            service.settle(&mut self.history);
        }
        for index in 0..self.connections.len() {
            let connection = &mut self.connections[index];
            if connection.open && connection.socket.hangup.is_none() {
                connection.client.ping(&mut self.history);
                self.hand_over(index);
            }
        }
    }

    /// When things are slow, slow down.
    pub(crate) fn stretched(&self, gap: u64) -> u64 {
        if self.now > self.moved_at + SLACK { gap * 20 } else { gap }
    }

    // Clients.

    fn act(&mut self, index: usize) {
        if index >= self.connections.len() {
            // Clients connect in whatever order they come up.
            let index = self.connect();
            self.push(10 * MICROSECOND, Event::Read(index));
            let gap = self.schedule.between(1, 200 * MICROSECOND);
            return self.push(gap, Event::Act(index));
        }
        let connection = &mut self.connections[index];
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
        self.workload.step(&mut connection.client, &mut self.history);
        self.hand_over(index);
        let gap = if self.schedule.chance(10) { 2 * MILLISECOND } else { 150 * MICROSECOND };
        let gap = self.schedule.between(1, gap);
        self.push(gap, Event::Act(index));
    }

    fn connect(&mut self) -> usize {
        let now = Time(self.now);
        let placed = self.brokers[0].place(&[]);
        assert!(!placed.over_limit, "the limit is far off");
        let shard = placed.shard.index();
        if shard != 0 {
            self.bring_up_to_date(shard);
        }
        let peer = SocketAddr::from(([127, 0, 0, 1], 1024 + placed.cid as u16));
        let id = self.brokers[shard].on_accepted(now, placed, peer, Greeting::Plain);
        let abilities = self.workload.abilities();
        let user = self.workload.user();
        let record = self.history.add_client(placed.shard.0, abilities.echo, user);
        let mut client = Client::new(record, abilities, user);
        client.connect(&mut self.history);
        self.workload.take_ballast(&mut client, &mut self.history);
        self.connections.push(Connection {
            client,
            shard,
            id,
            socket: Socket::new(self.plan.socket_bytes),
            steps_left: self.workload.steps(),
            hangs_up: self.workload.hangs_up(),
            armed: true,
            open: true,
        });
        let index = self.connections.len() - 1;
        self.by_id[shard].insert(id, index);
        self.hand_over(index);
        index
    }

    fn hang_up(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        let hangup = if self.schedule.chance(50) { Hangup::Graceful } else { Hangup::Reset };
        connection.socket.hangup = Some(hangup);
        connection.socket.down.clear();
        let record = connection.client.record;
        self.history.clients[record].hung_up = Some(self.history.tick());
        self.moved();
    }

    /// What the client wrote goes to its socket.
    fn hand_over(&mut self, index: usize) {
        let Connection { client, socket, .. } = &mut self.connections[index];
        socket.up.extend(&client.outgoing);
        client.outgoing.clear();
        self.moved();
    }

    fn read(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        if connection.socket.hangup.is_some() || (!connection.open && connection.socket.down.is_empty()) {
            return;
        }
        let most = match self.plan.profile {
            Profile::Heavy => 256 << 10,
            Profile::SlowReaders => 600,
            Profile::Usual => 4096,
        };
        let bytes = connection.socket.read_down(self.sockets.size(1, most));
        if !bytes.is_empty() {
            self.moved_at = self.now;
            for seen in connection.client.on_bytes(&mut self.history, &bytes) {
                self.workload.react(&mut connection.client, &mut self.history, seen);
            }
            let connection = &mut self.connections[index];
            if connection.open {
                self.hand_over(index);
            }
        }
        let sleeps = self.plan.profile == Profile::SlowReaders && self.sockets.chance(10);
        let gap = if sleeps { 10 * MILLISECOND } else { 100 * MICROSECOND };
        let gap = self.sockets.between(1, gap);
        self.push(self.stretched(gap), Event::Read(index));
    }

    // The end.

    /// Nothing moves any more: nothing may be left to move.
    fn check_quiet(&mut self) {
        for connection in self.connections.iter().filter(|connection| connection.open) {
            let broker = &self.brokers[connection.shard];
            let name = connection.client.record;
            if connection.socket.hangup.is_some() {
                self.history.wrong(format!("client {name}: hung up, but still there"));
                continue;
            }
            if connection.client.owed() > 0 {
                self.history.wrong(format!("client {name}: {} replies owed", connection.client.owed()));
            }
            if !connection.armed || !broker.wants_input(connection.id) {
                self.history.wrong(format!("client {name}: still held"));
            }
            if !connection.socket.up.is_empty() || !connection.socket.down.is_empty() {
                self.history.wrong(format!("client {name}: bytes left in the socket"));
            }
        }
        if self.brokers.iter().any(Broker::has_chores) {
            self.history.wrong("chores left".into());
        }
        for (shard, service) in self.services.iter().enumerate() {
            if service.is_busy() {
                self.history.wrong(format!("service {shard}: still waits: {service:?}"));
            }
        }
        if self.mesh.under_way() > 0 {
            self.history.wrong("batches left under way".into());
        }
        let open = self.connections.iter().filter(|connection| connection.open).count();
        let kept: usize = self.brokers.iter().map(Broker::connections).sum();
        if open != kept {
            self.history.wrong(format!("{kept} connections kept, {open} open"));
        }
    }
}
