//! Bytes of segments in memory, for those who read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use log_format::Place;

/// Where an entry begins.
pub(crate) type Key = (u32, u32);

/// Bounded by bytes; the newest entry stays whatever its length. Entries go in the order in which they came, but for those
/// that were used since they were last looked at: they have another round.
#[derive(Debug)]
pub(crate) struct Cache {
    entries: BTreeMap<Key, Entry>,
    /// All entries, the next to be looked at first.
    order: VecDeque<Key>,
    bytes: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Entry {
    /// `None`: they could not be read.
    bytes: Option<Arc<Vec<u8>>>,
    /// They never left this process.
    is_own: bool,
    was_used: bool,
}

/// What an entry has from a place on.
pub(crate) struct Cached<'a> {
    /// `None`: they could not be read.
    pub(crate) bytes: Option<&'a [u8]>,
    pub(crate) is_own: bool,
    /// The entry begins just there.
    pub(crate) is_start: bool,
}

impl Cache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { entries: BTreeMap::new(), order: VecDeque::new(), bytes: 0, bytes_max }
    }

    pub(crate) fn put(&mut self, key: Key, bytes: Option<Arc<Vec<u8>>>, is_own: bool) {
        self.bytes += bytes.as_ref().map_or(0, |bytes| bytes.len());
        match self.entries.insert(key, Entry { bytes, is_own, was_used: false }) {
            Some(old) => self.bytes -= old.len(),
            None => self.order.push_back(key),
        }
        while self.bytes > self.bytes_max && self.order.len() > 1 {
            let next = self.order.pop_front().expect("there is more than one");
            let entry = self.entries.get_mut(&next).expect("all entries are in order");
            if next == key || std::mem::take(&mut entry.was_used) {
                self.order.push_back(next);
            } else {
                self.drop_entry(next);
            }
        }
    }

    /// The entry that has the byte at a place.
    pub(crate) fn find(&mut self, place: Place) -> Option<Key> {
        let Place { segment, offset } = place;
        let (key, entry) = self.entries.range_mut((segment, 0)..=(segment, offset)).next_back()?;
        let has_it = key.1 == offset || ((offset - key.1) as usize) < entry.len();
        if !has_it {
            return None;
        }
        entry.was_used = true;
        Some(*key)
    }

    pub(crate) fn from(&self, key: Key, place: Place) -> Cached<'_> {
        let entry = &self.entries[&key];
        let skipped = (place.offset - key.1) as usize;
        let bytes = entry.bytes.as_ref().map(|bytes| &bytes[skipped.min(bytes.len())..]);
        Cached { bytes, is_own: entry.is_own, is_start: skipped == 0 }
    }

    /// A segment is gone.
    pub(crate) fn forget(&mut self, segment: u32) {
        let keys: Vec<Key> =
            self.entries.range((segment, 0)..=(segment, u32::MAX)).map(|one| *one.0).collect();
        for key in keys {
            self.drop_entry(key);
        }
        self.order.retain(|key| key.0 != segment);
    }

    fn drop_entry(&mut self, key: Key) {
        if let Some(entry) = self.entries.remove(&key) {
            self.bytes -= entry.len();
        }
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Entry {
    fn len(&self) -> usize {
        self.bytes.as_ref().map_or(0, |bytes| bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(segment: u32, offset: u32) -> Place {
        Place { segment, offset }
    }

    fn some(len: usize) -> Option<Arc<Vec<u8>>> {
        Some(Arc::new(vec![1; len]))
    }

    #[test]
    fn what_was_not_used_goes_first() {
        let mut cache = Cache::new(250);
        cache.put((1, 0), some(100), false);
        cache.put((1, 100), some(100), true);
        assert_eq!(cache.find(at(1, 99)), Some((1, 0)));
        assert_eq!((cache.find(at(1, 200)), cache.find(at(2, 0))), (None, None));
        cache.put((2, 0), some(100), false);
        assert_eq!((cache.find(at(1, 100)), cache.bytes()), (None, 200));
        let cached = cache.from((1, 0), at(1, 60));
        assert_eq!((cached.bytes.map(<[u8]>::len), cached.is_start), (Some(40), false));
        // It was used once, which is another round, and no more.
        cache.put((2, 100), some(100), false);
        cache.put((2, 200), some(100), false);
        assert_eq!((cache.find(at(1, 0)), cache.bytes()), (None, 200));
    }

    #[test]
    fn the_newest_stays_and_a_segment_goes_at_once() {
        let mut cache = Cache::new(50);
        cache.put((1, 0), some(100), false);
        cache.put((2, 0), None, false);
        assert_eq!((cache.find(at(1, 0)), cache.find(at(2, 0))), (None, Some((2, 0))));
        assert!(cache.from((2, 0), at(2, 0)).bytes.is_none());
        cache.put((2, 0), some(10), false);
        cache.forget(2);
        assert_eq!((cache.find(at(2, 0)), cache.bytes()), (None, 0));
    }
}
