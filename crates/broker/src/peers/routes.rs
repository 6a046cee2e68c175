//! Connections to other servers: how they begin and end, and what the cluster wants done.

use std::sync::Arc;
use std::time::Duration;

use cluster::{Action, Dial, Ending, LEAF_DIALS, Route, leaf_words, log_words};
use conns::{CloseReason, Conn, ConnId, Inbox, Peer, Time};
use nats_auth::ConnectionType;
use nats_proto::PeerKind;

use super::incoming::since_start;
use super::{Peer as PeerRow, STRANGER_LIMITS};
use crate::broker::Broker;
use crate::chores::Chore;
use crate::client::{Client, Reminder, Standing};
use crate::turn::CONNECTION_TURN_STEPS;

/// The first PING comes so soon, to learn the round-trip time, and up to a fifth later.
const FIRST_PING: Duration = Duration::from_secs(1);

impl Broker {
    /// Puts other settings of the cluster in force, on the shard that speaks to other servers.
    pub fn reconfigure_cluster(&mut self, now: Time, cluster: Arc<cluster::Config>) {
        let Some(peers) = &mut self.egress.peers else { return };
        peers.control.reconfigure(since_start(now), &cluster);
        self.config.cluster = Some(cluster);
        self.act_for_cluster(now);
        self.settle();
    }

    /// Another server, or who says so, has dialed. Only the first shard speaks to servers.
    ///
    /// # Panics
    ///
    /// There is no cluster.
    pub fn on_peer_accepted(&mut self, now: Time, peer: Peer) -> ConnId {
        let (id, label) = self.open_peer(now, peer, "rid");
        let address = peer.address().map(|address| address.ip());
        let peers = self.egress.peers.as_mut().expect(CLUSTER);
        peers.control.on_accepted(since_start(now), id, &label, address);
        self.begin_peer(now, id, PeerKind::ROUTE)
    }

    /// The server of that number among [`Self::take_dials`] was reached.
    ///
    /// # Panics
    ///
    /// There is no cluster.
    pub fn on_peer_dialed(&mut self, now: Time, number: u32, peer: Peer) -> ConnId {
        if number >= LEAF_DIALS {
            return self.on_hub_dialed(now, number, peer);
        }
        let (id, label) = self.open_peer(now, peer, "rid");
        let address = peer.address().map(|address| address.ip());
        let peers = self.egress.peers.as_mut().expect(CLUSTER);
        peers.control.on_dialed(since_start(now), number, id, &label, address);
        self.begin_peer(now, id, PeerKind::ROUTE)
    }

    /// Whose certificate the server of that number has to show.
    pub fn name_of_dialed(&self, number: u32) -> String {
        let control = self.egress.peers.as_ref().map(|peers| &peers.control);
        control.and_then(|control| control.name_of_dialed(number)).unwrap_or_default()
    }

    /// A connection to a server is secured: what it says counts from here on.
    pub(crate) fn on_peer_secured(&mut self, now: Time, id: ConnId) {
        let peers = self.egress.peers.as_mut().expect(CLUSTER);
        peers.control.on_secured(since_start(now), id);
        // What was to be said meanwhile is said now.
        self.egress.clients.mark_dirty(id);
        self.act_for_cluster(now);
        self.settle();
    }

    /// It was not.
    pub fn on_peer_not_dialed(&mut self, now: Time, number: u32, reason: &str) {
        match &mut self.egress.peers {
            Some(peers) if number < LEAF_DIALS => {
                peers.control.on_dial_failed(since_start(now), number, reason);
            }
            Some(_) => self.branches().control.on_dial_failed(since_start(now), number, reason),
            None => {}
        }
        self.act_for_cluster(now);
    }

    /// Takes the servers that are to be dialed.
    pub fn take_dials(&mut self) -> Vec<Dial> {
        self.egress.peers.as_mut().map(|peers| std::mem::take(&mut peers.dials)).unwrap_or_default()
    }

    /// Whether the cluster wants anything of the caller: see [`Self::take_dials`] and [`Self::take_told_clients`].
    #[inline]
    pub fn cluster_has_news(&self) -> bool {
        self.egress.peers.as_ref().is_some_and(|peers| !peers.dials.is_empty() || peers.has_told_clients)
    }

    /// Whether clients of all shards are to be told of other servers than before: each shard looks in its next turn.
    pub fn take_told_clients(&mut self) -> bool {
        self.egress.peers.as_mut().is_some_and(|peers| std::mem::take(&mut peers.has_told_clients))
    }

    /// Whether this is the shard that speaks to other servers, of which there may be some.
    pub fn speaks_to_servers(&self) -> bool {
        self.egress.peers.is_some()
    }

