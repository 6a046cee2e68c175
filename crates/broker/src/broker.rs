//! The machine itself: events in, outputs out.
//!
//! The caller feeds events (`on_*`) with the time, then takes what follows from them: connections
//! to flush, to read from again, batches for other shards, and the next deadline. Nothing here
//! waits, and nothing reads a clock.
//!
//! Always true between events: no connection with a fence has its output flushed; a held connection
//! has no input decoded; a closing connection takes no message; a paused shard publishes nothing.

use std::sync::Arc;

use balance::Load;
use conns::{CloseReason, Conn, ConnId, Due, Peer, Time};
use fabric::{ShardId, ShardSet};
use monitor::{Clock, Moment};
use nats_auth::{ConnectionType, Nonces, PasswordCheck};
use nats_proto::{Limits, ServerInfo, encode};

use crate::ahead::Ahead;
use crate::border::Border;
use crate::chores::Chores;
use crate::client::{Client, Reminder, Standing};
use crate::client_news::Herald;
use crate::config::Config;
use crate::dispatch::Dispatcher;
use crate::egress::Egress;
use crate::fence::Fences;
use crate::journey::Journeys;
use crate::latency::Latencies;
use crate::mesh::Mesh;
use crate::moves::Moves;
use crate::offers::Offers;
use crate::peers::Peers;
use crate::placement::{Placed, Placer};
use crate::random::Random;
use crate::responses::{Responses, ServerWord};
use crate::sampling::Sampling;
use crate::security::Greeting;
use crate::shadows::leaving::ShadowsLeaving;
use crate::subject_space::SubjectSpace;
use crate::trace_request::TraceRequests;
use crate::turn::{CONNECTION_TURN_STEPS, Turn};

/// Deadlines that are acted on in a turn: each may send something, which takes some microseconds.
const DUE_AT_ONCE_MAX: usize = 128;

/// One shard of core NATS.
pub struct Broker {
    pub(crate) config: Config,
    /// Those of the settings: every op is held against them.
    pub(crate) limits: Limits,
    /// By account, in the order of the directory.
    pub(crate) spaces: Vec<SubjectSpace>,
    pub(crate) egress: Egress,
    pub(crate) mesh: Mesh,
    pub(crate) fences: Fences,
    pub(crate) offers: Offers,
    pub(crate) border: Border,
    pub(crate) responses: Responses,
    pub(crate) latencies: Latencies,
    pub(crate) moves: Moves,
    pub(crate) turn: Turn,
    pub(crate) random: Random,
    pub(crate) trace_requests: TraceRequests,
    pub(crate) journeys: Journeys,
    pub(crate) sampling: Sampling,
    pub(crate) placer: Placer,
    pub(crate) chores: Chores,
    /// Connections whose input was held and is wanted again.
    pub(crate) resumed: Vec<ConnId>,
    pub(crate) ahead: Ahead,
    /// Shadows that ended in a reload, in order, and the rounds that tell of it: until these are confirmed they get
    /// what others sent. There are no more than shadows.
    pub(crate) shadows_leaving: ShadowsLeaving,
    /// How often settings were put in force.
    pub(crate) settings_epoch: u64,
    /// What clients were told of the cluster last.
    pub(crate) told_epoch: u64,
    /// The latest time that was with another directory.
    pub(crate) directory_epoch: u64,
    /// The row of the connection that was let go last.
    pub(crate) shed_row: usize,
    pub(crate) herald: Herald,
    /// The same moment on the wall, once somebody has told it.
    pub(crate) wall_clock: Option<Clock>,
    pub(crate) nonces: Nonces,
    /// Passwords that are to be held against their hashes.
    pub(crate) password_checks: Vec<(ConnId, PasswordCheck)>,
    /// Scratch: the filter that other shards are told of.
    pub(crate) filter: Vec<u8>,
}

