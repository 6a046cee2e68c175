//! A block as it lies in a file: as it is, or packed.

use crate::varint::Reader;
use s2_stream::Step;

use crate::Damage;

const MAGIC: &[u8; 3] = b"cmp";

/// No compression, though it says so.
const PLAIN: u8 = 0;
const S2: u8 = 1;

/// Bytes of the checksum that stands behind a packed block, as it is.
const SUM_BYTES: usize = 8;

/// Bytes of a block, if it is not a single large message: nats-server's are 16 MiB at most.
const BLOCK_BYTES_MAX: usize = 64 << 20;

/// The records of a block file.
///
/// # Errors
/// It is packed, and what is packed in it cannot be read.
pub fn unpack_block(file: Vec<u8>) -> Result<Vec<u8>, Damage> {
    const WHAT: &str = "a packed block";
    let Some((head, rest)) = file.split_first_chunk::<4>().filter(|(head, _)| head.starts_with(MAGIC)) else {
        return Ok(file);
    };
    let mut reader = Reader::new(rest, WHAT);
    let len = reader.number()?;
    let rest = reader.rest();
    match head[3] {
        PLAIN => return Ok(rest.to_vec()),
        S2 => {}
        _ => return Err(Damage::Version(WHAT)),
    }
    let len = usize::try_from(len).ok().filter(|len| *len <= BLOCK_BYTES_MAX);
    let len = len.ok_or(Damage::TooLarge(WHAT))?;
    let at = rest.len().checked_sub(SUM_BYTES).ok_or(Damage::CutOff(WHAT))?;
    let (packed, sum) = rest.split_at(at);
    let mut unpacked = Vec::with_capacity(len);
    let mut reader = s2_stream::Reader::new();
    reader.feed(packed);
    loop {
        match reader.step(usize::MAX)? {
            Step::Plain(bytes) if unpacked.len() + bytes.len() > len => {
                return Err(Damage::TooLarge(WHAT));
            }
            Step::Plain(bytes) => unpacked.extend_from_slice(bytes),
            Step::NotYet => {}
            Step::NeedMore => break,
        }
    }
    if !reader.is_between_chunks() {
        return Err(Damage::CutOff(WHAT));
    }
    unpacked.extend_from_slice(sum);
    Ok(unpacked)
}
