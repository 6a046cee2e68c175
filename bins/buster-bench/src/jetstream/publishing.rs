//! Publishes into a stream, and books what it acknowledges.

use anyhow::Result;
use nats_proto::Message;

use crate::jetstream::askers::{Askers, Job};
use crate::jetstream::numbered::Numbered;
use crate::jetstream::pub_ack;
use crate::jetstream::stored::Stored;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::server::Server;

/// How far ahead of the acknowledgements a stream is filled where filling is not what is measured.
const FILL_WINDOW: u32 = 4_000;

pub(crate) struct Publishing {
    stream: &'static str,
    /// By publisher, or by key.
    messages: Vec<Numbered>,
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
    /// Each publisher on a subject of its own: `<stream>.<publisher>`.
    pub(crate) fn by_publisher(stream: &'static str, publishers: u32, payload_bytes: usize) -> Self {
        let message = |index| Numbered::new(&format!("{stream}.{index}"), index, payload_bytes);
        let messages = (0..publishers).map(message).collect();
        Self { stream, messages, stored: Stored::new(publishers as usize) }
    }

    /// One publisher that takes the subjects in turns.
    pub(crate) fn by_key(stream: &'static str, subjects: &[String], payload_bytes: usize) -> Self {
        let messages = subjects.iter().map(|subject| Numbered::new(subject, 0, payload_bytes)).collect();
        Self { stream, messages, stored: Stored::new(1) }
    }
}

impl Job for Publishing {
    fn ask(&mut self, asker: usize, number: u64, out: &mut Vec<u8>) {
        let alone = self.stored.publishers() == 1;
        let index = if alone { key(number, self.messages.len()) } else { asker };
        self.messages[index].append(number, out);
    }

    fn on_answer(&mut self, asker: usize, number: u64, answer: &Message<'_>) -> Result<()> {
        self.stored.book(asker, number, pub_ack::read(answer, self.stream)?)
    }
}

/// Publishes `messages` to `<stream>.0`, as fast as the stream takes them.
pub(crate) fn fill(
    server: &Server,
    title: &str,
    stream: &'static str,
    messages: u64,
    payload_bytes: usize,
) -> Result<Stored> {
    let mut publishing = Publishing::by_publisher(stream, 1, payload_bytes);
    let progress = Progress::new(&format!("{title}, filling"), "messages");
    Askers::open(server, 1, FILL_WINDOW, progress)?.play(Plan::of_number(messages), &mut publishing)?;
    Ok(publishing.stored)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut two = Publishing::by_publisher("bench", 2, 16);
        two.ask(1, 0, &mut out);
        assert!(out.starts_with(b"PUB bench.1 _INBOX.bench.1.0000000000 16\r\n"));
        out.clear();
        let mut keys = Publishing::by_key("KV_bench", &["a".to_owned(), "b".to_owned()], 16);
        keys.ask(0, 1, &mut out);
        assert!(out.starts_with(b"PUB b _INBOX.bench.0.0000000001 16\r\n"));
    }
}
