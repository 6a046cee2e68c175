//! The streams of a shard, by number.
//!
//! Each has memory of its own: nodes of a tree are half empty when what is in them came in order, and streams are large.

use std::collections::BTreeMap;
use std::ops::{Index, RangeFrom};

use crate::slot::Slot;
use crate::tenant::StreamId;

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Slots(BTreeMap<StreamId, Box<Slot>>);

impl Slots {
    pub(crate) fn get(&self, id: &StreamId) -> Option<&Slot> {
        self.0.get(id).map(|slot| &**slot)
    }

    pub(crate) fn get_mut(&mut self, id: &StreamId) -> Option<&mut Slot> {
        self.0.get_mut(id).map(|slot| &mut **slot)
    }

    pub(crate) fn insert(&mut self, id: StreamId, slot: Slot) {
        self.0.insert(id, Box::new(slot));
    }

    pub(crate) fn remove(&mut self, id: &StreamId) -> Option<Slot> {
        self.0.remove(id).map(|slot| *slot)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// All, in the order of their numbers.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Slot> {
        self.0.values().map(|slot| &**slot)
    }

    /// Those from a number on.
    pub(crate) fn range(&self, from: RangeFrom<StreamId>) -> impl Iterator<Item = (&StreamId, &Slot)> {
        self.0.range(from).map(|(id, slot)| (id, &**slot))
    }

    /// The same to be changed.
    pub(crate) fn range_mut(
        &mut self,
        from: RangeFrom<StreamId>,
    ) -> impl Iterator<Item = (&StreamId, &mut Slot)> {
        self.0.range_mut(from).map(|(id, slot)| (id, &mut **slot))
    }

    /// Their numbers, in order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &StreamId> {
        self.0.keys()
    }

    /// The same from one on.
    pub(crate) fn keys_from(&self, from: RangeFrom<StreamId>) -> impl Iterator<Item = &StreamId> {
        self.0.range(from).map(|(id, _)| id)
    }
}

impl Index<&StreamId> for Slots {
    type Output = Slot;

    fn index(&self, id: &StreamId) -> &Slot {
        &self.0[id]
    }
}
