//! What the command line says of a load of streams, settled.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::plan::Plan;
use crate::settings::{Settings, scaled};
use crate::stamp::PAYLOAD_BYTES_MIN;

/// The stream of most loads.
pub(super) const STREAM: &str = "bench";

const PAYLOAD_BYTES: usize = 128;
const PAYLOAD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Each is a connection.
const PUBLISHERS_MAX: u32 = 10_000;

/// As many as nats-server takes unless it is told otherwise.
const BATCH_MAX: u32 = 1_000;

const KEYS: usize = 10_000;

/// Each is prebuilt as a message.
const KEYS_MAX: usize = 1_000_000;

/// How long something is asked at scale 1. How many messages that are differs by a hundred times between disks.
const TIME: Duration = Duration::from_secs(5);

/// How many messages are read at scale 1.
const MESSAGES: u64 = 500_000;

#[derive(Debug, PartialEq)]
pub(super) struct Setup {
    pub(super) publishers: u32,
    /// Each has one publisher at least.
    pub(super) streams: u32,
    pub(super) keys: usize,
    /// How many messages are published as one.
    pub(super) batch: Option<u32>,
    pub(super) payload_bytes: usize,
    in_memory: bool,
}

impl Setup {
    pub(super) fn of(settings: &Settings) -> Result<Self> {
        let publishers = u32::try_from(settings.overrides.publishers.unwrap_or(1)).unwrap_or(u32::MAX);
        ensure!((1..=PUBLISHERS_MAX).contains(&publishers), "1 to {PUBLISHERS_MAX} publishers");
        let streams = u32::try_from(settings.overrides.streams.unwrap_or(1)).unwrap_or(u32::MAX);
        ensure!((1..=publishers).contains(&streams), "1 to {publishers} streams, as there are publishers");
        let keys = settings.overrides.keys.unwrap_or(KEYS);
        ensure!((1..=KEYS_MAX).contains(&keys), "1 to {KEYS_MAX} keys");
        let batch = settings.overrides.batch.map(|batch| u32::try_from(batch).unwrap_or(u32::MAX));
        ensure!(batch.is_none_or(|batch| (1..=BATCH_MAX).contains(&batch)), "batches of 1 to {BATCH_MAX}");
        let payload_bytes = settings.overrides.payload_bytes.unwrap_or(PAYLOAD_BYTES);
        let payloads = PAYLOAD_BYTES_MIN..=PAYLOAD_BYTES_MAX;
        ensure!(payloads.contains(&payload_bytes), "payloads of {payloads:?} bytes");
        let in_memory = settings.overrides.in_memory;
        Ok(Self { publishers, streams, keys, batch, payload_bytes, in_memory })
    }

    /// The names of the streams: `STREAM` if there is one.
    pub(super) fn names(&self) -> Vec<String> {
        match self.streams {
            1 => vec![STREAM.to_owned()],
            count => (0..count).map(|index| format!("{STREAM}-{index}")).collect(),
        }
    }

    /// What a stream is that takes all below its name.
    pub(super) fn config(&self, name: &str) -> Value {
        let storage = if self.in_memory { "memory" } else { "file" };
        json!({ "subjects": [format!("{name}.>")], "storage": storage })
    }

    /// By number or time, as was said, or else for the usual time.
    pub(super) fn plan(&self, settings: &Settings) -> Plan {
        match (settings.overrides.messages, settings.overrides.time) {
            (Some(messages), _) => {
                let each = self.batch.map_or(1, u64::from);
                Plan::of_number(scaled(messages, settings.scale).div_ceil(each))
            }
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
        let expected = Setup {
            publishers: 1,
            streams: 1,
            keys: 10_000,
            batch: None,
            payload_bytes: 128,
            in_memory: false,
        };
        assert_eq!(usual, expected);
        let none = Overrides::default();
        for (wrong, words) in [
            (Overrides { publishers: Some(0), ..none.clone() }, "1 to 10000 publishers"),
            (Overrides { publishers: Some(10_001), ..none.clone() }, "1 to 10000 publishers"),
            (Overrides { payload_bytes: Some(15), ..none.clone() }, "payloads of 16..=8388608 bytes"),
            (Overrides { keys: Some(0), ..none.clone() }, "1 to 1000000 keys"),
            (Overrides { batch: Some(1_001), ..none.clone() }, "batches of 1 to 1000"),
            (
                Overrides { publishers: Some(2), streams: Some(3), ..none.clone() },
                "1 to 2 streams, as there are publishers",
            ),
        ] {
            assert_eq!(Setup::of(&settings(wrong)).unwrap_err().to_string(), words);
        }
    }

    #[test]
    fn streams_have_names_and_subjects_of_their_own() {
        let overrides = Overrides { publishers: Some(8), in_memory: true, ..Overrides::default() };
        let one = Setup::of(&settings(overrides.clone())).unwrap();
        assert_eq!(one.names(), ["bench"]);
        let two = Setup::of(&settings(Overrides { streams: Some(2), ..overrides })).unwrap();
        assert_eq!(two.names(), ["bench-0", "bench-1"]);
        assert_eq!(two.config("bench-1"), json!({ "subjects": ["bench-1.>"], "storage": "memory" }));
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
        let in_batches = settings(Overrides { batch: Some(3), messages: Some(8), ..Overrides::default() });
        let plan = Setup::of(&in_batches).unwrap().plan(&in_batches);
        assert!(plan.wants_more(1) && !plan.wants_more(2), "four messages are two batches of three");
        let none = settings(Overrides { time: Some(Duration::ZERO), ..Overrides::default() });
        assert!(!Setup::of(&none).unwrap().plan(&none).wants_more(0));
    }
}
