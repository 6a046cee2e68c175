//! Bytes on their way to one client.
//!
//! An outbox is a row of chunks so that it grows without copying what is already there. Chunks come
//! from the shard's pool and go back when their last byte left, so an idle connection owns none.

use std::collections::VecDeque;

/// Room in one pooled chunk: a few hundred small messages, and one `send` of them.
pub(crate) const CHUNK_BYTES: usize = 32 << 10;

/// Chunks kept for reuse, per shard: 8 MiB. Further ones go back to the allocator.
const POOL_CHUNKS_MAX: usize = 256;

/// Spare chunks of one shard, the most recently used on top.
#[derive(Debug, Default)]
pub(crate) struct ChunkPool {
    free: Vec<Vec<u8>>,
}

impl ChunkPool {
    fn take(&mut self, room: usize) -> Vec<u8> {
        if room > CHUNK_BYTES {
            return Vec::with_capacity(room);
        }
        self.free.pop().unwrap_or_else(|| Vec::with_capacity(CHUNK_BYTES))
    }

    fn give(&mut self, mut chunk: Vec<u8>) {
        if chunk.capacity() == CHUNK_BYTES && self.free.len() < POOL_CHUNKS_MAX {
            chunk.clear();
            self.free.push(chunk);
        }
    }
}

/// The output of one connection. Bounded by the broker at `max_pending`.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Older chunks, the oldest in front.
    full: VecDeque<Vec<u8>>,
    /// The chunk being filled; without capacity when the outbox is empty.
    tail: Vec<u8>,
    /// Bytes of the oldest chunk that have left already.
    sent: usize,
    len: usize,
}

impl Outbox {
    /// Bytes waiting.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What waits, in order, chunk by chunk.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let mut skip = self.sent;
        self.full.iter().chain(std::iter::once(&self.tail)).filter_map(move |chunk| {
            let rest = &chunk[std::mem::take(&mut skip)..];
            (!rest.is_empty()).then_some(rest)
        })
    }

    /// Appends `bytes` bytes that `write` puts at the end of the vector it is given.
    pub(crate) fn append(&mut self, pool: &mut ChunkPool, bytes: usize, write: impl FnOnce(&mut Vec<u8>)) {
        if self.tail.capacity() - self.tail.len() < bytes {
            self.start_chunk(pool, bytes);
        }
        let before = self.tail.len();
        write(&mut self.tail);
        debug_assert_eq!(self.tail.len() - before, bytes, "a writer keeps its word");
        self.len += self.tail.len() - before;
    }

    /// Appends a copy of `bytes`.
    pub(crate) fn push(&mut self, pool: &mut ChunkPool, bytes: &[u8]) {
        self.append(pool, bytes.len(), |chunk| chunk.extend_from_slice(bytes));
    }

    /// Forgets the first `count` bytes: they left.
    pub(crate) fn advance(&mut self, pool: &mut ChunkPool, count: usize) {
        assert!(count <= self.len, "no more leaves than was there");
        self.len -= count;
        self.sent += count;
        while let Some(front) = self.full.front()
            && self.sent >= front.len()
        {
            self.sent -= front.len();
            pool.give(self.full.pop_front().expect("there is a front"));
        }
        if self.len == 0 {
            self.clear(pool);
        }
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self, pool: &mut ChunkPool) {
        for chunk in self.full.drain(..) {
            pool.give(chunk);
        }
        self.full = VecDeque::new();
        if self.tail.capacity() > 0 {
            pool.give(std::mem::take(&mut self.tail));
        }
        self.sent = 0;
        self.len = 0;
    }

    fn start_chunk(&mut self, pool: &mut ChunkPool, room: usize) {
        let filled = std::mem::replace(&mut self.tail, pool.take(room));
        if !filled.is_empty() {
            self.full.push_back(filled);
        } else if filled.capacity() > 0 {
            pool.give(filled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(outbox: &Outbox) -> Vec<u8> {
        outbox.slices().flatten().copied().collect()
    }

    #[test]
    fn bytes_leave_in_the_order_they_came_whatever_the_cuts() {
        let mut pool = ChunkPool::default();
        let mut outbox = Outbox::default();
        let mut expected = Vec::new();
        for round in 0..200_usize {
            let piece: Vec<u8> = (0..(round * 977) % 50_000).map(|i| (i * 7 + round) as u8).collect();
            outbox.push(&mut pool, &piece);
            expected.extend_from_slice(&piece);
            let leaving = (round * 3331) % (expected.len() + 1);
            outbox.advance(&mut pool, leaving);
            expected.drain(..leaving);
            assert_eq!(outbox.len(), expected.len());
            assert_eq!(contents(&outbox), expected);
        }
    }

    #[test]
    fn an_empty_outbox_owns_no_chunk() {
        let mut pool = ChunkPool::default();
        let mut outbox = Outbox::default();
        outbox.push(&mut pool, &[1; 100_000]);
        outbox.push(&mut pool, &[2; 10]);
        outbox.advance(&mut pool, 100_010);
        assert_eq!((outbox.tail.capacity(), outbox.full.capacity()), (0, 0));
        assert_eq!(pool.free.len(), 1, "the pooled chunk came back, the large one did not");
    }
}
