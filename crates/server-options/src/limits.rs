//! What connections may use, and when they are checked.

use std::time::Duration;

/// What connections may use. Defaults are nats-server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `max_connections`; below 0 nobody may connect, and 0 in the file is -1. nats-server shows what was
    /// meant, so it is kept.
    pub max_connections: i64,
    /// `max_subscriptions`, of one connection; 0 or less is no limit, and is shown as well.
    pub max_subscriptions: i64,
    /// `max_subscription_tokens` of a subject that is subscribed to; `None` is no limit.
    pub max_sub_tokens: Option<u8>,
    /// `max_control_line`, in bytes.
    pub max_control_line: usize,
    /// `max_payload`, in bytes; `None` is no limit.
    pub max_payload: Option<usize>,
    /// `max_pending`, in bytes: what may wait for one reader before it is cut off.
    pub max_pending: usize,
    /// `max_closed_clients`: how many closed connections are remembered for `/connz`.
    pub max_closed_clients: usize,
}

impl Limits {
    /// How many connections there may be.
    pub fn connections_max(&self) -> usize {
        usize::try_from(self.max_connections).unwrap_or(0)
    }

    /// How many subscriptions a connection may have; `None` is no limit.
    pub fn subscriptions_max(&self) -> Option<usize> {
        usize::try_from(self.max_subscriptions).ok().filter(|max| *max > 0)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 64 << 10,
            max_subscriptions: 0,
            max_sub_tokens: None,
            max_control_line: 4 << 10,
            max_payload: Some(1 << 20),
            max_pending: 64 << 20,
            max_closed_clients: 10_000,
        }
    }
}

/// When connections are checked and closed. Defaults are nats-server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// `ping_interval`.
    pub ping_interval: Duration,
    /// `ping_max`: PINGs without an answer before a connection is stale.
    pub ping_max: u32,
    /// `write_deadline`: how long a reader may take over what waits when its socket is full.
    pub write_deadline: Duration,
    /// `write_timeout`: what becomes of a reader that takes longer.
    pub write_timeout: WriteTimeout,
    /// `lame_duck_duration`: over what time connections are closed in lame duck mode.
    pub lame_duck_duration: Duration,
    /// `lame_duck_grace_period`: how long lame duck mode waits before it closes the first.
    pub lame_duck_grace_period: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(120),
            ping_max: 2,
            write_deadline: Duration::from_secs(10),
            write_timeout: WriteTimeout::Default,
            lame_duck_duration: Duration::from_secs(120),
            lame_duck_grace_period: Duration::from_secs(10),
        }
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
