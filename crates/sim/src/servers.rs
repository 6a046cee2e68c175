//! Several servers of one cluster, each of several shards, on one thread and by one seed: connections between them
//! deliver late and in pieces, break, and are dialed again.
//!
//! Here the brokers take turns, not the cores around them: what shards do in which order is for the other simulation.
//!
//! What is checked: a message comes once to whoever wants it, or never; those of one publisher in order; one member of
//! a queue group in the whole cluster gets it. And once nothing breaks any more, everybody gets what is published then:
//! all servers know what all want.

mod client;
mod pipe;
mod server;

use std::time::Duration;

use conns::Time;

use self::client::{Client, GROUPS, SUBJECTS};
use self::pipe::Pipe;
use self::server::Server;
use crate::random::Random;

/// What happens, by its seed.
#[derive(Debug, Clone)]
pub struct ClusterPlan {
    /// Decides everything else.
    pub seed: u64,
    /// Servers, at least two.
    pub servers: usize,
    /// Shards of each.
    pub shards: usize,
    /// Clients of each.
    pub clients: usize,
    /// Things that happen before it becomes quiet.
    pub steps: usize,
    /// In a thousand of them: how often a connection between servers breaks.
    pub cuts: u64,
    /// Which of the servers is the hub of one more, a leaf node; `None` is that there is none.
    pub hub: Option<usize>,
}