    /// How many other servers are connected.
    pub fn servers(&self) -> usize {
        self.egress.peers.as_ref().map_or(0, |peers| peers.control.servers())
    }

    pub(super) fn open_peer(&mut self, now: Time, peer: Peer, word: &str) -> (ConnId, Box<str>) {
        let cid = self.placer.next_cid();
        let anonymous = Arc::clone(self.config.settings.directory.anonymous());
        let how = ConnectionType::Standard;
        let mut client = Client::new(cid, peer, false, now, anonymous, STRANGER_LIMITS, how);
        client.label = format!("{peer} - {word}:{cid}").into();
        client.standing = Standing::Peer;
        // It stays on its shard.
        client.stays = true;
        let label = client.label.clone();
        let id = self.egress.clients.insert(Box::new(Conn::new(peer, client)));
        self.turn.spend_beside(CONNECTION_TURN_STEPS);
        (id, label)
    }

    pub(super) fn begin_peer(&mut self, now: Time, id: ConnId, kind: PeerKind) -> ConnId {
        let jitter = self.random.below(FIRST_PING.as_nanos() as u64 / 5);
        self.egress.clients.remind(id, now + FIRST_PING + Duration::from_nanos(jitter), Reminder::Ping);
        let peers = self.egress.peers.as_mut().expect(CLUSTER);
        if peers.insert(id, kind).is_none() {
            self.close(id, CloseReason::MaxConnectionsExceeded);
        }
        self.act_for_cluster(now);
        self.settle();
        id
    }

    /// Does what the cluster wants done.
    pub(crate) fn act_for_cluster(&mut self, now: Time) {
        let Some(peers) = &mut self.egress.peers else { return };
        if std::mem::replace(&mut peers.is_acting, true) {
            return;
        }
        while let Some(peers) = &mut self.egress.peers {
            if let Some(action) = peers.control.next_action() {
                self.act(now, action);
            } else if let Some(action) =
                peers.branches.as_mut().and_then(|branches| branches.control.next_action())
            {
                self.act_for_leafs(now, action);
            } else {
                break;
            }
        }
        if let Some(peers) = &mut self.egress.peers {
            peers.is_acting = false;
        }
    }

    fn act(&mut self, now: Time, action: Action<ConnId>) {
        match action {
            Action::Send(id, line) => self.egress.send(id, &line),
            Action::Close(id, ending) => {
                self.egress.counters.now = now;
                self.close(id, reason(ending));
            }
            Action::Dial(dial) => self.egress.peers.as_mut().expect(CLUSTER).dials.push(dial),
            Action::Open(id, route) => self.open_route(id, route),
            Action::TellClients => self.tell_clients(),
        }
    }

    fn open_route(&mut self, id: ConnId, route: Route) {
        let peers = self.egress.peers.as_mut().expect(CLUSTER);
        let Some(peer) = peers.of(id) else { return };
        let row = peers.at(peer);
        row.decoder.set_kind(route.kind);
        row.route = Some(route);
        self.egress.counters.totals.routes.routes_total += 1;
    }

    /// Lets all shards know what clients are told.
    fn tell_clients(&mut self) {
        let peers = self.egress.peers.as_mut().expect(CLUSTER);
        if let Some(told) = &self.config.told {
            let control = &peers.control;
            told.set(control.cluster(), control.client_urls(), control.websocket_urls());
        }
        peers.has_told_clients = true;
        if let Some(branches) = &mut peers.branches {
            branches.control.set_cluster(peers.control.cluster());
            branches.control.set_other_urls(peers.control.leafnode_urls());
        }
    }

    /// Clients are told what they were not, from this row on, as far as this turn goes. Returns where to go on.
    pub(crate) fn go_on_telling_clients(&mut self, from: u64) -> Option<u64> {
        let mut next = Some(from);
        while let Some(from) = next
            && self.chores.budget().lasts()
        {
            let sweep = self.sweep(from, |broker, id| {
                let client = broker.egress.clients.at(id);
                if client.first_pong_sent && client.abilities.async_info {
                    broker.send_info(id, |_| ());
                    broker.chores.budget().spend(TELLING_STEPS);
                }
            });
            self.chores.budget().spend(TELLING_STEPS);
            next = sweep.next;
        }
        next
    }

    /// Looks whether clients are to be told of other servers than before.
    pub(crate) fn look_for_urls(&mut self) {
        let Some(told) = &self.config.told else { return };
        let epoch = told.epoch();
        if std::mem::replace(&mut self.told_epoch, epoch) != epoch {
            self.chores.push(Chore::TellingClients(0));
        }
    }

    /// The server goes: others are told so, and where else their clients may go is theirs to say.
    pub(crate) fn tell_servers_of_end(&mut self) {
        if let Some(peers) = &mut self.egress.peers {
            peers.control.on_lame_duck();
        }
        self.act_for_cluster(self.egress.counters.now);
    }

