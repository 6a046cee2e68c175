//! What `/metrics` says of streams, consumers and logs.
//!
//! Streams and consumers have names of clients' choice, so there may be any number of them: who gathers them stops at
//! [`STREAM_SERIES_MAX`] and [`CONSUMER_SERIES_MAX`], and says how many that left out.

use super::{head, histogram, line};
use crate::jetstream::{JetStreamFacts, JetStreamTotals};
use crate::jsz::StreamSums;
use crate::log_totals::{LogTotals, SYNC_BOUNDS};

/// Streams that have series of their own: each has some, and a Prometheus keeps all of them.
pub const STREAM_SERIES_MAX: usize = 1000;

/// Consumers that have series of their own.
pub const CONSUMER_SERIES_MAX: usize = 2000;

/// What `/metrics` needs of JetStream.
#[derive(Debug)]
pub struct JetStreamMetrics {
    /// What it may have.
    pub facts: JetStreamFacts,
    /// What all streams have.
    pub totals: JetStreamTotals,
    /// What each shard's streams are in numbers, in the order of shards.
    pub shards: Vec<StreamSums>,
    /// What was written to each log.
    pub logs: Vec<LogTotals>,
    /// Streams by name, not more than [`STREAM_SERIES_MAX`].
    pub streams: Vec<StreamSeries>,
    /// Consumers by name, not more than [`CONSUMER_SERIES_MAX`].
    pub consumers: Vec<ConsumerSeries>,
}

/// A stream in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StreamSeries {
    /// Its account.
    pub account: Box<str>,
    /// Its name.
    pub stream: Box<str>,
    /// Messages in it.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The sequence of the last message that was stored.
    pub last_sequence: u64,
    /// Their subjects.
    pub subjects: u64,
    /// Its consumers.
    pub consumers: u64,
}

/// A consumer in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsumerSeries {
    /// The account of its stream.
    pub account: Box<str>,
    /// Its stream.
    pub stream: Box<str>,
    /// Its name.
    pub consumer: Box<str>,
    /// Messages that it has yet to deliver.
    pub pending: u64,
    /// Messages that it delivered and that wait to be acknowledged.
    pub ack_pending: u64,
    /// Those of them that it delivered more than once.
    pub redelivered: u64,
    /// Requests that wait for messages.
    pub waiting: u64,
    /// Messages that it delivered so far.
    pub delivered: u64,
}

