//! A publisher of a streaming load: writes its block until it has sent enough, then one PING.
//!
//! The PONG proves that the server has worked through all of it, which ends a load that nobody
//! subscribes to.

use std::io::{ErrorKind, Read, Write};
use std::ops::Range;

use anyhow::{Context, Result, bail};

use crate::block::{Block, CHUNK_BYTES};
use crate::frames;
use crate::scan::{Event, Scanner};
use crate::stream::Stream;

pub(crate) struct Publisher {
    pub(crate) stream: Stream,
    block: Block,
    sent_bytes: u64,
    /// Of frames, the PING aside.
    bytes_left: u64,
    /// What is left of the PING behind the last frame.
    ping_left: &'static [u8],
    is_confirmed: bool,
    /// The groups that get what this publisher sends.
    pub(crate) feeds: Range<usize>,
    /// The socket's buffer was full at the last write.
    is_blocked: bool,
    scanner: Scanner,
}

impl Publisher {
    /// Will send `messages` out of `block`, to be delivered to the groups `feeds`.
    pub(crate) fn new(stream: Stream, block: Block, messages: u64, feeds: Range<usize>) -> Self {
        Self {
            stream,
            sent_bytes: 0,
            bytes_left: messages.saturating_mul(block.frame_bytes()),
            block,
            ping_left: frames::PING,
            is_confirmed: false,
            feeds,
            is_blocked: false,
            scanner: Scanner::default(),
        }
    }

    pub(crate) fn has_frames_left(&self) -> bool {
        self.bytes_left > 0
    }

    /// Whether the server has worked through everything.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.is_confirmed
    }

    pub(crate) fn is_able(&self) -> bool {
        !self.is_blocked && (self.bytes_left > 0 || !self.ping_left.is_empty())
    }

    /// The socket takes bytes again: what was encrypted already goes first.
    pub(crate) fn on_writable(&mut self) -> Result<()> {
        match self.stream.flush() {
            Ok(()) => self.is_blocked = false,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("publishing"),
        }
        Ok(())
    }

    pub(crate) fn frame_bytes(&self) -> u64 {
        self.block.frame_bytes()
    }

    /// Whole messages sent so far.
    pub(crate) fn published(&self) -> u64 {
        self.sent_bytes / self.block.frame_bytes()
    }

    /// Sends no more than the message it is in the middle of.
    pub(crate) fn finish(&mut self) {
        let frame_bytes = self.block.frame_bytes();
        let begun = self.sent_bytes % frame_bytes;
        self.bytes_left = self.bytes_left.min((frame_bytes - begun) % frame_bytes);
    }

    /// Writes the next piece, of frames `bytes_max` at most: how many bytes of them went out.
    pub(crate) fn write_chunk(&mut self, bytes_max: u64) -> Result<u64> {
        if self.bytes_left == 0 {
            let count = write(&mut self.stream, self.ping_left)?;
            self.is_blocked = count == 0;
            self.ping_left = &self.ping_left[count..];
            return Ok(0);
        }
        let left = usize::try_from(self.bytes_left.min(bytes_max)).unwrap_or(usize::MAX);
        let count = write(&mut self.stream, self.block.chunk(CHUNK_BYTES.min(left)))?;
        self.block.advance(count);
        self.is_blocked = count == 0;
        self.sent_bytes += count as u64;
        self.bytes_left -= count as u64;
        Ok(count as u64)
    }

    /// A publisher hears PINGs, which its publishing answers, its PONG at the end, or an -ERR, which
    /// ends the run.
    pub(crate) fn read_replies(&mut self) -> Result<()> {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => bail!("the server closed a publisher's connection"),
                Ok(count) => self
                    .scanner
                    .feed(&buffer[..count], |event| self.is_confirmed |= matches!(event, Event::Pong))?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("reading as a publisher"),
            }
        }
    }
}

/// How many bytes the socket took; 0 when it is full.
fn write(stream: &mut Stream, bytes: &[u8]) -> Result<usize> {
    match stream.write(bytes) {
        Ok(count) => Ok(count),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        Err(error) => Err(error).context("publishing"),
    }
}
