//! Series of routes: of each shard, and of each connection what has no sum.

use super::{Series, head, line, write_series};
use crate::routez::RouteRow;
use crate::snapshot::ShardTotals;

/// The most connections that have series of their own. Clusters are smaller; of one that is not, the rest is left out.
pub const ROUTE_SERIES_MAX: usize = 1024;

const SERIES: [Series; 11] = [
    ("buster_routes", "gauge", "Connections to other servers.", |shard| shard.routes.routes as f64),
    (
        "buster_routes_connected_total",
        "counter",
        "Connections to other servers that there ever were.",
        |shard| shard.routes.routes_total as f64,
    ),
    ("buster_route_received_messages_total", "counter", "Messages from other servers.", |shard| {
        shard.routes.input.msgs as f64
    }),
    (
        "buster_route_received_bytes_total",
        "counter",
        "Bytes of headers and payloads from other servers.",
        |shard| shard.routes.input.bytes as f64,
    ),
    ("buster_route_sent_messages_total", "counter", "Messages to other servers.", |shard| {
        shard.routes.output.msgs as f64
    }),
    (
        "buster_route_sent_bytes_total",
        "counter",
        "Bytes of headers and payloads to other servers.",
        |shard| shard.routes.output.bytes as f64,
    ),
    (
        "buster_route_dropped_messages_total",
        "counter",
        "What streams delivered to other servers and too much waited before.",
        |shard| shard.routes.dropped as f64,
    ),
    (
        "buster_route_subscriptions",
        "gauge",
        "What other servers want, in filters and queue groups.",
        |shard| shard.routes.subscriptions as f64,
    ),
    ("buster_route_pending_bytes", "gauge", "Bytes that wait to be sent to other servers.", |shard| {
        shard.routes.pending_bytes as f64
    }),
    (
        "buster_route_slow_consumers_total",
        "counter",
        "How often another server did not read in time.",
        |shard| shard.routes.slow_consumers as f64,
    ),
    (
        "buster_route_stale_connections_total",
        "counter",
        "Routes cut off because nothing was answered.",
        |shard| shard.routes.stale_connections as f64,
    ),
];

/// Writes all of them.
pub(super) fn write(shards: &[ShardTotals], routes: &[RouteRow], text: &mut String) {
    write_series(&SERIES, shards, text);
    let name = "buster_route_rtt_seconds";
    head(text, name, "gauge", "To another server and back, when it was last measured.");
    for route in routes.iter().take(ROUTE_SERIES_MAX) {
        let Some(rtt) = route.rtt else { continue };
        let rid = route.rid.to_string();
        let labels = [("rid", &*rid), ("remote", &*route.remote_name), ("account", &*route.account)];
        line(text, name, &labels, rtt.as_secs_f64());
    }
}
