//! How fast segments of other keys are written anew.

/// Pieces that are copied between two ticks, which are about a second apart: some 32 MB, of what a disk does a part.
const PIECES_PER_TICK: u32 = 32;

#[derive(Debug)]
pub(crate) struct Rekeying {
    /// There are segments of other keys.
    pub(crate) is_left: bool,
    /// Pieces that may be read before the next tick.
    pieces: u32,
    /// There is one to be read then.
    pub(crate) waits: bool,
}

impl Default for Rekeying {
    fn default() -> Self {
        Self { is_left: false, pieces: PIECES_PER_TICK, waits: false }
    }
}

impl Rekeying {
    /// Whether one more piece may be read now.
    pub(crate) fn may_go_on(&mut self) -> bool {
        self.waits = self.pieces == 0;
        self.pieces = self.pieces.saturating_sub(1);
        !self.waits
    }

    /// Some time is over.
    pub(crate) fn tick(&mut self) {
        (self.pieces, self.waits) = (PIECES_PER_TICK, false);
    }
}
