//! What `/varz` says of the cluster, and what it counts of routes.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::moment::Moment;
use crate::snapshot::Tally;

/// The listener for routes, and what is dialed. What is empty is not shown; the order is nats-server's.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ClusterFacts {
    /// The cluster's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The host it listens on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub addr: String,
    /// The port it listens on.
    #[serde(skip_serializing_if = "is_default")]
    pub cluster_port: u16,
    /// `authorization`'s `timeout`.
    #[serde(skip_serializing_if = "Duration::is_zero", serialize_with = "seconds")]
    pub auth_timeout: Duration,
    /// `routes`: hosts and ports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// How long a TLS handshake may take, whether there is TLS or not.
    #[serde(skip_serializing_if = "Duration::is_zero", serialize_with = "seconds")]
    pub tls_timeout: Duration,
    /// Whether routes speak TLS.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_required: bool,
    /// The same: who dials shows a certificate.
    #[serde(skip_serializing_if = "is_default")]
    pub tls_verify: bool,
    /// `pool_size`; -1 is no pool.
    #[serde(skip_serializing_if = "is_default")]
    pub pool_size: i64,
    /// `write_deadline`; zero if it is that of all connections.
    #[serde(skip_serializing_if = "Duration::is_zero", serialize_with = "nanos")]
    pub write_deadline: Duration,
    /// `write_timeout`; empty if it was left to the server.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub write_timeout: &'static str,
    /// Until when its certificate holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_cert_not_after: Option<Moment>,
}

/// What one shard counts of the routes that live there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RouteTotals {
    /// Connections to other servers.
    pub routes: u64,
    /// Connections that there ever were.
    pub routes_total: u64,
    /// Other servers that are connected, which only the shard that looks after the cluster counts.
    pub remotes: u64,
    /// Messages from other servers.
    pub input: Tally,
    /// Messages to other servers.
    pub output: Tally,
    /// Messages of services that they did not get, since too much waited for them.
    pub dropped: u64,
    /// Bytes that wait to be sent to them.
    pub pending_bytes: u64,
    /// What they want, in filters and queue groups.
    pub subscriptions: u64,
    /// How often one did not read in time, each time counted once.
    pub slow_consumers: u64,
    /// Connections that were cut off because nothing was answered.
    pub stale_connections: u64,
}

impl RouteTotals {
    /// A connection ended, and why.
    pub fn on_closed(&mut self, was_slow: bool, was_stale: bool) {
        self.slow_consumers += u64::from(was_slow);
        self.stale_connections += u64::from(was_stale);
    }

    /// Counts what another shard counted.
    pub fn add(&mut self, other: &Self) {
        self.routes += other.routes;
        self.routes_total += other.routes_total;
        self.remotes += other.remotes;
        self.input.add(other.input);
        self.output.add(other.output);
        self.dropped += other.dropped;
        self.pending_bytes += other.pending_bytes;
        self.subscriptions += other.subscriptions;
        self.slow_consumers += other.slow_consumers;
        self.stale_connections += other.stale_connections;
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn nanos<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.as_nanos() as u64)
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nats-server 2.14.5 has it, but for the point of whole seconds, which the whole answer is written without.
    #[test]
    fn a_cluster_is_shown_in_its_order() {
        let text = |facts: &ClusterFacts| serde_json::to_string(facts).unwrap();
        assert_eq!(text(&ClusterFacts::default()), "{}");
        let facts = ClusterFacts {
            name: "C".into(),
            addr: "127.0.0.1".into(),
            cluster_port: 16252,
            auth_timeout: Duration::from_millis(1500),
            urls: vec!["127.0.0.1:16251".into()],
            tls_timeout: Duration::from_millis(2500),
            tls_required: true,
            tls_verify: true,
            pool_size: -1,
            write_deadline: Duration::from_secs(1),
            write_timeout: "close",
            tls_cert_not_after: Some(Moment(0)),
        };
        let expected = concat!(
            r#"{"name":"C","addr":"127.0.0.1","cluster_port":16252,"auth_timeout":1.5,"urls":["127.0.0.1:16251"],"#,
            r#""tls_timeout":2.5,"tls_required":true,"tls_verify":true,"pool_size":-1,"write_deadline":1000000000,"#,
            r#""write_timeout":"close","tls_cert_not_after":"1970-01-01T00:00:00Z"}"#
        );
        assert_eq!(text(&facts), expected);
    }
}
