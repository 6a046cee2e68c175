//! Places that were freed and still have their memory, for the next block of their class.
//!
//! The one that was freed last is used first: the processor may still have it in a cache. When there are too
//! many, the one that was not used for the longest time goes, whatever its class.

use crate::class::{CLASSES, Class};
use crate::places::Place;

/// Bytes of the places that are kept: what loads with large payloads free and take within some turns, and
/// little beside what they hold.
const KEPT_BYTES_MAX: usize = 16 << 20;

/// Places that one class keeps: more of the smallest than are within the bytes. One more is not kept.
const ROW_MAX: usize = 512;

const _: () = assert!(ROW_MAX > KEPT_BYTES_MAX / Class::FIRST.place_bytes());

#[derive(Clone, Copy)]
struct Entry {
    place: Place,
    /// It was put here so many puts after the first.
    put: u64,
}

/// Of one class; the oldest is at `first`, the others follow it round the ring.
#[derive(Clone, Copy)]
struct Row {
    ring: [Entry; ROW_MAX],
    first: usize,
    len: usize,
}

/// What is kept.
pub(crate) struct Kept {
    rows: [Row; CLASSES],
    bytes: usize,
    puts: u64,
}

impl Kept {
    pub(crate) const fn new() -> Self {
        let entry = Entry { place: Place::FIRST, put: 0 };
        Self { rows: [Row { ring: [entry; ROW_MAX], first: 0, len: 0 }; CLASSES], bytes: 0, puts: 0 }
    }

    /// Keeps a place that is free. Returns false if there is no more room for its class.
    pub(crate) fn put(&mut self, place: Place) -> bool {
        let row = &mut self.rows[place.class().index()];
        if row.len == ROW_MAX {
            return false;
        }
        row.ring[(row.first + row.len) % ROW_MAX] = Entry { place, put: self.puts };
        row.len += 1;
        self.puts += 1;
        self.bytes += place.class().place_bytes();
        true
    }

    /// Takes the place of a class that was kept last.
    pub(crate) fn take(&mut self, class: Class) -> Option<Place> {
        let row = &mut self.rows[class.index()];
        row.len = row.len.checked_sub(1)?;
        self.bytes -= class.place_bytes();
        Some(row.ring[(row.first + row.len) % ROW_MAX].place)
    }

    /// Takes the place that was kept for longest, if there are too many.
    pub(crate) fn take_surplus(&mut self) -> Option<Place> {
        if self.bytes <= KEPT_BYTES_MAX {
            return None;
        }
        let row = self.rows.iter_mut().filter(|row| row.len > 0).min_by_key(|row| row.ring[row.first].put)?;
        let place = row.ring[row.first].place;
        row.first = (row.first + 1) % ROW_MAX;
        row.len -= 1;
        self.bytes -= place.class().place_bytes();
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::places::Places;

    const SMALL: usize = 16 << 10;
    const LARGE: usize = 1 << 20;

    /// Freed places of those blocks.
    fn places(blocks: &[usize]) -> Vec<Place> {
        let mut places = Places::<64>::new();
        let class = |bytes: &usize| Class::of(*bytes).expect("it has a class");
        blocks.iter().map(|bytes| places.take(class(bytes)).expect("there is room")).collect()
    }

    #[test]
    fn the_last_of_a_class_comes_back_first() {
        let [one, two, large] = places(&[SMALL, SMALL, LARGE])[..] else { unreachable!() };
        let mut kept = Kept::new();
        assert!([one, two, large].into_iter().all(|place| kept.put(place)));
        assert_eq!([kept.take(one.class()), kept.take(one.class())], [Some(two), Some(one)]);
        assert_eq!([kept.take(one.class()), kept.take(large.class())], [None, Some(large)]);
        assert_eq!(kept.bytes, 0);
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_oldest_goes_first() {
        let mut blocks = vec![SMALL; 3];
        blocks.resize(40, LARGE);
        let places = places(&blocks);
        let mut kept = Kept::new();
        let mut gone = Vec::new();
        for place in &places {
            assert!(kept.put(*place));
            gone.extend(std::iter::from_fn(|| kept.take_surplus()));
            assert!(kept.bytes <= KEPT_BYTES_MAX);
        }
        assert!(gone.len() > 3 && kept.bytes > KEPT_BYTES_MAX - 2 * LARGE);
        assert_eq!(gone, places[..gone.len()]);
    }

    #[test]
    fn a_row_that_is_full_keeps_no_more() {
        let places = places(&[SMALL; ROW_MAX + 1]);
        let mut kept = Kept::new();
        assert!(places[..ROW_MAX].iter().all(|place| kept.put(*place)));
        assert!(!kept.put(places[ROW_MAX]));
        let surplus = std::iter::from_fn(|| kept.take_surplus()).count();
        assert!(kept.put(places[ROW_MAX]) && surplus > 0);
    }
}
