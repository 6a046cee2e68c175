//! Bytes on their way to one client.
//!
//! An outbox is a row of chunks so that it grows without copying what is already there. Chunks come
//! from a pool and go back when their last byte left, so an idle connection owns none.
//! Large payloads are not copied into chunks: all outboxes of a message share them.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::chunk_pool::ChunkPool;

/// Shared payloads in one chunk: they are let go with the chunk, so this bounds how many are kept
/// after they left.
const SHARED_PER_CHUNK_MAX: usize = 16;

/// Bytes of its own with shared ones in between.
#[derive(Debug, Default)]
struct Chunk {
    own: Vec<u8>,
    /// What comes before the own byte of that index, in order.
    shared: Vec<(usize, Bytes)>,
    len: usize,
}

impl Chunk {
    fn pieces(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let ends = self.shared.iter().map(|(at, _)| *at).chain([self.own.len()]);
        let starts = [0].into_iter().chain(self.shared.iter().map(|(at, _)| *at));
        let shared = self.shared.iter().map(|(_, bytes)| &bytes[..]).chain([&[][..]]);
        starts.zip(ends).zip(shared).flat_map(|((start, end), shared)| [&self.own[start..end], shared])
    }
}

/// The output of one connection. Who writes to it bounds it ([`Writer::has_room`](crate::Writer::has_room)).
#[derive(Debug, Default)]
pub struct Outbox {
    /// Older chunks, the oldest in front.
    full: VecDeque<Chunk>,
    /// The chunk being filled; without capacity when the outbox is empty.
    tail: Chunk,
    /// Bytes of the oldest chunk that have left already.
    sent: usize,
    len: usize,
}

impl Outbox {
    /// Bytes waiting.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What waits, in order, piece by piece; no piece is empty.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let mut skip = self.sent;
        self.full.iter().chain([&self.tail]).flat_map(Chunk::pieces).filter_map(move |piece| {
            let skipped = skip.min(piece.len());
            skip -= skipped;
            Some(&piece[skipped..]).filter(|rest| !rest.is_empty())
        })
    }

    /// Appends `bytes` bytes, which `write` has to put at the end of the vector that it is given.
    #[inline]
    pub(crate) fn append(&mut self, pool: &mut ChunkPool, bytes: usize, write: impl FnOnce(&mut Vec<u8>)) {
        if self.tail.own.capacity() - self.tail.own.len() < bytes {
            self.start_chunk(pool, bytes);
        }
        let before = self.tail.own.len();
        write(&mut self.tail.own);
        debug_assert_eq!(self.tail.own.len() - before, bytes, "a writer keeps its word");
        self.tail.len += bytes;
        self.len += bytes;
    }

    /// Appends a copy of `bytes`.
    #[inline]
    pub(crate) fn push(&mut self, pool: &mut ChunkPool, bytes: &[u8]) {
        self.append(pool, bytes.len(), |chunk| chunk.extend_from_slice(bytes));
    }

    /// Appends `bytes` without copying them.
    #[inline]
    pub(crate) fn push_shared(&mut self, pool: &mut ChunkPool, bytes: Bytes) {
        if self.tail.shared.len() == SHARED_PER_CHUNK_MAX {
            self.start_chunk(pool, 0);
        }
        self.tail.len += bytes.len();
        self.len += bytes.len();
        self.tail.shared.push((self.tail.own.len(), bytes));
    }

    /// Forgets the first `count` bytes: they left. Panics if there are fewer.
    pub(crate) fn advance(&mut self, pool: &mut ChunkPool, count: usize) {
        assert!(count <= self.len, "no more leaves than was there");
        self.len -= count;
        self.sent += count;
        while let Some(front) = self.full.front()
            && self.sent >= front.len
        {
            self.sent -= front.len;
            pool.give(self.full.pop_front().expect("there is a front").own);
        }
        if self.len == 0 {
            self.clear(pool);
        }
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self, pool: &mut ChunkPool) {
        for chunk in self.full.drain(..) {
            pool.give(chunk.own);
        }
        self.full = VecDeque::new();
        if self.tail.own.capacity() > 0 {
            pool.give(std::mem::take(&mut self.tail.own));
        }
        self.tail.shared = Vec::new();
        self.tail.len = 0;
        self.sent = 0;
        self.len = 0;
    }

    fn start_chunk(&mut self, pool: &mut ChunkPool, room: usize) {
        let fresh = Chunk { own: pool.take(room), ..Chunk::default() };
        let filled = std::mem::replace(&mut self.tail, fresh);
        if filled.len > 0 {
            self.full.push_back(filled);
        } else if filled.own.capacity() > 0 {
            pool.give(filled.own);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(outbox: &Outbox) -> Vec<u8> {
        assert!(outbox.slices().all(|piece| !piece.is_empty()));
        outbox.slices().flatten().copied().collect()
    }

    #[test]
    fn bytes_leave_in_the_order_they_came_whatever_the_cuts() {
        let mut pool = ChunkPool::default();
        let mut outbox = Outbox::default();
        let mut expected = Vec::new();
        for round in 0..300_usize {
            let piece: Vec<u8> = (0..(round * 977) % 50_000).map(|i| (i * 7 + round) as u8).collect();
            if round % 3 == 0 {
                outbox.push_shared(&mut pool, Bytes::from(piece.clone()));
            } else {
                outbox.push(&mut pool, &piece);
            }
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
        outbox.push_shared(&mut pool, Bytes::from_static(b"shared"));
        outbox.advance(&mut pool, 100_016);
        assert_eq!((outbox.tail.own.capacity(), outbox.full.capacity()), (0, 0));
        assert_eq!(outbox.tail.shared.capacity(), 0);
        assert_eq!(pool.free(), 1, "the pooled chunk came back, the large one did not");
    }

    #[test]
    fn shared_payloads_are_let_go_a_few_at_a_time() {
        let mut pool = ChunkPool::default();
        let mut outbox = Outbox::default();
        let payload = Bytes::from(vec![0; 100]);
        for _ in 0..10 * SHARED_PER_CHUNK_MAX {
            outbox.push(&mut pool, b"head");
            outbox.push_shared(&mut pool, payload.clone());
        }
        outbox.advance(&mut pool, 104 * 9 * SHARED_PER_CHUNK_MAX);
        assert!(outbox.full.len() <= 1);
    }
}
