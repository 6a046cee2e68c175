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
    /// By publisher.
    messages: Vec<Numbered>,
    pub(crate) stored: Stored,
}

impl Publishing {
    /// Each publisher on a subject of its own: `<stream>.<publisher>`.
    pub(crate) fn by_publisher(stream: &'static str, publishers: u32, payload_bytes: usize) -> Self {
        let message = |index| Numbered::new(&format!("{stream}.{index}"), index, payload_bytes);
        let messages = (0..publishers).map(message).collect();
        Self { stream, messages, stored: Stored::new(publishers as usize) }
    }
}

impl Job for Publishing {
    fn ask(&mut self, asker: usize, number: u64, out: &mut Vec<u8>) {
        self.messages[asker].append(number, out);
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
    fn publishers_keep_to_their_subjects() {
        let mut out = Vec::new();
        let mut two = Publishing::by_publisher("bench", 2, 16);
        two.ask(1, 0, &mut out);
        assert!(out.starts_with(b"PUB bench.1 _INBOX.bench.1.0000000000 16\r\n"));
    }
}
