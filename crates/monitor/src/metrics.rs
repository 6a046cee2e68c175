//! `/metrics`: the same numbers for Prometheus, by shard.

mod accounts;
mod jetstream;
mod leafs;
mod routes;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

pub use self::accounts::ACCOUNT_SERIES_MAX;
pub use self::jetstream::{
    CONSUMER_SERIES_MAX, ConsumerSeries, JetStreamMetrics, STREAM_SERIES_MAX, StreamSeries,
};
pub use self::routes::ROUTE_SERIES_MAX;
use crate::accounts::Accounts;
use crate::answer::Answer;
use crate::leafz::LeafRow;
use crate::routez::RouteRow;
use crate::snapshot::{ShardTotals, TURN_BOUNDS};
use crate::varz::Facts;

/// The version of the text format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the operating system says of the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Process {
    /// Processor time that it had.
    pub cpu: Duration,
    /// Resident memory in bytes.
    pub resident_bytes: u64,
    /// Files and sockets that it has open.
    pub open_files: u64,
}

/// What `/metrics` needs to answer.
#[derive(Debug)]
pub struct Metrics<'a> {
    /// Who the server is.
    pub facts: &'a Facts,
    /// What the operating system says of it.
    pub process: Process,
    /// Each shard's sums, in their order.
    pub shards: &'a [ShardTotals],
    /// Those that have had clients.
    pub accounts: &'a Accounts,
    /// Connections to other servers, if the server may have any.
    pub routes: &'a [RouteRow],
    /// The same to leaf nodes and hubs.
    pub leafs: &'a [LeafRow],
    /// Requests so far, by endpoint.
    pub http_req_stats: &'a BTreeMap<&'static str, u64>,
    /// Streams, if there may be any.
    pub jetstream: Option<&'a JetStreamMetrics>,
}

