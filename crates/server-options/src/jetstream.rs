//! JetStream, as it is asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use jetstream::{Buffer, ServerLimits};
use js_proto::JetStreamLimits;

/// What of JetStream is told in `jetstream`, and by flags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JetStreamOptions {
    /// Whether there is to be any.
    pub is_on: bool,
    /// `strict: false`: fields that requests should not have are passed over.
    pub is_lenient: bool,
    /// `max_memory_store`, in bytes; `None` leaves it to the server.
    pub max_memory: Option<i64>,
    /// `max_file_store`, in bytes; `None` leaves it to the server.
    pub max_storage: Option<i64>,
    /// `sync_interval`: how often files are synced, and what is acknowledged meanwhile a power cut may take. `None` is
    /// `always`: what is acknowledged is on the disk.
    pub sync_interval: Option<Duration>,
    /// `domain`; empty if there is none.
    pub domain: String,
    /// `limits`.
    pub limits: ServerLimits,
    /// `max_buffered_msgs` and `max_buffered_size`.
    pub buffer: Buffer,
    /// `request_queue_limit`.
    pub max_requests: i64,
    /// `info_queue_limit`.
    pub max_infos: i64,
    /// What accounts may have, by name. Those that are not here may have nothing.
    pub accounts: BTreeMap<String, JetStreamLimits>,
}
