//! What JetStream is told.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use js_proto::{ConfigLimits, JetStreamLimits, Nanos, Storage, StreamConfig, UnknownFields};

use crate::dropped::EachQueue;
use crate::ledger::Ledger;

/// What the JetStream of a server is told. All shards are told the same.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The name of the server.
    pub server_name: String,
    /// Its id.
    pub server_id: String,
    /// The version it says it has.
    pub version: String,
    /// A reload took JetStream away: requests are not even answered.
    pub is_off: bool,
    /// What the operator decided: a `Config` has its fields.
    pub options: ServiceOptions,
    /// Bytes that streams in memory may have.
    pub max_memory: i64,
    /// Bytes that streams in files may have.
    pub max_storage: i64,
    /// Whether deliveries name domain and account where they are acknowledged.
    pub has_long_acks: bool,
    /// The accounts that may have streams, by name, and how much of each.
    pub accounts: BTreeMap<String, JetStreamLimits>,
    /// Whether streams in files are possible.
    pub files: Files,
    /// What all shards count. It is to be another one at each start.
    pub ledger: Arc<Ledger>,
}

impl Deref for Config {
    type Target = ServiceOptions;

    fn deref(&self) -> &ServiceOptions {
        &self.options
    }
}

/// What the operator of a server decides of its streams, and is in force as it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceOptions {
    /// `strict`: what becomes of fields that requests should not have.
    pub unknown_fields: UnknownFields,
    /// `sync_interval`: how often the log is synced, if it is [one](stream_log::SyncWhen::WhenAsked) that has to be asked
    /// to. What is acknowledged meanwhile a power cut may take. `None` is `always`: what is acknowledged is on the disk.
    pub sync_interval: Option<Duration>,
    /// `scrub_interval`.
    pub scrub_interval: ScrubInterval,
    /// `domain`; empty if there is none.
    pub domain: String,
    /// `limits`: what streams and consumers may ask for.
    pub limits: ServerLimits,
    /// `max_buffered_msgs` and `max_buffered_size`: how much may wait to be stored in one stream.
    pub buffer: Buffer,
    /// `request_queue_limit`: requests of an account that may wait on a shard; zero and less leave it to the server.
    pub max_requests: i64,
    /// `info_queue_limit`: the same of requests that ask what there is, which are counted apart; zero and less: as many as
    /// of the others.
    pub max_infos: i64,
}

/// Within how long all that was written to a log long ago is read once, to know whether it is still what was written. Zero: it
/// is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScrubInterval(pub Duration);

impl Default for ScrubInterval {
    /// A week: a store of 60 GB is read at 100 KB a second then, which no disk notices.
    fn default() -> Self {
        Self(Duration::from_secs(7 * 24 * 3600))
    }
}

impl ServiceOptions {
    /// Whether fields that requests should not have are passed over.
    pub fn is_lenient(&self) -> bool {
        self.unknown_fields == UnknownFields::Ignored
    }
}

/// How streams are kept that ask for files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Files {
    /// They are refused.
    #[default]
    Refused,
    /// In the log of the shard: only where one was opened.
    Kept,
    /// In memory, and gone when the server stops: for tests of what streams do.
    Forged,
}

/// What streams and consumers may ask for, whoever asks. Zero is without limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServerLimits {
    /// `duplicate_window`.
    pub duplicate_window: Nanos,
    /// `max_ack_pending`.
    pub max_ack_pending: i64,
    /// `max_request_batch`.
    pub max_request_batch: i64,
    /// `batch`.
    pub batch: BatchLimits,
}

/// What batches may have that messages are published in. Zero is nats-server's default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchLimits {
    /// `max_inflight_per_stream`.
    pub max_inflight_per_stream: i64,
    /// `max_inflight_total`: of each kind of batch.
    pub max_inflight_total: i64,
    /// `max_msgs`.
    pub max_msgs: i64,
    /// `timeout`.
    pub timeout: Nanos,
}

/// What of one stream may wait to be stored, of what was taken from its publishers: those beyond are refused. Zero and less
/// is no bound but the shard's, where publishers wait instead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Buffer {
    /// `max_buffered_msgs`.
    pub messages: i64,
    /// `max_buffered_size`, in bytes.
    pub bytes: i64,
}

/// An account without limits.
pub const UNLIMITED: JetStreamLimits = JetStreamLimits {
    max_memory: -1,
    max_storage: -1,
    max_streams: -1,
    max_consumers: -1,
    max_ack_pending: -1,
    memory_max_stream_bytes: -1,
    storage_max_stream_bytes: -1,
    max_bytes_required: false,
};

/// Requests of an account that may wait on a shard if nothing is said of it, as nats-server has it for all accounts.
const REQUESTS_DEFAULT: usize = 10_000;

impl Config {
    /// How many requests of an account may wait on a shard. Those that come beyond that are dropped, and that is told.
    pub(crate) fn requests_max(&self) -> EachQueue<usize> {
        let said = |max: i64| usize::try_from(max).ok().filter(|max| *max > 0);
        let requests = said(self.max_requests).unwrap_or(REQUESTS_DEFAULT);
        [requests, said(self.max_infos).unwrap_or(requests)]
    }

    /// What a stream or a consumer is held against, in an account that may have so much.
    pub(crate) fn limits_for(&self, account: &JetStreamLimits, stream: &StreamConfig) -> ConfigLimits {
        let max_stream_bytes = match stream.storage {
            Storage::Memory => account.memory_max_stream_bytes,
            Storage::File => account.storage_max_stream_bytes,
        };
        ConfigLimits {
            duplicate_window: self.limits.duplicate_window,
            max_bytes_required: account.max_bytes_required,
            max_stream_bytes: max_stream_bytes.max(0),
            max_ack_pending: self.limits.max_ack_pending,
            account_max_ack_pending: account.max_ack_pending.max(0),
            max_request_batch: self.limits.max_request_batch,
        }
    }
}
