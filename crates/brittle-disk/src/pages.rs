//! The bytes of a file, in pages; a page that was never written is not there and reads as zeros.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of a page.
pub(crate) const PAGE_BYTES: u64 = 4096;

type Page = [u8; PAGE_BYTES as usize];

/// Sparse bytes with a length. Bytes past the length are zero whenever it grows over them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pages {
    len: u64,
    pages: BTreeMap<u64, Arc<Page>>,
}

impl Pages {
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// How many pages take room.
    pub(crate) fn count(&self) -> u64 {
        self.pages.len() as u64
    }

    /// At most `size` bytes, fewer at the end.
    pub(crate) fn read(&self, offset: u64, size: u64) -> Vec<u8> {
        let end = self.len.min(offset.saturating_add(size));
        let mut bytes = vec![0; end.saturating_sub(offset) as usize];
        for piece in pieces(offset, bytes.len() as u64) {
            if let Some(page) = self.pages.get(&piece.page) {
                let source = &page[piece.within..piece.within + piece.len];
                bytes[piece.done..piece.done + piece.len].copy_from_slice(source);
            }
        }
        bytes
    }

    /// Whether these bytes are in it somewhere.
    pub(crate) fn has(&self, bytes: &[u8]) -> bool {
        memchr::memmem::find(&self.read(0, self.len), bytes).is_some()
    }

    /// Writes, and grows to hold it.
    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) {
        for piece in pieces(offset, bytes.len() as u64) {
            let page = Arc::make_mut(self.pages.entry(piece.page).or_insert_with(zeros));
            page[piece.within..piece.within + piece.len]
                .copy_from_slice(&bytes[piece.done..piece.done + piece.len]);
        }
        self.len = self.len.max(offset + bytes.len() as u64);
    }

    pub(crate) fn set_len(&mut self, len: u64) {
        if len < self.len {
            self.pages.split_off(&len.div_ceil(PAGE_BYTES));
            let within = (len % PAGE_BYTES) as usize;
            if let Some(page) = self.pages.get_mut(&(len / PAGE_BYTES)) {
                Arc::make_mut(page)[within..].fill(0);
            }
        }
        self.len = len;
    }

    /// Makes a range zeros, without a change of the length. Whole pages go.
    pub(crate) fn clear(&mut self, offset: u64, len: u64) {
        for piece in pieces(offset, len) {
            if piece.len as u64 == PAGE_BYTES {
                self.pages.remove(&piece.page);
            } else if let Some(page) = self.pages.get_mut(&piece.page) {
                Arc::make_mut(page)[piece.within..piece.within + piece.len].fill(0);
            }
        }
    }

    /// Takes room for a range, whose bytes stay as they are. The length is for the caller to set.
    pub(crate) fn reserve(&mut self, offset: u64, len: u64) {
        let zero = zeros();
        for piece in pieces(offset, len) {
            self.pages.entry(piece.page).or_insert_with(|| zero.clone());
        }
    }

    /// How many pages a write of this range would add.
    pub(crate) fn missing(&self, offset: u64, len: u64) -> u64 {
        pieces(offset, len).filter(|piece| !self.pages.contains_key(&piece.page)).count() as u64
    }
}

fn zeros() -> Arc<Page> {
    Arc::new([0; PAGE_BYTES as usize])
}

/// The part of a range that is on one page.
struct Piece {
    page: u64,
    within: usize,
    len: usize,
    /// Bytes of the range before it.
    done: usize,
}

fn pieces(offset: u64, len: u64) -> impl Iterator<Item = Piece> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done;
        let piece = (PAGE_BYTES - at % PAGE_BYTES).min(len - done);
        let found = (piece > 0).then_some(Piece {
            page: at / PAGE_BYTES,
            within: (at % PAGE_BYTES) as usize,
            len: piece as usize,
            done: done as usize,
        });
        done += piece;
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dice;

    fn padded(mut bytes: Vec<u8>, len: usize) -> Vec<u8> {
        bytes.resize(len.max(bytes.len()), 0);
        bytes
    }

    /// A vector does the same.
    #[test]
    fn pages_are_a_vector_of_bytes() {
        const BYTES_MAX: u64 = 5 * PAGE_BYTES;
        let mut dice = Dice::new(1);
        let (mut pages, mut model) = (Pages::default(), Vec::new());
        for _ in 0..5000 {
            let (offset, len) = (dice.below(BYTES_MAX), dice.below(2 * PAGE_BYTES));
            let (from, to) = (offset as usize, (offset + len) as usize);
            match dice.below(5) {
                0 => {
                    pages.set_len(offset);
                    model.resize(from, 0);
                }
                1 => {
                    pages.clear(offset, len);
                    let end = to.min(model.len());
                    model[from.min(end)..end].fill(0);
                }
                2 => pages.reserve(offset, len),
                _ => {
                    let bytes = vec![dice.roll() as u8; len as usize];
                    let missing = pages.missing(offset, len);
                    let before = pages.count();
                    pages.write(offset, &bytes);
                    assert_eq!(pages.count(), before + missing);
                    model = padded(model, to.max(from));
                    model[from..to].copy_from_slice(&bytes);
                }
            }
            assert_eq!(pages.len(), model.len() as u64);
            assert_eq!(pages.read(0, BYTES_MAX * 2), model);
            let end = to.min(model.len());
            assert_eq!(pages.read(offset, len), model[from.min(end)..end]);
        }
    }
}
