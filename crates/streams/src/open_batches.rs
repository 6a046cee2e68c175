//! Batches whose last message has not come yet.
//!
//! Their messages wait here and nowhere else: nothing of them is logged before the last one comes, so whatever ends the
//! server before that ends them, and a batch is given up when nothing comes for too long. How many there are is bounded
//! by [`BatchLimits`], how much they hold by [`BATCH_BYTES_MAX`] and by what [`BatchRoom`] leaves.

use std::collections::BTreeMap;

use js_proto::advisory::BatchAbandonReason;

use crate::Incoming;
use crate::found_last::FoundLast;

/// Bytes of one batch: it is written to the log as a whole. Beyond that it is given up.
pub const BATCH_BYTES_MAX: usize = 64 << 20;

/// Bytes that a message takes beside what it says.
const MESSAGE_BYTES: usize = 64;

/// What batches may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// How many of a stream may be open.
    pub open_max: usize,
    /// Messages of one.
    pub messages_max: u64,
    /// Nanoseconds after a message within which the next one has to come.
    pub patience: i64,
}

/// What the world leaves for batches.
#[derive(Clone, Copy, Debug)]
pub struct BatchRoom {
    /// What each stream may have.
    pub limits: BatchLimits,
    /// Whether the server has one more, if a new one begins.
    pub may_begin: bool,
    /// Bytes that all batches may have besides.
    pub bytes_left: usize,
}

/// A batch that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abandoned {
    /// What its publisher calls it.
    pub id: Box<[u8]>,
    /// Why.
    pub reason: BatchAbandonReason,
}

/// All of a stream.
#[derive(Debug, Default)]
pub(crate) struct OpenBatches {
    by_id: BTreeMap<Box<[u8]>, OpenBatch>,
    bytes: usize,
    /// None ends before that.
    due: Option<i64>,
    abandoned: Vec<Abandoned>,
}

/// One of them.
#[derive(Debug, Default)]
pub(crate) struct OpenBatch {
    pub(crate) messages: Vec<Held>,
    bytes: usize,
    /// When it is given up.
    ends: i64,
    /// What was found of the stream so far that it depends on.
    pub(crate) found: FoundLast,
}

/// A message that waits.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: Box<[u8]>,
    subject: usize,
    header: usize,
}

impl Held {
    pub(crate) fn new(subject: &[u8], header: &[u8], payload: &[u8]) -> Self {
        let bytes = [subject, header, payload].concat().into();
        Self { bytes, subject: subject.len(), header: header.len() }
    }

    pub(crate) fn header(&self) -> &[u8] {
        &self.bytes[self.subject..self.subject + self.header]
    }

    /// The message, as it came, at another moment.
    pub(crate) fn at(&self, now: i64) -> Incoming<'_> {
        let (subject, rest) = self.bytes.split_at(self.subject);
        let (header, payload) = rest.split_at(self.header);
        Incoming { now, subject, header, payload }
    }

    fn cost(&self) -> usize {
        self.bytes.len() + MESSAGE_BYTES
    }
}

impl OpenBatches {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn get(&self, id: &[u8]) -> Option<&OpenBatch> {
        self.by_id.get(id)
    }

    pub(crate) fn begin(&mut self, id: &[u8]) {
        self.by_id.insert(id.into(), OpenBatch::default());
    }

    /// Something came for a batch, which lives on until then.
    pub(crate) fn touch(&mut self, id: &[u8], ends: i64) {
        if let Some(batch) = self.by_id.get_mut(id) {
            batch.ends = ends;
            self.due = Some(self.due.map_or(ends, |due| due.min(ends)));
        }
    }

    /// Says whether the message is taken: else there is no room for it.
    pub(crate) fn hold(&mut self, id: &[u8], held: Held, bytes_left: usize) -> bool {
        let Some(batch) = self.by_id.get_mut(id) else { return false };
        let cost = held.cost();
        if batch.bytes + cost > BATCH_BYTES_MAX || cost > bytes_left {
            return false;
        }
        batch.bytes += cost;
        self.bytes += cost;
        batch.messages.push(held);
        true
    }

    /// Takes one out, to look at it or to be done with it.
    pub(crate) fn take(&mut self, id: &[u8]) -> Option<OpenBatch> {
        let batch = self.by_id.remove(id)?;
        self.bytes -= batch.bytes;
        Some(batch)
    }

    pub(crate) fn put_back(&mut self, id: &[u8], batch: OpenBatch) {
        self.bytes += batch.bytes;
        self.by_id.insert(id.into(), batch);
    }

    /// A batch is given up, and that is told.
    pub(crate) fn abandon(&mut self, id: &[u8], reason: BatchAbandonReason) {
        if self.take(id).is_some() {
            self.abandoned.push(Abandoned { id: id.into(), reason });
        }
    }

    pub(crate) fn clear(&mut self) {
        (self.by_id, self.bytes, self.due) = (BTreeMap::new(), 0, None);
    }

    /// When one may have to be given up.
    pub(crate) fn due(&self) -> Option<i64> {
        self.due
    }

    /// Gives up those for which nothing came for too long.
    pub(crate) fn expire(&mut self, now: i64) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        let over = self.by_id.iter().filter(|(_, batch)| batch.ends <= now);
        let over: Vec<Box<[u8]>> = over.map(|(id, _)| id.clone()).collect();
        over.iter().for_each(|id| self.abandon(id, BatchAbandonReason::Timeout));
        self.due = self.by_id.values().map(|batch| batch.ends).min();
    }

    pub(crate) fn take_abandoned(&mut self) -> Vec<Abandoned> {
        std::mem::take(&mut self.abandoned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(payload: &[u8]) -> Held {
        Held::new(b"s", b"h", payload)
    }

    #[test]
    fn a_message_is_what_it_was() {
        let held = Held::new(b"subject", b"", b"payload");
        let Incoming { now, subject, header, payload } = held.at(7);
        assert_eq!((now, subject, header, payload), (7, &b"subject"[..], &b""[..], &b"payload"[..]));
    }

    #[test]
    fn those_that_are_waited_for_too_long_are_given_up() {
        let mut batches = OpenBatches::default();
        for (id, ends) in [(b"a", 10), (b"b", 20), (b"c", 30)] {
            batches.begin(id);
            batches.touch(id, ends);
        }
        batches.touch(b"a", 25);
        batches.expire(9);
        assert_eq!((batches.len(), batches.due()), (3, Some(10)));
        batches.expire(24);
        assert_eq!((batches.len(), batches.due()), (2, Some(25)));
        let given_up = Abandoned { id: b"b"[..].into(), reason: BatchAbandonReason::Timeout };
        assert_eq!(batches.take_abandoned(), [given_up]);
    }

    #[test]
    fn what_they_hold_is_bounded() {
        let mut batches = OpenBatches::default();
        batches.begin(b"a");
        assert!(batches.hold(b"a", held(b"12"), 1_000));
        assert_eq!(batches.bytes(), 4 + MESSAGE_BYTES);
        assert!(!batches.hold(b"a", held(b"12"), MESSAGE_BYTES), "there is no room at all");
        let large = vec![0; BATCH_BYTES_MAX - 2 * MESSAGE_BYTES - 5];
        assert!(!batches.hold(b"a", held(&large), usize::MAX), "the batch is full");
        assert!(batches.hold(b"a", held(&large[1..]), usize::MAX));
        batches.abandon(b"a", BatchAbandonReason::Large);
        assert_eq!((batches.bytes(), batches.len()), (0, 0));
    }
}
