//! Which places of the stretch are taken.
//!
//! The stretch is cut into slabs, and a slab into places of one class. A slab of which nothing is taken
//! may be cut another way.
//!
//! Always true: the slabs in the row of a class are those of it that have both free and taken places.

use std::num::NonZero;

use crate::class::{CLASSES, Class};

/// Bytes of a slab: one of the largest places.
const SLAB_BYTES: usize = Class::LAST.place_bytes();

/// Places of a slab are one bit each.
const WORDS: usize = 4;

const BITS: usize = u64::BITS as usize;

const _: () = assert!(places(Class::FIRST) <= WORDS * BITS, "there is a bit for each");

/// A place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    slab: u16,
    index: u8,
    class: Class,
}

impl Place {
    /// The one at the beginning of the stretch.
    pub(crate) const FIRST: Self = Self { slab: 0, index: 0, class: Class::FIRST };

    /// The one of that class in which that byte of the stretch is.
    pub(crate) fn at(offset: usize, class: Class) -> Self {
        let index = offset % SLAB_BYTES / class.place_bytes();
        Self { slab: (offset / SLAB_BYTES) as u16, index: index as u8, class }
    }

    /// Where in the stretch it begins.
    pub(crate) fn offset(self) -> usize {
        usize::from(self.slab) * SLAB_BYTES + self.index() * self.class.place_bytes()
    }

    /// A number that its neighbours do not have.
    pub(crate) fn number(self) -> usize {
        usize::from(self.slab) + self.index()
    }

    fn index(self) -> usize {
        self.index.into()
    }

    pub(crate) fn class(self) -> Class {
        self.class
    }
}

/// Another slab, if any: one more than its number.
type SlabLink = Option<NonZero<u16>>;

#[derive(Clone, Copy)]
struct Slab {
    class: Class,
    used: u8,
    taken: [u64; WORDS],
    /// Its neighbours in the row of its class. Of a slab that is not cut, `behind` is the next such.
    before: SlabLink,
    behind: SlabLink,
}

/// The places of one stretch of that many slabs.
pub(crate) struct Places<const SLABS: usize> {
    slabs: [Slab; SLABS],
    rows: [SlabLink; CLASSES],
    /// Slabs that were cut once and are not now.
    uncut: SlabLink,
    /// Slabs from this one on never were.
    fresh: u16,
}

impl<const SLABS: usize> Places<SLABS> {
    /// Bytes of the stretch.
    pub(crate) const STRETCH_BYTES: usize = SLABS * SLAB_BYTES;

    pub(crate) const fn new() -> Self {
        const { assert!(SLABS < u16::MAX as usize, "links are one more than numbers") };
        // All zeros, so that it costs no memory before it is used.
        let slab = Slab { class: Class::FIRST, used: 0, taken: [0; WORDS], before: None, behind: None };
        Self { slabs: [slab; SLABS], rows: [None; CLASSES], uncut: None, fresh: 0 }
    }

    /// Takes a free place; `None` if there is none.
    pub(crate) fn take(&mut self, class: Class) -> Option<Place> {
        let slab = match self.rows[class.index()] {
            Some(link) => number(link),
            None => self.cut(class)?,
        };
        let row = &mut self.slabs[usize::from(slab)];
        let word = row.taken.iter().position(|word| *word != u64::MAX).expect("a slab of a row has a place");
        let bit = row.taken[word].trailing_ones() as usize;
        row.taken[word] |= 1 << bit;
        row.used += 1;
        if usize::from(row.used) == places(class) {
            self.unlink(slab);
        }
        Some(Place { slab, index: (word * BITS + bit) as u8, class })
    }

    /// Frees a place that was taken.
    pub(crate) fn free(&mut self, place: Place) {
        let Place { slab, class, .. } = place;
        let row = &mut self.slabs[usize::from(slab)];
        row.taken[place.index() / BITS] &= !(1 << (place.index() % BITS));
        let was_full = usize::from(row.used) == places(class);
        row.used -= 1;
        let is_empty = row.used == 0;
        if was_full && !is_empty {
            self.link(slab);
        } else if is_empty {
            if !was_full {
                self.unlink(slab);
            }
            self.slabs[usize::from(slab)].behind = self.uncut;
            self.uncut = link_to(slab);
        }
    }

