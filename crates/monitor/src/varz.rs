//! `/varz`: the server, what it was told, and what it did.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::accounts::ShownMappings;
use crate::answer::Answer;
use crate::moment::{Moment, uptime};
use crate::snapshot::ShardTotals;

/// What is the same at every look, until the configuration is read again.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The server's id.
    pub server_id: String,
    /// Its name.
    pub server_name: String,
    /// The nats-server version whose behaviour it has.
    pub version: String,
    /// INFO's `go`.
    pub go: String,
    /// The host that clients connect to.
    pub host: String,
    /// The port that clients connect to.
    pub port: u16,
    /// Whether clients have to say who they are.
    pub auth_required: bool,
    /// Whether clients have to speak TLS.
    pub tls_required: bool,
    /// Whether they have to show a certificate.
    pub tls_verify: bool,
    /// INFO's `connect_urls`.
    pub connect_urls: Vec<String>,
    /// `max_connections`; below 0 nobody may connect.
    pub max_connections: i64,
    /// `max_subscriptions`; 0 or less is no limit, and 0 is left out.
    pub max_subscriptions: i64,
    /// `ping_interval`.
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
    pub auth_timeout: Duration,
    /// `max_control_line`, in bytes.
    pub max_control_line: usize,
    /// `max_payload`, in bytes; -1 is no limit.
    pub max_payload: i64,
    /// `max_pending`, in bytes.
    pub max_pending: usize,
    /// How long a TLS handshake may take.
    pub tls_timeout: Duration,
    /// `write_deadline`.
    pub write_deadline: Duration,
    /// `write_timeout`; empty if it was left to the server.
    pub write_timeout: &'static str,
    /// When the server started.
    pub start: Moment,
    /// The processors of the machine that it may use.
    pub cores: usize,
    /// Its shards: what uses them.
    pub shards: usize,
    /// When the configuration was read last.
    pub config_load_time: Moment,
    /// `sha256:` and the digest of the configuration; empty without one.
    pub config_digest: String,
    /// `server_tags`.
    pub tags: Vec<String>,
    /// `server_metadata`.
    pub metadata: BTreeMap<String, String>,
    /// The account for the server's own messages.
    pub system_account: String,
    /// By account, those that have any.
    pub mappings: Arc<BTreeMap<String, ShownMappings>>,
    /// Until when the certificate for clients holds.
    pub tls_cert_not_after: Option<Moment>,
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
            server: ServerText::of(facts),
            absent: AbsentText::default(),
            tls_timeout: facts.tls_timeout.as_secs_f64(),
            write_deadline: facts.write_deadline.as_nanos() as u64,
            write_timeout: facts.write_timeout,
            start: facts.start,
            now: self.now,
            uptime: uptime(self.now.since(facts.start)),
            mem: self.mem,
            cores: facts.cores,
            gomaxprocs: facts.shards,
            cpu: (self.cpu * 10.0).round() / 10.0,
            traffic: TrafficText::of(totals),
            http_req_stats: self.http_req_stats,
            config_load_time: facts.config_load_time,
            config_digest: &facts.config_digest,
            tags: &facts.tags,
            metadata: &facts.metadata,
            system_account: &facts.system_account,
            slow_consumer_stats: Kinds::of_clients(slow_consumers(totals)),
            stale_connection_stats: Kinds::of_clients(totals.stale_connections),
            disk_io_wait_stats: DiskWaits::default(),
            tls_cert_not_after: facts.tls_cert_not_after,
        }
    }
}

impl Serialize for Varz<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text().serialize(serializer)
    }
}

fn slow_consumers(totals: &ShardTotals) -> u64 {
    totals.slow_consumers_pending + totals.slow_consumers_deadline
}

/// The whole answer, in nats-server's order.
#[derive(Serialize)]
struct VarzText<'a> {
    #[serde(flatten)]
    server: ServerText<'a>,
    #[serde(flatten)]
    absent: AbsentText,
    tls_timeout: f64,
    write_deadline: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    write_timeout: &'static str,
    start: Moment,
    now: Moment,
    uptime: String,
    mem: u64,
    cores: usize,
    gomaxprocs: usize,
    cpu: f64,
    #[serde(flatten)]
    traffic: TrafficText,
    http_req_stats: &'a BTreeMap<&'static str, u64>,
    config_load_time: Moment,
    config_digest: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    system_account: &'a str,
    slow_consumer_stats: Kinds,
    stale_connection_stats: Kinds,
    disk_io_wait_stats: DiskWaits,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_cert_not_after: Option<Moment>,
}

