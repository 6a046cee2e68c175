//! Which leaf nodes are let in, which hubs are dialed, and who is connected: the machine of a server that knows them.
//!
//! Events come in with the time, [`LeafAction`]s come out in order. A connection is known by whatever the caller knows it
//! by. Who somebody is, and which account that is bound to, is for the caller to say: [`LeafAction::Identify`].
//!
//! Always true: a connection that was [opened](LeafAction::Open) is in `sessions` until it is closed.

mod dials;
mod hub;
mod remotes;
mod spoke;
#[cfg(test)]
mod tests;

pub use self::dials::LEAF_DIALS;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use nats_proto::{Compression, LeafConnect, PeerInfo, ServerPermission, encode};

use self::dials::Remote;
use crate::action::Dial;
use crate::leaf_config::LeafConfig;
use crate::leaf_refusal::{LeafEnding, LeafRefusal};
use crate::passing::Side;
use crate::session::HANDSHAKES_MAX;

/// How long a hub may take to answer a CONNECT.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(2);

/// Something that is to be done about leaf nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeafAction<C> {
    /// Send this over a connection.
    Send(C, Vec<u8>),
    /// Close a connection once what it was sent has left.
    Close(C, LeafEnding),
    /// Find out who it is that says this: [`Leafs::on_identified`] or [`Leafs::on_unidentified`] follows.
    Identify(C, Box<LeafConnect>),
    /// Say this CONNECT to the hub of that number, with what shows who this server is: it signs that nonce.
    Introduce(C, usize, Box<LeafConnect>, String),
    /// Dial a hub: what comes of it is told with the number.
    Dial(Dial),
    /// A connection carries interest and messages from here on.
    Open(C, Leaf),
    /// A hub says anew what it may be sent and asked for.
    Permit(C, Allowed),
}

/// What is known of the other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Its id, if it says so.
    pub server_id: String,
    /// Its name.
    pub server_name: String,
    /// Its cluster, or its name again: what comes from there has this origin.
    pub cluster: String,
    /// Its own account.
    pub remote_account: String,
    /// What it is to this server.
    pub side: Side,
    /// This server dialed.
    pub is_dialed: bool,
    /// It is not told what other leaf nodes want.
    pub is_isolated: bool,
    /// It takes headers.
    pub headers: bool,
    /// It tells of messages that are traced.
    pub traces: bool,
    /// What comes of what both sides think of compression.
    pub compression: Compression,
    /// Subjects that it does not want to be sent.
    pub deny: Vec<String>,
    /// The account here, where this server dialed.
    pub account: Option<String>,
    /// What there may be between the two, where this server dialed.
    pub allowed: Allowed,
}

/// What a hub lets this server do, with what is denied here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    /// What may be asked for and taken.
    pub import: ServerPermission,
    /// What may be sent.
    pub export: ServerPermission,
}

/// Who a leaf node was found to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bound {
    /// The account that it is bound to.
    pub account: String,
    /// It is the system account.
    pub is_system: bool,
    /// What it may be sent; `None` is everything.
    pub import: Option<ServerPermission>,
    /// What it may send; `None` is everything.
    pub export: Option<ServerPermission>,
}

/// Leaf nodes as one server sees them.
#[derive(Debug)]
pub struct Leafs<C> {
    config: LeafConfig,
    sessions: BTreeMap<C, Session>,
    remotes: Vec<Remote>,
    actions: VecDeque<LeafAction<C>>,
    /// Where leaf nodes may come in to other servers of the cluster.
    other_urls: Vec<String>,
    random: u64,
    is_stopping: bool,
}

/// A connection.
#[derive(Debug)]
struct Session {
    /// How log lines begin.
    label: String,
    /// What the server knows the connection by.
    number: u64,
    began: Duration,
    /// Which of the hubs was dialed; `None` if the other side dialed.
    remote: Option<usize>,
    stage: Stage,
}

/// How far a connection has come.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// Who dialed has to say CONNECT first.
    Connect,
    /// It is being found out who said that.
    Judged(Box<LeafConnect>),
    /// A hub that was dialed has to say INFO first.
    FirstInfo,
    /// It was told who this is, and has to answer. This is what it said.
    Introduced(Box<PeerInfo>),
    /// It is a leaf node.
    Open(Known),
    /// It is being closed.
    Over,
}

/// By what a leaf node is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    server_name: String,
    cluster: String,
    account: String,
    remote_account: String,
}

