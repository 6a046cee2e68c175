//! The body of the fuzz target: what must hold for any records at all.
//!
//! A plain function that panics when something does not hold, so a saved crash becomes a unit test by calling it with
//! the saved bytes. What a log's checksum lets through was written by somebody; it may still be nonsense.

use js_proto::{
    AckReply, ConfigLimits, ConsumerConfig, ConsumerInfo, FlowControlReply, StreamConfig, Timestamp,
};
use stream_index::{Steps, StreamIndex};

use crate::{Consumer, Now, OfStream, Spec, VERSION};

/// Both clocks are the same, so times are stored as they are, whoever leads.
const AT: Now = Now { mono: 1_000, wall: 1_000, random: 7 };

/// Reads `data` as records and gives them to a consumer one by one. What was taken in is written again, and reads as
/// what it was; then the consumer leads.
pub fn records(data: &[u8]) {
    let mut consumer = fresh();
    for record in (Records { data }) {
        let read = match &record {
            Record::State(bytes) => consumer.load(bytes),
            Record::Delta(bytes) => consumer.apply(bytes),
        };
        if read.is_err() {
            consumer = fresh();
        }
        check_stored(&mut consumer);
    }
    lead(&mut consumer);
}

fn check_stored(consumer: &mut Consumer) {
    let state = consumer.take_state(&AT);
    let mut other = fresh();
    assert_eq!(other.load(&state), Ok(()), "what it writes it reads");
    assert_eq!(told(&other), told(consumer));
    assert_eq!(other.take_state(&AT), state);
}

/// It delivers, of a stream that has nothing of what it says, and then does not any more.
fn lead(consumer: &mut Consumer) {
    let state = consumer.take_state(&AT);
    consumer.lead(&AT);
    consumer.settle(&StreamIndex::new(0), &mut Steps::new(1_000));
    consumer.next_deadline();
    let _ = told(consumer);
    consumer.follow(&AT);
    let mut other = fresh();
    assert_eq!(other.load(&consumer.take_state(&AT)), Ok(()));
    assert_eq!(other.unacked(), consumer.unacked(), "of {state:?}");
}

fn told(consumer: &Consumer) -> ConsumerInfo {
    consumer.look(&AT, false)
}

fn fresh() -> Consumer {
    let config = ConsumerConfig { durable_name: "C".into(), max_deliver: 3, ..ConsumerConfig::default() };
    let stream = StreamConfig { name: "S".into(), num_replicas: 1, ..StreamConfig::default() };
    Consumer::following(Spec {
        stream: "S".into(),
        name: "C".into(),
        created: Timestamp::default(),
        config: config.settled(&stream, &ConfigLimits::default(), false).expect("it is a good one"),
        reply: AckReply::v1("S", "C"),
        flow: FlowControlReply::v1("S", "C"),
        of_stream: OfStream {
            keeps_until_acked: false,
            has_one_per_subject: false,
            message_bytes_max: 1 << 20,
        },
    })
}

enum Record {
    State(Vec<u8>),
    Delta(Vec<u8>),
}

/// Bytes as records: a kind, a length, and what it says.
struct Records<'a> {
    data: &'a [u8],
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let (&[kind, len], rest) = self.data.split_first_chunk()?;
        let (said, rest) = rest.split_at(rest.len().min(len.into()));
        self.data = rest;
        // Most are of the version that is read: what comes behind it is what there is to find out.
        let version = if kind & 0xf0 == 0xf0 { kind } else { VERSION };
        let bytes = [&[version], said].concat();
        Some(if kind & 1 == 0 { Record::State(bytes) } else { Record::Delta(bytes) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::records;

    /// Two wait: one for ever, and behind it one that does not.
    #[test]
    fn what_comes_never_again_stands_before_what_does() {
        // Delivered 2/2, floor 0/0, no list. 1 is never due, 2 is due at 50; nothing is exceeded.
        records(&[0, 14, 2, 2, 0, 0, 0, 2, 1, 2, 3, 1, 2, 2, 100, 0]);
    }

    /// A delta that says less was delivered than the state before it.
    #[test]
    fn nothing_that_was_delivered_is_not_any_more() {
        records(&[0, 11, 9, 9, 0, 0, 0, 1, 9, 18, 2, 8, 0, 1, 8, 1, 1, 0, 0, 0, 0, 0, 0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn whatever_a_record_says_it_is_taken_in_or_refused(
            said in proptest::collection::vec((0..4_u8, proptest::collection::vec(0..6_u8, 5..24)), 1..6),
            others in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            let mut data = Vec::new();
            for (kind, bytes) in said {
                data.extend([kind, bytes.len() as u8]);
                data.extend(bytes);
            }
            data.extend(others);
            records(&data);
        }
    }
}
