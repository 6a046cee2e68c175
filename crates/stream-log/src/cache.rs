//! Bytes of segments in memory, for those who read.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use log_format::{Place, RECORD_HEAD_BYTES};

/// Where an entry begins.
pub(crate) type Key = (u32, u32);

/// Bounded by bytes; the newest entry stays whatever its length. Entries go in the order in which they came, but for those
/// that were used since they were last looked at: they have another round.
#[derive(Debug)]
pub(crate) struct Cache {
    /// Where each entry stands among the slots.
    index: BTreeMap<Key, usize>,
    slots: Vec<Entry>,
    /// Slots without an entry.
    free: Vec<usize>,
    /// All entries, the next to be looked at first.
    order: VecDeque<Key>,
    bytes: usize,
    bytes_max: usize,
    /// Where the last place was found, until entries come or go: whoever reads on finds the next one there.
    near: Near,
}

#[derive(Debug)]
struct Entry {
    begins: u32,
    /// `None`: they could not be read.
    bytes: Option<Arc<Vec<u8>>>,
    /// They never left this process.
    is_own: bool,
    /// Which records were checked since they came from the disk, so that whoever reads them again need not: a bit for each
    /// [`GRAIN`] of bytes in which one begins.
    checked: Vec<u64>,
    was_used: bool,
}

/// Places that all are in one entry, and in none that begins later.
#[derive(Debug, Default)]
struct Near {
    segment: u32,
    offsets: Range<u32>,
    slot: usize,
}

/// Fewer bytes than a record has, so that no two begin in one grain.
const GRAIN: usize = 32;
const _: () = assert!(GRAIN <= RECORD_HEAD_BYTES);

