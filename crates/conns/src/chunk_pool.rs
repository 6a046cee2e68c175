//! The memory that outboxes are made of.
//!
//! A machine keeps the chunks that its outboxes give back, so that a message on its way allocates nothing.
//! What was not needed for a while goes back to the allocator, a little at a time: readers that lag now and
//! then find their chunks again, and memory follows what waits within a minute.

use std::time::Duration;

use crate::time::Time;

/// Room in one chunk: a few hundred small messages, and one `send` of them.
const CHUNK_BYTES: usize = 32 << 10;

/// Free chunks that are kept whatever happens, per pool: 2 MiB. There are more only if more was waiting
/// at once a short time ago.
const KEPT: usize = 64;

/// Free chunks at most, per pool: 64 MiB. Further ones go back at once.
const FREE_MAX: usize = 2048;

/// How long between two looks at what was not needed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A look gives back this share of what was not needed since the last one, 8 MiB at most: half of it in
/// five seconds.
const SHARE: usize = 8;

/// Free chunks, the most recently used on top.
#[derive(Debug, Default)]
pub(crate) struct ChunkPool {
    free: Vec<Vec<u8>>,
    /// The fewest that were free since the last look.
    unneeded: usize,
    /// When to look next.
    look_at: Time,
}

impl ChunkPool {
    /// An empty buffer with that much room or more.
    pub(crate) fn take(&mut self, room: usize) -> Vec<u8> {
        if room > CHUNK_BYTES {
            return Vec::with_capacity(room);
        }
        let Some(chunk) = self.free.pop() else { return Vec::with_capacity(CHUNK_BYTES) };
        self.unneeded = self.unneeded.min(self.free.len());
        chunk
    }

    /// Takes a buffer back. Only chunks are kept, as long as there is room.
    pub(crate) fn give(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() == CHUNK_BYTES && self.free.len() < FREE_MAX {
            buffer.clear();
            self.free.push(buffer);
        }
    }

    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.free.len()
    }

    /// When [`Self::shrink`] is next needed, if nothing happens before.
    pub(crate) fn shrinks_at(&self) -> Option<Time> {
        (self.free.len() > KEPT).then_some(self.look_at)
    }

    /// Gives back some of what was not needed, if it is time to look.
    pub(crate) fn shrink(&mut self, now: Time) {
        if now < self.look_at {
            return;
        }
        let unneeded = self.unneeded.min(self.free.len().saturating_sub(KEPT));
        self.free.drain(..unneeded.div_ceil(SHARE));
        self.unneeded = self.free.len();
        self.look_at = now + LOOK_EVERY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pool after that many chunks were in use at once.
    fn pool_after(in_use: usize) -> ChunkPool {
        let mut pool = ChunkPool::default();
        let chunks: Vec<_> = (0..in_use).map(|_| pool.take(1)).collect();
        chunks.into_iter().for_each(|chunk| pool.give(chunk));
        pool
    }

    fn look(pool: &mut ChunkPool) {
        pool.shrink(pool.look_at);
    }

    #[test]
    fn what_nobody_needs_goes_back_within_a_minute_and_a_part_stays() {
        let mut pool = pool_after(20 * KEPT);
        let mut looks = 0;
        while pool.shrinks_at().is_some() {
            look(&mut pool);
            looks += 1;
        }
        assert_eq!(pool.free.len(), KEPT);
        assert!(looks * LOOK_EVERY <= Duration::from_secs(60), "{looks} looks");
    }

    #[test]
    fn what_is_needed_now_and_then_stays() {
        let mut pool = pool_after(4 * KEPT);
        for _ in 0..100 {
            let chunks: Vec<_> = (0..4 * KEPT).map(|_| pool.take(1)).collect();
            chunks.into_iter().for_each(|chunk| pool.give(chunk));
            look(&mut pool);
        }
        assert_eq!(pool.free.len(), 4 * KEPT);
    }

    #[test]
    fn a_small_pool_needs_no_looks() {
        let mut pool = pool_after(KEPT);
        assert_eq!(pool.shrinks_at(), None);
        look(&mut pool);
        look(&mut pool);
        assert_eq!(pool.free.len(), KEPT);
    }

    #[test]
    fn there_are_never_more_than_that_many() {
        assert_eq!(pool_after(FREE_MAX + 10).free.len(), FREE_MAX);
    }

    #[test]
    fn only_chunks_are_kept() {
        let mut pool = ChunkPool::default();
        let large = pool.take(CHUNK_BYTES + 1);
        pool.give(large);
        assert!(pool.free.is_empty());
    }
}
