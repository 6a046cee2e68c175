//! Records that say that a stream or a consumer is gone.
//!
//! One is needed as long as a start may find what made the stream or the consumer: else that would be there again. So it
//! outlives every segment that has such a record. There are no more of them than there are such records in the log.

use std::collections::BTreeMap;

use log_format::Place;

/// Those that are needed.
#[derive(Debug, Default)]
pub(crate) struct Tombs {
    tombs: BTreeMap<u32, Tomb>,
    /// Whose are waited for, by segment.
    by_segment: BTreeMap<u32, Vec<u32>>,
}

#[derive(Debug)]
struct Tomb {
    place: Place,
    /// Segments that have to go before it.
    left: usize,
}

impl Tombs {
    /// The record at that place is needed until those segments are gone; if there are none, it is not.
    pub(crate) fn insert(&mut self, group: u32, place: Place, segments: impl Iterator<Item = u32>) -> bool {
        let mut left = 0;
        for segment in segments {
            let groups = self.by_segment.entry(segment).or_default();
            if !groups.contains(&group) {
                groups.push(group);
                left += 1;
            }
        }
        if left > 0 {
            self.tombs.insert(group, Tomb { place, left });
        }
        left > 0
    }

    pub(crate) fn has(&self, group: u32, place: Place) -> bool {
        self.tombs.get(&group).is_some_and(|tomb| tomb.place == place)
    }

    /// One lies elsewhere now. Says whether it is needed.
    pub(crate) fn on_moved(&mut self, group: u32, from: Place, to: Place) -> bool {
        let tomb = self.tombs.get_mut(&group).filter(|tomb| tomb.place == from);
        tomb.map(|tomb| tomb.place = to).is_some()
    }

    /// A segment is gone. Gives the records that are not needed any more, and whose they are.
    pub(crate) fn on_retired(&mut self, segment: u32) -> Vec<(Place, u32)> {
        let groups = self.by_segment.remove(&segment).unwrap_or_default();
        let tombs = &mut self.tombs;
        let over = groups.into_iter().filter_map(|group| {
            let tomb = tombs.get_mut(&group)?;
            tomb.left -= 1;
            if tomb.left > 0 {
                return None;
            }
            tombs.remove(&group).map(|tomb| (tomb.place, group))
        });
        over.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(segment: u32) -> Place {
        Place { segment, offset: 512 }
    }

    #[test]
    fn a_tomb_outlives_every_segment_that_may_bring_the_dead_back() {
        let mut tombs = Tombs::default();
        assert!(!tombs.insert(1, at(9), std::iter::empty()), "nobody can find it");
        assert!(tombs.insert(2, at(9), [3, 5, 3].into_iter()));
        assert!(tombs.insert(4, at(9), [5].into_iter()));
        assert!(tombs.has(2, at(9)) && !tombs.has(2, at(8)) && !tombs.has(1, at(9)));
        assert_eq!(tombs.on_retired(3), []);
        assert!(tombs.on_moved(2, at(9), at(11)) && !tombs.on_moved(2, at(9), at(12)));
        assert_eq!(tombs.on_retired(5), [(at(11), 2), (at(9), 4)]);
        assert_eq!(tombs.on_retired(5), []);
        assert!(!tombs.has(2, at(11)));
    }
}
