//! The subscriptions of one filter.
//!
//! Most filters have exactly one, without a queue group, so that one lives inline and everything
//! else behind one pointer.
//!
//! Always true: `Many` holds what `One` and `None` cannot, and no queue in it is without members.

use std::hash::Hash;

use crate::matches::Matches;
use crate::members::{Members, Wanted};
use crate::queues::Queues;

pub(crate) enum Subscribers<T> {
    None,
    One(T),
    Many(Box<Lists<T>>),
}

pub(crate) struct Lists<T> {
    plain: Members<T>,
    queues: Queues<T>,
}

impl<T: Copy + Eq + Hash> Subscribers<T> {
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::None)
    }

    pub(crate) fn add(&mut self, queue: Option<&[u8]>, value: T) {
        if queue.is_none() && self.is_empty() {
            *self = Self::One(value);
            return;
        }
        let lists = self.as_lists();
        match queue {
            None => lists.plain.push(value),
            Some(name) => lists.queues.add(name, value),
        }
    }

    /// Removes one subscription with this queue. Which of several is not said.
    pub(crate) fn remove(&mut self, queue: Option<&[u8]>, mut wanted: Wanted<'_, T>) -> Option<T> {
        match self {
            Self::None => None,
            Self::One(value) => {
                let value = Some(*value).filter(|value| queue.is_none() && wanted.fits(value))?;
                *self = Self::None;
                Some(value)
            }
            Self::Many(lists) => {
                let removed = match queue {
                    None => lists.plain.remove(wanted),
                    Some(name) => lists.queues.remove(name, wanted),
                };
                self.simplify();
                removed
            }
        }
    }

    /// Number of subscriptions with this queue.
    pub(crate) fn count(&self, queue: Option<&[u8]>) -> usize {
        match (self, queue) {
            (Self::None, _) | (Self::One(_), Some(_)) => 0,
            (Self::One(_), None) => 1,
            (Self::Many(lists), None) => lists.plain.as_slice().len(),
            (Self::Many(lists), Some(name)) => {
                lists.queues.find(name).map_or(0, |queue| queue.members.as_slice().len())
            }
        }
    }

    pub(crate) fn append_to(&self, out: &mut Matches<T>) {
        match self {
            Self::None => {}
            Self::One(value) => out.plain.push(*value),
            Self::Many(lists) => lists.append_to(out),
        }
    }

    pub(crate) fn for_each(&self, mut visit: impl FnMut(Option<&[u8]>, &T)) {
        match self {
            Self::None => {}
            Self::One(value) => visit(None, value),
            Self::Many(lists) => {
                lists.plain.as_slice().iter().for_each(|value| visit(None, value));
                lists.queues.for_each(|queue| {
                    queue.members.as_slice().iter().for_each(|value| visit(Some(&queue.name), value));
                });
            }
        }
    }

    fn as_lists(&mut self) -> &mut Lists<T> {
        let mut plain = Members::default();
        match self {
            Self::Many(lists) => return lists,
            Self::One(value) => plain.push(*value),
            Self::None => {}
        }
        *self = Self::Many(Box::new(Lists { plain, queues: Queues::default() }));
        let Self::Many(lists) = self else { unreachable!("just made") };
        lists
    }

    fn simplify(&mut self) {
        let Self::Many(lists) = self else { return };
        if !lists.queues.is_empty() {
            return;
        }
        match *lists.plain.as_slice() {
            [] => *self = Self::None,
            [value] => *self = Self::One(value),
            _ => {}
        }
    }
}

impl<T: Copy + Eq + Hash> Lists<T> {
    fn append_to(&self, out: &mut Matches<T>) {
        out.plain.extend_from_slice(self.plain.as_slice());
        // Names are unique within one filter, so only groups of earlier filters can be the same.
        let known = out.queues.len();
        self.queues.for_each(|queue| {
            out.queue_mut(&queue.name, known).extend_from_slice(queue.members.as_slice());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_plain_subscription_goes_back_inline() {
        let mut subscribers = Subscribers::None;
        subscribers.add(None, 1);
        subscribers.add(Some(b"q"), 2);
        subscribers.add(None, 3);
        assert_eq!(subscribers.remove(Some(b"q"), Wanted::Picked(&mut |_| true)), Some(2));
        assert_eq!(subscribers.remove(None, Wanted::Picked(&mut |value| *value == 1)), Some(1));
        assert!(matches!(subscribers, Subscribers::One(3)));
        assert_eq!(subscribers.remove(Some(b"q"), Wanted::Picked(&mut |_| true)), None);
        assert_eq!(subscribers.remove(None, Wanted::Picked(&mut |_| true)), Some(3));
        assert!(subscribers.is_empty());
    }
}
