//! The texts of subjects.
//!
//! Texts stand in pages of 64 KiB, each rounded up to eight bytes. What is freed is used again for texts of the same
//! rounded length; all of it goes back with the last text. So memory is bounded by what was needed at most, length by
//! length, and no text ever moves but those of the first page while it grows.

use std::collections::BTreeMap;

const PAGE_BYTES: usize = 64 << 10;

/// Bytes that lengths are rounded up to, and that places are counted in.
const UNIT: usize = 8;

const UNITS_PER_PAGE: usize = PAGE_BYTES / UNIT;

/// Where a text is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text {
    at: u32,
    len: u16,
}

#[derive(Debug, Default)]
pub(crate) struct Arena {
    pages: Vec<Vec<u8>>,
    /// Places that are free, by units.
    free: BTreeMap<u16, Vec<u32>>,
    texts: usize,
}

impl Text {
    fn units(self) -> u16 {
        self.len.div_ceil(UNIT as u16)
    }
}

impl Arena {
    pub(crate) fn get(&self, text: Text) -> &[u8] {
        let at = text.at as usize;
        let start = at % UNITS_PER_PAGE * UNIT;
        &self.pages[at / UNITS_PER_PAGE][start..start + usize::from(text.len)]
    }

    pub(crate) fn insert(&mut self, bytes: &[u8]) -> Text {
        let len = u16::try_from(bytes.len()).expect("subjects of records are no longer");
        let at = self.place_for(Text { at: 0, len }.units());
        let start = at as usize % UNITS_PER_PAGE * UNIT;
        self.pages[at as usize / UNITS_PER_PAGE][start..start + bytes.len()].copy_from_slice(bytes);
        self.texts += 1;
        Text { at, len }
    }

    pub(crate) fn remove(&mut self, text: Text) {
        self.texts -= 1;
        if self.texts == 0 {
            *self = Self::default();
        } else {
            self.free.entry(text.units()).or_default().push(text.at);
        }
    }

    /// Gives some memory back, of texts that nobody asks for any more. Says whether there is more.
    pub(crate) fn drop_some(&mut self, pages: usize) -> bool {
        self.free.clear();
        self.pages.truncate(self.pages.len().saturating_sub(pages));
        !self.pages.is_empty()
    }

    fn place_for(&mut self, units: u16) -> u32 {
        if let Some(places) = self.free.get_mut(&units)
            && let Some(at) = places.pop()
        {
            return at;
        }
        let bytes = usize::from(units) * UNIT;
        if self.pages.last().is_none_or(|page| page.len() + bytes > PAGE_BYTES) {
            let capacity = if self.pages.is_empty() { 0 } else { PAGE_BYTES };
            self.pages.push(Vec::with_capacity(capacity));
        }
        let number = self.pages.len() - 1;
        let page = &mut self.pages[number];
        let at = number * UNITS_PER_PAGE + page.len() / UNIT;
        page.resize(page.len() + bytes, 0);
        u32::try_from(at).expect("memory ends long before places do")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_and_places_are_used_again() {
        let mut arena = Arena::default();
        let long = vec![b'x'; usize::from(u16::MAX)];
        let texts: Vec<Text> =
            [&b""[..], b"a", b"12345678", &long, b"123456789"].map(|text| arena.insert(text)).into();
        assert_eq!(arena.get(texts[3]), long);
        assert_eq!(arena.get(texts[4]), b"123456789");
        arena.remove(texts[2]);
        let again = arena.insert(b"abc");
        assert_eq!((again.at, arena.get(again)), (texts[2].at, &b"abc"[..]));
        assert_eq!(arena.get(texts[1]), b"a");
        let pages = arena.pages.len();
        for _ in 0..100 {
            let text = arena.insert(&long);
            arena.remove(text);
        }
        assert_eq!(arena.pages.len(), pages + 1);
    }

    #[test]
    fn all_memory_goes_back_with_the_last_text() {
        let mut arena = Arena::default();
        let text = arena.insert(b"a.b");
        arena.remove(text);
        assert!(arena.pages.is_empty());
    }
}
