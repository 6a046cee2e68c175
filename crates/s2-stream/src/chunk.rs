//! Chunks, as they stand in a stream: a byte for the kind, three for the length, and the body.

use crate::Damage;

/// Bytes that a chunk unpacks to at most: as much as the Go implementation takes.
pub const BLOCK_BYTES_MAX: usize = 4 << 20;

/// The same in a stream of Snappy.
pub const SNAPPY_BLOCK_BYTES_MAX: usize = 64 << 10;

/// Bytes of a chunk's body at most. One that grew by packing has no reason to be, but may grow by a bit.
const BODY_BYTES_MAX: usize = SUM_BYTES + BLOCK_BYTES_MAX + BLOCK_BYTES_MAX / 6 + 32;

pub(crate) const HEAD_BYTES: usize = 4;
pub(crate) const SUM_BYTES: usize = 4;

/// What a stream says of itself, whole.
pub(crate) const NAME: &[u8; HEAD_BYTES + 6] = b"\xff\x06\x00\x00S2sTwO";

/// The same of a stream that readers of Snappy read.
pub(crate) const SNAPPY_NAME: &[u8; HEAD_BYTES + 6] = b"\xff\x06\x00\x00sNaPpY";
const S2: &[u8] = b"S2sTwO";
const SNAPPY: &[u8] = b"sNaPpY";

/// What a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What the stream is.
    Name,
    /// Bytes, packed.
    Packed,
    /// Bytes as they are.
    Stored,
    /// Padding, or what comes later and need not be known.
    Skipped,
}

impl Kind {
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Packed => 0,
            Self::Stored => 1,
            Self::Skipped => 0xfe,
            Self::Name => 0xff,
        }
    }
}

/// The front of a chunk: what it is, and the length of its body.
pub(crate) type Head = (Kind, usize);

/// Reads the front of a chunk. What cannot be is known at once, and not when it came in.
pub(crate) fn head(head: [u8; HEAD_BYTES], is_named: bool) -> Result<Head, Damage> {
    let [byte, low, middle, high] = head;
    let len = u32::from_le_bytes([low, middle, high, 0]) as usize;
    let kind = match byte {
        0xff if len == S2.len() => Kind::Name,
        0xff => return Err(Damage::NotNamed),
        _ if !is_named => return Err(Damage::NotNamed),
        0x00 | 0x01 if len > BODY_BYTES_MAX => return Err(Damage::TooLarge),
        0x00 | 0x01 if len < SUM_BYTES => return Err(Damage::Malformed),
        0x00 => Kind::Packed,
        0x01 => Kind::Stored,
        0x80.. => Kind::Skipped,
        _ => return Err(Damage::UnknownChunk(byte)),
    };
    Ok((kind, len))
}

/// How much a chunk may unpack to in a stream of that name.
pub(crate) fn block_bytes_max(name: &[u8]) -> Result<usize, Damage> {
    match name {
        S2 => Ok(BLOCK_BYTES_MAX),
        SNAPPY => Ok(SNAPPY_BLOCK_BYTES_MAX),
        _ => Err(Damage::NotNamed),
    }
}

/// The head and the checksum of a chunk with that body.
pub(crate) fn write_front(kind: Kind, body_len: usize, plain_sum: u32, out: &mut Vec<u8>) {
    let [low, middle, high, _] = ((SUM_BYTES + body_len) as u32).to_le_bytes();
    out.extend_from_slice(&[kind.byte(), low, middle, high]);
    out.extend_from_slice(&masked(plain_sum).to_le_bytes());
}

/// Checksums stand in the stream like that, so that one of bytes with checksums in them says something too.
pub(crate) fn masked(sum: u32) -> u32 {
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}
