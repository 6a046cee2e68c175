//! `/varz`: the server, what it was told, and what it did.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::accounts::ShownMappings;
use crate::answer::Answer;
use crate::cluster::{ClusterFacts, RouteTotals};
use crate::jetstream::{JetStreamFacts, JetStreamText, JetStreamTotals};
use crate::leafz::LeafFacts;
use crate::moment::{Moment, uptime};
use crate::snapshot::ShardTotals;
use crate::websocket::WebSocketFacts;

/// What is the same at every look, until the configuration is read again. A field is shown as it stands here: its
/// group says where in the answer, and its name what it is called there.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Which server it is, and what clients may do.
    pub server: ServerFacts,
    /// What it waits for, and since when it runs.
    pub times: TimeFacts,
    /// What its configuration says beside.
    pub config: ConfigFacts,
    /// The processors of the machine that it may use.
    pub cores: usize,
    /// Its shards: what uses them.
    pub shards: usize,
    /// By account, those that have any.
    pub mappings: Arc<BTreeMap<String, ShownMappings>>,
    /// Until when the certificate for clients holds.
    pub tls_cert_not_after: Option<Moment>,
    /// The cluster, if the server is one's.
    pub cluster: Option<ClusterFacts>,
    /// The listener for leaf nodes, if there is one.
    pub leaf: Option<LeafFacts>,
    /// The listener for WebSockets, if there is one.
    pub websocket: Option<WebSocketFacts>,
    /// JetStream, if there is any.
    pub jetstream: Option<JetStreamFacts>,
}

/// Which server it is, and what clients may do.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ServerFacts {
    /// The server's id.
    pub server_id: String,
    /// Its name.
    pub server_name: String,
    /// The nats-server version whose behaviour it has.
    pub version: String,
    /// What servers speak with each other.
    pub proto: ServerProtocol,
    /// INFO's `go`.
    pub go: String,
    /// The host that clients connect to.
    pub host: String,
    /// The port that clients connect to.
    pub port: u16,
    /// Whether clients have to say who they are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub auth_required: bool,
    /// Whether clients have to speak TLS.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tls_required: bool,
    /// Whether they have to show a certificate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tls_verify: bool,
    /// INFO's `connect_urls`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub connect_urls: Vec<String>,
    /// `max_connections`; below 0 nobody may connect.
    pub max_connections: i64,
    /// `max_subscriptions`; 0 or less is no limit, and 0 is left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub max_subscriptions: i64,
    /// `ping_interval`.
    #[serde(serialize_with = "nanoseconds")]
    pub ping_interval: Duration,
    /// `ping_max`.
    pub ping_max: u32,
    /// Where monitoring listens.
    pub http_host: String,
    /// The port for HTTP; 0 is none.
    pub http_port: u16,
    /// `http_base_path`, as it stands in the configuration.
    pub http_base_path: String,
    /// The port for HTTPS; 0 is none.
    pub https_port: u16,
    /// How long a client may take to say who it is.
    #[serde(serialize_with = "seconds")]
    pub auth_timeout: Duration,
    /// `max_control_line`, in bytes.
    pub max_control_line: usize,
    /// `max_payload`, in bytes; -1 is no limit.
    pub max_payload: i64,
    /// `max_pending`, in bytes.
    pub max_pending: usize,
}

/// What a server waits for, and since when it runs.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TimeFacts {
    /// How long a TLS handshake may take.
    #[serde(serialize_with = "seconds")]
    pub tls_timeout: Duration,
    /// `write_deadline`.
    #[serde(serialize_with = "nanoseconds")]
    pub write_deadline: Duration,
    /// `write_timeout`; empty if it was left to the server.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub write_timeout: &'static str,
    /// When the server started.
    pub start: Moment,
}

/// What a configuration says beside.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ConfigFacts {
    /// When it was read last.
    pub config_load_time: Moment,
    /// `sha256:` and its digest; empty without one.
    pub config_digest: String,
    /// `server_tags`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// `server_metadata`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The account for the server's own messages.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub system_account: String,
}