    /// A connection to a server ends.
    pub(crate) fn wind_up_peer(&mut self, id: ConnId, reason: CloseReason) {
        let client = self.egress.clients.at(id);
        client.inbox = Inbox::default();
        (client.hold, client.fence) = (None, None);
        let now = self.egress.counters.now;
        let peers = self.egress.peers.as_mut().expect(CLUSTER);
        let row = peers.of(id);
        let closed = closed_words(row.and_then(|row| peers.peek(row)), reason);
        tracing::info!("{} - {closed}", self.egress.clients.at(id).label);
        let is_leaf = row.is_some_and(|row| self.egress.is_leaf(row));
        let (was_slow, was_stale) = (reason.is_slow_consumer(), reason == CloseReason::StaleConnection);
        self.egress.counters.of_peer(is_leaf).on_closed(was_slow, was_stale);
        let peers = self.egress.peers.as_mut().expect(CLUSTER);
        match &mut peers.branches {
            Some(branches) if is_leaf => branches.control.on_closed(since_start(now), id),
            _ => peers.control.on_closed(since_start(now), id),
        }
        if !reason.keeps_output() {
            self.egress.clients.drop_output(id);
        }
        self.egress.clients.mark_dirty(id);
        if self.chores.is_shutting_down() {
            return;
        }
        if let Some(row) = row {
            let wants = self.egress.peers.as_mut().expect(CLUSTER).close(row);
            self.forget_wants(row, wants);
        }
        self.act_for_cluster(now);
    }

    pub(crate) fn on_peer_ping_due(&mut self, now: Time, id: ConnId) {
        let Some((interval, max)) = self.pings_of(id) else { return };
        let Some(client) = self.egress.clients.open(id) else { return };
        if client.pings_out + 1 > max {
            self.egress.send_err(id, "Stale Connection");
            return self.close(id, CloseReason::StaleConnection);
        }
        client.pings_out += 1;
        client.record.on_ping_sent(now);
        self.egress.send(id, b"PING\r\n");
        self.egress.clients.remind(id, now + interval, Reminder::Ping);
    }

    /// How often a server is asked for a sign of life, and how often in vain.
    fn pings_of(&self, id: ConnId) -> Option<(Duration, u32)> {
        let peers = self.egress.peers.as_ref()?;
        if peers.of(id).is_some_and(|row| self.egress.is_leaf(row)) {
            let leafs = peers.branches.as_ref()?.control.config();
            return Some((leafs.ping_interval, leafs.ping_max));
        }
        let cluster = self.config.cluster.as_ref()?;
        Some((cluster.ping_interval, cluster.ping_max))
    }

    /// What is due for the cluster.
    pub(crate) fn on_cluster_due(&mut self, now: Time) {
        let Some(peers) = &mut self.egress.peers else { return };
        peers.control.on_time(since_start(now));
        if let Some(branches) = &mut peers.branches {
            branches.control.on_time(since_start(now));
        }
        self.act_for_cluster(now);
    }

    /// When that is.
    pub(crate) fn cluster_deadline(&self) -> Option<Time> {
        let peers = self.egress.peers.as_ref()?;
        let branches = peers.branches.as_ref().and_then(|branches| branches.control.next_deadline());
        let at = peers.control.next_deadline().into_iter().chain(branches).min()?;
        Some(Time::default() + at)
    }
}

/// The line of the log for a connection that ends.
fn closed_words(peer: Option<&PeerRow>, reason: CloseReason) -> String {
    let reason = reason.to_string();
    if let Some(peer) = peer.filter(|peer| peer.is_leaf) {
        let name = peer.branch.as_ref().map_or("", |branch| &branch.leaf.server_name);
        return leaf_words::closed(&reason, name);
    }
    let route = peer.and_then(|peer| peer.route.as_ref());
    log_words::closed(&reason, route.map_or("", |route| &route.server_name))
}

/// What it takes to tell a client, or to look at some.
const TELLING_STEPS: usize = 16;

const CLUSTER: &str = "there are no other servers without a cluster";

fn reason(ending: Ending) -> CloseReason {
    match ending {
        Ending::Duplicate => CloseReason::DuplicateRoute,
        Ending::Removed => CloseReason::RouteRemoved,
        Ending::DuplicateName => CloseReason::DuplicateServerName,
        Ending::OtherCluster => CloseReason::ClusterNameConflict,
        Ending::Unauthorized => CloseReason::AuthenticationFailure,
        Ending::Late => CloseReason::AuthenticationTimeout,
        Ending::WrongPort => CloseReason::WrongPort,
        Ending::Violation => CloseReason::ProtocolViolation,
        Ending::Complaint => CloseReason::ParseError,
    }
}
