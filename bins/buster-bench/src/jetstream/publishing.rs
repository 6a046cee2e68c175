//! Publishes into a stream, and books what it acknowledges.

use anyhow::{Context, Result};
use nats_proto::Message;

use crate::jetstream::askers::Job;
use crate::jetstream::batched::Batched;
use crate::jetstream::numbered::Numbered;
use crate::jetstream::pub_ack;
use crate::jetstream::stored::Stored;

pub(crate) struct Publishing {
    /// What each stream acknowledged.
    pub(crate) streams: Vec<Kept>,
    /// By publisher, or by key.
    messages: Vec<Numbered>,
    /// The messages are those of keys, which take turns.
    by_key: bool,
    /// By publisher, if messages are published in batches.
    batches: Vec<Batched>,
    /// How many messages each request has.
    each: u64,
}

/// What a stream acknowledged.
pub(crate) struct Kept {
    pub(crate) stream: String,
    pub(crate) stored: Stored,
}

/// A prime above any number of keys, so that turns go through all of them.
const KEY_STEP: u64 = 1_000_003;

/// Which of `keys` message `number` is for: each once, in no order one would guess, before any comes again.
pub(crate) fn key(number: u64, keys: usize) -> usize {
    let keys = keys as u64;
    (number % keys * KEY_STEP % keys) as usize
}

impl Publishing {
    /// Each publisher on a subject of its own, `<stream>.<publisher>`; publishers take the streams in turns.
    ///
    /// The stamps of a message number the publishers of its stream.
    pub(crate) fn by_publisher(streams: &[String], publishers: u32, payload_bytes: usize) -> Self {
        let count = streams.len();
        let message = |index: u32| {
            let (turn, stream) = (index as usize / count, &streams[index as usize % count]);
            Numbered::new(&format!("{stream}.{index}"), index, payload_bytes).stamped_as(turn as u32)
        };
        let messages = (0..publishers).map(message).collect();
        let kept = |stream: &String| {
            let stored = Stored::new((publishers as usize).div_ceil(count));
            Kept { stream: stream.clone(), stored }
        };
        let streams = streams.iter().map(kept).collect();
        Self { streams, messages, by_key: false, batches: Vec::new(), each: 1 }
    }

    /// The same in batches of so many, which are stored whole or not at all.
    pub(crate) fn in_batches(streams: &[String], publishers: u32, each: u32, payload_bytes: usize) -> Self {
        let count = streams.len();
        let batch = |index: u32| {
            let (turn, stream) = (index as usize / count, &streams[index as usize % count]);
            Batched::new(&format!("{stream}.{index}"), (index, turn as u32), each, payload_bytes)
        };
        let batches = (0..publishers).map(batch).collect();
        let singly = Self::by_publisher(streams, publishers, payload_bytes);
        Self { messages: Vec::new(), batches, each: each.into(), ..singly }
    }

    /// One publisher that takes the subjects in turns.
    pub(crate) fn by_key(stream: &str, subjects: &[String], payload_bytes: usize) -> Self {
        let messages = subjects.iter().map(|subject| Numbered::new(subject, 0, payload_bytes)).collect();
        let kept = Kept { stream: stream.to_owned(), stored: Stored::new(1) };
        Self { streams: vec![kept], messages, by_key: true, batches: Vec::new(), each: 1 }
    }

    /// Acknowledged so far, by all streams.
    #[cfg(test)]
    pub(crate) fn count(&self) -> u64 {
        self.streams.iter().map(|kept| kept.stored.count()).sum()
    }

    /// What the only stream acknowledged.
    pub(crate) fn into_stored(mut self) -> Stored {
        self.streams.swap_remove(0).stored
    }
}

impl Job for Publishing {
    fn ask(&mut self, asker: usize, number: u64, out: &mut Vec<u8>) {
        if let Some(batch) = self.batches.get_mut(asker) {
            return batch.append(number, out);
        }
        let index = if self.by_key { key(number, self.messages.len()) } else { asker };
        self.messages[index].append(number, out);
    }

    fn on_answer(&mut self, asker: usize, number: u64, answer: &Message<'_>) -> Result<()> {
        let streams = self.streams.len();
        let Kept { stream, stored } = &mut self.streams[asker % streams];
        if self.batches.is_empty() {
            return stored.book(asker / streams, number, pub_ack::read(answer, stream)?);
        }
        let last = pub_ack::read_batch(answer, stream, self.each)?;
        let first = (last + 1).checked_sub(self.each).context("a batch that began before the stream")?;
        let messages = number * self.each..(number + 1) * self.each;
        let mut booked =
            messages.zip(first..).map(|(message, seq)| stored.book(asker / streams, message, seq));
        booked.try_for_each(|booked| booked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stamp::{self, Stamp};

    #[test]
    fn every_key_has_its_turn() {
        for keys in [1, 2, 7, 10_000] {
            let mut seen = vec![0; keys];
            (0..3 * keys as u64).for_each(|number| seen[key(number, keys)] += 1);
            assert!(seen.iter().all(|times| *times == 3), "{keys}");
        }
    }

    #[test]
    fn publishers_keep_to_their_subjects_and_keys_take_turns() {
        let mut out = Vec::new();
        let mut two = Publishing::by_publisher(&["bench".to_owned()], 2, 16);
        two.ask(1, 0, &mut out);
        assert!(out.starts_with(b"PUB bench.1 _INBOX.bench.1.0000000000 16\r\n"));
        out.clear();
        let streams = ["a", "b"].map(str::to_owned);
        Publishing::by_publisher(&streams, 4, 16).ask(3, 0, &mut out);
        let head = b"PUB b.3 _INBOX.bench.3.0000000000 16\r\n";
        assert!(out.starts_with(head));
        let stamp = stamp::read(&out[head.len()..head.len() + 16], b"b.3").unwrap();
        assert_eq!(stamp, Stamp { publisher: 1, seq: 0 }, "the second of its stream");
        out.clear();
        let mut keys = Publishing::by_key("KV_bench", &["a".to_owned(), "b".to_owned()], 16);
        keys.ask(0, 1, &mut out);
        assert!(out.starts_with(b"PUB b _INBOX.bench.0.0000000001 16\r\n"));
    }
}
