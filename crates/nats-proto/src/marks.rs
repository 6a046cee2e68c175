//! Finding the bytes that structure a line, eight bytes at a time.
//!
//! Lines are mostly some twenty bytes long, where a call of memchr costs more than the search.

/// The offsets of all bytes up to and including the blank (0x20), in order. Blanks and line ends are
/// among them; the caller looks at which byte it is.
pub(crate) struct Marks<'a> {
    /// What follows the word in hand.
    rest: &'a [u8],
    /// Offset of `rest`; past the end once the last, shorter word is in hand.
    next: usize,
    /// Bit 7 of each byte of that word that is a mark and was not yet yielded.
    mask: u64,
}

impl<'a> Marks<'a> {
    #[inline(always)]
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { rest: text, next: 0, mask: 0 }
    }
}

const WORD: usize = size_of::<u64>();
const LOW_BITS: u64 = u64::from_le_bytes([0x7f; WORD]);
/// Carries into bit 7 of every byte whose low bits are over 0x20.
const ABOVE_BLANK: u64 = u64::from_le_bytes([0x7f - 0x20; WORD]);

impl Iterator for Marks<'_> {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        while self.mask == 0 {
            let word = match self.rest.split_first_chunk::<WORD>() {
                Some((word, rest)) => {
                    self.rest = rest;
                    *word
                }
                None => padded(std::mem::take(&mut self.rest))?,
            };
            let word = u64::from_le_bytes(word);
            self.mask = !(((word & LOW_BITS) + ABOVE_BLANK) | word | LOW_BITS);
            self.next += WORD;
        }
        let at = self.next - WORD + self.mask.trailing_zeros() as usize / 8;
        self.mask &= self.mask - 1;
        Some(at)
    }
}

/// The last few bytes, filled up with what is no mark.
#[cold]
fn padded(rest: &[u8]) -> Option<[u8; WORD]> {
    let mut word = [0xff; WORD];
    word[..rest.len()].copy_from_slice(rest);
    (!rest.is_empty()).then_some(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marks_are_the_bytes_up_to_the_blank(text in proptest::collection::vec(0..=255_u8, 0..40)) {
            let plain: Vec<_> = (0..text.len()).filter(|&at| text[at] <= b' ').collect();
            prop_assert_eq!(Marks::new(&text).collect::<Vec<_>>(), plain);
        }
    }
}
