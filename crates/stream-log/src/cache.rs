//! Bytes of segments in memory, for those who read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use log_format::{Place, RECORD_HEAD_BYTES};

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
    /// Which records were checked since they came from the disk, so that whoever reads them again need not: a bit for each
    /// [`GRAIN`] of bytes in which one begins.
    checked: Vec<u64>,
    was_used: bool,
}

/// Fewer bytes than a record has, so that no two begin in one grain.
const GRAIN: usize = 32;
const _: () = assert!(GRAIN <= RECORD_HEAD_BYTES);

/// What an entry has from a place on.
pub(crate) struct Cached<'a> {
    /// `None`: they could not be read.
    pub(crate) bytes: Option<&'a [u8]>,
    /// The record there is whole: it never left this process, or was checked already.
    pub(crate) is_whole: bool,
    /// The entry begins just there.
    pub(crate) is_start: bool,
}

impl Cache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { entries: BTreeMap::new(), order: VecDeque::new(), bytes: 0, bytes_max }
    }

    pub(crate) fn put(&mut self, key: Key, bytes: Option<Arc<Vec<u8>>>, is_own: bool) {
        self.bytes += bytes.as_ref().map_or(0, |bytes| bytes.len());
        match self.entries.insert(key, Entry { bytes, is_own, checked: Vec::new(), was_used: false }) {
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
        let is_whole = entry.is_own || entry.was_checked(skipped);
        Cached { bytes, is_whole, is_start: skipped == 0 }
    }

    /// The record at a place was checked and is whole.
    pub(crate) fn note_whole(&mut self, key: Key, place: Place) {
        let entry = self.entries.get_mut(&key).expect("it was just found");
        let grain = (place.offset - key.1) as usize / GRAIN;
        let words = entry.len().div_ceil(GRAIN * 64);
        if entry.checked.is_empty() {
            entry.checked = vec![0; words];
        }
        if let Some(word) = entry.checked.get_mut(grain / 64) {
            *word |= 1 << (grain % 64);
        }
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
    fn was_checked(&self, at: usize) -> bool {
        let grain = at / GRAIN;
        self.checked.get(grain / 64).is_some_and(|word| word & (1 << (grain % 64)) != 0)
    }

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
    fn records_that_were_checked_are_known_to_be_whole_until_they_are_read_anew() {
        let mut cache = Cache::new(10_000);
        cache.put((1, 8), some(5_000), false);
        let is_whole = |cache: &Cache, offset| cache.from((1, 8), at(1, offset)).is_whole;
        let places = [8, 8 + 38, 8 + 76, 4_970];
        for place in places {
            assert!(!is_whole(&cache, place), "{place}");
            cache.note_whole((1, 8), at(1, place));
            assert!(is_whole(&cache, place), "{place}");
        }
        cache.put((1, 8), some(5_000), false);
        assert!(places.iter().all(|place| !is_whole(&cache, *place)));
        cache.put((1, 8), some(5_000), true);
        assert!(is_whole(&cache, 50), "it never left this process");
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
