//! Messages for the services of the same shard.

use crate::frame::{self, Frames, Letter, Position};

/// A mailbox that grew past this gives its buffer back once it was read.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// Letters in the order they came, in one buffer.
#[derive(Debug, Default)]
pub struct Mailbox {
    frames: Vec<u8>,
}

impl Mailbox {
    /// Adds a letter.
    pub fn push(&mut self, letter: &Letter<'_>) {
        frame::put_letter(&mut self.frames, letter);
    }

    /// The letters: each frame is one.
    pub fn frames(&self) -> Frames<'_> {
        Frames::at(&self.frames, Position::default())
    }

    /// Bytes of letters.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Forgets all letters.
    pub fn clear(&mut self) {
        self.frames.clear();
        self.frames.shrink_to(KEPT_BYTES_MAX);
    }
}
