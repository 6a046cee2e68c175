//! Numbers as bytes: seven bits a byte, the lowest first; what may be below zero is folded so that small ones stay
//! small.

use thiserror::Error;

/// The format that is written, and the only one that is read.
pub const VERSION: u8 = 1;

/// Bytes that are no state of a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadState {
    /// Another version of the format, which may be a newer one.
    #[error("consumer state of version {0}, known up to {known}", known = VERSION)]
    Version(u8),
    /// It ends too early.
    #[error("consumer state is cut off")]
    CutOff,
    /// It says what cannot be.
    #[error("consumer state is damaged")]
    Damaged,
}

#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    pub(crate) fn signed(&mut self, number: i64) {
        self.number((number << 1 ^ number >> 63) as u64);
    }
}

pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl Reader<'_> {
    pub(crate) fn byte(&mut self) -> Result<u8, BadState> {
        let (first, rest) = self.0.split_first().ok_or(BadState::CutOff)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn number(&mut self) -> Result<u64, BadState> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(BadState::Damaged)
    }

    pub(crate) fn signed(&mut self) -> Result<i64, BadState> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// What is written as the distance from another.
    pub(crate) fn beyond(&mut self, number: u64) -> Result<u64, BadState> {
        number.checked_add(self.number()?).ok_or(BadState::Damaged)
    }

    pub(crate) fn end(&self) -> Result<(), BadState> {
        if self.0.is_empty() { Ok(()) } else { Err(BadState::Damaged) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let mut out = Writer::default();
        let numbers = [0, 1, 127, 128, 300, u64::MAX];
        let signed = [0, -1, 1, i64::MIN, i64::MAX, -1_000];
        numbers.iter().for_each(|number| out.number(*number));
        signed.iter().for_each(|number| out.signed(*number));
        assert_eq!(out.0[..5], [0, 1, 127, 0x80, 1]);
        let mut reader = Reader(&out.0);
        assert!(numbers.iter().all(|number| reader.number() == Ok(*number)));
        assert!(signed.iter().all(|number| reader.signed() == Ok(*number)));
        assert_eq!((reader.end(), reader.number()), (Ok(()), Err(BadState::CutOff)));
    }

    #[test]
    fn numbers_that_are_too_large_are_refused() {
        assert_eq!(Reader(&[0xff; 11]).number(), Err(BadState::Damaged));
        let largest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(Reader(&largest).number(), Ok(u64::MAX));
        assert_eq!(
            Reader(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).number(),
            Err(BadState::Damaged)
        );
    }
}
