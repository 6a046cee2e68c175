//! What an operator decides about connections and messages.

use std::time::Duration;

use balance::PlacementRule;
use nats_proto::Limits;

/// What an operator decides about connections and messages, the same for all shards. It stands in the server's options
/// as it is here. Defaults are nats-server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerOptions {
    /// `max_control_line` and `max_payload`, in bytes; `usize::MAX` is no limit on messages.
    pub limits: Limits,
    /// `max_connections`, over all shards; below 0 nobody may connect. nats-server shows what was meant, so it is
    /// kept.
    pub max_connections: i64,
    /// `max_subscriptions`, of one connection; 0 or less is no limit, and is shown as well.
    pub max_subscriptions: i64,
    /// `max_sub_tokens`: tokens that the subject of a subscription may have; `None` is no limit.
    pub max_sub_tokens: Option<u8>,
    /// `max_pending`: bytes that may wait for one reader before it is cut off.
    pub max_pending: usize,
    /// `max_closed_clients`: how many connections that have ended are remembered for `/connz`.
    pub max_closed_clients: usize,
    /// `ping_interval`.
    pub ping_interval: Duration,
    /// `ping_max`: PINGs without an answer before a connection is stale.
    pub ping_max: u32,
    /// `write_deadline`: how long a reader may take over what waits when its socket is full.
    pub write_deadline: Duration,
    /// `write_timeout`: what becomes of a reader that takes longer.
    pub write_timeout: WriteTimeout,
    /// Publishers wait for readers that fall behind. `no_fast_producer_stall`: such readers miss messages
    /// instead.
    pub stall_publishers: bool,
    /// `max_traced_msg_len`: bytes of a message that a trace shows; 0 is no limit.
    pub max_traced_msg_len: usize,
    /// `trace_headers`: a trace shows headers and nothing of payloads.
    pub trace_headers: bool,
    /// Remember what subjects match; `disable_sublist_cache` is the opposite. May not change while a shard runs.
    pub match_cache: bool,
    /// `placement`: where new connections go. May not change while a shard runs.
    pub placement: PlacementRule,
    /// `colocate`: connections move to the shard that they talk to most. May not change while a shard runs.
    pub colocate: bool,
}

impl Default for BrokerOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            max_connections: 64 << 10,
            max_subscriptions: 0,
            max_sub_tokens: None,
            max_pending: 64 << 20,
            max_closed_clients: 10_000,
            ping_interval: Duration::from_secs(120),
            ping_max: 2,
            write_deadline: Duration::from_secs(10),
            write_timeout: WriteTimeout::Default,
            stall_publishers: true,
            max_traced_msg_len: 0,
            trace_headers: false,
            match_cache: true,
            placement: PlacementRule::default(),
            colocate: false,
        }
    }
}

impl BrokerOptions {
    /// How many connections there may be.
    pub fn connections_max(&self) -> usize {
        usize::try_from(self.max_connections).unwrap_or(0)
    }

    /// The largest message in bytes; `None` is no limit.
    pub fn payload_max(&self) -> Option<usize> {
        Some(self.limits.payload_bytes_max).filter(|max| *max < usize::MAX)
    }

    /// How many subscriptions a connection may have; `None` is no limit.
    pub fn subscriptions_max(&self) -> Option<usize> {
        usize::try_from(self.max_subscriptions).ok().filter(|max| *max > 0)
    }
}

/// What becomes of a reader that is behind at the `write_deadline`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteTimeout {
    /// As for clients anyway: [`Self::Close`].
    Default,
    /// It is cut off.
    Close,
    /// It gets as much time again if it took something.
    Retry,
}

impl WriteTimeout {
    /// As `/varz` shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "",
            Self::Close => "close",
            Self::Retry => "retry",
        }
    }
}
