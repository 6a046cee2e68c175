//! What there is to say of JetStream, but for its streams: what it was told, and what all of them have together.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// What the JetStream of a server was told, as nats-server shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JetStreamFacts {
    /// What it may have, and where.
    pub config: JetStreamConfigFacts,
    /// What streams and consumers may ask for.
    pub limits: JetStreamLimitFacts,
    /// The level of the API that the server has.
    pub api_level: i64,
    /// Within how long all that is in files is read once, to know whether it is still what was written. Zero: it is not.
    pub scrub_interval: Duration,
}

/// What JetStream may have, and where. A field is shown under its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct JetStreamConfigFacts {
    /// Bytes that streams in memory may have.
    pub max_memory: i64,
    /// Bytes that streams in files may have.
    pub max_storage: i64,
    /// Where files are.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub store_dir: String,
    /// `sync_interval`: how often what was written is synced, at least.
    #[serde(skip_serializing_if = "Duration::is_zero", serialize_with = "nanos")]
    pub sync_interval: Duration,
    /// Whether nothing is acknowledged that is not synced.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sync_always: bool,
    /// `domain`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub domain: String,
    /// Whether streams may ask for compression.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub compress_ok: bool,
    /// Whether requests may have no fields that nobody knows.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
}

/// `limits` of `jetstream`. Zero is without limit, and left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct JetStreamLimitFacts {
    /// `max_request_batch`.
    #[serde(skip_serializing_if = "is_zero")]
    pub max_request_batch: i64,
    /// `max_ack_pending`.
    #[serde(skip_serializing_if = "is_zero")]
    pub max_ack_pending: i64,
    /// `duplicate_window`, in nanoseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub max_duplicate_window: i64,
    /// `max_inflight_per_stream` of `batch`.
    #[serde(skip_serializing_if = "is_zero")]
    pub max_batch_inflight_per_stream: i64,
    /// `max_inflight_total` of `batch`.
    #[serde(skip_serializing_if = "is_zero")]
    pub max_batch_inflight_total: i64,
    /// `max_msgs` of `batch`.
    #[serde(skip_serializing_if = "is_zero")]
    pub max_batch_size: i64,
    /// `timeout` of `batch`, in nanoseconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub max_batch_timeout: i64,
}

/// What all streams have together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JetStreamTotals {
    /// Bytes in memory.
    pub memory: u64,
    /// Bytes in files.
    pub storage: u64,
    /// Bytes in memory that streams may come to have.
    pub reserved_memory: u64,
    /// The same in files.
    pub reserved_storage: u64,
    /// Accounts that may have streams.
    pub accounts: u64,
    /// Requests that were answered.
    pub requests: u64,
    /// Those of them that were answered with an error.
    pub errors: u64,
}

/// The sums, in nats-server's order. There are no replicas, so nothing depends on others.
#[derive(Debug, Default, Serialize)]
pub(crate) struct StatsText {
    pub(crate) memory: u64,
    pub(crate) storage: u64,
    pub(crate) reserved_memory: u64,
    pub(crate) reserved_storage: u64,
    pub(crate) accounts: u64,
    pub(crate) ha_assets: u64,
    pub(crate) api: ApiText,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct ApiText {
    pub(crate) level: i64,
    pub(crate) total: u64,
    pub(crate) errors: u64,
}

impl StatsText {
    pub(crate) fn of(facts: &JetStreamFacts, totals: &JetStreamTotals) -> Self {
        Self {
            memory: totals.memory,
            storage: totals.storage,
            reserved_memory: totals.reserved_memory,
            reserved_storage: totals.reserved_storage,
            accounts: totals.accounts,
            ha_assets: 0,
            api: ApiText { level: facts.api_level, total: totals.requests, errors: totals.errors },
        }
    }
}

/// The block that `/varz` and STATSZ have of it; empty without JetStream.
#[derive(Debug, Default, Serialize)]
pub struct JetStreamText {
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<JetStreamConfigFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<StatsText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<JetStreamLimitFacts>,
}

impl JetStreamText {
    /// As `/varz` has it.
    pub fn of(facts: &JetStreamFacts, totals: &JetStreamTotals) -> Self {
        Self {
            config: Some(facts.config.clone()),
            stats: Some(StatsText::of(facts, totals)),
            limits: Some(facts.limits.clone()),
        }
    }

    /// As other servers are told: it does not concern them where files are.
    pub fn for_servers(facts: &JetStreamFacts, totals: &JetStreamTotals) -> Self {
        let config = JetStreamConfigFacts { store_dir: String::new(), ..facts.config.clone() };
        Self { config: Some(config), ..Self::of(facts, totals) }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it serializes by reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

pub(crate) fn nanos<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.as_nanos() as u64)
}
