//! The shards of one server under a test's thumb: bytes in, bytes out, batches when the test says.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use balance::PlacementRule;
use broker::{Broker, ClosedConnections, Config, Greeting, Moved, SeldomLines, Settings, ToldUrls};
use conns::{ConnId, Flush, Time};
use fabric::{Batch, ShardId};
use nats_proto::ServerInfo;

/// A connection: the shard it lives on, and its name there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Conn {
    pub(crate) shard: usize,
    pub(crate) id: ConnId,
}

enum Parcel {
    Batch(Batch),
    Moved(Vec<(ConnId, Moved)>),
}

/// Connections that ended which are remembered.
pub(crate) const CLOSED_MAX: usize = 20;

pub(crate) struct Shards {
    pub(crate) brokers: Vec<Broker>,
    pub(crate) remembered: Arc<ClosedConnections>,
    pub(crate) now: Time,
    links: BTreeMap<(usize, usize), VecDeque<Parcel>>,
    /// Where connections are that moved, by where they were.
    moved: BTreeMap<Conn, Conn>,
    sent: BTreeMap<Conn, Vec<u8>>,
    /// Bytes a socket still takes; absent for as many as there are.
    room: BTreeMap<Conn, usize>,
    closed: Vec<Conn>,
}

impl Shards {
    pub(crate) fn new(shards: usize) -> Self {
        Self::with(shards, |_| ())
    }

    pub(crate) fn with(shards: usize, amend: impl FnOnce(&mut Settings)) -> Self {
        Self::in_cluster(shards, None, amend)
    }

    /// The shards of a server in a cluster.
    pub(crate) fn in_cluster(
        shards: usize,
        cluster: Option<cluster::Config>,
        amend: impl FnOnce(&mut Settings),
    ) -> Self {
        Self::with_leafs(shards, cluster, None, amend)
    }

    /// The same of one that has leaf nodes, too.
    pub(crate) fn with_leafs(
        shards: usize,
        cluster: Option<cluster::Config>,
        leafs: Option<cluster::LeafConfig>,
        amend: impl FnOnce(&mut Settings),
    ) -> Self {
        let leafs = leafs.map(Arc::new);
        let cluster = cluster.map(Arc::new);
        let told = cluster.as_ref().map(|cluster| Arc::new(ToldUrls::new(cluster)));
        let info = ServerInfo {
            server_id: "NTEST".into(),
            headers: true,
            max_payload: 1 << 20,
            ..ServerInfo::default()
        };
        let mut settings = Settings::new(info);
        settings.options.placement = PlacementRule::Spread;
        amend(&mut settings);
        let settings = Arc::new(settings);
        let remembered = Arc::new(ClosedConnections::new(CLOSED_MAX));
        let seldom = Arc::<SeldomLines>::default();
        let brokers = ShardId::all(shards).map(|shard| {
            let (settings, closed) = (Arc::clone(&settings), Arc::clone(&remembered));
            let seldom = Arc::clone(&seldom);
            let cluster = cluster.clone().filter(|_| shard == ShardId(0));
            let leafs = leafs.clone().filter(|_| shard == ShardId(0));
            let told = told.clone();
            let config =
                Config { closed, seldom, cluster, leafs, told, ..Config::new(shard, shards, settings) };
            Broker::new(config)
        });
        Self {
            brokers: brokers.collect(),
            remembered,
            now: Time(1),
            links: BTreeMap::new(),
            moved: BTreeMap::new(),
            sent: BTreeMap::new(),
            room: BTreeMap::new(),
            closed: Vec::new(),
        }
    }

    /// Puts other settings in force, on all shards.
    pub(crate) fn reconfigure(&mut self, amend: impl FnOnce(&mut Settings)) {
        let mut settings = self.brokers[0].settings().clone();
        amend(&mut settings);
        let settings = Arc::new(settings);
        for broker in &mut self.brokers {
            reconfigure(broker, Arc::clone(&settings));
        }
    }

    /// A new connection without CONNECT. Connections go round the shards, the first to shard 0.
    pub(crate) fn accept(&mut self) -> Conn {
        self.accept_with(Greeting::Plain)
    }

