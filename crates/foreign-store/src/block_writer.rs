//! A block of messages, as nats-server reads it.

use crate::RecordHash;
use crate::record::{ERASED, HAS_HEADER, HEAD_BYTES, SUM_BYTES};

/// A message of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its sequence.
    pub seq: u64,
    /// When it came, in nanoseconds since 1970.
    pub time: i64,
    /// Where it was published.
    pub subject: &'a [u8],
    /// Its header block, or nothing.
    pub header: &'a [u8],
    /// What it says.
    pub payload: &'a [u8],
}

/// A block that is being written. It has no bound of its own: whoever fills it looks at its length.
#[derive(Debug)]
pub struct BlockWriter {
    hash: RecordHash,
    bytes: Vec<u8>,
}

impl BlockWriter {
    /// An empty one, with those checksums.
    pub fn new(hash: RecordHash) -> Self {
        Self { hash, bytes: Vec::new() }
    }

    /// Another one, in the same memory.
    pub fn begin(&mut self, hash: RecordHash) {
        self.hash = hash;
        self.bytes.clear();
    }

    /// What was written so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Adds a message. Each one has a greater sequence than those before.
    pub fn message(&mut self, message: &Message<'_>) {
        self.record(message.seq, message);
    }

    /// Adds that there was a message of that sequence and time, and is no more: so the stream does not end before it. Every
    /// nats-server since 2.2 reads that; tombstones are younger.
    pub fn erased(&mut self, seq: u64, time: i64) {
        self.record(seq | ERASED, &Message { seq, time, subject: b"", header: b"", payload: b"" });
    }

    fn record(&mut self, seq: u64, message: &Message<'_>) {
        let Message { time, subject, header, payload, .. } = *message;
        let header_bytes = if header.is_empty() { 0 } else { 4 + header.len() };
        let len = HEAD_BYTES + subject.len() + header_bytes + payload.len() + SUM_BYTES;
        let flag = if header.is_empty() { 0 } else { HAS_HEADER };
        let (seq, time) = (seq.to_le_bytes(), time.to_le_bytes());
        let sum = self.hash.sum(&[&seq, &time, subject, header, payload]);
        let out = &mut self.bytes;
        out.reserve(len);
        out.extend_from_slice(&(len as u32 | flag).to_le_bytes());
        out.extend_from_slice(&seq);
        out.extend_from_slice(&time);
        out.extend_from_slice(&(subject.len() as u16).to_le_bytes());
        out.extend_from_slice(subject);
        if !header.is_empty() {
            out.extend_from_slice(&(header.len() as u32).to_le_bytes());
            out.extend_from_slice(header);
        }
        out.extend_from_slice(payload);
        out.extend_from_slice(&sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BlockStep, Damage, Kind};

    #[test]
    fn what_is_written_is_read() {
        let hash = RecordHash::of_block("S", 3);
        let mut block = BlockWriter::new(hash.clone());
        let first = Message { seq: 7, time: -5, subject: b"s.a", header: b"", payload: b"hello" };
        let second = Message { seq: 9, header: b"NATS/1.0\r\nA: b\r\n\r\n", payload: b"", ..first };
        block.message(&first);
        block.message(&second);
        block.erased(12, 8);
        assert_eq!(block.bytes().len(), 30 + 8 + 34 + 21 + 30, "what they count for");
        let mut rest = block.bytes();
        let mut found = Vec::new();
        while let BlockStep::Record { used, record } = hash.step(rest).unwrap() {
            found.push((record.kind, record.seq, record.time, record.header, record.payload));
            rest = &rest[used..];
        }
        assert_eq!(
            found,
            [
                (Kind::Message, 7, -5, first.header, first.payload),
                (Kind::Message, 9, -5, second.header, second.payload),
                (Kind::Erased, 12, 8, &b""[..], &b""[..]),
            ]
        );
        assert!(rest.is_empty());
        assert_eq!(
            RecordHash::of_block("S", 4).step(block.bytes()),
            Err(Damage::Checksum("a record")),
            "blocks have their own"
        );
    }

    #[test]
    fn no_flipped_bit_is_overlooked() {
        let hash = RecordHash::of_block("S", 1);
        let mut block = BlockWriter::new(hash.clone());
        block.message(&Message {
            seq: 1,
            time: 2,
            subject: b"s",
            header: b"NATS/1.0\r\n\r\n",
            payload: b"x",
        });
        let whole = hash.step(block.bytes()).unwrap();
        for bit in 0..block.bytes().len() * 8 {
            let mut bytes = block.bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(hash.step(&bytes), Ok(whole), "bit {bit}");
        }
    }
}