impl Broker {
    /// A shard without connections.
    pub fn new(config: Config) -> Self {
        let settings = &config.settings;
        let mut broker = Self {
            limits: settings.options.limits,
            spaces: Vec::new(),
            egress: Egress::new(config.seed, settings),
            mesh: Mesh::new(config.shard, config.shards),
            fences: Fences::default(),
            offers: Offers::default(),
            border: Border::default(),
            responses: Responses::new(ServerWord::of(&settings.info.server_id), config.shard, config.seed),
            latencies: Latencies::default(),
            moves: Moves::new(config.shards),
            turn: Turn::new(config.share_max),
            random: Random::new(config.seed),
            trace_requests: TraceRequests::default(),
            journeys: Journeys::default(),
            sampling: Sampling::new(&config),
            placer: Placer::new(
                settings.options.placement,
                config.shards,
                settings.options.connections_max(),
            ),
            chores: Chores::new(config.chore_steps),
            resumed: Vec::new(),
            ahead: Ahead::default(),
            shadows_leaving: ShadowsLeaving::default(),
            settings_epoch: 0,
            told_epoch: 0,
            directory_epoch: 0,
            shed_row: 0,
            herald: Herald::default(),
            wall_clock: None,
            nonces: Nonces::new(config.nonce_key),
            password_checks: Vec::new(),
            filter: Vec::new(),
            config,
        };
        broker.egress.peers = peers(&broker.config);
        broker.name_accounts();
        broker.heed_trace_rules();
        broker.advertise_accounts();
        broker.note_vacant();
        broker
    }

    /// Decides where a connection goes that this shard accepted. `loads` says how busy each shard
    /// is, as far as that is known. All connections have to be placed by one shard, the first. Another
    /// shard has to get the batch that there is for it after this before it gets the connection.
    pub fn place(&mut self, loads: &[Load]) -> Placed {
        assert_eq!(self.config.shard, ShardId(0), "one shard counts connections");
        let placed = self.placer.place(loads);
        self.note_vacant();
        placed
    }

    /// Finds the shards without connections. Only the first shard knows them, and only while no shard
    /// but this one can give them any: until connections move. When the server stops all are told all that there is.
    pub(crate) fn note_vacant(&mut self) {
        if self.config.shard == ShardId(0) {
            let are_told_all = self.moves.have_begun() || self.moves.is_stopping();
            let vacant = if are_told_all { ShardSet::EMPTY } else { self.placer.vacant() };
            self.mesh.set_vacant(vacant);
        }
    }

    /// A turn begins: from now on it is this late, for all that happens and is not told the time.
    pub fn on_turn(&mut self, now: Time) {
        self.egress.counters.now = now;
        self.turn.begin();
        self.chores.on_turn();
        if self.config.told.is_some() {
            self.look_for_urls();
        }
    }

    /// Whether it was told what time it is on the wall.
    #[inline]
    pub fn knows_wall_clock(&self) -> bool {
        self.wall_clock.is_some()
    }

    /// It is so late on the wall, as of the event in hand. Told once, a connection began at the same moment whoever is
    /// told of it.
    pub fn learn_wall_clock(&mut self, now: Moment) {
        self.wall_clock = Some(Clock { now, shards_now: self.egress.counters.now.0 });
    }

    /// A connection that was placed here; one within this process is no WebSocket. Unless it begins in the clear and stays so, the caller says
    /// how it goes on: [`Self::on_secured`], [`Self::on_unsecured`], [`Self::on_handshake_failed`].
    pub fn on_accepted(&mut self, now: Time, placed: Placed, peer: Peer, greeting: Greeting) -> ConnId {
        let anonymous = Arc::clone(self.config.settings.directory.anonymous());
        let how = greeting.connection_type(peer);
        let client = Client::new(placed.cid, peer, !placed.over_limit, now, anonymous, self.limits, how);
        let mut client = Box::new(Conn::new(peer, client));
        client.opening = greeting != Greeting::Plain;
        client.settings_epoch = self.settings_epoch;
        self.turn.spend_beside(CONNECTION_TURN_STEPS);
        if greeting == Greeting::AfterUpgrade {
            client.standing = Standing::Guest;
            return self.egress.clients.insert(client);
        }
        client.next_ping = now + self.config.settings.options.ping_interval;
        client.ping_reminder = client.next_ping;
        let next_ping = client.next_ping;
        tracing::debug!("{} - Client connection created", client.label);
        self.egress.counters.on_accepted(&client);
        let id = self.egress.clients.insert(client);
        self.egress.clients.remind(id, next_ping, Reminder::Ping);
        self.await_identity(id);
        if greeting == Greeting::Plain {
            self.limit_time(now, id);
        }
        if greeting != Greeting::AfterTls {
            self.greet(id);
        }
        if placed.over_limit {
            self.refuse_beyond_max(id);
        }
        self.settle();
        id
    }

