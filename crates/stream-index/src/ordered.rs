//! Subjects in the order of their bytes.
//!
//! Ids stand in blocks of up to [`BLOCK_IDS_MAX`], so that one more moves a few of them and not all. It is touched
//! only when a subject appears or goes.

use crate::SubjectId;

/// Ids of a block. A full one is cut in two. Tests have smaller ones, to see many.
const BLOCK_IDS_MAX: usize = if cfg!(test) { 8 } else { 512 };

#[derive(Debug, Default)]
pub(crate) struct Ordered {
    /// None is empty.
    blocks: Vec<Vec<SubjectId>>,
}

impl Ordered {
    /// Adds an id that is not there. `text` says what subject an id is.
    pub(crate) fn insert<'a>(&mut self, id: SubjectId, text: impl Fn(SubjectId) -> &'a [u8]) {
        let bytes = text(id);
        let Some(number) = self.block_of(bytes, &text) else {
            self.blocks.push(vec![id]);
            return;
        };
        let block = &mut self.blocks[number];
        let at = block.partition_point(|other| text(*other) < bytes);
        block.insert(at, id);
        if block.len() == BLOCK_IDS_MAX {
            let behind = block.split_off(BLOCK_IDS_MAX / 2);
            self.blocks.insert(number + 1, behind);
        }
    }

    /// Takes out an id that is there.
    pub(crate) fn remove<'a>(&mut self, id: SubjectId, text: impl Fn(SubjectId) -> &'a [u8]) {
        let bytes = text(id);
        let number = self.block_of(bytes, &text).expect("an id that is there is in a block");
        let block = &mut self.blocks[number];
        let at = block.partition_point(|other| text(*other) < bytes);
        debug_assert_eq!(block[at], id);
        block.remove(at);
        if block.is_empty() {
            self.blocks.remove(number);
        } else if let Some(next) = self.blocks.get(number + 1)
            && self.blocks[number].len() + next.len() < BLOCK_IDS_MAX / 2
        {
            let next = self.blocks.remove(number + 1);
            self.blocks[number].extend(next);
        }
    }

    /// All ids from the first whose subject is not below, or equal to, those bytes: by `is_before`.
    pub(crate) fn from<'s>(
        &'s self,
        is_before: impl Fn(SubjectId) -> bool,
    ) -> impl Iterator<Item = SubjectId> + 's {
        let number = self.blocks.partition_point(|block| block.last().is_some_and(|last| is_before(*last)));
        let blocks = self.blocks.get(number..).unwrap_or_default();
        let at = blocks.first().map_or(0, |block| block.partition_point(|id| is_before(*id)));
        blocks.iter().flatten().copied().skip(at)
    }

    /// The block that such bytes are in or belong to, if there is one.
    fn block_of<'a>(&self, bytes: &[u8], text: impl Fn(SubjectId) -> &'a [u8]) -> Option<usize> {
        let last = self.blocks.len().checked_sub(1)?;
        let is_before = |block: &Vec<SubjectId>| block.last().is_some_and(|id| text(*id) < bytes);
        Some(self.blocks.partition_point(is_before).min(last))
    }
}
