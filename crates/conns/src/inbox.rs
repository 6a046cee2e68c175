//! Input of a connection that is kept: the start of an op, or what a hold keeps back.
//!
//! It is used up from the front without being moved, so one that is worked off in many shares costs no
//! more than one that is worked off at once. Bounded by what its connection may be read while it is held
//! and by the largest op.

use bytes::Bytes;

/// Input of one connection that is not used up yet. An empty one owns no memory.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    /// How many of them are used up.
    used: usize,
}

impl Inbox {
    /// What is left of `bytes` when the first `used` of them are used up.
    pub fn rest_of(bytes: Vec<u8>, used: usize) -> Self {
        if used < bytes.len() { Self { bytes, used } } else { Self::default() }
    }

    /// Bytes that are not used up yet.
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len() - self.used
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those bytes, in order.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[self.used..]
    }

    /// `count` more bytes from the front are used up; there are as many.
    pub fn advance(&mut self, count: usize) {
        *self = Self::rest_of(std::mem::take(&mut self.bytes), self.used + count);
    }

    /// Adds to its end, with room for `len_min` bytes in all.
    pub fn extend(&mut self, more: &[u8], len_min: usize) {
        let needed = len_min.max(self.len() + more.len());
        if self.used + needed > self.bytes.capacity() {
            self.bytes.drain(..self.used);
            self.used = 0;
            self.bytes.reserve(needed - self.bytes.len());
        }
        self.bytes.extend_from_slice(more);
    }

    /// All of it to be shared, and how much of that is used up.
    pub fn into_shared(self) -> (Bytes, usize) {
        (self.bytes.into(), self.used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_came_and_was_not_used() {
        let (mut inbox, mut model) = (Inbox::default(), Vec::new());
        for round in 0..2000_usize {
            let more = vec![round as u8; round * 7919 % 311];
            inbox.extend(&more, round % 400);
            model.extend_from_slice(&more);
            let used = (round * 104_729 % 373).min(model.len());
            inbox.advance(used);
            model.drain(..used);
            assert_eq!(inbox.as_slice(), &model);
            assert_eq!((inbox.len(), inbox.is_empty()), (model.len(), model.is_empty()));
        }
        let (all, used) = inbox.into_shared();
        assert_eq!(all[used..], model);
    }

    #[test]
    fn an_inbox_that_is_used_up_holds_no_memory() {
        let mut inbox = Inbox::default();
        inbox.extend(&[1; 5000], 0);
        inbox.advance(5000);
        assert_eq!(inbox.bytes.capacity(), 0);
    }
}
