//! JetStream, as it is asked for.

use std::collections::BTreeMap;

use jetstream::ServiceOptions;
use js_proto::JetStreamLimits;
use log_crypt::Keychain;

/// What of JetStream is told in `jetstream`, and by flags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JetStreamOptions {
    /// Whether there is to be any.
    pub is_on: bool,
    /// `max_memory_store`, in bytes; `None` leaves it to the server.
    pub max_memory: Option<i64>,
    /// `max_file_store`, in bytes; `None` leaves it to the server.
    pub max_storage: Option<i64>,
    /// `encryption_key`, `prev_encryption_key` and `cipher`: what files are encrypted with.
    pub keys: Keychain,
    /// What is in force as it was written.
    pub service: ServiceOptions,
    /// What accounts may have, by name. Those that are not here may have nothing.
    pub accounts: BTreeMap<String, JetStreamLimits>,
}