/// The version of the protocol between servers, of which there is one.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServerProtocol;

impl Serialize for ServerProtocol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(1)
    }
}

fn nanoseconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.as_nanos() as u64)
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it serializes by reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// What is different at every look.
#[derive(Debug)]
pub struct Varz<'a> {
    /// The rest.
    pub facts: &'a Facts,
    /// When this is.
    pub now: Moment,
    /// Resident memory in bytes.
    pub mem: u64,
    /// Of a processor, in percent; more than 100 of several.
    pub cpu: f64,
    /// The sums of all shards.
    pub totals: ShardTotals,
    /// What streams have, if there may be any.
    pub jetstream: Option<JetStreamTotals>,
    /// Requests so far, by endpoint.
    pub http_req_stats: &'a BTreeMap<&'static str, u64>,
}

impl Varz<'_> {
    /// The answer.
    pub fn answer(&self) -> Answer {
        Answer::json(self)
    }

    fn text(&self) -> VarzText<'_> {
        let (facts, totals) = (self.facts, &self.totals);
        VarzText {
            server: &facts.server,
            cluster: facts.cluster.clone().unwrap_or_default(),
            absent: AbsentText { leaf: facts.leaf.clone().unwrap_or_default(), ..AbsentText::default() },
            websocket: facts.websocket.clone().unwrap_or_default(),
            jetstream: self.jetstream_text(),
            times: &facts.times,
            now: self.now,
            uptime: uptime(self.now.since(facts.times.start)),
            mem: self.mem,
            cores: facts.cores,
            gomaxprocs: facts.shards,
            cpu: (self.cpu * 10.0).round() / 10.0,
            traffic: TrafficText::of(totals),
            http_req_stats: self.http_req_stats,
            config: &facts.config,
            slow_consumer_stats: Kinds::of(slow_consumers(totals), totals, |servers| servers.slow_consumers),
            stale_connection_stats: Kinds::of(totals.stale_connections, totals, |servers| {
                servers.stale_connections
            }),
            disk_io_wait_stats: DiskWaits::default(),
            tls_cert_not_after: facts.tls_cert_not_after,
        }
    }
}

impl Varz<'_> {
    fn jetstream_text(&self) -> JetStreamText {
        let told = self.facts.jetstream.as_ref().zip(self.jetstream.as_ref());
        told.map(|(facts, totals)| JetStreamText::of(facts, totals)).unwrap_or_default()
    }
}

impl Serialize for Varz<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text().serialize(serializer)
    }
}

/// Clients that were.
fn slow_consumers(totals: &ShardTotals) -> u64 {
    totals.slow_consumers_pending + totals.slow_consumers_deadline
}

/// The whole answer, in nats-server's order.
#[derive(Serialize)]
struct VarzText<'a> {
    #[serde(flatten)]
    server: &'a ServerFacts,
    cluster: ClusterFacts,
    #[serde(flatten)]
    absent: AbsentText,
    websocket: WebSocketFacts,
    jetstream: JetStreamText,
    #[serde(flatten)]
    times: &'a TimeFacts,
    now: Moment,
    uptime: String,
    mem: u64,
    cores: usize,
    gomaxprocs: usize,
    cpu: f64,
    #[serde(flatten)]
    traffic: TrafficText,
    http_req_stats: &'a BTreeMap<&'static str, u64>,
    #[serde(flatten)]
    config: &'a ConfigFacts,
    slow_consumer_stats: Kinds,
    stale_connection_stats: Kinds,
    disk_io_wait_stats: DiskWaits,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_cert_not_after: Option<Moment>,
}

/// Leaf nodes, between what is not there.
#[derive(Serialize, Default)]
struct AbsentText {
    gateway: Map<String, Value>,
    leaf: LeafFacts,
    mqtt: Map<String, Value>,
}