    /// Cuts a slab into places of that class.
    fn cut(&mut self, class: Class) -> Option<u16> {
        let slab = match self.uncut {
            Some(link) => {
                self.uncut = self.slabs[usize::from(number(link))].behind;
                number(link)
            }
            None if usize::from(self.fresh) < SLABS => {
                self.fresh += 1;
                self.fresh - 1
            }
            None => return None,
        };
        self.slabs[usize::from(slab)].class = class;
        self.link(slab);
        Some(slab)
    }

    fn link(&mut self, slab: u16) {
        let class = self.slabs[usize::from(slab)].class;
        let behind = std::mem::replace(&mut self.rows[class.index()], link_to(slab));
        if let Some(behind) = behind {
            self.slabs[usize::from(number(behind))].before = link_to(slab);
        }
        let row = &mut self.slabs[usize::from(slab)];
        (row.before, row.behind) = (None, behind);
    }

    fn unlink(&mut self, slab: u16) {
        let Slab { class, before, behind, .. } = self.slabs[usize::from(slab)];
        match before {
            Some(before) => self.slabs[usize::from(number(before))].behind = behind,
            None => self.rows[class.index()] = behind,
        }
        if let Some(behind) = behind {
            self.slabs[usize::from(number(behind))].before = before;
        }
    }
}

/// How many a slab has of that class.
const fn places(class: Class) -> usize {
    SLAB_BYTES / class.place_bytes()
}

fn number(link: NonZero<u16>) -> u16 {
    link.get() - 1
}

fn link_to(slab: u16) -> SlabLink {
    NonZero::new(slab + 1)
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;

    fn class(doublings: usize) -> Class {
        Class::of((32 << 10) << doublings).expect("there is a class")
    }

    fn take_all<const SLABS: usize>(places: &mut Places<SLABS>, class: Class) -> Vec<Place> {
        iter::from_fn(|| places.take(class)).collect()
    }

    #[test]
    fn places_lie_apart_and_are_found_by_where_they_are() {
        for doublings in 0..CLASSES {
            let class = class(doublings);
            let mut places = Places::<3>::new();
            let taken = take_all(&mut places, class);
            assert_eq!(taken.len(), 3 * (SLAB_BYTES / class.place_bytes()));
            let mut starts: Vec<usize> = taken.iter().map(|place| place.offset()).collect();
            starts.sort_unstable();
            assert!(starts.windows(2).all(|pair| pair[1] - pair[0] >= class.place_bytes()));
            assert!(starts[starts.len() - 1] + class.place_bytes() <= Places::<3>::STRETCH_BYTES);
            for place in taken {
                let last = place.offset() + class.place_bytes() - 1;
                assert_eq!([Place::at(place.offset(), class), Place::at(last, class)], [place; 2]);
            }
        }
    }

    #[test]
    fn a_slab_that_is_free_again_serves_another_class() {
        let mut places = Places::<2>::new();
        for doublings in (0..CLASSES).chain((0..CLASSES).rev()) {
            for place in take_all(&mut places, class(doublings)) {
                places.free(place);
            }
        }
        let small = places.take(class(0)).expect("all is free");
        assert_eq!(take_all(&mut places, Class::LAST).len(), 1, "the other slab is cut");
        places.free(small);
        assert_eq!(take_all(&mut places, Class::LAST).len(), 1);
    }

    /// Whatever comes and goes, nothing is taken twice, and nothing is refused as long as a slab is free.
    #[test]
    fn random_blocks_never_share_a_place() {
        const SLABS: usize = 8;
        let mut places = Places::<SLABS>::new();
        let mut taken: Vec<Place> = Vec::new();
        let mut random = 1_u64;
        let mut next = move |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random as usize % below
        };
        for round in 0..200_000 {
            // Now more come than go, now more go.
            if next(100) < if round / 1000 % 2 == 0 { 60 } else { 40 } {
                let wanted = class(next(CLASSES));
                match places.take(wanted) {
                    Some(place) => {
                        assert!(place.class() == wanted && !taken.contains(&place));
                        taken.push(place);
                    }
                    None => {
                        let mut slabs: Vec<u16> = taken.iter().map(|place| place.slab).collect();
                        slabs.sort_unstable();
                        slabs.dedup();
                        assert_eq!(slabs.len(), SLABS, "every slab is in use");
                    }
                }
            } else if !taken.is_empty() {
                places.free(taken.swap_remove(next(taken.len())));
            }
        }
        taken.drain(..).for_each(|place| places.free(place));
        assert_eq!(take_all(&mut places, Class::LAST).len(), SLABS);
    }
}
