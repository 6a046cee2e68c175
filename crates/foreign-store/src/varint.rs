//! Numbers as Go's encoding/binary writes them: seven bits a byte, the lowest first, signed ones folded.

use crate::Damage;

/// Bytes that are yet to be read.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// What they are.
    what: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(rest: &'a [u8], what: &'static str) -> Self {
        Self { rest, what }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Damage> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Damage::CutOff(self.what))?;
        self.rest = rest;
        Ok(taken)
    }

    /// A text with its length before it.
    pub(crate) fn text(&mut self) -> Result<&'a [u8], Damage> {
        let len = self.number()?;
        self.take(usize::try_from(len).map_err(|_| Damage::CutOff(self.what))?)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Damage> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damage::Malformed(self.what))
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Damage> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}

pub(crate) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(crate) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(out, (number << 1 ^ number >> 63) as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let mut out = Vec::new();
        let numbers = [0, 1, 127, 128, 300, u64::MAX];
        let signed = [0, -1, 1, i64::MIN, i64::MAX, -1_000];
        numbers.iter().for_each(|number| put(&mut out, *number));
        signed.iter().for_each(|number| put_signed(&mut out, *number));
        let mut reader = Reader::new(&out, "test");
        assert!(numbers.iter().all(|number| reader.number() == Ok(*number)));
        assert!(signed.iter().all(|number| reader.signed() == Ok(*number)));
        assert_eq!(reader.number(), Err(Damage::CutOff("test")));
    }

    #[test]
    fn numbers_that_are_too_large_are_refused() {
        for last in [2, 0xff] {
            let bytes = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, last];
            assert_eq!(Reader::new(&bytes, "test").number(), Err(Damage::Malformed("test")));
        }
    }
}
