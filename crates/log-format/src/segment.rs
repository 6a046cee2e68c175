//! The first page of a segment.
//!
//! ```text
//! magic 8 B | version u16 | zeros u16 | bytes u32 (of the page) | store 16 B | log u32 | key u32
//! number u64 | first_lsn u64 | cut u64 | len u64 | before u32 | sum u32 | zeros up to the end of the page
//! ```
//!
//! `sum` is CRC32C over what stands before it. The page has no salt: it is where the salt comes from.

use thiserror::Error;

use crate::batch::{Fields, Lsn};
use crate::salt::Salt;

/// Bytes before the first batch.
pub const SEGMENT_HEAD_BYTES: usize = 4_096;

/// The version that is written, and the only one that is read.
pub const VERSION: u16 = 1;

const MAGIC: [u8; 8] = *b"BusterSg";
const SUM_AT: usize = 76;

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHead {
    /// Whose it is: drawn at random when the store is made, so that a foreign file does not pass for one of ours.
    pub store: [u8; 16],
    /// Which of the store's logs it belongs to.
    pub log: u32,
    /// The key its contents are sealed with; 0 if they are not.
    pub key: u32,
    /// Counts the segments of a log. The salt comes from it and from the store.
    pub number: u64,
    /// The position of its first batch.
    pub first: Lsn,
    /// Where all that was written before ends: what earlier segments have from here on was cut off.
    pub cut: Lsn,
    /// Bytes of the file.
    pub len: u64,
    /// The segment that ends at `cut`; 0 if there was none.
    pub before: u32,
}

/// A file that is not one of this store's segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoSegment {
    /// It does not begin like one.
    #[error("not a segment")]
    Magic,
    /// It was written by a server that is newer.
    #[error("segment of format version {0}; this server reads version {VERSION}")]
    Version(u16),
    /// Its first page is not what was written.
    #[error("damaged segment header")]
    Damaged,
}

impl SegmentHead {
    /// The page as it stands in the file.
    pub fn page(&self) -> Box<[u8; SEGMENT_HEAD_BYTES]> {
        let mut page = Box::new([0; SEGMENT_HEAD_BYTES]);
        let fields = [
            &MAGIC[..],
            &VERSION.to_le_bytes(),
            &[0; 2],
            &(SEGMENT_HEAD_BYTES as u32).to_le_bytes(),
            &self.store,
            &self.log.to_le_bytes(),
            &self.key.to_le_bytes(),
            &self.number.to_le_bytes(),
            &self.first.0.to_le_bytes(),
            &self.cut.0.to_le_bytes(),
            &self.len.to_le_bytes(),
            &self.before.to_le_bytes(),
        ]
        .concat();
        page[..SUM_AT].copy_from_slice(&fields);
        let sum = crc32c::crc32c(&page[..SUM_AT]);
        page[SUM_AT..SUM_AT + 4].copy_from_slice(&sum.to_le_bytes());
        page
    }

    /// Reads the page at the front of a file.
    ///
    /// # Errors
    /// It is none that this server can read.
    pub fn read(bytes: &[u8]) -> Result<Self, NoSegment> {
        if !bytes.starts_with(&MAGIC) {
            return Err(NoSegment::Magic);
        }
        let page: &[u8; SEGMENT_HEAD_BYTES] = bytes.first_chunk().ok_or(NoSegment::Damaged)?;
        let mut fields = Fields(&page[MAGIC.len()..]);
        let version = fields.u16();
        let (zeros, page_bytes) = (fields.u16(), fields.u32());
        let read = Self {
            store: fields.bytes(),
            log: fields.u32(),
            key: fields.u32(),
            number: fields.u64(),
            first: Lsn(fields.u64()),
            cut: Lsn(fields.u64()),
            len: fields.u64(),
            before: fields.u32(),
        };
        let is_whole =
            fields.u32() == crc32c::crc32c(&page[..SUM_AT]) && fields.0.iter().all(|byte| *byte == 0);
        if !is_whole {
            return Err(NoSegment::Damaged);
        }
        // What is whole was meant: a flipped bit does not make a file look newer than it is.
        if version != VERSION {
            return Err(NoSegment::Version(version));
        }
        let is_usual = zeros == 0 && page_bytes as usize == SEGMENT_HEAD_BYTES;
        if is_usual { Ok(read) } else { Err(NoSegment::Damaged) }
    }

    /// What its checksums are laid over with.
    pub fn salt(&self) -> Salt {
        Salt::of_segment(&self.store, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: SegmentHead = SegmentHead {
        store: *b"a store of tests",
        log: 1,
        key: 0,
        number: 12,
        first: Lsn(5_000_192),
        cut: Lsn(4_999_680),
        len: 4 << 20,
        before: 11,
    };

    /// The bytes of version 1 are these for good.
    #[test]
    fn the_layout_is_what_it_was() {
        let page = HEAD.page();
        let expected = [
            &b"BusterSg"[..],
            &[1, 0, 0, 0, 0, 16, 0, 0],
            b"a store of tests",
            &[1, 0, 0, 0, 0, 0, 0, 0],
            &12_u64.to_le_bytes(),
            &5_000_192_u64.to_le_bytes(),
            &4_999_680_u64.to_le_bytes(),
            &(4_u64 << 20).to_le_bytes(),
            &[11, 0, 0, 0],
            &page[76..80],
            &[0; SEGMENT_HEAD_BYTES - 80],
        ];
        assert_eq!(page[..], expected.concat());
        assert_eq!(SegmentHead::read(&page[..]), Ok(HEAD));
    }

    #[test]
    fn every_flipped_bit_is_found() {
        for bit in 0..SEGMENT_HEAD_BYTES * 8 {
            let mut page = HEAD.page();
            page[bit / 8] ^= 1 << (bit % 8);
            let expected = if bit < 64 { NoSegment::Magic } else { NoSegment::Damaged };
            assert_eq!(SegmentHead::read(&page[..]), Err(expected), "bit {bit}");
        }
        assert_eq!(SegmentHead::read(&HEAD.page()[..100]), Err(NoSegment::Damaged));
        assert_eq!(SegmentHead::read(b"BusterS"), Err(NoSegment::Magic));
    }

    #[test]
    fn a_newer_version_is_named() {
        let mut page = HEAD.page();
        page[8..10].copy_from_slice(&7_u16.to_le_bytes());
        let sum = crc32c::crc32c(&page[..SUM_AT]);
        page[SUM_AT..SUM_AT + 4].copy_from_slice(&sum.to_le_bytes());
        let refused = SegmentHead::read(&page[..]).expect_err("it is newer");
        assert_eq!(refused.to_string(), "segment of format version 7; this server reads version 1");
    }
}
