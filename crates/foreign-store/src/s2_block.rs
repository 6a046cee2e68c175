//! What is packed in one chunk of an S2 stream: literals, and copies of what came before.
//!
//! S2 is Snappy with one thing more: a copy without a distance repeats the one before it, and may be long.

use crate::Damage;

const BAD: Damage = Damage::Malformed("packed data");

/// Bytes that a chunk comes to at most.
pub(crate) const UNPACKED_MAX: usize = 4 << 20;

/// A chunk that is being unpacked. What it comes to is known before, and bounded.
#[derive(Debug, Default)]
pub(crate) struct Block {
    packed: Vec<u8>,
    at: usize,
    /// How much it comes to.
    len: usize,
    /// How far back the last copy was from.
    distance: usize,
}

impl Block {
    /// Takes what is in a chunk. The memory of the one before is used again.
    pub(crate) fn begin(&mut self, packed: &[u8]) -> Result<(), Damage> {
        self.packed.clear();
        self.packed.extend_from_slice(packed);
        (self.at, self.distance) = (0, 0);
        self.len = self.number()?;
        if self.len > UNPACKED_MAX {
            return Err(Damage::TooLarge("packed data"));
        }
        Ok(())
    }

    /// There is nothing to unpack in it, and it has so many bytes.
    pub(crate) fn begin_plain(&mut self, len: usize) {
        self.packed.clear();
        (self.at, self.len) = (0, len);
    }

    /// Unpacks some more, about so many bytes. Says whether that is all.
    pub(crate) fn go_on(&mut self, out: &mut Vec<u8>, most: usize) -> Result<bool, Damage> {
        let until = out.len().saturating_add(most);
        while self.at < self.packed.len() {
            if out.len() >= until {
                return Ok(false);
            }
            self.element(out)?;
        }
        if out.len() == self.len { Ok(true) } else { Err(BAD) }
    }

    fn element(&mut self, out: &mut Vec<u8>) -> Result<(), Damage> {
        let tag = self.byte()?;
        let high = usize::from(tag >> 2);
        let len = match tag & 3 {
            0 => return self.literal(high, out),
            1 => self.short_copy(tag)?,
            2 => {
                self.distance = self.bytes(2)?;
                high + 1
            }
            _ => {
                self.distance = self.bytes(4)?;
                high + 1
            }
        };
        self.copy(len, out)
    }

    fn literal(&mut self, high: usize, out: &mut Vec<u8>) -> Result<(), Damage> {
        let len = if high < 60 { high } else { self.bytes(high - 59)? } + 1;
        let end = self.at.checked_add(len).ok_or(BAD)?;
        let literal = self.packed.get(self.at..end).ok_or(BAD)?;
        if literal.len() > self.len - out.len() {
            return Err(BAD);
        }
        out.extend_from_slice(literal);
        self.at = end;
        Ok(())
    }

    /// One with a distance of eleven bits, or with none: then it is as far back as the one before. Returns its length.
    fn short_copy(&mut self, tag: u8) -> Result<usize, Damage> {
        let distance = usize::from(tag & 0xe0) << 3 | self.bytes(1)?;
        let len = usize::from(tag >> 2 & 7);
        if distance != 0 {
            self.distance = distance;
            return Ok(len + 4);
        }
        Ok(match len {
            5 => self.bytes(1)? + 8,
            6 => self.bytes(2)? + (1 << 8) + 4,
            7 => self.bytes(3)? + (1 << 16) + 4,
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

    fn byte(&mut self) -> Result<u8, Damage> {
        let byte = *self.packed.get(self.at).ok_or(BAD)?;
        self.at += 1;
        Ok(byte)
    }

    /// A number of so many bytes, four at most.
    fn bytes(&mut self, count: usize) -> Result<usize, Damage> {
        let bytes = self.packed.get(self.at..self.at + count).ok_or(BAD)?;
        self.at += count;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// A number of seven bits a byte.
    fn number(&mut self) -> Result<usize, Damage> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
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
        let (mut block, mut out) = (Block::default(), Vec::new());
        block.begin(packed)?;
        while !block.go_on(&mut out, step)? {}
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
    fn what_cannot_be_is_refused() {
        for packed in [
            &[5, 1, 0][..],
            &[4, 1, 1],
            &[5, 3 << 2, 1, 2, 3, 4],
            &[3, 3 << 2, 1, 2, 3, 4],
            &[8, 3 << 2, 1, 2, 3, 4, 1, 5],
            &[8, 60 << 2],
            &[8, 63 << 2, 255, 255, 255, 255],
            &[],
            &[255, 255, 255, 255, 255, 255],
        ] {
            assert_eq!(unpack(packed, usize::MAX), Err(BAD), "{packed:?}");
        }
        assert_eq!(unpack(&[255, 255, 255, 127], 1), Err(Damage::TooLarge("packed data")));
    }
}
