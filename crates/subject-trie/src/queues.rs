//! The queue groups of one filter.
//!
//! Most filters have one group or none, and few have more than a handful: those are searched. Where there
//! are many, a table says where each stands, so that neither coming nor going looks at all the others.
//!
//! Always true: no group is without members, and no two have the same name.

use std::hash::{BuildHasher, Hash};

use hashbrown::DefaultHashBuilder;
use smallvec::SmallVec;

use crate::matches::QueueName;
use crate::members::{Members, Wanted};
use crate::steady::{SteadyRows, SteadyTable};

/// Groups up to this many are searched.
const SEARCHED_MAX: usize = 16;

/// Of so many groups or fewer the table is not worth its memory any more.
const SEARCHED_FROM: usize = SEARCHED_MAX / 2;

pub(crate) struct Queue<T> {
    pub(crate) name: QueueName,
    pub(crate) members: Members<T>,
}

pub(crate) enum Queues<T> {
    Few(SmallVec<[Queue<T>; 1]>),
    Many(Box<Crowd<T>>),
}

pub(crate) struct Crowd<T> {
    queues: SteadyRows<Queue<T>>,
    /// Where the group of each name stands.
    index: SteadyTable<Place>,
    hasher: DefaultHashBuilder,
}

/// The hash stands beside the place, so that neither growing nor a wrong candidate reads names.
#[derive(Clone, Copy)]
struct Place {
    hash: u32,
    at: u32,
}

impl Place {
    fn table_hash(&self) -> u64 {
        u64::from(self.hash) << 32 | u64::from(self.hash)
    }
}

impl<T> Default for Queues<T> {
    fn default() -> Self {
        Self::Few(SmallVec::new())
    }
}

impl<T: Copy + Eq + Hash> Queues<T> {
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Few(queues) => queues.is_empty(),
            Self::Many(_) => false,
        }
    }

    pub(crate) fn find(&self, name: &[u8]) -> Option<&Queue<T>> {
        match self {
            Self::Few(queues) => queues.iter().find(|queue| *queue.name == *name),
            Self::Many(crowd) => crowd.queues.get(crowd.place(name)?.at as usize),
        }
    }

    /// Calls `visit` with each group, in an order that follows from the operations alone.
    pub(crate) fn for_each<'q>(&'q self, mut visit: impl FnMut(&'q Queue<T>)) {
        match self {
            Self::Few(queues) => queues.iter().for_each(visit),
            Self::Many(crowd) => crowd.queues.iter().for_each(|(_, queue)| visit(queue)),
        }
    }

    /// Adds a member to the group of that name.
    pub(crate) fn add(&mut self, name: &[u8], value: T) {
        match self {
            Self::Few(queues) => {
                if let Some(queue) = queues.iter_mut().find(|queue| *queue.name == *name) {
                    return queue.members.push(value);
                }
                queues.push(Queue::new(name, value));
                if queues.len() > SEARCHED_MAX {
                    *self = Self::Many(Box::new(Crowd::of(std::mem::take(queues))));
                }
            }
            Self::Many(crowd) => crowd.add(name, value),
        }
    }

    pub(crate) fn remove(&mut self, name: &[u8], wanted: Wanted<'_, T>) -> Option<T> {
        match self {
            Self::Few(queues) => {
                let index = queues.iter().position(|queue| *queue.name == *name)?;
                let removed = queues[index].members.remove(wanted)?;
                if queues[index].members.as_slice().is_empty() {
                    queues.swap_remove(index);
                }
                Some(removed)
            }
            Self::Many(crowd) => {
                let removed = crowd.remove(name, wanted)?;
                if crowd.queues.len() <= SEARCHED_FROM {
                    *self = Self::Few(crowd.take_all());
                }
                Some(removed)
            }
        }
    }
}

impl<T: Copy + Eq + Hash> Queue<T> {
    fn new(name: &[u8], value: T) -> Self {
        let mut members = Members::default();
        members.push(value);
        Self { name: name.into(), members }
    }
}

