//! What may change while the server runs.

mod follow;

use std::sync::Arc;
use std::time::Duration;

use nats_auth::Directory;
use nats_proto::{Limits, ServerInfo};

/// The reloadable settings, the same for all shards. Defaults are nats-server's.
#[derive(Debug, Clone)]
pub struct Settings {
    /// INFO, without what differs from client to client.
    pub info: ServerInfo,
    /// `max_control_line` and `max_payload`, in bytes.
    pub limits: Limits,
    /// `max_connections`, over all shards.
    pub max_connections: usize,
    /// `max_subscriptions` of one connection; `None` is no limit.
    pub max_subscriptions: Option<usize>,
    /// `max_sub_tokens`: tokens that the subject of a subscription may have; `None` is no limit.
    pub max_sub_tokens: Option<usize>,
    /// `max_pending`: bytes that may wait for one reader before it is cut off.
    pub max_pending: usize,
    /// `ping_interval`.
    pub ping_interval: Duration,
    /// `ping_max`: PINGs without an answer before a connection is stale.
    pub ping_max: u32,
    /// `write_deadline`: how long a reader may take over what waits when its socket is full.
    pub write_deadline: Duration,
    /// `write_timeout: retry`: who takes longer, but took something, gets as much time again instead of
    /// being cut off.
    pub retry_writes: bool,
    /// Publishers wait for readers that fall behind. `no_fast_producer_stall`: such readers miss messages
    /// instead.
    pub stall_publishers: bool,
    /// Log the protocol itself.
    pub trace: bool,
    /// `max_traced_msg_len`: bytes of a message that are logged; 0 is no limit.
    pub max_traced_msg_len: usize,
    /// `trace_headers`: log headers only, and nothing of payloads.
    pub trace_headers: bool,
    /// Who may connect, and what they may do. It has to follow the one before it
    /// ([`Directory::next`]): the indexes of accounts stay.
    pub directory: Arc<Directory>,
}

impl Settings {
    /// nats-server's defaults.
    pub fn new(info: ServerInfo) -> Self {
        Self {
            info,
            limits: Limits::default(),
            max_connections: 64 << 10,
            max_subscriptions: None,
            max_sub_tokens: None,
            max_pending: 64 << 20,
            ping_interval: Duration::from_secs(120),
            ping_max: 2,
            write_deadline: Duration::from_secs(10),
            retry_writes: false,
            stall_publishers: true,
            trace: false,
            max_traced_msg_len: 0,
            trace_headers: false,
            directory: Directory::open(),
        }
    }
}
