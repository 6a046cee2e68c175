//! A subscriber of a streaming load. It discards and counts, or reads and checks.
//!
//! Discarding, counting is exact without looking at the bytes. Every delivery has the same length, and
//! all else a server sends here is the odd PING of 6 bytes, fewer of them than would fill a message.
//! So the byte count gives the messages, and what is left over must be whole PINGs.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, bail, ensure};
use nats_proto::{Limits, ServerDecoder, ServerOp, Step};
use rustix::net::{RecvFlags, recv};

use crate::client;
use crate::frames;
use crate::ledger::Ledger;

/// One read's worth when messages are checked.
const READ_BYTES: usize = 256 * 1024;

pub(crate) struct Subscriber {
    pub(crate) stream: TcpStream,
    /// Subscribers of one queue group share what is expected; all others have a group each.
    pub(crate) group: usize,
    intake: Intake,
}

enum Intake {
    /// Bytes dropped so far.
    Discarded(u64),
    Checked(Box<Checked>),
}

#[derive(Default)]
struct Checked {
    decoder: ServerDecoder,
    /// Starts with the first byte of an op; what is behind `filled` is free.
    buffer: Vec<u8>,
    filled: usize,
    messages: u64,
}

impl Subscriber {
    pub(crate) fn new(stream: TcpStream, group: usize) -> Self {
        Self { stream, group, intake: Intake::Discarded(0) }
    }

    /// Reads every message instead of dropping it.
    pub(crate) fn checking(mut self) -> Self {
        self.intake = Intake::Checked(Box::default());
        self
    }

    /// Reads what is there and drops it, or books it as `index` in the ledger: how many bytes came.
    pub(crate) fn read(
        &mut self,
        index: usize,
        discard: &mut [u8],
        ledger: Option<&mut Ledger>,
    ) -> Result<u64> {
        match &mut self.intake {
            Intake::Discarded(bytes) => {
                let count = drop_input(&self.stream, discard)?;
                *bytes += count;
                Ok(count)
            }
            Intake::Checked(checked) => {
                let ledger = ledger.context("checked messages need a ledger")?;
                checked.read(&mut self.stream, |message| ledger.on_message(index, self.group, &message))
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
            Intake::Checked(checked) => (checked.filled == 0).then_some(checked.messages),
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

/// On TCP, `TRUNC` discards inside the kernel.
fn drop_input(stream: &TcpStream, buffer: &mut [u8]) -> Result<u64> {
    let flags = RecvFlags::TRUNC | RecvFlags::DONTWAIT;
    match recv(stream, &mut *buffer, flags).map_err(io::Error::from) {
        Ok((_, 0)) => bail!("the server closed a subscriber's connection"),
        Ok((_, count)) => Ok(count as u64),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        Err(error) => Err(error).context("reading as a subscriber"),
    }
}

impl Checked {
    fn read(
        &mut self,
        stream: &mut TcpStream,
        on_message: impl FnMut(nats_proto::Message<'_>) -> Result<()>,
    ) -> Result<u64> {
        if self.buffer.len() < self.filled + READ_BYTES {
            self.buffer.resize(self.filled + READ_BYTES, 0);
        }
        let count = match stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => bail!("the server closed a subscriber's connection"),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            Err(error) => return Err(error).context("reading as a subscriber"),
        };
        self.filled += count;
        for _ in 0..self.take_ops(on_message)? {
            stream.write_all(frames::PONG).context("sending PONG")?;
        }
        Ok(count as u64)
    }

    /// Goes through the whole ops of the buffer and keeps the rest: how many PINGs were among them.
    fn take_ops(&mut self, mut on_message: impl FnMut(nats_proto::Message<'_>) -> Result<()>) -> Result<u32> {
        let limits = Limits { payload_bytes_max: usize::MAX, ..Limits::default() };
        let (mut at, mut pings) = (0, 0);
        while let Step::Op { used, op } = self.decoder.step(&self.buffer[at..self.filled], &limits)? {
            at += used;
            match op {
                ServerOp::Message(message) => {
                    on_message(message)?;
                    self.messages += 1;
                }
                ServerOp::Ping => pings += 1,
                ServerOp::Err(text) => bail!("the server said: {}", String::from_utf8_lossy(text)),
                ServerOp::Info(_) | ServerOp::Ok | ServerOp::Pong => {}
            }
        }
        self.buffer.copy_within(at..self.filled, 0);
        self.filled -= at;
        Ok(pings)
    }
}
