//! What one shard says of itself.
//!
//! Moments are nanoseconds on the server's own clock; who gathers the shards' words knows what
//! moment on the wall its zero was.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

use crate::cluster::RouteTotals;

/// Messages and their bytes, one way. Bytes are those of headers and payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Messages.
    pub msgs: u64,
    /// Bytes of their headers and payloads.
    pub bytes: u64,
}

impl Tally {
    /// Counts what another tally has counted as well.
    pub fn add(&mut self, other: Self) {
        self.msgs += other.msgs;
        self.bytes += other.bytes;
    }

    /// What was counted since the tally was `earlier`.
    pub fn since(self, earlier: Self) -> Self {
        Self { msgs: self.msgs - earlier.msgs, bytes: self.bytes - earlier.bytes }
    }
}

/// The counters of one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShardTotals {
    /// Messages from clients.
    pub input: Tally,
    /// Messages to clients.
    pub output: Tally,
    /// Connections that live here now.
    pub connections: u64,
    /// Connections that the server accepted here, those that moved elsewhere since included.
    pub connections_total: u64,
    /// Connections that came here from other shards.
    pub connections_moved_in: u64,
    /// Subscriptions of the clients here.
    pub subscriptions: u64,
    /// Clients cut off because too much waited for them.
    pub slow_consumers_pending: u64,
    /// How often a client took too long over what it was sent.
    pub slow_consumers_deadline: u64,
    /// Clients cut off because they did not answer.
    pub stale_connections: u64,
    /// How often a publisher was made to wait for a reader.
    pub stalls: u64,
    /// How often a publisher was made to wait because none of its readers took anything.
    pub paces: u64,
    /// Responses that came for no request from another account: too late, or to a subject that was made up.
    pub late_responses: u64,
    /// Events that the system account was not told, since too many waited.
    pub untold_events: u64,
    /// Bytes that wait to be sent to clients.
    pub pending_bytes: u64,
    /// Bytes gathered for other shards or under way to them.
    pub mesh_bytes: u64,
    /// What the shard did with its time.
    pub turns: Turns,
    /// Its routes.
    pub routes: RouteTotals,
    /// The same of its leaf nodes and hubs.
    pub leafs: RouteTotals,
}

impl ShardTotals {
    /// Counts what another shard counted.
    pub fn add(&mut self, other: &Self) {
        self.input.add(other.input);
        self.output.add(other.output);
        self.connections += other.connections;
        self.connections_total += other.connections_total;
        self.connections_moved_in += other.connections_moved_in;
        self.subscriptions += other.subscriptions;
        self.slow_consumers_pending += other.slow_consumers_pending;
        self.slow_consumers_deadline += other.slow_consumers_deadline;
        self.stale_connections += other.stale_connections;
        self.stalls += other.stalls;
        self.paces += other.paces;
        self.late_responses += other.late_responses;
        self.untold_events += other.untold_events;
        self.pending_bytes += other.pending_bytes;
        self.mesh_bytes += other.mesh_bytes;
        self.turns.add(&other.turns);
        self.routes.add(&other.routes);
        self.leafs.add(&other.leafs);
    }
}

/// How long the turns of a shard's thread may take to count for each bucket of [`Turns`], in
/// nanoseconds of processor time; the last bucket holds what took longer. No turn is to take more than 2 ms.
pub const TURN_BOUNDS: [u64; 7] =
    [10_000, 100_000, 1_000_000, 2_000_000, 10_000_000, 100_000_000, 1_000_000_000];

/// What a shard's thread did with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turns {
    /// How many turns took up to each of [`TURN_BOUNDS`] and longer than the bound before, and how
    /// many took longer than all.
    pub buckets: [u64; TURN_BOUNDS.len() + 1],
    /// How long all turns took together.
    pub time: Duration,
    /// How long the longest one took.
    pub longest: Duration,
    /// How often the shard waited for something to happen.
    pub parks: u64,
    /// How long it waited, in all.
    pub parked: Duration,
}

impl Turns {
    /// A turn took so long.
    pub fn on_turn(&mut self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[TURN_BOUNDS.partition_point(|bound| *bound < nanos)] += 1;
        self.time += took;
        self.longest = self.longest.max(took);
    }

    /// Counts what another shard counted.
    fn add(&mut self, other: &Self) {
        for (bucket, more) in self.buckets.iter_mut().zip(other.buckets) {
            *bucket += more;
        }
        self.time += other.time;
        self.longest = self.longest.max(other.longest);
        self.parks += other.parks;
        self.parked += other.parked;
    }

    /// The shard waited so long.
    pub fn on_parked(&mut self, time: Duration) {
        self.parks += 1;
        self.parked += time;
    }
}

