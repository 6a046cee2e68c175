//! Messages for the services of the same shard.

use crate::frame::{self, FramePosition, Letter, MeshFrames};

/// A mailbox that grew past this gives its buffer back once it was read.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// Letters in the order they came, in one buffer.
#[derive(Debug, Default)]
pub struct Mailbox {
    frames: Vec<u8>,
    /// Where those begin that have yet to be read.
    position: FramePosition,
}

impl Mailbox {
    /// Adds a letter.
    pub fn push(&mut self, letter: &Letter<'_>) {
        frame::put_letter(&mut self.frames, letter);
    }

    /// The letters that have yet to be read: each frame is one.
    pub fn frames(&self) -> MeshFrames<'_> {
        MeshFrames::at(&self.frames, self.position)
    }

    /// The next letter, and where the one behind it begins.
    ///
    /// # Panics
    /// Somebody wrote into the mailbox by other means.
    pub fn peek(&self) -> Option<(Letter<'_>, FramePosition)> {
        let rest = self.position.rest(&self.frames);
        if rest.is_empty() {
            return None;
        }
        let (letter, len) = frame::first_letter(rest).expect("mailboxes have letters");
        Some((letter, self.position.behind(len)))
    }

    /// What [`Self::peek`] gave was read: the letter that begins there is next.
    pub fn pass(&mut self, to: FramePosition) {
        self.position = to;
    }

    /// Reads the next letter.
    ///
    /// # Panics
    /// Somebody wrote into the mailbox by other means.
    pub fn read(&mut self) -> Option<Letter<'_>> {
        let (_, next) = self.peek()?;
        let before = std::mem::replace(&mut self.position, next);
        let (letter, _) = frame::first_letter(before.rest(&self.frames)).expect("it was just read");
        Some(letter)
    }

    /// Bytes of letters, whether they were read or not.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether all were read.
    pub fn is_empty(&self) -> bool {
        self.position.rest(&self.frames).is_empty()
    }

    /// Forgets all letters.
    pub fn clear(&mut self) {
        self.position = FramePosition::default();
        self.frames.clear();
        self.frames.shrink_to(KEPT_BYTES_MAX);
    }
}
