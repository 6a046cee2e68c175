//! The words of a line between servers, of which there may be any number.

/// Words between blanks, which are spaces, tabs and line ends. Taken from both ends.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Words<'a> {
    #[inline]
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    /// What was not taken, with the blanks around it.
    #[inline]
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let start = self.rest.iter().position(|byte| !is_blank(*byte))?;
        let from = &self.rest[start..];
        let len = from.iter().position(|byte| is_blank(*byte)).unwrap_or(from.len());
        let (word, rest) = from.split_at(len);
        self.rest = rest;
        Some(word)
    }
}

impl DoubleEndedIterator for Words<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let last = self.rest.iter().rposition(|byte| !is_blank(*byte))?;
        let until = &self.rest[..=last];
        let start = until.iter().rposition(|byte| is_blank(*byte)).map_or(0, |blank| blank + 1);
        let (rest, word) = until.split_at(start);
        self.rest = rest;
        Some(word)
    }
}

#[inline]
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_are_what_lies_between_blanks_from_either_end(text in "[ab \t\r\n]{0,20}", fronts in 0..4_usize) {
            let plain: Vec<_> = text.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect();
            let mut words = Words::new(text.as_bytes());
            let front: Vec<_> = words.by_ref().take(fronts).collect();
            let mut back: Vec<_> = words.rev().collect();
            back.reverse();
            let all: Vec<_> = front.into_iter().chain(back).collect();
            prop_assert_eq!(all, plain.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
        }
    }
}
