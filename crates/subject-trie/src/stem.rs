//! Where filters with wildcards stand before the last token of a subject, remembered.
//!
//! Subjects that are published to once each, as those of replies are, mostly differ in their last token only. What the
//! tokens before it lead to is looked for once then.
//!
//! Always true: from a stem on a walk comes to what it would come to from the root, and in the same order.

use smallvec::SmallVec;

/// Longer stems are not remembered: nobody's inbox is that long.
const STEM_BYTES_MAX: usize = 128;

/// Nor are those that lead to more.
const STEPS_MAX: usize = 16;

/// A node of the trie of wildcards.
type NodeId = u32;

/// What a walk comes to on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StemStep {
    /// Filters that end with `>` behind this node.
    Tail(NodeId),
    /// The node where the last token is asked for.
    Last(NodeId),
}

/// The last stem. It is of one trie, as it was at one generation.
#[derive(Debug, Default)]
pub(crate) struct Stem {
    /// The subject up to its last dot, and that; nothing if none is remembered.
    text: Vec<u8>,
    right_at: u64,
    steps: SmallVec<[StemStep; 4]>,
}

impl Stem {
    /// What a subject's stem leads to, if it is the one that is remembered.
    #[inline]
    pub(crate) fn steps_of(&self, stem: &[u8], generation: u64) -> Option<&[StemStep]> {
        let is_it = !stem.is_empty() && self.right_at == generation && *self.text == *stem;
        is_it.then_some(&self.steps)
    }

    /// Remembers another one, if it is worth it.
    pub(crate) fn remember(&mut self, stem: &[u8], generation: u64, steps: &[StemStep]) {
        self.text.clear();
        self.steps.clear();
        if stem.len() <= STEM_BYTES_MAX && steps.len() <= STEPS_MAX {
            self.text.extend_from_slice(stem);
            self.steps.extend_from_slice(steps);
            self.right_at = generation;
        }
    }
}

/// The subject up to its last dot, that included, and its last token.
#[inline]
pub(crate) fn split_last(subject: &[u8]) -> (&[u8], &[u8]) {
    subject.split_at(subject.iter().rposition(|byte| *byte == b'.').map_or(0, |dot| dot + 1))
}