/// Where a place is, until entries come or go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    slot: usize,
    /// Bytes of the entry before it.
    skipped: usize,
}

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
        Self {
            index: BTreeMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            order: VecDeque::new(),
            bytes: 0,
            bytes_max,
            near: Near::default(),
        }
    }

    pub(crate) fn put(&mut self, key: Key, bytes: Option<Arc<Vec<u8>>>, is_own: bool) {
        self.near = Near::default();
        self.bytes += bytes.as_ref().map_or(0, |bytes| bytes.len());
        let entry = Entry { begins: key.1, bytes, is_own, checked: Vec::new(), was_used: false };
        if let Some(slot) = self.index.get(&key) {
            self.bytes -= std::mem::replace(&mut self.slots[*slot], entry).len();
        } else {
            let slot = self.fill_slot(entry);
            self.index.insert(key, slot);
            self.order.push_back(key);
        }
        while self.bytes > self.bytes_max && self.order.len() > 1 {
            let next = self.order.pop_front().expect("there is more than one");
            let entry = &mut self.slots[self.index[&next]];
            if next == key || std::mem::take(&mut entry.was_used) {
                self.order.push_back(next);
            } else {
                self.drop_entry(next);
            }
        }
    }

    fn fill_slot(&mut self, entry: Entry) -> usize {
        let Some(slot) = self.free.pop() else {
            self.slots.push(entry);
            return self.slots.len() - 1;
        };
        self.slots[slot] = entry;
        slot
    }

    /// The entry that has the byte at a place: of several the one that begins last.
    pub(crate) fn find(&mut self, place: Place) -> Option<Spot> {
        if !self.near.has(place) {
            self.near = self.look_up(place)?;
        }
        let slot = self.near.slot;
        let entry = &mut self.slots[slot];
        entry.was_used = true;
        Some(Spot { slot, skipped: (place.offset - entry.begins) as usize })
    }

    fn look_up(&self, Place { segment, offset }: Place) -> Option<Near> {
        let (key, slot) = self.index.range((segment, 0)..=(segment, offset)).next_back()?;
        // Of one that could not be read it is known where it begins, and no more.
        let end = u64::from(key.1) + self.slots[*slot].len().max(1) as u64;
        let next =
            self.index.range((segment, offset)..=(segment, u32::MAX)).find(|(next, _)| next.1 > offset);
        let end = next.map_or(u64::from(u32::MAX), |(next, _)| u64::from(next.1)).min(end);
        (u64::from(offset) < end).then_some(Near { segment, offsets: key.1..end as u32, slot: *slot })
    }

    pub(crate) fn at(&self, spot: Spot) -> Cached<'_> {
        let Spot { slot, skipped } = spot;
        let entry = &self.slots[slot];
        let bytes = entry.bytes.as_ref().map(|bytes| &bytes[skipped.min(bytes.len())..]);
        let is_whole = entry.is_own || entry.was_checked(skipped);
        Cached { bytes, is_whole, is_start: skipped == 0 }
    }

    /// The record there was checked and is whole.
    pub(crate) fn note_whole(&mut self, spot: Spot) {
        let entry = &mut self.slots[spot.slot];
        let grain = spot.skipped / GRAIN;
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
        let keys: Vec<Key> = self.index.range((segment, 0)..=(segment, u32::MAX)).map(|one| *one.0).collect();
        for key in keys {
            self.drop_entry(key);
        }
        self.order.retain(|key| key.0 != segment);
    }

    fn drop_entry(&mut self, key: Key) {
        self.near = Near::default();
        if let Some(slot) = self.index.remove(&key) {
            self.bytes -= self.slots[slot].len();
            self.slots[slot].bytes = None;
            self.slots[slot].checked = Vec::new();
            self.free.push(slot);
        }
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Near {
    fn has(&self, place: Place) -> bool {
        self.segment == place.segment && self.offsets.contains(&place.offset)
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
    use proptest::prelude::*;

    use super::*;

    fn at(segment: u32, offset: u32) -> Place {
        Place { segment, offset }
    }

    fn some(len: usize) -> Option<Arc<Vec<u8>>> {
        Some(Arc::new(vec![1; len]))
    }

    /// Where the entry begins that has a place.
    fn found(cache: &mut Cache, segment: u32, offset: u32) -> Option<Key> {
        cache.find(at(segment, offset)).map(|spot| (segment, offset - spot.skipped as u32))
    }

    #[test]
    fn what_was_not_used_goes_first() {
        let mut cache = Cache::new(250);
        cache.put((1, 0), some(100), false);
        cache.put((1, 100), some(100), true);
        assert_eq!(found(&mut cache, 1, 99), Some((1, 0)));
        assert_eq!((found(&mut cache, 1, 200), found(&mut cache, 2, 0)), (None, None));
        cache.put((2, 0), some(100), false);
        assert_eq!((found(&mut cache, 1, 100), cache.bytes()), (None, 200));
        // Looked at, but not used.
        let near = cache.look_up(at(1, 60)).expect("it was used");
        let cached = cache.at(Spot { slot: near.slot, skipped: 60 });
        assert_eq!((cached.bytes.map(<[u8]>::len), cached.is_start), (Some(40), false));
        // It was used once, which is another round, and no more.
        cache.put((2, 100), some(100), false);
        cache.put((2, 200), some(100), false);
        assert_eq!((found(&mut cache, 1, 0), cache.bytes(), cache.slots.len()), (None, 200, 3));
    }

    #[test]
    fn records_that_were_checked_are_known_to_be_whole_until_they_are_read_anew() {
        let mut cache = Cache::new(10_000);
        cache.put((1, 8), some(5_000), false);
        let is_whole = |cache: &mut Cache, offset| {
            let spot = cache.find(at(1, offset)).expect("it is in there");
            cache.at(spot).is_whole
        };
        let places = [8, 8 + 38, 8 + 76, 4_970];
        for place in places {
            assert!(!is_whole(&mut cache, place), "{place}");
            let spot = cache.find(at(1, place)).expect("it is in there");
            cache.note_whole(spot);
            assert!(is_whole(&mut cache, place), "{place}");
        }
        cache.put((1, 8), some(5_000), false);
        assert!(places.iter().all(|place| !is_whole(&mut cache, *place)));
        cache.put((1, 8), some(5_000), true);
        assert!(is_whole(&mut cache, 50), "it never left this process");
    }

    #[test]
    fn the_newest_stays_and_a_segment_goes_at_once() {
        let mut cache = Cache::new(50);
        cache.put((1, 0), some(100), false);
        cache.put((2, 0), None, false);
        assert_eq!((found(&mut cache, 1, 0), found(&mut cache, 2, 0)), (None, Some((2, 0))));
        assert_eq!(found(&mut cache, 2, 1), None, "nobody knows what is behind");
        let spot = cache.find(at(2, 0)).expect("it could not be read");
        assert!(cache.at(spot).bytes.is_none());
        cache.put((2, 0), some(10), false);
        cache.forget(2);
        assert_eq!((found(&mut cache, 2, 0), cache.bytes()), (None, 0));
    }

    proptest! {
        /// The same as looking at all entries each time, whatever was found just before.
        #[test]
        fn what_is_near_is_what_would_be_looked_up(
            steps in proptest::collection::vec((0_u8..8, 1_u32..3, 0_u32..12, 0_usize..6), 1..200),
        ) {
            let mut cache = Cache::new(16);
            for (what, segment, offset, len) in steps {
                match what {
                    0 => cache.put((segment, offset), some(len).filter(|_| len > 0), false),
                    1 if len == 0 => cache.forget(segment),
                    _ => {
                        let place = at(segment, offset);
                        let last = cache.index.range((segment, 0)..=(segment, offset)).next_back();
                        let has_it = |(key, slot): &(&Key, &usize)| {
                            key.1 == offset || ((offset - key.1) as usize) < cache.slots[**slot].len()
                        };
                        let spot = last.filter(has_it).map(|(key, slot)| {
                            Spot { slot: *slot, skipped: (offset - key.1) as usize }
                        });
                        prop_assert_eq!(cache.find(place), spot);
                    }
                }
                prop_assert_eq!(cache.index.len() + cache.free.len(), cache.slots.len());
            }
        }
    }
}