/// What clients and other servers did so far.
#[derive(Serialize)]
struct TrafficText {
    connections: u64,
    total_connections: u64,
    routes: u64,
    remotes: u64,
    leafnodes: u64,
    in_msgs: u64,
    in_bytes: u64,
    in_client_msgs: u64,
    in_client_bytes: u64,
    out_msgs: u64,
    out_bytes: u64,
    out_client_msgs: u64,
    out_client_bytes: u64,
    slow_consumers: u64,
    stale_connections: u64,
    stalled_clients: u64,
    subscriptions: u64,
}

impl TrafficText {
    fn of(totals: &ShardTotals) -> Self {
        let (mut input, mut output) = (totals.input, totals.output);
        for servers in [&totals.routes, &totals.leafs] {
            input.add(servers.input);
            output.add(servers.output);
        }
        Self {
            connections: totals.connections,
            total_connections: totals.connections_total,
            routes: totals.routes.routes,
            remotes: totals.routes.remotes,
            leafnodes: totals.leafs.routes,
            in_msgs: input.msgs,
            in_bytes: input.bytes,
            in_client_msgs: totals.input.msgs,
            in_client_bytes: totals.input.bytes,
            out_msgs: output.msgs,
            out_bytes: output.bytes,
            out_client_msgs: totals.output.msgs,
            out_client_bytes: totals.output.bytes,
            slow_consumers: slow_consumers(totals)
                + totals.routes.slow_consumers
                + totals.leafs.slow_consumers,
            stale_connections: totals.stale_connections
                + totals.routes.stale_connections
                + totals.leafs.stale_connections,
            stalled_clients: totals.stalls,
            subscriptions: totals.subscriptions,
        }
    }
}

/// A number for each kind of connection.
#[derive(Serialize)]
struct Kinds {
    clients: u64,
    routes: u64,
    gateways: u64,
    leafs: u64,
}

impl Kinds {
    fn of(clients: u64, totals: &ShardTotals, of: fn(&RouteTotals) -> u64) -> Self {
        Self { clients, routes: of(&totals.routes), gateways: 0, leafs: of(&totals.leafs) }
    }
}

#[derive(Serialize, Default)]
struct DiskWaits {
    waiters: u64,
    waits: u64,
    wait_time: u64,
    max_wait_time: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Tally;

    /// The keys and their order are nats-server 2.14.5's, without `git_commit` and the flags of
    /// JetStream.
    #[test]
    fn varz_has_nats_servers_fields_in_its_order() {
        let facts = Facts {
            server: ServerFacts {
                server_id: "ID".into(),
                auth_timeout: Duration::from_secs(2),
                ..ServerFacts::default()
            },
            config: ConfigFacts { system_account: "$SYS".into(), ..ConfigFacts::default() },
            ..Facts::default()
        };
        let totals = ShardTotals { input: Tally { msgs: 3, bytes: 8 }, stalls: 2, ..ShardTotals::default() };
        let stats = BTreeMap::from([("/varz", 1)]);
        let now = Moment(61_500_000_000);
        let body =
            Varz { facts: &facts, now, mem: 1, cpu: 1.26, totals, jetstream: None, http_req_stats: &stats }
                .answer()
                .text();
        let keys: Vec<&str> =
            body.lines().filter_map(|line| line.trim_start().strip_prefix('"')?.split('"').next()).collect();
        let expected = "server_id server_name version proto go host port max_connections ping_interval ping_max \
            http_host http_port http_base_path https_port auth_timeout max_control_line max_payload max_pending \
            cluster gateway leaf mqtt websocket jetstream tls_timeout write_deadline start now uptime mem cores \
            gomaxprocs cpu connections total_connections routes remotes leafnodes in_msgs in_bytes in_client_msgs \
            in_client_bytes out_msgs out_bytes out_client_msgs out_client_bytes slow_consumers stale_connections \
            stalled_clients subscriptions http_req_stats /varz config_load_time config_digest system_account \
            slow_consumer_stats clients routes gateways leafs stale_connection_stats clients routes gateways leafs \
            disk_io_wait_stats waiters waits wait_time max_wait_time";
        assert_eq!(keys, expected.split_whitespace().collect::<Vec<_>>());
        for line in [
            "\"auth_timeout\": 2,",
            "\"cluster\": {},",
            "\"uptime\": \"1m1s\"",
            "\"cpu\": 1.3,",
            "\"stalled_clients\": 2,",
        ] {
            assert!(body.contains(line), "{line} in {body}");
        }
    }