/// Which server it is, and what clients may do.
#[derive(Serialize)]
struct ServerText<'a> {
    server_id: &'a str,
    server_name: &'a str,
    version: &'a str,
    proto: u32,
    go: &'a str,
    host: &'a str,
    port: u16,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    auth_required: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tls_required: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tls_verify: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    connect_urls: &'a [String],
    max_connections: i64,
    #[serde(skip_serializing_if = "is_zero")]
    max_subscriptions: i64,
    ping_interval: u64,
    ping_max: u32,
    http_host: &'a str,
    http_port: u16,
    http_base_path: &'a str,
    https_port: u16,
    auth_timeout: f64,
    max_control_line: usize,
    max_payload: i64,
    max_pending: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it serializes by reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl<'a> ServerText<'a> {
    fn of(facts: &'a Facts) -> Self {
        Self {
            server_id: &facts.server_id,
            server_name: &facts.server_name,
            version: &facts.version,
            proto: 1,
            go: &facts.go,
            host: &facts.host,
            port: facts.port,
            auth_required: facts.auth_required,
            tls_required: facts.tls_required,
            tls_verify: facts.tls_verify,
            connect_urls: &facts.connect_urls,
            max_connections: facts.max_connections,
            max_subscriptions: facts.max_subscriptions,
            ping_interval: facts.ping_interval.as_nanos() as u64,
            ping_max: facts.ping_max,
            http_host: &facts.http_host,
            http_port: facts.http_port,
            http_base_path: &facts.http_base_path,
            https_port: facts.https_port,
            auth_timeout: facts.auth_timeout.as_secs_f64(),
            max_control_line: facts.max_control_line,
            max_payload: facts.max_payload,
            max_pending: facts.max_pending,
        }
    }
}

/// What is not there.
#[derive(Serialize, Default)]
struct AbsentText {
    cluster: Map<String, Value>,
    gateway: Map<String, Value>,
    leaf: Map<String, Value>,
    mqtt: Map<String, Value>,
    websocket: Map<String, Value>,
    jetstream: Map<String, Value>,
}

/// What clients did so far. There are no routes and leaf nodes.
#[derive(Serialize)]
struct TrafficText {
    connections: u64,
    total_connections: u64,
    routes: u32,
    remotes: u32,
    leafnodes: u32,
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
        Self {
            connections: totals.connections,
            total_connections: totals.connections_total,
            routes: 0,
            remotes: 0,
            leafnodes: 0,
            in_msgs: totals.input.msgs,
            in_bytes: totals.input.bytes,
            in_client_msgs: totals.input.msgs,
            in_client_bytes: totals.input.bytes,
            out_msgs: totals.output.msgs,
            out_bytes: totals.output.bytes,
            out_client_msgs: totals.output.msgs,
            out_client_bytes: totals.output.bytes,
            slow_consumers: slow_consumers(totals),
            stale_connections: totals.stale_connections,
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
    fn of_clients(clients: u64) -> Self {
        Self { clients, routes: 0, gateways: 0, leafs: 0 }
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
            server_id: "ID".into(),
            auth_timeout: Duration::from_secs(2),
            system_account: "$SYS".into(),
            ..Facts::default()
        };
        let totals = ShardTotals { input: Tally { msgs: 3, bytes: 8 }, stalls: 2, ..ShardTotals::default() };
        let stats = BTreeMap::from([("/varz", 1)]);
        let now = Moment(61_500_000_000);
        let body =
            Varz { facts: &facts, now, mem: 1, cpu: 1.26, totals, http_req_stats: &stats }.answer().text();
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
            auth_required: true,
            tls_required: true,
            tls_verify: true,
            max_subscriptions: 5,
            connect_urls: vec!["a:1".into()],
            tags: vec!["t".into()],
            tls_cert_not_after: Some(Moment(0)),
            ..Facts::default()
        };
        let stats = BTreeMap::new();
        let totals = ShardTotals::default();
        let plain = Facts::default();
        let text = |facts| {
            Varz { facts, now: Moment(0), mem: 0, cpu: 0.0, totals, http_req_stats: &stats }.answer().text()
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
}