/// Name, type, help, value.
type Series<T> = (&'static str, &'static str, &'static str, fn(&T) -> u64);

const OF_SHARDS: [Series<StreamSums>; 5] = [
    ("buster_jetstream_streams", "gauge", "Streams.", |sums| sums.streams),
    ("buster_jetstream_consumers", "gauge", "Consumers.", |sums| sums.consumers),
    ("buster_jetstream_messages", "gauge", "Messages in streams.", |sums| sums.messages),
    ("buster_scrubbed_bytes_total", "counter", "Bytes read to know whether they rotted.", |sums| {
        sums.scrubbed
    }),
    ("buster_rotten_places", "gauge", "Places in files that are known to have rotted.", |sums| sums.rotten),
];

const OF_SERVER: [Series<JetStreamTotals>; 2] = [
    ("buster_jetstream_api_requests_total", "counter", "Requests that were answered.", |totals| {
        totals.requests
    }),
    (
        "buster_jetstream_api_errors_total",
        "counter",
        "Those of them that had an error for an answer.",
        |totals| totals.errors,
    ),
];

const STORAGES: [&str; 2] = ["memory", "file"];

const OF_STREAMS: [Series<StreamSeries>; 5] = [
    ("buster_stream_messages", "gauge", "Messages in the stream.", |stream| stream.messages),
    ("buster_stream_bytes", "gauge", "Their bytes.", |stream| stream.bytes),
    ("buster_stream_last_sequence", "gauge", "The sequence of the last message stored.", |stream| {
        stream.last_sequence
    }),
    ("buster_stream_subjects", "gauge", "Subjects of its messages.", |stream| stream.subjects),
    ("buster_stream_consumers", "gauge", "Its consumers.", |stream| stream.consumers),
];

const OF_CONSUMERS: [Series<ConsumerSeries>; 5] = [
    ("buster_consumer_pending_messages", "gauge", "Messages it has yet to deliver: its lag.", |consumer| {
        consumer.pending
    }),
    (
        "buster_consumer_ack_pending_messages",
        "gauge",
        "Messages delivered and not acknowledged.",
        |consumer| consumer.ack_pending,
    ),
    (
        "buster_consumer_redelivered_messages",
        "gauge",
        "Those of them delivered more than once.",
        |consumer| consumer.redelivered,
    ),
    ("buster_consumer_waiting_requests", "gauge", "Requests that wait for messages.", |consumer| {
        consumer.waiting
    }),
    ("buster_consumer_delivered_total", "counter", "Deliveries so far.", |consumer| consumer.delivered),
];

const OF_LOGS: [Series<LogTotals>; 2] = [
    ("buster_log_batches_total", "counter", "Batches written to the log.", |log| log.batches),
    ("buster_log_written_bytes_total", "counter", "Their bytes.", |log| log.bytes),
];

impl JetStreamMetrics {
    pub(super) fn write(&self, text: &mut String) {
        self.write_shards(text);
        self.write_server(text);
        self.write_names(text);
        self.write_logs(text);
    }

    fn write_shards(&self, text: &mut String) {
        let numbered = || self.shards.iter().enumerate().map(|(number, shard)| (number.to_string(), shard));
        for (name, kind, help, value) in OF_SHARDS {
            head(text, name, kind, help);
            for (shard, of) in numbered() {
                line(text, name, &[("shard", &shard)], value(of) as f64);
            }
        }
        let name = "buster_jetstream_bytes";
        head(text, name, "gauge", "Bytes of streams.");
        for (shard, sums) in numbered() {
            for (storage, value) in STORAGES.iter().zip([sums.memory, sums.storage]) {
                line(text, name, &[("shard", &shard), ("storage", storage)], value as f64);
            }
        }
    }

    fn write_server(&self, text: &mut String) {
        for (name, kind, help, value) in OF_SERVER {
            head(text, name, kind, help);
            line(text, name, &[], value(&self.totals) as f64);
        }
        let (config, totals) = (&self.facts.config, &self.totals);
        let reserved = [totals.reserved_memory as f64, totals.reserved_storage as f64];
        for (name, help, values) in [
            (
                "buster_jetstream_reserved_bytes",
                "Bytes that streams with a limit may come to have.",
                reserved,
            ),
            (
                "buster_jetstream_limit_bytes",
                "Bytes that all streams together may have.",
                [config.max_memory as f64, config.max_storage as f64],
            ),
        ] {
            head(text, name, "gauge", help);
            for (storage, value) in STORAGES.iter().zip(values) {
                line(text, name, &[("storage", storage)], value);
            }
        }
    }

    fn write_names(&self, text: &mut String) {
        for (name, kind, help, value) in OF_STREAMS {
            head(text, name, kind, help);
            for of in &self.streams {
                line(text, name, &[("account", &of.account), ("stream", &of.stream)], value(of) as f64);
            }
        }
        for (name, kind, help, value) in OF_CONSUMERS {
            head(text, name, kind, help);
            for of in &self.consumers {
                let labels = [("account", &*of.account), ("stream", &of.stream), ("consumer", &of.consumer)];
                line(text, name, &labels, value(of) as f64);
            }
        }
        let name = "buster_jetstream_series_left_out";
        head(text, name, "gauge", "Streams and consumers that have no series because there are too many.");
        let there = |of: fn(&StreamSums) -> u64| self.shards.iter().map(of).sum::<u64>();
        for (what, there, shown) in [
            ("streams", there(|sums| sums.streams), self.streams.len()),
            ("consumers", there(|sums| sums.consumers), self.consumers.len()),
        ] {
            line(text, name, &[("of", what)], there.saturating_sub(shown as u64) as f64);
        }
    }

    fn write_logs(&self, text: &mut String) {
        let numbered = || self.logs.iter().enumerate().map(|(number, log)| (number.to_string(), log));
        for (name, kind, help, value) in OF_LOGS {
            head(text, name, kind, help);
            for (log, of) in numbered() {
                line(text, name, &[("log", &log)], value(of) as f64);
            }
        }
        let name = "buster_log_write_seconds_total";
        head(text, name, "counter", "How long it took to hand batches to the kernel.");
        for (log, of) in numbered() {
            line(text, name, &[("log", &log)], of.write_time.as_secs_f64());
        }
        head(text, "buster_log_sync_seconds", "histogram", "How long syncs of the log took.");
        for (log, of) in numbered() {
            histogram(
                text,
                "buster_log_sync_seconds",
                ("log", &log),
                (&SYNC_BOUNDS, &of.syncs),
                of.sync_time,
            );
        }
        let name = "buster_log_sync_longest_seconds";
        head(text, name, "gauge", "The longest sync so far.");
        for (log, of) in numbered() {
            line(text, name, &[("log", &log)], of.sync_longest.as_secs_f64());
        }
    }
}