    #[test]
    fn what_is_not_so_is_left_out() {
        let facts = Facts {
            server: ServerFacts {
                auth_required: true,
                tls_required: true,
                tls_verify: true,
                max_subscriptions: 5,
                connect_urls: vec!["a:1".into()],
                ..ServerFacts::default()
            },
            config: ConfigFacts { tags: vec!["t".into()], ..ConfigFacts::default() },
            tls_cert_not_after: Some(Moment(0)),
            ..Facts::default()
        };
        let stats = BTreeMap::new();
        let totals = ShardTotals::default();
        let plain = Facts::default();
        let text = |facts| {
            Varz { facts, now: Moment(0), mem: 0, cpu: 0.0, totals, jetstream: None, http_req_stats: &stats }
                .answer()
                .text()
        };
        for key in [
            "auth_required",
            "tls_required",
            "tls_verify",
            "max_subscriptions",
            "connect_urls",
            "tags",
            "tls_cert_not_after",
        ] {
            let key = format!("\"{key}\"");
            assert!(text(&facts).contains(&key) && !text(&plain).contains(&key), "{key}");
        }
    }

    #[test]
    fn other_servers_count_beside_clients() {
        let cluster = ClusterFacts { name: "C".into(), cluster_port: 6222, ..ClusterFacts::default() };
        let facts = Facts { cluster: Some(cluster), ..Facts::default() };
        let routes = RouteTotals {
            routes: 2,
            remotes: 1,
            input: Tally { msgs: 5, bytes: 50 },
            output: Tally { msgs: 6, bytes: 60 },
            slow_consumers: 1,
            stale_connections: 4,
            ..RouteTotals::default()
        };
        let totals = ShardTotals {
            input: Tally { msgs: 3, bytes: 8 },
            stale_connections: 2,
            routes,
            ..ShardTotals::default()
        };
        let stats = BTreeMap::new();
        let varz = Varz {
            facts: &facts,
            now: Moment(0),
            mem: 0,
            cpu: 0.0,
            totals,
            jetstream: None,
            http_req_stats: &stats,
        };
        let body: String = varz.answer().text().split_whitespace().collect();
        for part in [
            r#""cluster":{"name":"C","cluster_port":6222},"#,
            r#""routes":2,"remotes":1,"leafnodes":0,"in_msgs":8,"in_bytes":58,"in_client_msgs":3,"in_client_bytes":8,"#,
            r#""out_msgs":6,"out_bytes":60,"out_client_msgs":0,"#,
            r#""slow_consumers":1,"stale_connections":6,"#,
            r#""slow_consumer_stats":{"clients":0,"routes":1,"#,
            r#""stale_connection_stats":{"clients":2,"routes":4,"#,
        ] {
            assert!(body.contains(part), "{part} in {body}");
        }
    }

    /// As nats-server 2.14.5 has it.
    #[test]
    fn jetstream_has_its_configuration_its_sums_and_its_limits() {
        let facts = Facts { jetstream: Some(JetStreamFacts::default()), ..Facts::default() };
        let jetstream = Some(JetStreamTotals { memory: 7, ..JetStreamTotals::default() });
        let varz = Varz {
            facts: &facts,
            now: Moment(0),
            mem: 0,
            cpu: 0.0,
            totals: ShardTotals::default(),
            jetstream,
            http_req_stats: &BTreeMap::new(),
        };
        let body: String = varz.answer().text().split_whitespace().collect();
        let expected = concat!(
            r#""jetstream":{"config":{"max_memory":0,"max_storage":0},"stats":{"memory":7,"storage":0,"#,
            r#""reserved_memory":0,"reserved_storage":0,"accounts":0,"ha_assets":0,"#,
            r#""api":{"level":0,"total":0,"errors":0}},"limits":{}},"#
        );
        assert!(body.contains(expected), "{body}");
    }
}