impl ClusterPlan {
    /// The plan of a seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, 0);
        Self {
            seed,
            servers: random.size(2, 3),
            shards: random.size(1, 3),
            clients: random.size(2, 4),
            steps: 3000,
            cuts: random.pick(&[0, 2, 10]),
            hub: None,
        }
    }

    /// The same with a leaf node beside the servers.
    pub fn with_leaf(seed: u64) -> Self {
        let plan = Self::new(seed);
        let hub = Random::new(seed, 3).size(0, plan.servers - 1);
        Self { hub: Some(hub), ..plan }
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub struct ClusterOutcome {
    /// Promises that were not kept.
    pub violations: Vec<String>,
    /// Messages published.
    pub published: u64,
    /// Messages received.
    pub received: usize,
    /// Connections between servers that broke.
    pub cuts: usize,
}

/// How long everything takes that follows when nothing more breaks: dials wait for up to half a minute.
const QUIET: Duration = Duration::from_secs(40);

/// How far the clock goes in a step.
const TICK: Duration = Duration::from_millis(1);

/// The same while nothing happens but dials.
const LONG_TICK: Duration = Duration::from_millis(200);

struct Cluster {
    random: Random,
    now: Time,
    servers: Vec<Server>,
    clients: Vec<Client>,
    pipes: Vec<Pipe>,
    published: u64,
    cuts: usize,
}

/// Carries out a plan and checks what came of it.
pub fn run_cluster(plan: &ClusterPlan) -> ClusterOutcome {
    let mut cluster = Cluster::new(plan);
    cluster.settle(QUIET);
    for _ in 0..plan.steps {
        cluster.step(plan);
    }
    cluster.settle(QUIET);
    let mut violations = cluster.check_links(plan);
    cluster.publish_everything();
    cluster.settle(Duration::from_secs(1));
    violations.extend(cluster.check());
    let received = cluster.clients.iter().map(Client::received).sum();
    ClusterOutcome { violations, published: cluster.published, received, cuts: cluster.cuts }
}

impl Cluster {
    fn new(plan: &ClusterPlan) -> Self {
        // All name the first one, and the last one names the one before it as well.
        let routes = |at: usize| match at {
            0 => vec![],
            1 => vec![0],
            at if Random::new(plan.seed, 2).chance(50) => vec![0, at - 1],
            _ => vec![0],
        };
        let now = Time(1);
        let mut servers: Vec<Server> =
            (0..plan.servers).map(|at| Server::new(plan, at, &routes(at))).collect();
        servers.extend(plan.hub.map(|hub| Server::leaf(plan, plan.servers, hub)));
        let mut clients = Vec::new();
        for (at, server) in servers.iter_mut().enumerate() {
            for _ in 0..plan.clients {
                let (shard, id) = server.accept(now);
                clients.push(Client::new(clients.len(), at, shard, id));
            }
        }
        let random = Random::new(plan.seed, 1);
        Self { random, now, servers, clients, pipes: Vec::new(), published: 0, cuts: 0 }
    }

    fn step(&mut self, plan: &ClusterPlan) {
        self.now = self.now + TICK;
        if self.random.chance(40) {
            self.act_of_client();
        }
        if self.random.between(0, 999) < plan.cuts {
            self.cut_some();
        }
        for at in 0..self.servers.len() {
            if self.random.chance(70) {
                self.turn(at, false);
            }
        }
    }

    /// One client says something.
    fn act_of_client(&mut self) {
        let at = self.random.size(0, self.clients.len() - 1);
        let said = self.clients[at].act(&mut self.random, &mut self.published);
        self.say(at, &said);
    }

    fn say(&mut self, at: usize, said: &str) {
        let Client { server, shard, id, .. } = self.clients[at];
        self.servers[server].feed(self.now, shard, id, said.as_bytes());
    }

    fn cut_some(&mut self) {
        let open: Vec<usize> = (0..self.pipes.len()).filter(|at| self.pipes[*at].is_open()).collect();
        if !open.is_empty() {
            let at = self.random.pick(&open);
            self.pipes[at].cut();
            self.cuts += 1;
        }
    }

    /// A server takes a turn on each of its shards: some of what is under way to it arrives, or all.
    fn turn(&mut self, at: usize, all: bool) {
        let server = &mut self.servers[at];
        for pipe in &mut self.pipes {
            pipe.deliver_to(at, server, self.now, &mut self.random, all);
        }
        server.turn(self.now, &mut self.random, all);
        for (shard, id, bytes) in server.take_output() {
            if let Some(client) = self
                .clients
                .iter_mut()
                .find(|client| (client.server, client.shard, client.id) == (at, shard, id))
            {
                client.hear(&bytes);
            } else if let Some(pipe) = self.pipes.iter_mut().find(|pipe| pipe.is_of(at, id)) {
                pipe.put(at, &bytes);
            }
        }
        for id in server.take_closed() {
            if let Some(pipe) = self.pipes.iter_mut().find(|pipe| pipe.is_of(at, id)) {
                pipe.close(at);
            }
        }
        for dial in server.take_dials() {
            let is_leaf = dial.port >= server::FIRST_LEAF_PORT;
            let first = if is_leaf { server::FIRST_LEAF_PORT } else { server::FIRST_PORT };
            let to = usize::from(dial.port - first);
            let dialer = self.servers[at].on_dialed(self.now, dial.number, to);
            let dialed = self.servers[to].on_accepted(self.now, at, is_leaf);
            self.pipes.push(Pipe::new((at, dialer), (to, dialed)));
        }
    }

    /// Nothing breaks any more, and all that follows happens, for so long.
    fn settle(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now = self.now + LONG_TICK;
            // Everything that is under way now comes and goes a few times.
            for _ in 0..5 {
                (0..self.servers.len()).for_each(|at| self.turn(at, true));
            }
        }
    }

    fn check_links(&self, plan: &ClusterPlan) -> Vec<String> {
        let others = plan.servers - 1;
        let routed = self.servers[..plan.servers].iter().enumerate();
        let lonely = routed.filter(|(_, server)| server.connected() != others);
        let mut wrong: Vec<String> = lonely
            .map(|(at, server)| format!("server {at}: {} of {others} others", server.connected()))
            .collect();
        let pairs = plan.servers * others / 2 + usize::from(plan.hub.is_some());
        let open = self.pipes.iter().filter(|pipe| pipe.is_open()).count();
        if open != pairs {
            wrong.push(format!("{open} connections between {} servers", self.servers.len()));
        }
        wrong
    }

    /// Now that all is quiet: each client publishes to each subject.
    fn publish_everything(&mut self) {
        let publishers = self.clients.len() as u64;
        for client in &mut self.clients {
            (client.notes_from, client.publishers) = (Some(self.published), publishers);
        }
        for at in 0..self.clients.len() {
            for subject in SUBJECTS.iter().chain(&GROUPS) {
                let said = self.clients[at].publish(subject, &mut self.published);
                self.say(at, &said);
            }
        }
    }

    fn check(&self) -> Vec<String> {
        let mut wrong: Vec<String> = self.clients.iter().flat_map(Client::wrong).collect();
        wrong.extend(client::check_groups(&self.clients, self.published));
        wrong
    }
}
