//! Subjects in the order of their bytes.
//!
//! Entries stand in blocks of up to [`BLOCK_MAX`], so that one more moves a few of them and not all. Each knows where its
//! text is, so that a search goes to memory once for each text it looks at. Touched only when a subject appears or
//! goes.

use crate::SubjectId;
use crate::arena::{Arena, Text};

/// Entries of a block. A full one is cut in two. Tests have smaller ones, to see many.
const BLOCK_MAX: usize = if cfg!(test) { 8 } else { 256 };

#[derive(Debug, Default)]
pub(crate) struct Ordered {
    /// None is empty.
    blocks: Vec<Vec<Entry>>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) text: Text,
    pub(crate) id: SubjectId,
}

impl Ordered {
    /// Adds a subject that is not there.
    pub(crate) fn insert(&mut self, entry: Entry, texts: &Arena) {
        let bytes = texts.get(entry.text);
        let Some(number) = self.block_of(bytes, texts) else {
            self.blocks.push(vec![entry]);
            return;
        };
        let block = &mut self.blocks[number];
        let at = block.partition_point(|other| texts.get(other.text) < bytes);
        block.insert(at, entry);
        if block.len() == BLOCK_MAX {
            let behind = block.split_off(BLOCK_MAX / 2);
            self.blocks.insert(number + 1, behind);
        }
    }

    /// Takes out a subject that is there.
    pub(crate) fn remove(&mut self, text: Text, texts: &Arena) {
        let bytes = texts.get(text);
        let number = self.block_of(bytes, texts).expect("a subject that is there is in a block");
        let block = &mut self.blocks[number];
        let at = block.partition_point(|other| texts.get(other.text) < bytes);
        debug_assert_eq!(texts.get(block[at].text), bytes);
        block.remove(at);
        if block.is_empty() {
            self.blocks.remove(number);
        } else if let Some(next) = self.blocks.get(number + 1)
            && self.blocks[number].len() + next.len() < BLOCK_MAX / 2
        {
            let next = self.blocks.remove(number + 1);
            self.blocks[number].extend(next);
        }
    }

    /// All subjects from the first on that is not before.
    pub(crate) fn from<'s>(
        &'s self,
        texts: &'s Arena,
        is_before: impl Fn(&[u8]) -> bool,
    ) -> impl Iterator<Item = SubjectId> + 's {
        let is_before = |entry: &Entry| is_before(texts.get(entry.text));
        let number = self.blocks.partition_point(|block| block.last().is_some_and(&is_before));
        let blocks = self.blocks.get(number..).unwrap_or_default();
        let at = blocks.first().map_or(0, |block| block.partition_point(&is_before));
        blocks.iter().flatten().skip(at).map(|entry| entry.id)
    }

    /// Gives some memory back. Says whether there is more.
    pub(crate) fn drop_some(&mut self, blocks: usize) -> bool {
        self.blocks.truncate(self.blocks.len().saturating_sub(blocks));
        !self.blocks.is_empty()
    }

    /// The block that such bytes are in or belong to, if there is one.
    fn block_of(&self, bytes: &[u8], texts: &Arena) -> Option<usize> {
        let last = self.blocks.len().checked_sub(1)?;
        let is_before = |block: &Vec<Entry>| block.last().is_some_and(|entry| texts.get(entry.text) < bytes);
        Some(self.blocks.partition_point(is_before).min(last))
    }
}