/// One connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionRow {
    /// Unique in the life of the server.
    pub cid: u64,
    /// The client's address; `None` if it is in the server's own process.
    pub peer: Option<SocketAddr>,
    /// When it was accepted.
    pub start: u64,
    /// When it last said something or was sent something.
    pub last_activity: u64,
    /// How long the answer to a PING took last; `None` before the first.
    pub rtt: Option<Duration>,
    /// Bytes that wait to be sent.
    pub pending_bytes: u64,
    /// Messages that it sent.
    pub input: Tally,
    /// Messages that it was sent.
    pub output: Tally,
    /// How often it had to wait for readers.
    pub stalls: u32,
    /// How many subscriptions it has.
    pub subscriptions: u32,
    /// `name` of its CONNECT.
    pub name: Box<str>,
    /// `lang` of its CONNECT.
    pub lang: Box<str>,
    /// `version` of its CONNECT.
    pub version: Box<str>,
    /// What TLS it speaks, if any.
    pub tls: Option<Box<TlsFacts>>,
    /// The user that it was taken for, as nats-server shows it: a user name, a public key. No secret.
    pub user: Box<str>,
    /// Its account.
    pub account: Box<str>,
    /// It came over WebSocket.
    pub is_websocket: bool,
}

/// What was agreed on in a TLS handshake.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsFacts {
    /// The version, as `1.3`.
    pub version: Box<str>,
    /// The cipher suite by its Go name.
    pub cipher_suite: Box<str>,
    /// Whether the handshake came before INFO.
    pub first: bool,
    /// The client's certificate chain.
    pub peer_certs: Vec<PeerCert>,
}

/// A certificate of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeerCert {
    /// Its subject, as Go prints one.
    pub subject: String,
    /// SHA-256 of its public key info, in hexadecimal.
    pub spki_sha256: String,
    /// SHA-256 of all of it, in hexadecimal.
    pub cert_sha256: String,
}

/// A connection that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedRow {
    /// What it was like at its end.
    pub row: ConnectionRow,
    /// When it ended.
    pub stop: u64,
    /// Why, in nats-server's words.
    pub reason: &'static str,
    /// The subscriptions that it had.
    pub subscriptions: Vec<SubscriptionRow>,
}

/// One account, as one shard knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountRow {
    /// Its name.
    pub name: Box<str>,
    /// Clients here.
    pub connections: u64,
    /// Clients that began here.
    pub connections_total: u64,
    /// Subscriptions of its clients here.
    pub subscriptions: u64,
    /// Messages of its clients.
    pub input: Tally,
    /// Messages to its clients.
    pub output: Tally,
    /// Clients cut off for reading too slowly.
    pub slow_consumers: u64,
    /// How its subjects are looked up.
    pub lookups: Lookups,
}

/// How the subjects of one account are looked up on one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lookups {
    /// Subscriptions that came.
    pub inserts: u64,
    /// Subscriptions that went.
    pub removes: u64,
    /// Subjects whose subscriptions are remembered.
    pub cached: u64,
    /// Lookups.
    pub lookups: u64,
    /// Lookups answered from memory.
    pub hits: u64,
    /// The most subscriptions that a remembered subject has.
    pub fanout_max: u64,
    /// The subscriptions of all remembered subjects.
    pub fanout_sum: u64,
}

impl Lookups {
    /// Counts what another shard or account counted.
    pub fn add(&mut self, other: Self) {
        self.inserts += other.inserts;
        self.removes += other.removes;
        self.cached += other.cached;
        self.lookups += other.lookups;
        self.hits += other.hits;
        self.fanout_max = self.fanout_max.max(other.fanout_max);
        self.fanout_sum += other.fanout_sum;
    }
}

/// Which connections are asked for. What is empty is not asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConnectionFilter {
    /// Just this one.
    pub cid: Option<u64>,
    /// Those of an MQTT client.
    pub mqtt_client: bool,
    /// Those of an account.
    pub account: Option<String>,
    /// Those of a user.
    pub user: Option<String>,
}

impl ConnectionFilter {
    /// Whether a connection is asked for.
    pub fn wants(&self, row: &ConnectionRow) -> bool {
        !self.mqtt_client
            && self.cid.is_none_or(|cid| cid == row.cid)
            && self.account.as_deref().is_none_or(|account| *account == *row.account)
            && self.user.as_deref().is_none_or(|user| *user == *row.user)
    }
}

/// Which subscriptions are asked for. What is empty is not asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubscriptionFilter {
    /// Those of these connections, in ascending order.
    pub cids: Option<Vec<u64>>,
    /// Those in an account.
    pub account: Option<String>,
    /// Those to some subjects.
    pub subjects: Subjects,
    /// Also those that clients of other accounts have in it, through imports of its streams.
    pub through_imports: bool,
}

/// Subjects that are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Subjects {
    /// All of them.
    #[default]
    All,
    /// Those that a message on this subject would match.
    Matching(String),
    /// Those that match nothing but what this filter matches.
    Within(String),
    /// Those that match something that this filter matches.
    Overlapping(String),
}

/// One subscription of a client, or of a part of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// The connection it belongs to; 0 if it is of a part of the server.
    pub cid: u64,
    /// The account it is in.
    pub account: Box<str>,
    /// What it subscribes to.
    pub subject: Box<[u8]>,
    /// Its queue group.
    pub queue: Option<Box<[u8]>>,
    /// The client's name for it.
    pub sid: Box<[u8]>,
    /// Messages that it was sent.
    pub msgs: u64,
    /// After how many messages it ends; 0 is never.
    pub max: u64,
}
