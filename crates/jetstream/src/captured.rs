//! Consumers as snapshots have them: how they are configured, and where they stood.

use consumers::{Consumer, Now, Position, Standing, Unacked};
use foreign_store::{ConsumerState, Pending};
use js_proto::{ConsumerConfig, StreamConfig, Timestamp};
use nats_proto::go_json::compact;
use serde::Serialize;

use crate::consumer_set::ConsumerId;

/// Bytes of consumers that one snapshot has in memory.
pub(crate) const CAPTURED_BYTES_MAX: usize = 64 << 20;

/// A consumer of a snapshot.
#[derive(Debug)]
pub(crate) struct Captured {
    pub(crate) name: String,
    pub(crate) meta: Vec<u8>,
    pub(crate) state: Vec<u8>,
}

/// How far consumers are captured.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    pub(crate) after: Option<ConsumerId>,
    pub(crate) consumers: Vec<Captured>,
    pub(crate) bytes: usize,
}

impl Capture {
    /// Adds one, as it is at the moment.
    pub(crate) fn add(&mut self, consumer: &Consumer, at: &Now) {
        let name = consumer.name().to_owned();
        let meta = consumer_meta(&name, consumer.created(), &consumer.config());
        let state = state_of(&consumer.standing(at)).write();
        self.bytes += name.len() + meta.len() + state.len();
        self.consumers.push(Captured { name, meta, state });
    }
}

/// `meta.inf` of a stream.
pub(crate) fn stream_meta(created: Timestamp, config: &StreamConfig) -> Vec<u8> {
    with_members(&format!(r#""Created":"{created}""#), config)
}

fn consumer_meta(name: &str, created: Timestamp, config: &ConsumerConfig) -> Vec<u8> {
    let name = String::from_utf8_lossy(&compact(&name)).into_owned();
    with_members(&format!(r#""Created":"{created}","Name":{name}"#), config)
}

/// The text of an object, with members before those that it has.
fn with_members(members: &str, object: &impl Serialize) -> Vec<u8> {
    let object = compact(object);
    let separator: &[u8] = if object.len() > 2 { b"," } else { b"" };
    [b"{", members.as_bytes(), separator, &object[1..]].concat()
}

/// Where a consumer stands, as nats-server says it. A message that was delivered as often as may be is one that was
/// delivered again and does not wait.
fn state_of(standing: &Standing) -> ConsumerState {
    let pair = |position: Position| (position.consumer, position.stream);
    let pending = |one: &Unacked| (one.seq, Pending { consumer_seq: one.first, time: one.delivered_at });
    let again = standing.unacked.iter().filter(|one| one.deliveries > 1);
    let again = again.map(|one| (one.seq, u64::from(one.deliveries) - 1));
    ConsumerState {
        delivered: pair(standing.delivered),
        floor: pair(standing.floor),
        pending: standing.unacked.iter().map(pending).collect(),
        redelivered: again.chain(standing.exceeded.iter().map(|seq| (*seq, 1))).collect(),
    }
}

/// The other way round, for a consumer that delivers a message so often at most, if that is limited.
pub(crate) fn standing_of(state: &ConsumerState, max_deliver: i64) -> Standing {
    let position = |(consumer, stream)| Position { consumer, stream };
    let deliveries = |seq: &u64| {
        let again = state.redelivered.get(seq).copied().unwrap_or(0);
        u32::try_from(again.saturating_add(1)).unwrap_or(u32::MAX)
    };
    let unacked = state.pending.iter().map(|(seq, pending)| Unacked {
        seq: *seq,
        first: pending.consumer_seq,
        deliveries: deliveries(seq),
        delivered_at: pending.time,
    });
    let is_exceeded = |seq: &&u64| max_deliver > 0 && !state.pending.contains_key(*seq);
    Standing {
        delivered: position(state.delivered),
        floor: position(state.floor),
        unacked: unacked.collect(),
        exceeded: state.redelivered.keys().filter(is_exceeded).copied().collect(),
    }
}

#[cfg(test)]
mod tests {
    use js_proto::{ConsumerFile, StreamFile};
    use nats_proto::go_json::read_into;

    use super::*;

    #[test]
    fn where_a_consumer_stands_comes_back() {
        let second = 1_000_000_000;
        let unacked = |seq, first, deliveries| Unacked { seq, first, deliveries, delivered_at: 7 * second };
        let standing = Standing {
            delivered: Position { consumer: 9, stream: 12 },
            floor: Position { consumer: 2, stream: 3 },
            unacked: vec![unacked(4, 3, 1), unacked(7, 5, 3)],
            exceeded: vec![5],
        };
        let state = ConsumerState::read(&state_of(&standing).write()).unwrap();
        assert_eq!(standing_of(&state, 3), standing);
        assert!(standing_of(&state, -1).exceeded.is_empty(), "there is no such number of deliveries");
    }

    #[test]
    fn metas_say_what_was_made_and_when() {
        let created = Timestamp::from_unix_nanos(1_800_000_000_000_000_000);
        let config = StreamConfig { name: "S".into(), ..StreamConfig::default() };
        let meta = stream_meta(created, &config);
        assert!(meta.starts_with(br#"{"Created":"2027-01-15T08:00:00Z","name":"S","#));
        let mut read = StreamFile::default();
        read_into(&meta, &mut read).unwrap();
        assert_eq!((read.created, read.config), (created, config));
        let config = ConsumerConfig { durable_name: "C".into(), ..ConsumerConfig::default() };
        let meta = consumer_meta("C", created, &config);
        let mut read = ConsumerFile::default();
        read_into(&meta, &mut read).unwrap();
        assert_eq!((&*read.config.name, &*read.config.durable_name), ("C", "C"));
    }
}
