//! JetStream, as it is asked for.

use std::collections::BTreeMap;

use jetstream::ServiceOptions;
use js_proto::JetStreamLimits;

/// What of JetStream is told in `jetstream`, and by flags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JetStreamOptions {
    /// Whether there is to be any.
    pub is_on: bool,
    /// `max_memory_store`, in bytes; `None` leaves it to the server.
    pub max_memory: Option<i64>,
    /// `max_file_store`, in bytes; `None` leaves it to the server.
    pub max_storage: Option<i64>,
    /// What is in force as it was written.
    pub service: ServiceOptions,
    /// What accounts may have, by name. Those that are not here may have nothing.
    pub accounts: BTreeMap<String, JetStreamLimits>,
}
