//! What is packed in a chunk: literals, and copies of what came before.
//!
//! S2 is Snappy with one thing more: a copy without a distance repeats the distance before it, and may be long.

use crate::Damage;

const BAD: Damage = Damage::Malformed;

/// How far the packed bytes of a chunk are unpacked.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// Where the next element begins.
    at: usize,
    /// How much it comes to.
    len: usize,
    /// How far back the last copy was from; 0 before there was any.
    distance: usize,
}

impl Block {
    /// Begins with the packed bytes of a chunk, which may come to so much.
    pub(crate) fn begin(packed: &[u8], most: usize) -> Result<Self, Damage> {
        let mut block = Self::default();
        block.len = block.number(packed)?;
        if block.len > most { Err(Damage::TooLarge) } else { Ok(block) }
    }

    /// Unpacks some more, about so many bytes, behind what it unpacked before. Says whether that is all. The packed
    /// bytes are the same each time.
    pub(crate) fn go_on(&mut self, packed: &[u8], out: &mut Vec<u8>, most: usize) -> Result<bool, Damage> {
        let until = out.len().saturating_add(most);
        while self.at < packed.len() {
            if out.len() >= until {
                return Ok(false);
            }
            self.element(packed, out)?;
        }
        if out.len() == self.len { Ok(true) } else { Err(BAD) }
    }

    fn element(&mut self, packed: &[u8], out: &mut Vec<u8>) -> Result<(), Damage> {
        let tag = self.bytes::<1>(packed)?;
        let high = tag >> 2;
        let len = match tag & 3 {
            0 => return self.literal(high, packed, out),
            1 => self.short_copy(tag, packed)?,
            2 => {
                self.distance = self.bytes::<2>(packed)?;
                high + 1
            }
            _ => {
                self.distance = self.bytes::<4>(packed)?;
                high + 1
            }
        };
        self.copy(len, out)
    }

    fn literal(&mut self, high: usize, packed: &[u8], out: &mut Vec<u8>) -> Result<(), Damage> {
        let len = match high {
            60 => self.bytes::<1>(packed)?,
            61 => self.bytes::<2>(packed)?,
            62 => self.bytes::<3>(packed)?,
            63 => self.bytes::<4>(packed)?,
            len => len,
        } + 1;
        let literal = self.at.checked_add(len).and_then(|end| packed.get(self.at..end)).ok_or(BAD)?;
        if len > self.len - out.len() {
            return Err(BAD);
        }
        out.extend_from_slice(literal);
        self.at += len;
        Ok(())
    }

    /// One with a distance of eleven bits, or with none: then it is as far back as the one before. Returns its length.
    fn short_copy(&mut self, tag: usize, packed: &[u8]) -> Result<usize, Damage> {
        let distance = (tag & 0xe0) << 3 | self.bytes::<1>(packed)?;
        let len = tag >> 2 & 7;
        if distance != 0 {
            self.distance = distance;
            return Ok(len + 4);
        }
        Ok(match len {
            5 => self.bytes::<1>(packed)? + 8,
            6 => self.bytes::<2>(packed)? + (1 << 8) + 4,
            7 => self.bytes::<3>(packed)? + (1 << 16) + 4,
            len => len + 4,
        })
    }

    /// Bytes may come from what the same copy has written.
    fn copy(&self, mut len: usize, out: &mut Vec<u8>) -> Result<(), Damage> {
        let from = out.len().checked_sub(self.distance).filter(|_| self.distance > 0).ok_or(BAD)?;
        if len > self.len - out.len() {
            return Err(BAD);
        }
        while len > 0 {
            let some = len.min(out.len() - from);
            out.extend_from_within(from..from + some);
            len -= some;
        }
        Ok(())
    }

    /// A number of so many bytes, the low ones first.
    fn bytes<const N: usize>(&mut self, packed: &[u8]) -> Result<usize, Damage> {
        let bytes = packed.get(self.at..).and_then(|rest| rest.first_chunk::<N>()).ok_or(BAD)?;
        self.at += N;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// A number of seven bits a byte.
    fn number(&mut self, packed: &[u8]) -> Result<usize, Damage> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.bytes::<1>(packed)?;
            number |= (byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(BAD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpack(packed: &[u8], step: usize) -> Result<Vec<u8>, Damage> {
        let (mut block, mut out) = (Block::begin(packed, 4 << 20)?, Vec::new());
        while !block.go_on(packed, &mut out, step)? {}
        Ok(out)
    }

    #[test]
    fn copies_may_repeat_the_distance_before() {
        // "abcd", four bytes from four back, then as far back again: four, and eight and two.
        let packed = [18 + 4, 3 << 2, b'a', b'b', b'c', b'd', 1, 4, 1, 0, 5 << 2 | 1, 0, 2];
        let whole = b"abcdabcdabcdabcdabcdab";
        assert_eq!(unpack(&packed, usize::MAX).as_deref(), Ok(&whole[..]));
        assert_eq!(unpack(&packed, 1).as_deref(), Ok(&whole[..]), "also in steps");
    }

    #[test]
    fn long_copies_have_lengths_of_two_and_three_bytes() {
        let of = |tag: u8, more: &[u8], len: usize| {
            let all = u32::try_from(len + 1).unwrap();
            let number = [all as u8 | 0x80, (all >> 7) as u8 | 0x80, (all >> 14) as u8 & 0x7f];
            let packed = [&number[..], &[0, b'x', 5 << 2 | 2, 1, 0][..], &[tag << 2 | 1, 0], more].concat();
            assert_eq!(unpack(&packed, 100).map(|out| out == vec![b'x'; len + 1]), Ok(true), "{len}");
        };
        of(6, &[1, 0], 6 + 1 + 256 + 4);
        of(7, &[2, 0, 0], 6 + 2 + 65_536 + 4);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for packed in [
            // A repeat before there was a distance, a copy from before the beginning, a literal that is cut.
            &[5, 1, 0][..],
            &[4, 1, 1],
            &[5, 3 << 2, 1, 2, 3, 4],
            // More than it said, with a literal and with a copy.
            &[3, 3 << 2, 1, 2, 3, 4],
            &[8, 3 << 2, 1, 2, 3, 4, 1, 5],
            &[8, 60 << 2],
            &[8, 63 << 2, 255, 255, 255, 255],
            &[],
            &[255, 255, 255, 255, 255, 255],
        ] {
            assert_eq!(unpack(packed, usize::MAX), Err(BAD), "{packed:?}");
        }
        assert_eq!(unpack(&[255, 255, 255, 127], 1), Err(Damage::TooLarge));
    }
}