    /// The same, greeted as it says.
    pub(crate) fn accept_with(&mut self, greeting: Greeting) -> Conn {
        let placed = self.brokers[0].place(&[]);
        let shard = placed.shard.index();
        if shard != 0
            && let Some(batch) = self.brokers[0].take_batch(placed.shard)
        {
            self.brokers[shard].on_whole_batch(self.now, ShardId(0), batch);
        }
        let peer = SocketAddr::from(([127, 0, 0, 1], 4000));
        Conn { shard, id: self.brokers[shard].on_accepted(self.now, placed, peer.into(), greeting) }
    }

    /// Another server dials. What it is sent at first is read and put aside.
    pub(crate) fn accept_peer(&mut self) -> Conn {
        let peer = SocketAddr::from(([127, 0, 0, 2], 6000));
        let conn = Conn { shard: 0, id: self.brokers[0].on_peer_accepted(self.now, peer.into()) };
        self.output(conn);
        conn
    }

    /// A leaf node that dials, and has said nothing yet.
    pub(crate) fn accept_leaf(&mut self) -> Conn {
        let peer = SocketAddr::from(([127, 0, 0, 2], 7000));
        Conn { shard: 0, id: self.brokers[0].on_leaf_accepted(self.now, peer.into()) }
    }

    /// A new connection with CONNECT, its INFO read and put aside.
    pub(crate) fn connect(&mut self, options: &str) -> Conn {
        let conn = self.accept();
        self.feed(conn, &format!("CONNECT {{{options}}}\r\n"));
        self.output(conn);
        conn
    }

