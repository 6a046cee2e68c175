//! A stream of S2 or Snappy chunks, unpacked as it comes.
//!
//! A chunk is read whole, and bounded: no stream makes this take more than some 8 MiB beside what it is fed.

use crate::Damage;
use crate::s2_block::{Block, UNPACKED_MAX};

const WHAT: &str = "an S2 stream";

/// Bytes of a packed chunk: one that grew by packing is stored as it is.
const CHUNK_MAX: usize = UNPACKED_MAX + (1 << 16);

const HEAD_BYTES: usize = 4;
const NAME_BYTES: usize = 6;
const SUM_BYTES: usize = 4;

const PACKED: u8 = 0;
const PLAIN: u8 = 1;
const NAME: u8 = 0xff;

/// Chunks from that kind on may be passed over by who does not know them.
const SKIPPABLE: u8 = 0x80;

/// What a step came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Unpacked<'a> {
    /// What a chunk had in it.
    Some(&'a [u8]),
    /// There was no time to unpack all of a chunk.
    NotYet,
    /// All that was fed is unpacked.
    NeedMore,
}

/// A stream that is being unpacked.
#[derive(Debug, Default)]
pub struct S2Reader {
    input: Vec<u8>,
    at: usize,
    /// It said what it is.
    is_named: bool,
    block: Block,
    /// A chunk is being unpacked, which has that checksum.
    under_way: Option<u32>,
    out: Vec<u8>,
}

impl S2Reader {
    /// At the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what comes next. Whoever feeds it asks for all that is in it before feeding it more, or bounds what is fed.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.drain(..std::mem::take(&mut self.at));
        self.input.extend_from_slice(bytes);
    }

    /// Bytes that were fed and are not unpacked.
    pub fn waiting(&self) -> usize {
        self.input.len() - self.at
    }

    /// Whether the stream may end here.
    pub fn is_between_chunks(&self) -> bool {
        self.waiting() == 0 && self.under_way.is_none()
    }

    /// Unpacks the next chunk, or about so many bytes of it.
    ///
    /// # Errors
    /// This is no such stream, or it is damaged: it is not to be asked again.
    pub fn go_on(&mut self, most: usize) -> Result<Unpacked<'_>, Damage> {
        while self.under_way.is_none() {
            if !self.next_chunk()? {
                return Ok(Unpacked::NeedMore);
            }
        }
        let sum = self.under_way.expect("a chunk is under way");
        if !self.block.go_on(&mut self.out, most)? {
            return Ok(Unpacked::NotYet);
        }
        self.under_way = None;
        if masked(crc32c::crc32c(&self.out)) != sum {
            return Err(Damage::Checksum(WHAT));
        }
        Ok(Unpacked::Some(&self.out))
    }

    /// Begins with a chunk, or passes over one. Says whether it was all there.
    fn next_chunk(&mut self) -> Result<bool, Damage> {
        let rest = &self.input[self.at..];
        let Some((head, rest)) = rest.split_first_chunk::<HEAD_BYTES>() else { return Ok(false) };
        let (kind, len) = (head[0], u32::from_le_bytes([head[1], head[2], head[3], 0]) as usize);
        // What is none is known for that at once, not when a chunk of it came in that never will.
        match kind {
            NAME if len == NAME_BYTES => {}
            NAME => return Err(Damage::Malformed(WHAT)),
            _ if !self.is_named => return Err(Damage::Malformed(WHAT)),
            PACKED | PLAIN if len > CHUNK_MAX => return Err(Damage::TooLarge(WHAT)),
            PACKED | PLAIN | SKIPPABLE.. => {}
            _ => return Err(Damage::Version(WHAT)),
        }
        let Some(body) = rest.get(..len) else { return Ok(false) };
        match kind {
            NAME if matches!(body, b"S2sTwO" | b"sNaPpY") => self.is_named = true,
            NAME => return Err(Damage::Malformed(WHAT)),
            PACKED | PLAIN => {
                let (sum, body) = body.split_first_chunk::<SUM_BYTES>().ok_or(Damage::CutOff(WHAT))?;
                self.out.clear();
                if kind == PACKED {
                    self.block.begin(body)?;
                } else {
                    if body.len() > UNPACKED_MAX {
                        return Err(Damage::TooLarge(WHAT));
                    }
                    self.block.begin_plain(body.len());
                    self.out.extend_from_slice(body);
                }
                self.under_way = Some(u32::from_le_bytes(*sum));
            }
            _ => {}
        }
        self.at += HEAD_BYTES + len;
        Ok(true)
    }
}

/// Checksums stand in the stream like that, so that one of bytes with checksums in them says something too.
pub(crate) fn masked(sum: u32) -> u32 {
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::S2Writer;

    fn unpack(stream: &[u8], cut: usize) -> Result<Vec<u8>, Damage> {
        let (mut reader, mut out) = (S2Reader::new(), Vec::new());
        for piece in stream.chunks(cut) {
            reader.feed(piece);
            loop {
                match reader.go_on(1000)? {
                    Unpacked::Some(bytes) => out.extend_from_slice(bytes),
                    Unpacked::NotYet => {}
                    Unpacked::NeedMore => break,
                }
            }
        }
        assert!(reader.is_between_chunks());
        Ok(out)
    }

    #[test]
    fn what_is_written_is_read_however_it_is_cut() {
        let text: Vec<u8> = (0..200_000u32).flat_map(|number| (number / 7).to_le_bytes()).collect();
        let mut writer = S2Writer::new();
        let mut stream = Vec::new();
        text.chunks(30_000).for_each(|piece| writer.write(piece, &mut stream));
        assert!(stream.len() < text.len() * 3 / 4);
        for cut in [1, 7, 4096, stream.len()] {
            assert!(unpack(&stream, cut).unwrap() == text, "pieces of {cut}");
        }
        let last = stream.len() - 1;
        stream[last] ^= 1;
        assert!(unpack(&stream, 4096).is_err());
    }

    #[test]
    fn what_is_none_is_refused() {
        assert_eq!(unpack(b"garbage", 100), Err(Damage::Malformed(WHAT)));
        assert_eq!(unpack(&[0, 1, 0, 0, 0], 100), Err(Damage::Malformed(WHAT)), "it does not say what it is");
        assert_eq!(
            unpack(&[0xff, 6, 0, 0, b's', b'N', b'a', b'P', b'p', b'Z'], 100),
            Err(Damage::Malformed(WHAT))
        );
    }
}
