//! What a shard is told when it starts.

use std::time::Duration;

use balance::PlacementRule;
use fabric::ShardId;
use nats_proto::{Limits, ServerInfo};

/// The settings of one shard. Defaults are nats-server's.
#[derive(Debug, Clone)]
pub struct Config {
    /// Which shard this is.
    pub shard: ShardId,
    /// How many shards the server has, 1 to [`fabric::SHARDS_MAX`].
    pub shards: usize,
    /// Where connections go that this shard accepts.
    pub placement: PlacementRule,
    /// Let connections move to the shard that they talk to most.
    pub route: bool,
    /// Seeds the shard's random choices (queue members, PING jitter).
    pub seed: u64,
    /// INFO, without what differs from client to client.
    pub info: ServerInfo,
    /// `max_control_line` and `max_payload`, in bytes.
    pub limits: Limits,
    /// `max_connections`, over all shards.
    pub max_connections: usize,
    /// `max_subscriptions` of one connection; `None` is no limit.
    pub max_subscriptions: Option<usize>,
    /// `max_pending`: bytes that may wait for one reader before it is cut off.
    pub max_pending: usize,
    /// `ping_interval`.
    pub ping_interval: Duration,
    /// `ping_max`: PINGs without an answer before a connection is stale.
    pub ping_max: u32,
    /// `write_deadline`: how long a reader may take nothing before it is cut off.
    pub write_deadline: Duration,
    /// Log the protocol itself.
    pub trace: bool,
}

impl Config {
    /// nats-server's defaults for one shard of `shards`.
    pub fn new(shard: ShardId, shards: usize, info: ServerInfo) -> Self {
        Self {
            shard,
            shards,
            placement: PlacementRule::default(),
            route: false,
            seed: 0,
            info,
            limits: Limits::default(),
            max_connections: 64 << 10,
            max_subscriptions: None,
            max_pending: 64 << 20,
            ping_interval: Duration::from_secs(120),
            ping_max: 2,
            write_deadline: Duration::from_secs(10),
            trace: false,
        }
    }
}
