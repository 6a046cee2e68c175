//! The fast batches of a stream that are open.
//!
//! They hold numbers and no messages, so what bounds them is how many there may be: [`FastRoom`] says that, and a batch of
//! which nothing comes for too long is over, without a word. None outlives the server.

use std::collections::BTreeMap;

use crate::fast_batch::FastBatch;

/// What the world leaves for fast batches.
#[derive(Clone, Copy, Debug)]
pub struct FastRoom {
    /// How many of a stream may be open.
    pub open_max: usize,
    /// Whether the server has one more, if a new one begins.
    pub may_begin: bool,
    /// Nanoseconds after a message within which the next one has to come.
    pub patience: i64,
}

/// All of a stream.
#[derive(Debug, Default)]
pub(crate) struct FastBatches {
    by_id: BTreeMap<Box<[u8]>, Row>,
    /// None ends before that.
    due: Option<i64>,
}

#[derive(Debug)]
struct Row {
    batch: FastBatch,
    /// When nobody waits for it any more.
    ends: i64,
}

impl FastBatches {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn get(&self, id: &[u8]) -> Option<FastBatch> {
        self.by_id.get(id).map(|row| row.batch)
    }

    /// A batch is that now, and lives on until then.
    pub(crate) fn put(&mut self, id: &[u8], batch: FastBatch, ends: i64) {
        let row = Row { batch, ends };
        match self.by_id.get_mut(id) {
            Some(known) => *known = row,
            None => _ = self.by_id.insert(id.into(), row),
        }
        self.due = Some(self.due.map_or(ends, |due| due.min(ends)));
    }

    pub(crate) fn remove(&mut self, id: &[u8]) {
        self.by_id.remove(id);
        if self.by_id.is_empty() {
            self.due = None;
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// When one may be over.
    pub(crate) fn due(&self) -> Option<i64> {
        self.due
    }

    /// Those are over of which nothing came for too long.
    pub(crate) fn expire(&mut self, now: i64) {
        if self.due.is_some_and(|due| due <= now) {
            self.by_id.retain(|_, row| row.ends > now);
            self.due = self.by_id.values().map(|row| row.ends).min();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> FastBatch {
        let message = js_proto::FastBatch::parse(b"p.id.7.ok.1.0.$FI");
        FastBatch::new(&message.expect("it is one").expect("it is one"), 1)
    }

    #[test]
    fn those_that_are_waited_for_too_long_are_over() {
        let mut batches = FastBatches::default();
        for (id, ends) in [(b"a", 10), (b"b", 20), (b"c", 30)] {
            batches.put(id, batch(), ends);
        }
        batches.put(b"a", batch(), 25);
        batches.expire(9);
        assert_eq!((batches.len(), batches.due()), (3, Some(10)));
        batches.expire(20);
        assert_eq!((batches.len(), batches.due()), (2, Some(25)));
        assert_eq!((batches.get(b"a"), batches.get(b"b")), (Some(batch()), None));
        batches.remove(b"a");
        batches.remove(b"c");
        assert_eq!((batches.len(), batches.due()), (0, None));
    }
}
