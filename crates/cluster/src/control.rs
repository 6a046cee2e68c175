//! Who is dialed, who is let in, and who is connected: the one machine of a server that knows its cluster.
//!
//! Events come in with the time, [`Action`]s come out in order. A connection is known by whatever the caller knows it
//! by.
//!
//! A server is connected by one connection, which carries all accounts: this one announces no pool, and then others
//! use none. Whoever is configured is dialed for ever; whoever others told of, until it is away for an hour. A target
//! whose server is connected, by whomever, waits until it is not: so two servers that dial each other and both close
//! what is one too many dial again.
//!
//! Always true: a server is in `servers` exactly as long as one session is its route; a target that is up names a
//! server that is there.

mod handshake;
mod renewal;
mod telling;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use nats_proto::{PeerInfo, RouteConnect, encode};

use crate::action::{Action, Dial, Ending};
use crate::config::{Config, Credentials};
use crate::log_words;
use crate::refusal::Refusal;
use crate::session::{HANDSHAKES_MAX, Session, Stage};
use crate::target::{State, Target};

/// How long an address has to answer.
const DIAL_TIME_MAX: Duration = Duration::from_secs(1);

/// The cluster as one server sees it.
#[derive(Debug)]
pub struct Control<C> {
    config: Config,
    sessions: BTreeMap<C, Session>,
    /// By id.
    servers: BTreeMap<String, Server<C>>,
    targets: BTreeMap<u32, Target>,
    last_target: u32,
    actions: VecDeque<Action<C>>,
    random: u64,
    is_stopping: bool,
}

/// A server that is connected.
#[derive(Debug)]
struct Server<C> {
    connection: C,
    /// What it said of itself last.
    info: PeerInfo,
}

impl<C: Copy + Ord> Control<C> {
    /// A server that dials whom its settings name. `seed` makes nonces, and spreads dials.
    pub fn new(config: Config, seed: u64) -> Self {
        let targets = config.routes.iter().map(|url| Target::configured(url.clone(), config.backs_off));
        let targets: BTreeMap<u32, Target> = (1..).zip(targets).collect();
        Self {
            last_target: targets.len() as u32,
            targets,
            sessions: BTreeMap::new(),
            servers: BTreeMap::new(),
            actions: VecDeque::new(),
            random: seed | 1,
            is_stopping: false,
            config,
        }
    }

    /// What is to be done next.
    pub fn next_action(&mut self) -> Option<Action<C>> {
        self.actions.pop_front()
    }

    /// Whether a connection is a route.
    pub fn is_route(&self, connection: C) -> bool {
        self.sessions.get(&connection).is_some_and(|session| matches!(session.stage, Stage::Route(_)))
    }

    /// Whether this server dialed.
    pub fn is_dialed(&self, connection: C) -> bool {
        self.sessions.get(&connection).is_some_and(|session| session.target.is_some())
    }

    /// The name that the certificate of the target of that number has to be for. Where others told only of an address
    /// it is the first name among those that settings have.
    pub fn name_of_dialed(&self, number: u32) -> Option<String> {
        let host = &self.targets.get(&number)?.url.host;
        let is_name = |host: &&String| host.parse::<IpAddr>().is_err();
        let named = || self.config.routes.iter().map(|url| &url.host).find(is_name);
        let name = if is_name(&host) { host } else { named().unwrap_or(host) };
        Some(name.clone())
    }

    /// How many servers are connected.
    pub fn servers(&self) -> usize {
        self.servers.len()
    }

    /// The cluster's name.
    pub fn cluster(&self) -> &str {
        &self.config.cluster
    }

    /// The server stops: nobody is dialed or let in any more.
    pub fn stop(&mut self) {
        self.is_stopping = true;
    }

    /// Another server, or who pretends to be one, has dialed.
    pub fn on_accepted(&mut self, now: Duration, connection: C, label: &str, address: Option<IpAddr>) {
        let shaking = self.sessions.values().filter(|session| session.is_shaking_hands()).count();
        self.open(now, connection, label, address, None);
        if shaking >= HANDSHAKES_MAX || self.is_stopping {
            return self.close(connection, Ending::Late);
        }
        let info = self.own_info();
        self.send(connection, |out| encode::peer_info(out, &info));
    }

    /// The attempt of that number made a connection.
    pub fn on_dialed(
        &mut self,
        now: Duration,
        number: u32,
        connection: C,
        label: &str,
        address: Option<IpAddr>,
    ) {
        self.open(now, connection, label, address, Some(number));
        let Some(target) = self.targets.get(&number).filter(|_| !self.is_stopping) else {
            return self.close(connection, Ending::Duplicate);
        };
        let own = (!target.is_configured).then_some(self.config.credentials.as_ref()).flatten();
        let shown = target.url.credentials.as_ref().or(own).cloned();
        let mode = target.mode.number();
        let connect = self.connect(shown.unwrap_or_default());
        let info = PeerInfo { gossip_mode: mode, ..self.own_info() };
        self.send(connection, |out| encode::route_connect(out, &connect));
        self.send(connection, |out| encode::peer_info(out, &info));
    }

    /// A connection is secured: the time to say who it is begins.
    pub fn on_secured(&mut self, now: Duration, connection: C) {
        if let Some(session) = self.sessions.get_mut(&connection) {
            (session.began, session.is_securing) = (now, false);
        }
    }

    fn open(
        &mut self,
        now: Duration,
        connection: C,
        label: &str,
        address: Option<IpAddr>,
        target: Option<u32>,
    ) {
        tracing::info!("{label} - {}", log_words::CREATED);
        let stage = if target.is_some() { Stage::Info { headers: true } } else { Stage::Connect };
        let is_securing = self.config.is_secured;
        let session = Session { label: label.into(), address, target, stage, began: now, is_securing };
        self.sessions.insert(connection, session);
    }

