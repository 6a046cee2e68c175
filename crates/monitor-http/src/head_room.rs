//! How much room the heads of all connections have, while they are not over.

use std::cell::Cell;
use std::rc::Rc;

/// Bytes of a head that there is always room for: more than any browser or scraper sends. For all connections
/// that there may be this is 4 MiB.
const SMALL_BYTES: usize = 8 << 10;

/// Bytes beyond those, in all: sixteen of the longest heads. One that has no room is refused as too large.
const HEADS_BYTES_MAX: usize = 16 << 20;

/// What all connections share, on one thread: the bytes in use.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeadRoom(Rc<Cell<usize>>);

/// What one head has of it, given back when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Share {
    room: HeadRoom,
    bytes: usize,
}

impl HeadRoom {
    pub(crate) fn share(&self) -> Share {
        Share { room: self.clone(), bytes: 0 }
    }
}

impl Share {
    /// Whether there is room for a head to become as long as this.
    pub(crate) fn grows_to(&mut self, head_bytes: usize) -> bool {
        let bytes = head_bytes.saturating_sub(SMALL_BYTES).max(self.bytes);
        let used = self.room.0.get() + bytes - self.bytes;
        if used > HEADS_BYTES_MAX {
            return false;
        }
        self.room.0.set(used);
        self.bytes = bytes;
        true
    }

    /// The share of the head that follows.
    pub(crate) fn renewed(&self) -> Self {
        self.room.share()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.0.set(self.room.0.get() - self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_heads_share_the_room_and_short_ones_always_fit() {
        let room = HeadRoom::default();
        let (mut one, mut other) = (room.share(), room.share());
        assert!(one.grows_to(SMALL_BYTES + HEADS_BYTES_MAX - 1));
        assert!(other.grows_to(SMALL_BYTES + 1) && !other.grows_to(SMALL_BYTES + 2));
        assert!(room.share().grows_to(SMALL_BYTES));
        other = one.renewed();
        assert!(other.grows_to(SMALL_BYTES + 1) && !other.grows_to(SMALL_BYTES + 2));
        drop(one);
        assert!(other.grows_to(SMALL_BYTES + HEADS_BYTES_MAX));
    }
}
