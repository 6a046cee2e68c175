//! One batch: what was written with one call.
//!
//! ```text
//! magic u32 | len u32 | first_lsn u64 | synced u64 | time i64 | records u32 | origin u32 | offset u32 | from u32
//! sum u32
//! records | zeros up to a multiple of BATCH_ALIGN
//! ```
//!
//! `sum` is CRC32C over what stands before it, under the segment's salt. `synced` is what tells bytes that were never
//! all written from bytes that rotted: below it everything was on the disk once.
//!
//! A batch of copies says where its records were first (`origin`, `offset`), so that a log can be gone through in the
//! order in which it came about, and where they were copied from: as long as that segment is there, they do not count.

use crate::record::Damage;
use crate::salt::Salt;

/// Bytes before the first record.
pub const BATCH_HEAD_BYTES: usize = 52;

/// Batches begin at multiples of this: a sector is written whole or not at all.
pub const BATCH_ALIGN: usize = 512;

const MAGIC: u32 = u32::from_le_bytes(*b"btch");
const SUM_AT: usize = 48;

/// A position in the whole log, in bytes. It only grows, and is never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lsn(pub u64);

/// What a batch says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHead {
    /// Bytes of the head and the records, without the zeros behind them.
    pub len: u32,
    /// Where the batch begins in the log.
    pub first: Lsn,
    /// Up to where everything was on the disk when this was written.
    pub synced: Lsn,
    /// The wall clock when it was begun, in nanoseconds since 1970.
    pub time: i64,
    /// How many records there are. A batch without any only says what is synced.
    pub records: u32,
    /// Where the records came from, if they are copies.
    pub copied: Option<Copied>,
}

/// Where the records of a batch of copies come from. Segments count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// The segment they were first written to: they belong in its place.
    pub origin: u32,
    /// Where in that segment's file they were: the first of them, or one before it that is no more. Batches of copies
    /// with the same origin belong in the order of this.
    pub offset: u32,
    /// The segment this copy was made from.
    pub from: u32,
}

impl BatchHead {
    /// Writes it over the first bytes of a batch, which were kept free for it.
    ///
    /// # Panics
    /// There are fewer than [`BATCH_HEAD_BYTES`].
    pub fn write(&self, salt: Salt, batch: &mut [u8]) {
        let mut head = [0; BATCH_HEAD_BYTES];
        let copied = self.copied.unwrap_or(Copied { origin: 0, offset: 0, from: 0 });
        let fields = [
            &MAGIC.to_le_bytes()[..],
            &self.len.to_le_bytes(),
            &self.first.0.to_le_bytes(),
            &self.synced.0.to_le_bytes(),
            &self.time.to_le_bytes(),
            &self.records.to_le_bytes(),
            &copied.origin.to_le_bytes(),
            &copied.offset.to_le_bytes(),
            &copied.from.to_le_bytes(),
        ];
        let mut at = 0;
        for field in fields {
            head[at..at + field.len()].copy_from_slice(field);
            at += field.len();
        }
        let sum = salt.over(crc32c::crc32c(&head[..SUM_AT]));
        head[SUM_AT..SUM_AT + 4].copy_from_slice(&sum.to_le_bytes());
        batch[..BATCH_HEAD_BYTES].copy_from_slice(&head);
    }

    /// Reads the head at the front of `bytes`, and checks it. The records may be damaged, or missing.
    ///
    /// # Errors
    /// There is none of this segment.
    pub fn read(bytes: &[u8], salt: Salt) -> Result<Self, Damage> {
        let head: &[u8; BATCH_HEAD_BYTES] = bytes.first_chunk().ok_or(Damage::Short)?;
        let mut fields = Fields(head);
        let magic = fields.u32();
        let mut read = Self {
            len: fields.u32(),
            first: Lsn(fields.u64()),
            synced: Lsn(fields.u64()),
            time: fields.u64().cast_signed(),
            records: fields.u32(),
            copied: None,
        };
        let copied = Copied { origin: fields.u32(), offset: fields.u32(), from: fields.u32() };
        if copied.from != 0 {
            read.copied = Some(copied);
        }
        let sum = salt.over(crc32c::crc32c(&head[..SUM_AT]));
        let is_whole = magic == MAGIC && fields.u32() == sum;
        if is_whole && read.len as usize >= BATCH_HEAD_BYTES { Ok(read) } else { Err(Damage::Head) }
    }

    /// Bytes it takes in the segment.
    pub fn padded_len(&self) -> usize {
        padded(self.len as usize)
    }
}

/// So many bytes, and the zeros behind them.
pub fn padded(len: usize) -> usize {
    len.next_multiple_of(BATCH_ALIGN)
}

/// Little-endian integers, one after the other.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl Fields<'_> {
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let (bytes, rest) = self.0.split_first_chunk().expect("there is a field for each that is read");
        self.0 = rest;
        *bytes
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.bytes())
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: Salt = Salt::of_segment(&[7; 16], 1);
    const HEAD: BatchHead =
        BatchHead { len: 100, first: Lsn(4_096), synced: Lsn(512), time: -5, records: 2, copied: None };

    fn written() -> [u8; BATCH_HEAD_BYTES] {
        let mut bytes = [0xff; BATCH_HEAD_BYTES];
        HEAD.write(SALT, &mut bytes);
        bytes
    }

    /// The bytes of version 1 are these for good.
    #[test]
    fn the_layout_is_what_it_was() {
        let bytes = written();
        let expected = [
            &b"btch"[..],
            &[100, 0, 0, 0],
            &4_096_u64.to_le_bytes(),
            &512_u64.to_le_bytes(),
            &(-5_i64).to_le_bytes(),
            &[2, 0, 0, 0],
            &[0; 12],
            &bytes[48..52],
        ];
        assert_eq!(bytes[..], expected.concat());
        assert_eq!(BatchHead::read(&bytes, SALT), Ok(HEAD));
        assert_eq!(HEAD.padded_len(), 512);
        assert_eq!((padded(512), padded(513)), (512, 1_024));
    }

    #[test]
    fn a_batch_of_copies_says_where_they_were() {
        let head = BatchHead { copied: Some(Copied { origin: 3, offset: 4_148, from: 7 }), ..HEAD };
        let mut bytes = [0; BATCH_HEAD_BYTES];
        head.write(SALT, &mut bytes);
        assert_eq!(bytes[36..48], [3, 0, 0, 0, 0x34, 0x10, 0, 0, 7, 0, 0, 0]);
        assert_eq!(BatchHead::read(&bytes, SALT), Ok(head));
    }

    #[test]
    fn every_flipped_bit_is_found() {
        for bit in 0..BATCH_HEAD_BYTES * 8 {
            let mut bytes = written();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(BatchHead::read(&bytes, SALT), Err(Damage::Head), "bit {bit}");
        }
        assert_eq!(BatchHead::read(&written(), Salt::of_segment(&[7; 16], 2)), Err(Damage::Head));
        assert_eq!(BatchHead::read(&written()[..51], SALT), Err(Damage::Short));
    }
}
