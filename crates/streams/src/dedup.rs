//! Ids of messages that came lately, so that one that comes again is not stored twice.
//!
//! Ids are kept as keyed hashes of 128 bits, by which nobody can make two ids alike who does not know the key. They
//! are remembered from the decision on, so that two in one batch are told apart, and leave with the time of later
//! events: never by a clock alone while it would matter.

use std::collections::VecDeque;
use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};
use subject_trie::steady::{Entry, SteadyTable};

/// Ids that a stream remembers, some 60 bytes each. Beyond them the oldest are forgotten before their time.
pub const MESSAGE_IDS_MAX: usize = 1 << 22;

/// Ids that are forgotten at a time: some microseconds. Those that are left are too old to be found.
const FORGOTTEN_AT_ONCE: usize = 64;

/// Ids that are dropped at a time, for good.
const DROPPED_AT_ONCE: usize = 4_096;

/// The message that came with an id: its hash, its sequence and its time.
type Known = ([u8; 16], u64, i64);

#[derive(Debug)]
pub(crate) struct Dedup {
    key: [u8; 16],
    /// The last one of each id.
    known: SteadyTable<Known>,
    /// In the order they came.
    order: VecDeque<Known>,
}

/// A hash needs no hashing.
fn spread(hash: &[u8; 16]) -> u64 {
    u64::from_le_bytes(*hash.first_chunk().expect("it has sixteen bytes"))
}

impl Dedup {
    pub(crate) fn new(key: [u8; 16]) -> Self {
        Self { key, known: SteadyTable::new(), order: VecDeque::new() }
    }

    /// What stands for an id.
    pub(crate) fn hash(&self, id: &[u8]) -> [u8; 16] {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        hasher.write(id);
        hasher.finish128().as_bytes()
    }

    /// The message that came with an id within that time before.
    pub(crate) fn find(&self, hash: &[u8; 16], now: i64, window: i64) -> Option<u64> {
        let (_, seq, time) = self.known.find(spread(hash), |known| known.0 == *hash)?;
        (!is_over(*time, now, window)).then_some(*seq)
    }

    /// Notes the message that came with an id.
    pub(crate) fn insert(&mut self, hash: [u8; 16], seq: u64, time: i64) {
        let known = (hash, seq, time);
        match self.known.entry(spread(&hash), |other| other.0 == hash, |other| spread(&other.0)) {
            Entry::Occupied(before) => *before = known,
            Entry::Vacant(vacant) => vacant.insert(known),
        }
        self.order.push_back(known);
        if self.order.len() > MESSAGE_IDS_MAX {
            self.forget_oldest();
        }
    }

    /// Forgets some of those that came that long before that time.
    pub(crate) fn expire(&mut self, now: i64, window: i64) {
        let mut left = FORGOTTEN_AT_ONCE;
        while left > 0 && self.order.front().is_some_and(|(_, _, time)| is_over(*time, now, window)) {
            self.forget_oldest();
            left -= 1;
        }
    }

    /// Gives some memory back, as nobody asks any more. Says whether there is more.
    pub(crate) fn discard_some(&mut self) -> bool {
        let some = self.order.len().saturating_sub(DROPPED_AT_ONCE);
        self.order.truncate(some);
        self.known.take_some().count() > 0 || !self.order.is_empty()
    }

    /// When the oldest one leaves.
    pub(crate) fn next_deadline(&self, window: i64) -> Option<i64> {
        self.order.front().map(|(_, _, time)| time.saturating_add(window))
    }

    /// Forgets those whose messages have that sequence or a later one: they never came.
    pub(crate) fn drop_from(&mut self, seq: u64) {
        while self.order.back().is_some_and(|(_, other, _)| *other >= seq) {
            let (hash, seq, _) = self.order.pop_back().expect("it was just looked at");
            self.forget(&hash, seq);
        }
    }

    /// In the order they came, each with its sequence and time, from that sequence on.
    pub(crate) fn from(&self, seq: u64) -> impl Iterator<Item = &([u8; 16], u64, i64)> {
        self.order.range(self.order.partition_point(|(_, other, _)| *other < seq)..)
    }

    fn forget_oldest(&mut self) {
        if let Some((hash, seq, _)) = self.order.pop_front() {
            self.forget(&hash, seq);
        }
    }

    /// Unless the id came again.
    fn forget(&mut self, hash: &[u8; 16], seq: u64) {
        let is_it = |known: &Known| known.0 == *hash && known.1 == seq;
        self.known.remove(spread(hash), is_it, |known| spread(&known.0));
    }
}

fn is_over(time: i64, now: i64, window: i64) -> bool {
    now.saturating_sub(time) >= window
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_leave_when_their_time_is_over() {
        let mut dedup = Dedup::new([1; 16]);
        let [a, b] = [b"a", b"b"].map(|id| dedup.hash(id));
        dedup.insert(a, 1, 100);
        dedup.insert(b, 2, 150);
        dedup.expire(199, 100);
        assert_eq!((dedup.find(&a, 199, 100), dedup.next_deadline(100)), (Some(1), Some(200)));
        assert_eq!(dedup.find(&a, 200, 100), None, "whether it was forgotten or not");
        dedup.expire(200, 100);
        assert_eq!((dedup.find(&a, 199, 100), dedup.find(&b, 200, 100)), (None, Some(2)));
    }

    #[test]
    fn very_many_leave_in_slices() {
        let mut dedup = Dedup::new([1; 16]);
        for seq in 1..=1_000_u64 {
            dedup.insert(dedup.hash(&seq.to_le_bytes()), seq, 0);
        }
        let last = dedup.hash(&1_000_u64.to_le_bytes());
        dedup.expire(100, 100);
        assert_eq!((dedup.order.len(), dedup.find(&last, 100, 100)), (1_000 - FORGOTTEN_AT_ONCE, None));
        while dedup.next_deadline(100) == Some(100) {
            dedup.expire(100, 100);
        }
        assert_eq!((dedup.order.len(), dedup.known.len()), (0, 0));
    }

    #[test]
    fn an_id_that_came_again_stays() {
        let mut dedup = Dedup::new([1; 16]);
        let a = dedup.hash(b"a");
        dedup.insert(a, 1, 100);
        dedup.insert(a, 5, 200);
        dedup.expire(200, 100);
        assert_eq!(dedup.find(&a, 200, 100), Some(5));
        dedup.drop_from(5);
        assert_eq!((dedup.find(&a, 200, 100), dedup.order.len()), (None, 0));
    }

    /// Replicas and restarts must agree for good.
    #[test]
    fn the_hash_is_what_it_was() {
        let hash = Dedup::new(*b"0123456789abcdef").hash(b"an id");
        assert_ne!(hash, Dedup::new([0; 16]).hash(b"an id"));
        assert_eq!(data(&hash), "a2b61f2173f7827d3d22ac9d03803ad9");
    }

    fn data(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
