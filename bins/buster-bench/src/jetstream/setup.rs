//! What the command line says of a load of streams, settled.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::plan::Plan;
use crate::settings::{Settings, scaled};
use crate::stamp::PAYLOAD_BYTES_MIN;

/// The stream of most loads.
pub(super) const STREAM: &str = "bench";

const PAYLOAD_BYTES: usize = 128;
const PAYLOAD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Each is a connection.
const PUBLISHERS_MAX: u32 = 10_000;

/// How long something is asked at scale 1. How many messages that are differs by a hundred times between disks.
const TIME: Duration = Duration::from_secs(5);

/// How many messages are read at scale 1.
const MESSAGES: u64 = 500_000;

#[derive(Debug, PartialEq)]
pub(super) struct Setup {
    pub(super) publishers: u32,
    pub(super) payload_bytes: usize,
}

impl Setup {
    pub(super) fn of(settings: &Settings) -> Result<Self> {
        let publishers = u32::try_from(settings.overrides.publishers.unwrap_or(1)).unwrap_or(u32::MAX);
        ensure!((1..=PUBLISHERS_MAX).contains(&publishers), "1 to {PUBLISHERS_MAX} publishers");
        let payload_bytes = settings.overrides.payload_bytes.unwrap_or(PAYLOAD_BYTES);
        let payloads = PAYLOAD_BYTES_MIN..=PAYLOAD_BYTES_MAX;
        ensure!(payloads.contains(&payload_bytes), "payloads of {payloads:?} bytes");
        Ok(Self { publishers, payload_bytes })
    }

    /// By number or time, as was said, or else for the usual time.
    pub(super) fn plan(&self, settings: &Settings) -> Plan {
        match (settings.overrides.messages, settings.overrides.time) {
            (Some(messages), _) => Plan::of_number(scaled(messages, settings.scale)),
            (None, Some(time)) => Plan::of_time(time),
            (None, None) => Plan::of_time(TIME.mul_f64(settings.scale)),
        }
    }

    /// How many messages a stream that is read has.
    pub(super) fn messages(settings: &Settings) -> u64 {
        scaled(settings.overrides.messages.unwrap_or(MESSAGES), settings.scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Overrides;

    fn settings(overrides: Overrides) -> Settings {
        Settings { scale: 0.5, verify: false, rate: None, overrides, websockets: None, compresses: false }
    }

    #[test]
    fn a_load_has_bounds_and_defaults() {
        let usual = Setup::of(&settings(Overrides::default())).unwrap();
        assert_eq!(usual, Setup { publishers: 1, payload_bytes: 128 });
        for (publishers, payload_bytes, words) in [
            (Some(0), None, "1 to 10000 publishers"),
            (Some(10_001), None, "1 to 10000 publishers"),
            (None, Some(15), "payloads of 16..=8388608 bytes"),
        ] {
            let wrong = settings(Overrides { publishers, payload_bytes, ..Overrides::default() });
            assert_eq!(Setup::of(&wrong).unwrap_err().to_string(), words);
        }
    }

    #[test]
    fn scale_counts_for_messages_and_for_the_usual_time() {
        let messages = settings(Overrides { messages: Some(10), ..Overrides::default() });
        let plan = Setup::of(&messages).unwrap().plan(&messages);
        assert!(plan.wants_more(4) && !plan.wants_more(5));
        assert_eq!(
            (Setup::messages(&messages), Setup::messages(&settings(Overrides::default()))),
            (5, 250_000)
        );
        let none = settings(Overrides { time: Some(Duration::ZERO), ..Overrides::default() });
        assert!(!Setup::of(&none).unwrap().plan(&none).wants_more(0));
    }
}
