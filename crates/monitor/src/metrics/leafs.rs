//! Series of leaf nodes and hubs: of each shard, and of each connection what has no sum.

use super::{Series, head, line, write_series};
use crate::leafz::LeafRow;
use crate::metrics::ROUTE_SERIES_MAX;
use crate::snapshot::ShardTotals;

const SERIES: [Series; 11] = [
    ("buster_leafnodes", "gauge", "Connections to leaf nodes and hubs.", |shard| shard.leafs.routes as f64),
    (
        "buster_leafnodes_connected_total",
        "counter",
        "Connections to leaf nodes and hubs that there ever were.",
        |shard| shard.leafs.routes_total as f64,
    ),
    ("buster_leafnode_received_messages_total", "counter", "Messages from leaf nodes and hubs.", |shard| {
        shard.leafs.input.msgs as f64
    }),
    (
        "buster_leafnode_received_bytes_total",
        "counter",
        "Bytes of headers and payloads from leaf nodes and hubs.",
        |shard| shard.leafs.input.bytes as f64,
    ),
    ("buster_leafnode_sent_messages_total", "counter", "Messages to leaf nodes and hubs.", |shard| {
        shard.leafs.output.msgs as f64
    }),
    (
        "buster_leafnode_sent_bytes_total",
        "counter",
        "Bytes of headers and payloads to leaf nodes and hubs.",
        |shard| shard.leafs.output.bytes as f64,
    ),
    (
        "buster_leafnode_dropped_messages_total",
        "counter",
        "What streams delivered to leaf nodes and hubs and too much waited before.",
        |shard| shard.leafs.dropped as f64,
    ),
    (
        "buster_leafnode_subscriptions",
        "gauge",
        "What leaf nodes and hubs want, in filters and queue groups.",
        |shard| shard.leafs.subscriptions as f64,
    ),
    (
        "buster_leafnode_pending_bytes",
        "gauge",
        "Bytes that wait to be sent to leaf nodes and hubs.",
        |shard| shard.leafs.pending_bytes as f64,
    ),
    (
        "buster_leafnode_slow_consumers_total",
        "counter",
        "How often a leaf node or a hub did not read in time.",
        |shard| shard.leafs.slow_consumers as f64,
    ),
    (
        "buster_leafnode_stale_connections_total",
        "counter",
        "Connections to leaf nodes and hubs cut off because nothing was answered.",
        |shard| shard.leafs.stale_connections as f64,
    ),
];

/// Writes all of them.
pub(super) fn write(shards: &[ShardTotals], leafs: &[LeafRow], text: &mut String) {
    write_series(&SERIES, shards, text);
    let name = "buster_leafnode_rtt_seconds";
    head(text, name, "gauge", "To a leaf node or a hub and back, when it was last measured.");
    for leaf in leafs.iter().take(ROUTE_SERIES_MAX) {
        let Some(rtt) = leaf.rtt else { continue };
        let lid = leaf.lid.to_string();
        let labels = [("lid", &*lid), ("remote", &*leaf.name), ("account", &*leaf.account)];
        line(text, name, &labels, rtt.as_secs_f64());
    }
}
