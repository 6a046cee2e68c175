//! Loads of streams: publish, pull, push, key-value, restart.
//!
//! The protocol is spoken here as it is everywhere in this crate, without a client library. Each run makes its own
//! stream, which has to be new, and deletes it.

mod api;
mod askers;
mod delivery;
mod key_value;
mod link;
mod numbered;
mod pub_ack;
mod publish;
mod publishing;
mod pull;
mod push;
mod restart;
mod stored;
mod window;

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::plan::Plan;
use crate::report::Report;
use crate::server::Server;
use crate::settings::{Settings, scaled};
use crate::stamp::PAYLOAD_BYTES_MIN;

/// The stream of most loads.
const STREAM: &str = "bench";

const PAYLOAD_BYTES: usize = 128;
const PAYLOAD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Each is a connection.
const PUBLISHERS_MAX: u32 = 10_000;

/// More are never on their way.
pub(crate) const WINDOW_MAX: u32 = 1_000_000;

/// More take longer to store than anyone waits.
pub(crate) const RESTART_MESSAGES_MAX: u32 = 100_000_000;

/// What is done with a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Load {
    /// The number is that of publishes without an answer.
    Publish,
    /// The number is that of messages asked for at a time.
    Pull,
    Push,
    /// The number is that of requests without an answer.
    KeyValue,
    /// The number is that of messages.
    Restart,
}

impl Load {
    pub(crate) fn run(
        self,
        server: &mut Server,
        title: &str,
        size: u32,
        settings: &Settings,
    ) -> Result<Vec<Report>> {
        match self {
            Self::Publish => publish::run(server, title, size, settings),
            Self::Pull => pull::run(server, title, size, settings),
            Self::Push => push::run(server, title, settings),
            Self::KeyValue => key_value::run(server, title, size, settings),
            Self::Restart => restart::run(server, title, size, settings),
        }
    }
}

/// What the command line says of a load, settled.
#[derive(Debug, PartialEq)]
struct Setup {
    publishers: u32,
    payload_bytes: usize,
}

impl Setup {
    fn of(settings: &Settings) -> Result<Self> {
        let publishers = u32::try_from(settings.overrides.publishers.unwrap_or(1)).unwrap_or(u32::MAX);
        ensure!((1..=PUBLISHERS_MAX).contains(&publishers), "1 to {PUBLISHERS_MAX} publishers");
        let payload_bytes = settings.overrides.payload_bytes.unwrap_or(PAYLOAD_BYTES);
        let payloads = PAYLOAD_BYTES_MIN..=PAYLOAD_BYTES_MAX;
        ensure!(payloads.contains(&payload_bytes), "payloads of {payloads:?} bytes");
        Ok(Self { publishers, payload_bytes })
    }

    /// By number or time if that was said, or else for `time` at scale 1.
    fn plan(&self, settings: &Settings, time: Duration) -> Plan {
        match (settings.overrides.messages, settings.overrides.time) {
            (Some(messages), _) => Plan::of_number(scaled(messages, settings.scale)),
            (None, Some(time)) => Plan::of_time(time),
            (None, None) => Plan::of_time(time.mul_f64(settings.scale)),
        }
    }
}