    fn connect(&self, Credentials { user, password: pass }: Credentials) -> RouteConnect {
        RouteConnect {
            echo: true,
            user,
            pass,
            headers: true,
            name: self.config.server_id.clone(),
            cluster: self.config.cluster.clone(),
            cluster_dynamic: self.config.is_name_dynamic,
            lnoc: true,
            tls_required: self.config.is_secured,
            ..RouteConnect::default()
        }
    }

    /// The attempt of that number made none.
    pub fn on_dial_failed(&mut self, now: Duration, number: u32, reason: &str) {
        let target = self.targets.get_mut(&number).filter(|target| target.state == State::Dialing);
        let Some(target) = target else { return };
        let attempt = target.on_failure(now);
        let every = if target.was_reached { self.config.again_reports } else { self.config.first_reports };
        if log_words::is_reported(attempt, every) {
            tracing::error!("{}", log_words::not_reached(attempt, reason));
        }
        self.give_up_if_exhausted(number);
    }

    fn give_up_if_exhausted(&mut self, number: u32) {
        let target = self.targets.get(&number);
        if target.is_some_and(|target| target.is_exhausted(self.config.retries)) {
            self.targets.remove(&number);
        }
    }

    /// A connection is gone.
    pub fn on_closed(&mut self, now: Duration, connection: C) {
        let Some(session) = self.sessions.remove(&connection) else { return };
        if let Stage::Route(id) = &session.stage {
            return self.on_server_gone(now, id);
        }
        if let Some((number, target)) =
            session.target.and_then(|number| Some((number, self.targets.get_mut(&number)?)))
            && target.state == State::Dialing
        {
            target.on_refusal(now);
            self.give_up_if_exhausted(number);
        }
    }

    fn on_server_gone(&mut self, now: Duration, id: &str) {
        self.servers.remove(id);
        for number in self.targets_of(id) {
            let spread = self.spread();
            if let Some(target) = self.targets.get_mut(&number) {
                target.on_lost(now, spread);
            }
        }
        self.tell_clients();
    }

    /// Does what is due.
    pub fn on_time(&mut self, now: Duration) {
        let is_late = |session: &Session| session.is_timed() && now >= self.deadline(session);
        let late: Vec<C> =
            self.sessions.iter().filter(|(_, session)| is_late(session)).map(|(at, _)| *at).collect();
        for connection in late {
            self.refuse(connection, &Refusal::Late);
        }
        self.targets.retain(|_, target| !target.is_given_up(now));
        if self.is_stopping {
            return;
        }
        for (number, target) in &mut self.targets {
            if target.is_due(now) {
                target.state = State::Dialing;
                let (host, port) = (target.url.host.clone(), target.url.port);
                self.actions.push_back(Action::Dial(Dial {
                    number: *number,
                    host,
                    port,
                    timeout: DIAL_TIME_MAX,
                }));
            }
        }
    }

    /// When [`Self::on_time`] has something to do.
    pub fn next_deadline(&self) -> Option<Duration> {
        let dials = self.targets.values().filter_map(|target| match target.state {
            State::Waiting(at) if !self.is_stopping => Some(at),
            _ => None,
        });
        let shaking = self.sessions.values().filter(|session| session.is_timed());
        dials.chain(shaking.map(|session| self.deadline(session))).min()
    }

    fn deadline(&self, session: &Session) -> Duration {
        session.began + self.config.auth_timeout
    }

    /// The targets that lead to a server.
    fn targets_of(&self, id: &str) -> Vec<u32> {
        let is_it = |target: &Target| target.server_id.as_deref() == Some(id);
        self.targets.iter().filter(|(_, target)| is_it(target)).map(|(number, _)| *number).collect()
    }

    fn send(&mut self, connection: C, write: impl FnOnce(&mut Vec<u8>)) {
        let mut line = Vec::new();
        write(&mut line);
        self.actions.push_back(Action::Send(connection, line));
    }

    /// Says what is wrong, if that is to be told, and closes.
    fn refuse(&mut self, connection: C, refusal: &Refusal) {
        if let Some(words) = refusal.wire_text() {
            let line = format!("-ERR '{words}'\r\n");
            self.actions.push_back(Action::Send(connection, line.into()));
        }
        self.leave(connection, refusal);
    }

    /// Closes without a word to the other end: it finds out by itself.
    fn leave(&mut self, connection: C, refusal: &Refusal) {
        refusal.log(self.sessions.get(&connection).map_or("", |session| &session.label));
        self.close(connection, refusal.ending());
    }

    /// Closes without a word. What becomes of its target shows when it is closed.
    fn close(&mut self, connection: C, ending: Ending) {
        if let Some(session) = self.sessions.get_mut(&connection)
            && session.is_shaking_hands()
        {
            session.stage = Stage::Over;
        }
        self.actions.push_back(Action::Close(connection, ending));
    }

    fn own_info(&mut self) -> PeerInfo {
        const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let nonce = (0..16).map(|_| char::from(LETTERS[self.draw() as usize % LETTERS.len()])).collect();
        self.config.info(nonce)
    }

    /// Below one.
    fn spread(&mut self) -> f64 {
        f64::from(self.draw()) / f64::from(u32::MAX)
    }

    fn draw(&mut self) -> u32 {
        // Steele and Vigna's SplitMix64.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ self.random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) >> 32) as u32
    }
}

#[cfg(test)]
mod tests;
