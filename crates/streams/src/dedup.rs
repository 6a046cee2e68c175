//! Ids of messages that came lately, so that one that comes again is not stored twice.
//!
//! Ids are kept as keyed hashes of 128 bits, by which nobody can make two ids alike who does not know the key. They
//! are remembered from the decision on, so that two in one batch are told apart, and leave with the time of later
//! events: never by a clock alone while it would matter.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use siphasher::sip128::{Hasher128, SipHasher13};

/// Ids that a stream remembers, some 60 bytes each. Beyond them the oldest are forgotten before their time.
pub const MESSAGE_IDS_MAX: usize = 1 << 22;

#[derive(Debug)]
pub(crate) struct Dedup {
    key: [u8; 16],
    sequences: HashMap<[u8; 16], u64, BuildHasherDefault<FirstBytes>>,
    /// In the order they came, with the time of their message.
    order: VecDeque<([u8; 16], u64, i64)>,
}

/// A hash needs no hashing.
#[derive(Debug, Default)]
pub(crate) struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// Arrays say their length before their bytes.
    fn write_usize(&mut self, _: usize) {}
}

impl Dedup {
    pub(crate) fn new(key: [u8; 16]) -> Self {
        Self { key, sequences: HashMap::default(), order: VecDeque::new() }
    }

    /// What stands for an id.
    pub(crate) fn hash(&self, id: &[u8]) -> [u8; 16] {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        hasher.write(id);
        hasher.finish128().as_bytes()
    }

    /// The message that came with an id within that time before.
    pub(crate) fn find(&self, hash: &[u8; 16]) -> Option<u64> {
        self.sequences.get(hash).copied()
    }

    /// Notes the message that came with an id.
    pub(crate) fn insert(&mut self, hash: [u8; 16], seq: u64, time: i64) {
        self.sequences.insert(hash, seq);
        self.order.push_back((hash, seq, time));
        if self.order.len() > MESSAGE_IDS_MAX {
            self.forget_oldest();
        }
    }

    /// Forgets those that came that long before that time.
    pub(crate) fn expire(&mut self, now: i64, window: i64) {
        while self.order.front().is_some_and(|(_, _, time)| now.saturating_sub(*time) >= window) {
            self.forget_oldest();
        }
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
        if self.find(hash) == Some(seq) {
            self.sequences.remove(hash);
        }
    }
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
        assert_eq!((dedup.find(&a), dedup.next_deadline(100)), (Some(1), Some(200)));
        dedup.expire(200, 100);
        assert_eq!((dedup.find(&a), dedup.find(&b)), (None, Some(2)));
    }

    #[test]
    fn an_id_that_came_again_stays() {
        let mut dedup = Dedup::new([1; 16]);
        let a = dedup.hash(b"a");
        dedup.insert(a, 1, 100);
        dedup.insert(a, 5, 200);
        dedup.expire(200, 100);
        assert_eq!(dedup.find(&a), Some(5));
        dedup.drop_from(5);
        assert_eq!((dedup.find(&a), dedup.order.len()), (None, 0));
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