    /// Does what is due. If that is very much, a part is left: then [`Self::next_deadline`] is over still.
    pub fn on_deadlines(&mut self, now: Time) {
        for _ in 0..DUE_AT_ONCE_MAX {
            let Some((id, due)) = self.egress.clients.pop_due(now) else { break };
            match due {
                Due::Write => self.on_write_due(now, id),
                Due::Own(Reminder::Ping) => self.on_ping_due(now, id),
                Due::Own(Reminder::Stall) => self.on_stall_over(now, id),
                Due::Own(Reminder::Auth) => self.on_auth_due(id),
            }
        }
        self.egress.clients.shrink(now);
        self.lapse_responses(now, DUE_AT_ONCE_MAX);
        self.lapse_journeys(now);
        self.on_cluster_due(now);
        self.settle();
    }

    /// When [`Self::on_deadlines`] is next needed.
    pub fn next_deadline(&self) -> Option<Time> {
        let clients = self.egress.clients.next_deadline();
        let beside = [self.responses.next_deadline(), self.journeys_deadline(), self.cluster_deadline()];
        beside.into_iter().chain([clients]).flatten().min()
    }

    /// How many connections live here, closing ones included.
    pub fn connections(&self) -> usize {
        self.egress.clients.len()
    }

    /// Where a client is; `None` if it is gone.
    pub fn peer(&self, id: ConnId) -> Option<Peer> {
        self.egress.clients.peek(id).map(|client| client.peer())
    }

    pub(crate) fn dispatcher(&mut self, account: usize) -> Dispatcher<'_> {
        Dispatcher {
            account,
            space: &mut self.spaces[account],
            egress: &mut self.egress,
            mesh: &mut self.mesh,
            random: &mut self.random,
        }
    }

    /// Finishes what writing to clients left behind: subscriptions that had their last message, as far as the turn
    /// goes, and readers that were cut off. Every event ends with it. Returns whether there was anything.
    #[inline]
    pub(crate) fn settle(&mut self) -> bool {
        let is_settled = !self.has_expired() && !self.egress.clients.has_overrun();
        if !is_settled {
            self.settle_what_is_left();
        }
        !is_settled
    }

    #[cold]
    fn settle_what_is_left(&mut self) {
        self.expire_some();
        while let Some(id) = self.egress.clients.pop_overrun() {
            self.wind_up(id, CloseReason::SlowConsumerPendingBytes);
        }
    }

    pub(crate) fn send_info(&mut self, id: ConnId, amend: impl FnOnce(&mut ServerInfo)) {
        let client = self.egress.clients.at(id);
        let mut info = self.config.settings.info.clone();
        info.client_id = client.cid;
        info.max_payload = client.limits.payload_bytes_max as i64;
        info.auth_required = self.config.settings.directory.auth_required(client.how());
        match client.peer().address() {
            Some(address) => info.client_ip = address.ip().to_string(),
            None if client.security().is_some_and(|security| security.tls.first) => {}
            // Nobody can listen in on it, but who wants TLS may have it.
            None => info.tls_available |= std::mem::take(&mut info.tls_required),
        }
        if let Some(told) = &self.config.told {
            told.tell(&mut info);
        }
        if let Some(websocket) = &self.config.settings.websocket
            && client.how() == ConnectionType::Websocket
        {
            websocket.tell(&mut info);
        }
        amend(&mut info);
        let mut line = Vec::new();
        encode::info(&mut line, &info);
        self.egress.send(id, &line);
    }
}

/// The other servers, if there may be any that this shard speaks to.
fn peers(config: &Config) -> Option<Box<Peers>> {
    let (cluster, leafs) = (config.cluster.as_deref(), config.leafs.as_deref());
    let access = config.route_access.clone();
    let is_any = cluster.is_some() || leafs.is_some();
    is_any.then(|| Box::new(Peers::new(cluster, leafs, access, config.seed)))
}