impl Session {
    fn is_shaking_hands(&self) -> bool {
        matches!(self.stage, Stage::Connect | Stage::FirstInfo | Stage::Introduced(_))
    }
}

impl<C: Copy + Ord> Leafs<C> {
    /// A server that lets leaf nodes in, and dials hubs, as its settings say. `seed` spreads dials.
    pub fn new(config: LeafConfig, seed: u64) -> Self {
        let mut leafs = Self {
            sessions: BTreeMap::new(),
            remotes: Vec::new(),
            actions: VecDeque::new(),
            other_urls: Vec::new(),
            random: seed | 1,
            is_stopping: false,
            config,
        };
        leafs.begin_remotes();
        leafs
    }

    /// The server stops: nobody is dialed or let in any more.
    pub fn stop(&mut self) {
        self.is_stopping = true;
    }

    /// What is to be done next.
    pub fn next_action(&mut self) -> Option<LeafAction<C>> {
        self.actions.pop_front()
    }

    /// The settings.
    pub fn config(&self) -> &LeafConfig {
        &self.config
    }

    /// Whether this server dialed.
    pub fn is_dialed(&self, connection: C) -> bool {
        self.sessions.get(&connection).is_some_and(|session| session.remote.is_some())
    }

    /// The cluster that this server is in is called so.
    pub fn set_cluster(&mut self, name: &str) {
        if !self.config.cluster.is_empty() {
            self.config.cluster = name.into();
        }
    }

    /// A connection is gone.
    pub fn on_closed(&mut self, now: Duration, connection: C) {
        let session = self.sessions.remove(&connection);
        if let Some(remote) = session.and_then(|session| session.remote) {
            self.remotes[remote].on_closed(now, self.config.reconnect);
        }
    }

    /// Does what is due.
    pub fn on_time(&mut self, now: Duration) {
        let is_late = |session: &Session| session.is_shaking_hands() && now >= self.deadline(session);
        let late = self.sessions.iter().filter(|(_, session)| is_late(session)).map(|(at, _)| *at);
        for connection in late.collect::<Vec<C>>() {
            match self.sessions[&connection].stage {
                Stage::Connect => self.refuse(connection, &LeafRefusal::Late),
                Stage::FirstInfo => self.close(connection, LeafEnding::Silent),
                _ => self.refuse(connection, &LeafRefusal::NoAnswer),
            }
        }
        self.dial_what_is_due(now);
    }

    /// When [`Self::on_time`] has something to do.
    pub fn next_deadline(&self) -> Option<Duration> {
        let shaking = self.sessions.values().filter(|session| session.is_shaking_hands());
        shaking.map(|session| self.deadline(session)).chain(self.next_dial()).min()
    }

    fn deadline(&self, session: &Session) -> Duration {
        let listener = self.config.listener.as_ref();
        let timeout = match (&session.stage, session.remote) {
            (Stage::FirstInfo, Some(remote)) => self.config.remotes[remote].info_timeout,
            (Stage::Introduced(_), _) => ANSWER_TIME_MAX,
            _ => listener.map_or(Duration::ZERO, |listener| listener.auth_timeout),
        };
        session.began + timeout
    }

    fn is_crowded(&self) -> bool {
        let has_dialed = |session: &&Session| session.stage == Stage::Connect;
        self.sessions.values().filter(has_dialed).count() > HANDSHAKES_MAX
    }

    fn send(&mut self, connection: C, write: impl FnOnce(&mut Vec<u8>)) {
        let mut line = Vec::new();
        write(&mut line);
        self.actions.push_back(LeafAction::Send(connection, line));
    }

    /// Says what is wrong, and closes.
    pub fn refuse(&mut self, connection: C, refusal: &LeafRefusal<'_>) {
        let words = refusal.wire_text();
        tracing::error!("{} - {words}", self.sessions.get(&connection).map_or("", |session| &session.label));
        self.send(connection, |out| encode::err(out, &words));
        if let LeafRefusal::Loop(_) = refusal {
            self.delay_dial(connection, &words);
        }
        self.close(connection, refusal.ending());
    }

    fn close(&mut self, connection: C, ending: LeafEnding) {
        if let Some(session) = self.sessions.get_mut(&connection) {
            session.stage = Stage::Over;
        }
        self.actions.push_back(LeafAction::Close(connection, ending));
    }
}
