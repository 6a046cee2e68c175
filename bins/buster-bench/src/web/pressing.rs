//! Compressed messages (`permessage-deflate`), each for itself: nothing is taken over from one to the next, in neither
//! direction. That is what nats-server grants.

use std::fmt;
use std::io;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// What asks for it.
pub(super) const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; \
                                server_no_context_takeover; client_no_context_takeover\r\n";

/// How it is granted.
pub(super) const GRANT: &str = "permessage-deflate";

/// What a compressed message ends with, which is not sent (RFC 7692, section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Room that is made for more output at once.
const ROOM_BYTES: usize = 32 << 10;

/// A connection's messages, compressed both ways.
pub(super) struct Pressing {
    compress: Compress,
    decompress: Decompress,
    /// What came out and was not read yet, from `at` on.
    plain: Vec<u8>,
    at: usize,
}

impl Default for Pressing {
    fn default() -> Self {
        Self {
            compress: Compress::new(Compression::fast(), false),
            decompress: Decompress::new(false),
            plain: Vec::new(),
            at: 0,
        }
    }
}

impl fmt::Debug for Pressing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pressing").field("plain", &(self.plain.len() - self.at)).finish_non_exhaustive()
    }
}

impl Pressing {
    /// Appends the message, compressed.
    pub(super) fn deflate(&mut self, mut message: &[u8], into: &mut Vec<u8>) -> io::Result<()> {
        self.compress.reset();
        loop {
            into.reserve(ROOM_BYTES.min(message.len() + 64));
            let before = self.compress.total_in();
            self.compress.compress_vec(message, into, FlushCompress::Sync).map_err(io::Error::other)?;
            message = &message[(self.compress.total_in() - before) as usize..];
            if message.is_empty() && into.len() < into.capacity() {
                break;
            }
        }
        into.truncate(into.len() - TAIL.len());
        Ok(())
    }

    /// Some of a compressed message came in, its beginning and its end perhaps.
    pub(super) fn inflate(&mut self, bytes: &[u8], is_first: bool, is_last: bool) -> io::Result<()> {
        if is_first {
            self.decompress.reset(false);
        }
        self.expand(bytes)?;
        if is_last { self.expand(&TAIL) } else { Ok(()) }
    }

    fn expand(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        loop {
            self.plain.reserve(ROOM_BYTES);
            let before = self.decompress.total_in();
            let outcome = self.decompress.decompress_vec(bytes, &mut self.plain, FlushDecompress::Sync);
            let status = outcome.map_err(io::Error::other)?;
            bytes = &bytes[(self.decompress.total_in() - before) as usize..];
            let has_room = self.plain.len() < self.plain.capacity();
            if status == Status::StreamEnd || (bytes.is_empty() && has_room) {
                return Ok(());
            }
        }
    }

    /// Some of a message that was not compressed came in.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.plain.extend_from_slice(bytes);
    }

    /// Hands out what there is, as far as there is room: how many bytes.
    pub(super) fn read(&mut self, into: &mut [u8]) -> usize {
        let there = &self.plain[self.at..];
        let count = there.len().min(into.len());
        into[..count].copy_from_slice(&there[..count]);
        self.at += count;
        if self.at == self.plain.len() {
            self.discard();
        }
        count
    }

    /// Forgets what there is: how many bytes.
    pub(super) fn discard(&mut self) -> usize {
        let count = self.plain.len() - self.at;
        self.plain.clear();
        self.at = 0;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_is_read_again_in_any_pieces() {
        let mut pressing = Pressing::default();
        for length in [1, 100, 70_000, 300_000_u32] {
            let message: Vec<u8> = (0..length).map(|at| (at % 251 * (at >> 12)) as u8).collect();
            let mut pressed = Vec::new();
            pressing.deflate(&message, &mut pressed).unwrap();
            for size in [1_000, 7, pressed.len()] {
                let mut pieces = pressed.chunks(size).peekable();
                let mut is_first = true;
                while let Some(piece) = pieces.next() {
                    pressing.inflate(piece, is_first, pieces.peek().is_none()).unwrap();
                    is_first = false;
                }
                let mut read = vec![0; message.len() + 1];
                let first = pressing.read(&mut read[..message.len() / 2]);
                let all = first + pressing.read(&mut read[first..]);
                assert!(read[..all] == message && pressing.discard() == 0, "{length} {size}");
            }
        }
    }

    #[test]
    fn what_is_not_compressed_is_an_error() {
        let mut pressing = Pressing::default();
        assert!(pressing.inflate(b"\xff\xff\xff\xff", true, true).is_err());
    }
}