impl<T: Copy + Eq + Hash> Crowd<T> {
    fn of(queues: SmallVec<[Queue<T>; 1]>) -> Self {
        let (rows, index) = (SteadyRows::new(), SteadyTable::new());
        let mut crowd = Self { queues: rows, index, hasher: DefaultHashBuilder::default() };
        queues.into_iter().for_each(|queue| crowd.insert(queue));
        crowd
    }

    fn add(&mut self, name: &[u8], value: T) {
        match self.place(name) {
            Some(Place { at, .. }) => self.at_mut(at).members.push(value),
            None => self.insert(Queue::new(name, value)),
        }
    }

    fn insert(&mut self, queue: Queue<T>) {
        let hash = self.hash(&queue.name);
        let at = u32::try_from(self.queues.insert(queue)).expect("memory ends long before places do");
        let place = Place { hash, at };
        self.index.insert(place.table_hash(), place, Place::table_hash);
    }

    fn remove(&mut self, name: &[u8], wanted: Wanted<'_, T>) -> Option<T> {
        let place = self.place(name)?;
        let members = &mut self.at_mut(place.at).members;
        let removed = members.remove(wanted)?;
        if members.as_slice().is_empty() {
            self.queues.discard(place.at as usize);
            self.index.remove(place.table_hash(), |other| other.at == place.at, Place::table_hash);
        }
        Some(removed)
    }

    fn take_all(&mut self) -> SmallVec<[Queue<T>; 1]> {
        let places: SmallVec<[usize; SEARCHED_FROM]> = self.queues.iter().map(|(at, _)| at).collect();
        places.into_iter().filter_map(|at| self.queues.remove(at)).collect()
    }

    fn place(&self, name: &[u8]) -> Option<Place> {
        let wanted = Place { hash: self.hash(name), at: 0 };
        let is_it = |place: &Place| {
            let is_named = |queue: &Queue<T>| *queue.name == *name;
            place.hash == wanted.hash && self.queues.get(place.at as usize).is_some_and(is_named)
        };
        self.index.find(wanted.table_hash(), is_it).copied()
    }

    fn at_mut(&mut self, at: u32) -> &mut Queue<T> {
        self.queues.get_mut(at as usize).expect("what is in the index is there")
    }

    fn hash(&self, name: &[u8]) -> u32 {
        (self.hasher.hash_one(name) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn many_groups_agree_with_a_map_as_they_come_and_go() {
        let mut queues = Queues::default();
        let mut model: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        let mut state = 7_u32;
        for round in 0..20_000_u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // From a few to some hundreds and back, several times.
            let name = format!("group.{}", (state >> 16) % (1 + round % 4_000 / 8));
            let grows = round % 4_000 < 2_000;
            let known = model.entry(name.clone()).or_default();
            if grows != (state >> 9).is_multiple_of(4) {
                queues.add(name.as_bytes(), round);
                known.push(round);
            } else {
                let gone = known.pop();
                let wanted = gone.unwrap_or(round);
                assert_eq!(queues.remove(name.as_bytes(), Wanted::Equal(&wanted)), gone);
            }
            let count = |queue: &Queue<u32>| queue.members.as_slice().len();
            assert_eq!(queues.find(name.as_bytes()).map_or(0, count), known.len());
            if known.is_empty() {
                model.remove(&name);
            }
            assert_eq!(queues.is_empty(), model.is_empty());
        }
        let mut found = BTreeMap::new();
        queues.for_each(|queue| {
            let mut members = queue.members.as_slice().to_vec();
            members.sort_unstable();
            let name = String::from_utf8(queue.name.to_vec()).expect("as it was given");
            assert!(found.insert(name, members).is_none());
        });
        assert_eq!(found, model);
    }

    #[test]
    fn when_most_groups_have_gone_the_table_goes_too() {
        let mut queues = Queues::default();
        let names: Vec<String> = (0..1_000).map(|number| format!("q{number}")).collect();
        names.iter().for_each(|name| queues.add(name.as_bytes(), 1));
        assert!(matches!(queues, Queues::Many(_)));
        for name in &names[SEARCHED_FROM..] {
            assert_eq!(queues.remove(name.as_bytes(), Wanted::Equal(&1)), Some(1));
        }
        let Queues::Few(few) = &queues else { panic!("{SEARCHED_FROM} are few") };
        assert_eq!(few.len(), SEARCHED_FROM);
    }
}
