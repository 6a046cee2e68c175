//! A subscriber of a streaming load. It discards and counts, or reads and checks.
//!
//! Discarding, counting is exact without looking at the bytes. Every delivery has the same length, and
//! all else a server sends here is the odd PING of 6 bytes, fewer of them than would fill a message.
//! So the byte count gives the messages, and what is left over must be whole PINGs.

use std::io::{ErrorKind, Write};

use anyhow::{Context, Result, bail, ensure};
use nats_proto::Message;

use crate::client;
use crate::frames;
use crate::inbox::Inbox;
use crate::ledger::Ledger;
use crate::stream::Stream;

/// One read's worth when messages are checked: more would not stay in the cache.
const READ_BYTES_MAX: usize = 256 * 1024;

pub(crate) struct Subscriber {
    pub(crate) stream: Stream,
    /// Subscribers of one queue group share what is expected; all others have a group each.
    pub(crate) group: usize,
    intake: Intake,
}

enum Intake {
    /// Bytes dropped so far.
    Discarded(u64),
    Checked(Box<Inbox>),
}

impl Subscriber {
    pub(crate) fn new(stream: Stream, group: usize) -> Self {
        Self { stream, group, intake: Intake::Discarded(0) }
    }

    /// Reads every message instead of dropping it.
    pub(crate) fn checking(mut self) -> Self {
        self.intake = Intake::Checked(Box::default());
        self
    }

    /// Reads what is there into `scratch` and drops it, or books it as `index` in the ledger: how many
    /// bytes came.
    pub(crate) fn read(
        &mut self,
        index: usize,
        scratch: &mut [u8],
        ledger: Option<&mut Ledger>,
    ) -> Result<u64> {
        match &mut self.intake {
            Intake::Discarded(bytes) => {
                let count = drop_input(&mut self.stream, scratch)?;
                *bytes += count;
                Ok(count)
            }
            Intake::Checked(inbox) => {
                let ledger = ledger.context("checked messages need a ledger")?;
                let book = |message: &Message<'_>| ledger.on_message(index, self.group, message);
                let length = scratch.len().min(READ_BYTES_MAX);
                Ok(inbox.read(&mut self.stream, &mut scratch[..length], book)? as u64)
            }
        }
    }

    /// Whole messages read; `None` while the input ends inside one.
    pub(crate) fn messages(&self, delivery_bytes: u64) -> Option<u64> {
        match &self.intake {
            Intake::Discarded(bytes) => {
                let is_whole = (bytes % delivery_bytes).is_multiple_of(frames::PING.len() as u64);
                is_whole.then_some(bytes / delivery_bytes)
            }
            Intake::Checked(inbox) => inbox.is_at_boundary().then_some(inbox.messages()),
        }
    }

    /// PINGs that were discarded with the rest are answered unasked. One that does not fit into a full
    /// socket is left out: the next comes in time.
    pub(crate) fn say_pong(&mut self) -> Result<()> {
        match self.stream.write(frames::PONG) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error).context("sending PONG"),
            _ => Ok(()),
        }
    }

    /// Reads up to a PONG: a message there would be one too many.
    pub(crate) fn confirm_nothing_more(&mut self) -> Result<()> {
        self.stream.set_nonblocking(false)?;
        let extra = client::await_pong(&mut self.stream)?;
        ensure!(extra == 0, "{extra} messages more than were published");
        Ok(())
    }
}

fn drop_input(stream: &mut Stream, buffer: &mut [u8]) -> Result<u64> {
    match stream.discard(buffer) {
        Ok(0) => bail!("the server closed a subscriber's connection"),
        Ok(count) => Ok(count as u64),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        Err(error) => Err(error).context("reading as a subscriber"),
    }
}
