//! Where the records lie that say who a consumer is, and where such records may be found that nobody needs any more.

use log_format::Place;
use stream_log::Log;

/// Records with a consumer's configuration.
#[derive(Debug, Default)]
pub(crate) struct Metas {
    /// Those that are needed: all since the last one before a whole state.
    needed: Vec<Place>,
    /// Segments that have some which are not.
    former: Vec<u32>,
}

impl Metas {
    pub(crate) fn push(&mut self, place: Place) {
        self.needed.push(place);
    }

    pub(crate) fn len(&self) -> usize {
        self.needed.len()
    }

    pub(crate) fn has(&self, place: Place) -> bool {
        self.needed.contains(&place)
    }

    /// A whole state was logged: the last configuration will do. Gives the places of the others.
    pub(crate) fn supersede(&mut self) -> Vec<Place> {
        let last = self.needed.len().saturating_sub(1);
        let former: Vec<Place> = self.needed.drain(..last).collect();
        for place in &former {
            if !self.former.contains(&place.segment) {
                self.former.push(place.segment);
            }
        }
        former
    }

    /// One lies elsewhere now. Says whether it is needed.
    pub(crate) fn on_moved(&mut self, from: Place, to: Place) -> bool {
        let found = self.needed.iter_mut().find(|place| **place == from);
        found.map(|place| *place = to).is_some()
    }

    /// Forgets segments that are gone.
    pub(crate) fn prune(&mut self, log: &Log) {
        self.former.retain(|segment| log.may_find(*segment));
    }

    /// Segments where a start may find one, with some twice perhaps.
    pub(crate) fn segments(&self) -> impl Iterator<Item = u32> {
        self.needed.iter().map(|place| place.segment).chain(self.former.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(segment: u32) -> Place {
        Place { segment, offset: 512 }
    }

    #[test]
    fn a_state_makes_all_but_the_last_one_needless() {
        let mut metas = Metas::default();
        assert_eq!(metas.supersede(), []);
        [1, 2, 2, 3].into_iter().for_each(|segment| metas.push(at(segment)));
        assert_eq!(metas.supersede(), [at(1), at(2), at(2)]);
        assert!(metas.has(at(3)) && !metas.has(at(2)));
        assert!(metas.on_moved(at(3), at(4)) && !metas.on_moved(at(3), at(5)));
        // The others can be found as long as their segments are there.
        assert_eq!(metas.segments().collect::<Vec<_>>(), [4, 1, 2]);
        assert_eq!((metas.supersede(), metas.len()), (vec![], 1));
    }
}