/// A series of each shard: name, type, help, value.
type Series = (&'static str, &'static str, &'static str, fn(&ShardTotals) -> f64);

const SERIES: [Series; 18] = [
    ("buster_received_messages_total", "counter", "Messages from clients.", |shard| shard.input.msgs as f64),
    ("buster_received_bytes_total", "counter", "Bytes of headers and payloads from clients.", |shard| {
        shard.input.bytes as f64
    }),
    ("buster_sent_messages_total", "counter", "Messages to clients.", |shard| shard.output.msgs as f64),
    ("buster_sent_bytes_total", "counter", "Bytes of headers and payloads to clients.", |shard| {
        shard.output.bytes as f64
    }),
    ("buster_connections", "gauge", "Connections that live on the shard.", |shard| shard.connections as f64),
    ("buster_connections_accepted_total", "counter", "Connections that began on the shard.", |shard| {
        shard.connections_total as f64
    }),
    ("buster_connections_moved_in_total", "counter", "Connections that came from other shards.", |shard| {
        shard.connections_moved_in as f64
    }),
    ("buster_subscriptions", "gauge", "Subscriptions of the shard's clients.", |shard| {
        shard.subscriptions as f64
    }),
    ("buster_pending_bytes", "gauge", "Bytes that wait to be sent to clients.", |shard| {
        shard.pending_bytes as f64
    }),
    (
        "buster_mesh_pending_bytes",
        "gauge",
        "Bytes gathered for other shards or under way to them.",
        |shard| shard.mesh_bytes as f64,
    ),
    ("buster_stale_connections_total", "counter", "Clients cut off because they did not answer.", |shard| {
        shard.stale_connections as f64
    }),
    ("buster_stalls_total", "counter", "How often a publisher was made to wait for a reader.", |shard| {
        shard.stalls as f64
    }),
    (
        "buster_paces_total",
        "counter",
        "How often a publisher was made to wait because none of its readers took anything.",
        |shard| shard.paces as f64,
    ),
    (
        "buster_late_responses_total",
        "counter",
        "Responses that came for no request from another account.",
        |shard| shard.late_responses as f64,
    ),
    (
        "buster_untold_events_total",
        "counter",
        "Events and times of services that nobody was told, since too many waited.",
        |shard| shard.untold_events as f64,
    ),
    ("buster_turn_longest_seconds", "gauge", "Processor time of the longest turn so far.", |shard| {
        shard.turns.longest.as_secs_f64()
    }),
    ("buster_parks_total", "counter", "How often the shard waited for something to happen.", |shard| {
        shard.turns.parks as f64
    }),
    ("buster_park_seconds_total", "counter", "How long the shard waited for something to happen.", |shard| {
        shard.turns.parked.as_secs_f64()
    }),
];

impl Metrics<'_> {
    /// The answer.
    pub fn answer(&self) -> Answer {
        let mut text = String::new();
        self.write_server(&mut text);
        write_series(&SERIES, self.shards, &mut text);
        accounts::write(&mut text, self.accounts);
        self.write_slow_consumers(&mut text);
        self.write_turns(&mut text);
        self.write_requests(&mut text);
        if self.facts.cluster.is_some() {
            routes::write(self.shards, self.routes, &mut text);
        }
        if self.facts.leaf.is_some() {
            leafs::write(self.shards, self.leafs, &mut text);
        }
        self.jetstream.iter().for_each(|jetstream| jetstream.write(&mut text));
        Answer { content_type: CONTENT_TYPE, any_origin: true, ..Answer::plain(200, text) }
    }

    fn write_server(&self, text: &mut String) {
        let facts = self.facts;
        head(text, "buster_info", "gauge", "Who the server is; always 1.");
        let labels = [
            ("server_id", facts.server.server_id.as_str()),
            ("server_name", &facts.server.server_name),
            ("nats_version", &facts.server.version),
        ];
        line(text, "buster_info", &labels, 1.0);
        let process = &self.process;
        let start = facts.times.start.0 as f64 / 1e9;
        for (name, kind, help, value) in [
            ("process_start_time_seconds", "gauge", "When the process started, since 1970.", start),
            (
                "process_cpu_seconds_total",
                "counter",
                "Processor time that it had.",
                process.cpu.as_secs_f64(),
            ),
            ("process_resident_memory_bytes", "gauge", "Resident memory.", process.resident_bytes as f64),
            ("process_open_fds", "gauge", "Files and sockets that it has open.", process.open_files as f64),
        ] {
            head(text, name, kind, help);
            line(text, name, &[], value);
        }
    }

    fn write_slow_consumers(&self, text: &mut String) {
        let name = "buster_slow_consumers_total";
        head(text, name, "counter", "Clients that did not read what they were sent, by what gave it away.");
        for (number, shard) in self.shards.iter().enumerate() {
            let number = number.to_string();
            let kinds = [
                ("pending_bytes", shard.slow_consumers_pending),
                ("write_deadline", shard.slow_consumers_deadline),
            ];
            for (limit, count) in kinds {
                line(text, name, &[("shard", &number), ("limit", limit)], count as f64);
            }
        }
    }

    fn write_turns(&self, text: &mut String) {
        let name = "buster_turn_seconds";
        head(text, name, "histogram", "Processor time of the shard's turns.");
        for (number, shard) in self.shards.iter().enumerate() {
            let turns = &shard.turns;
            let number = number.to_string();
            histogram(text, name, ("shard", &number), (&TURN_BOUNDS, &turns.buckets), turns.time);
        }
    }

    fn write_requests(&self, text: &mut String) {
        head(text, "buster_http_requests_total", "counter", "Monitoring requests, by path.");
        for (path, count) in self.http_req_stats {
            line(text, "buster_http_requests_total", &[("path", path)], *count as f64);
        }
    }
}

/// A line for each shard.
fn write_series(series: &[Series], shards: &[ShardTotals], text: &mut String) {
    for (name, kind, help, value) in series {
        head(text, name, kind, help);
        for (number, shard) in shards.iter().enumerate() {
            line(text, name, &[("shard", &number.to_string())], value(shard));
        }
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, name: &str, labels: &[(&str, &str)], value: f64) {
    let labels: Vec<String> =
        labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    let _ = writeln!(text, "{name}{labels} {value}");
}

/// The lines of a histogram, whose bounds are in nanoseconds; there is one bucket more than bounds.
fn histogram(
    text: &mut String,
    name: &str,
    of: (&str, &str),
    (bounds, buckets): (&[u64], &[u64]),
    sum: Duration,
) {
    let mut so_far = 0;
    let bounds = bounds.iter().map(|nanos| (*nanos as f64 / 1e9).to_string());
    for (bound, more) in bounds.chain(["+Inf".to_owned()]).zip(buckets) {
        so_far += more;
        line(text, &format!("{name}_bucket"), &[of, ("le", &bound)], so_far as f64);
    }
    line(text, &format!("{name}_sum"), &[of], sum.as_secs_f64());
    line(text, &format!("{name}_count"), &[of], so_far as f64);
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests;
