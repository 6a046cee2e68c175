//! Who gets messages directly, and how one is sent there.

use js_proto::{CopiedHeaders, Timestamp};
use stream_index::Row;
use streams::Found;

use crate::disk::Disk;
use crate::post::Message;
use crate::slot::Slot;
use crate::turn::Turn;

/// What it costs to send a message, in steps.
const MESSAGE_STEPS: u64 = 32;

/// Whoever asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Getter<'g> {
    pub(crate) account: usize,
    pub(crate) reply: &'g [u8],
    pub(crate) no_header: bool,
}

/// Why a message was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsent {
    /// It has to be read first.
    Waits,
    /// It is gone.
    Lost,
}

impl Getter<'_> {
    /// Sends a message, of several if there are others to be told of: how many are left, and the sequence before it. Returns
    /// what it counts for.
    pub(crate) fn send(
        &self,
        slot: &Slot,
        disk: &mut Option<Disk>,
        turn: &mut Turn<'_>,
        row: &Row,
        others: Option<(u64, u64)>,
    ) -> Result<usize, Unsent> {
        let subject = slot.index().subject(row.subject);
        let said = match slot.medium.read(disk, row.place) {
            Found::Said(said) => said,
            Found::Wait => return Err(Unsent::Waits),
            Found::Lost => return Err(Unsent::Lost),
        };
        turn.publish_written(&Message::new(self.account, self.reply, b""), |body| {
            if !self.no_header {
                let copied = CopiedHeaders {
                    stream: &slot.config().name,
                    subject: &String::from_utf8_lossy(subject),
                    seq: row.seq,
                    time: Timestamp::from_unix_nanos(row.time),
                    num_pending: others.map(|(pending, _)| pending),
                    last_seq: others.map(|(_, last_seq)| last_seq),
                    msg_size: None,
                };
                copied.write(body, said.header);
            }
            let header_len = body.len();
            body.extend_from_slice(said.payload);
            header_len
        });
        turn.spend(MESSAGE_STEPS);
        Ok(subject.len() + said.header.len() + said.payload.len())
    }
}
