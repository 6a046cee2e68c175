//! A record of a block: a message, or that one is gone.
//!
//! `length u32 | sequence u64 | time i64 ns | subject length u16 | subject | [header length u32 | header] | payload |
//! checksum 8`, little endian. The highest bit of the length says that there is a header, the two highest of the sequence
//! what the record is. The checksum is of all but length, subject length and header length.

use crate::{Damage, RecordHash};

/// Bytes of a record before its subject.
pub(crate) const HEAD_BYTES: usize = 22;

/// Bytes of its checksum.
pub(crate) const SUM_BYTES: usize = 8;

/// Bytes of the largest record: nats-server takes what is larger for damage.
pub const RECORD_BYTES_MAX: usize = 32 << 20;

/// In a length: there is a header.
pub(crate) const HAS_HEADER: u32 = 1 << 31;

/// In a sequence: the message was there, and is overwritten.
pub(crate) const ERASED: u64 = 1 << 63;

/// In a sequence: the message, which lies elsewhere, is gone.
pub(crate) const TOMBSTONE: u64 = 1 << 62;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message.
    Message,
    /// One that was there, and is overwritten.
    Erased,
    /// The message of that sequence is gone.
    Tombstone,
}

/// A record of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it is.
    pub kind: Kind,
    /// The sequence of the message.
    pub seq: u64,
    /// When the message came, in nanoseconds since 1970; of a tombstone, when the stream's last one did.
    pub time: i64,
    /// Where it was published.
    pub subject: &'a [u8],
    /// Its header block, or nothing.
    pub header: &'a [u8],
    /// What it says.
    pub payload: &'a [u8],
}

/// What stands in front of some bytes of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockStep<'a> {
    /// A record, which takes so many bytes.
    Record {
        /// Bytes to go on.
        used: usize,
        /// What they say.
        record: Record<'a>,
    },
    /// So many bytes are needed to tell.
    NeedMore {
        /// How many there have to be in all.
        at_least: usize,
    },
}

impl RecordHash {
    /// Reads a record from the front of some bytes of the block whose checksums these are.
    ///
    /// # Errors
    /// It is none: nothing behind it can be read either.
    pub fn step<'a>(&self, input: &'a [u8]) -> Result<BlockStep<'a>, Damage> {
        const BAD: Damage = Damage::Malformed("a record");
        let Some(head) = input.first_chunk::<HEAD_BYTES>() else {
            return Ok(BlockStep::NeedMore { at_least: HEAD_BYTES });
        };
        let word = u32::from_le_bytes(head[..4].try_into().expect("four bytes"));
        let subject_len = usize::from(u16::from_le_bytes([head[20], head[21]]));
        let (len, has_header) = ((word & !HAS_HEADER) as usize, word & HAS_HEADER != 0);
        let least = HEAD_BYTES + subject_len + if has_header { 4 } else { 0 } + SUM_BYTES;
        if len < least || len > RECORD_BYTES_MAX {
            return Err(BAD);
        }
        let Some(record) = input.get(..len) else { return Ok(BlockStep::NeedMore { at_least: len }) };
        let (body, sum) = record.split_at(len - SUM_BYTES);
        let (subject, rest) = body[HEAD_BYTES..].split_at(subject_len);
        let (header, payload) = if has_header {
            let (header_len, rest) = rest.split_first_chunk::<4>().ok_or(BAD)?;
            rest.split_at_checked(u32::from_le_bytes(*header_len) as usize).ok_or(BAD)?
        } else {
            rest.split_at(0)
        };
        if self.sum(&[&head[4..20], subject, header, payload]) != sum {
            return Err(Damage::Checksum("a record"));
        }
        let seq = u64::from_le_bytes(head[4..12].try_into().expect("eight bytes"));
        let time = i64::from_le_bytes(head[12..20].try_into().expect("eight bytes"));
        let kind = match seq {
            _ if seq & TOMBSTONE != 0 => Kind::Tombstone,
            _ if seq & ERASED != 0 || seq == 0 => Kind::Erased,
            _ => Kind::Message,
        };
        let seq = seq & !(TOMBSTONE | ERASED);
        Ok(BlockStep::Record { used: len, record: Record { kind, seq, time, subject, header, payload } })
    }
}
