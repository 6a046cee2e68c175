//! What nats-server writes of a stream or a consumer beside its data, and puts into snapshots.
//!
//! Names of members are read whatever their case: nats-server writes `Created`.

use crate::go_struct::go_structs;
use crate::{ConsumerConfig, StreamConfig, Timestamp};

go_structs! {
    /// `meta.inf` of a stream.
    pub struct StreamFile = "server.FileStreamInfo" {
        /// When it was made.
        created: Timestamp = "created";
        /// How it is configured.
        config: StreamConfig = flat;
    }

    /// The same of a consumer. Its name stands there twice.
    pub struct ConsumerFile = "server.FileConsumerInfo" {
        /// When it was made.
        created: Timestamp = "created";
        /// How it is configured.
        config: ConsumerConfig = flat;
    }
}