    /// A new connection that is neither verbose nor pedantic.
    pub(crate) fn quiet(&mut self) -> Conn {
        self.connect(r#""verbose":false,"pedantic":false"#)
    }

    pub(crate) fn feed(&mut self, conn: Conn, text: &str) {
        self.brokers[conn.shard].on_received(self.now, conn.id, text.as_bytes());
    }

    /// The same, of what is no text.
    pub(crate) fn feed_bytes(&mut self, conn: Conn, bytes: &[u8]) {
        self.brokers[conn.shard].on_received(self.now, conn.id, bytes);
    }

    /// What the connection was sent since the last call.
    pub(crate) fn output(&mut self, conn: Conn) -> String {
        String::from_utf8(self.output_bytes(conn)).expect("tests send text")
    }

    /// The same, of what is no text.
    pub(crate) fn output_bytes(&mut self, conn: Conn) -> Vec<u8> {
        self.flush_now();
        self.sent.remove(&conn).unwrap_or_default()
    }

    /// The same, without serving those who stand in line.
    pub(crate) fn sent_now(&mut self, conn: Conn) -> String {
        self.flush_made();
        let bytes = self.sent.remove(&conn).unwrap_or_default();
        String::from_utf8(bytes).expect("tests send text")
    }

    pub(crate) fn say(&mut self, conn: Conn, text: &str) -> String {
        self.feed(conn, text);
        self.output(conn)
    }

    pub(crate) fn is_closed(&mut self, conn: Conn) -> bool {
        self.flush_now();
        self.closed.contains(&conn)
    }

    /// The same, without serving those who stand in line.
    pub(crate) fn is_closed_now(&mut self, conn: Conn) -> bool {
        self.flush_made();
        self.closed.contains(&conn)
    }

    /// The connection's socket takes that many bytes from now on, and no more.
    pub(crate) fn limit_room(&mut self, conn: Conn, bytes: usize) {
        self.room.insert(conn, bytes);
    }

    /// The connection's socket takes everything again.
    pub(crate) fn free_room(&mut self, conn: Conn) {
        self.room.remove(&conn);
        self.brokers[conn.shard].on_writable(conn.id);
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        for broker in &mut self.brokers {
            broker.on_deadlines(self.now);
        }
    }

    /// Lets one shard send what it has for another. The batches wait for [`Self::arrive`].
    pub(crate) fn depart(&mut self, from: usize, to: usize) {
        if let Some(batch) = self.brokers[from].take_batch(ShardId(to as u8)) {
            self.links.entry((from, to)).or_default().push_back(Parcel::Batch(batch));
        }
        if self.brokers[from].hands_over_to() == Some(ShardId(to as u8)) {
            let moved = self.brokers[from].hand_over(self.now);
            self.links.entry((from, to)).or_default().push_back(Parcel::Moved(moved));
        }
    }

    /// Whatever went from one shard to another arrives.
    pub(crate) fn arrive(&mut self, from: usize, to: usize) {
        self.depart(from, to);
        while let Some(parcel) = self.links.get_mut(&(from, to)).and_then(VecDeque::pop_front) {
            match parcel {
                Parcel::Batch(batch) => {
                    self.brokers[to].on_whole_batch(self.now, ShardId(from as u8), batch);
                }
                Parcel::Moved(moved) => self.take_moved(from, to, moved),
            }
        }
    }

    fn take_moved(&mut self, from: usize, to: usize, moved: Vec<(ConnId, Moved)>) {
        let (before, moved): (Vec<ConnId>, Vec<Moved>) = moved.into_iter().unzip();
        for (before, id) in before.into_iter().zip(self.brokers[to].on_moved(moved)) {
            let (before, after) = (Conn { shard: from, id: before }, Conn { shard: to, id });
            self.moved.insert(before, after);
            if let Some(sent) = self.sent.remove(&before) {
                self.sent.insert(after, sent);
            }
        }
    }

    /// Asks for connections of one shard to move, as a runtime whose kernel lets go at once.
    pub(crate) fn ask_to_move(&mut self, conns: &[Conn], to: usize) -> bool {
        let broker = &mut self.brokers[conns[0].shard];
        let ids: Vec<ConnId> = conns.iter().map(|conn| conn.id).collect();
        let begun = broker.begin_move(&ids, ShardId(to as u8));
        broker.on_leaving_still(self.now);
        begun
    }

    /// Where the connection is now.
    pub(crate) fn find(&self, conn: Conn) -> Conn {
        self.moved.get(&conn).copied().unwrap_or(conn)
    }

    fn serve_all(&mut self) {
        for broker in &mut self.brokers {
            broker.serve_all(self.now);
        }
    }

    /// Every shard takes turns until it has done what is too long for one.
    pub(crate) fn work_off(&mut self) {
        for broker in &mut self.brokers {
            broker.on_turn(self.now);
            while broker.has_chores() {
                broker.work_off();
                broker.on_turn(self.now);
            }
        }
    }

    /// The shards talk until they have nothing more to say.
    pub(crate) fn settle(&mut self) {
        loop {
            self.serve_all();
            self.work_off();
            let pairs = self.pairs();
            for &(from, to) in &pairs {
                self.depart(from, to);
            }
            let is_busy = |broker: &Broker| broker.is_anyone_in_line() || broker.has_chores();
            if self.links.values().all(VecDeque::is_empty) && !self.brokers.iter().any(is_busy) {
                return;
            }
            for (from, to) in pairs {
                self.arrive(from, to);
            }
        }
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        let count = self.brokers.len();
        let pairs = (0..count).flat_map(|from| (0..count).map(move |to| (from, to)));
        pairs.filter(|(from, to)| from != to).collect()
    }

    /// Whatever may leave leaves.
    pub(crate) fn flush_now(&mut self) {
        self.serve_all();
        self.work_off();
        self.flush_made();
    }

    fn flush_made(&mut self) {
        let mut dirty = Vec::new();
        for shard in 0..self.brokers.len() {
            self.brokers[shard].take_dirty(&mut dirty);
            for id in dirty.drain(..) {
                self.flush_one(Conn { shard, id });
            }
        }
    }

    fn flush_one(&mut self, conn: Conn) {
        let broker = &mut self.brokers[conn.shard];
        loop {
            let bytes: Vec<u8> = match broker.flush(conn.id) {
                Flush::Nothing => return,
                Flush::Close => return self.closed.push(conn),
                Flush::Send(outbox) => outbox.slices().flatten().copied().collect(),
            };
            let room = self.room.get(&conn).copied().unwrap_or(usize::MAX);
            let taken = bytes.len().min(room);
            if taken > 0 {
                self.sent.entry(conn).or_default().extend_from_slice(&bytes[..taken]);
                broker.on_sent(conn.id, taken);
            }
            if let Some(room) = self.room.get_mut(&conn) {
                *room -= taken;
            }
            if taken < bytes.len() {
                return broker.on_blocked(self.now, conn.id);
            }
        }
    }
}

/// Puts other settings in force on a shard, for all that is there.
pub(crate) fn reconfigure(broker: &mut Broker, settings: Arc<Settings>) {
    broker.reconfigure(settings);
    for part in [Broker::follow_settings, Broker::recheck_subscriptions, Broker::end_rechecks] {
        let mut from = Some(0);
        while let Some(at) = from {
            from = part(broker, at).next;
        }
    }
}
