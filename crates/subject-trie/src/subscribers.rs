//! The subscriptions of one filter.
//!
//! Most filters have exactly one, without a queue group, so that one lives inline and everything
//! else behind one pointer.
//!
//! Always true: `Many` holds what `One` and `None` cannot, and no queue in it is without members.

use crate::matches::Matches;

pub(crate) enum Subscribers<T> {
    None,
    One(T),
    Many(Box<Lists<T>>),
}

pub(crate) struct Lists<T> {
    plain: Vec<T>,
    queues: Vec<Queue<T>>,
}

struct Queue<T> {
    name: Box<[u8]>,
    members: Vec<T>,
}

impl<T: Copy + Eq> Subscribers<T> {
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
            Some(name) => lists.members_mut(name).push(value),
        }
    }

    /// Removes one subscription with this queue that `pred` picks. Which of several is not said.
    pub(crate) fn remove_by(&mut self, queue: Option<&[u8]>, pred: impl FnMut(&T) -> bool) -> Option<T> {
        match self {
            Self::None => None,
            Self::One(value) => {
                let value = Some(*value).filter(pred).filter(|_| queue.is_none())?;
                *self = Self::None;
                Some(value)
            }
            Self::Many(lists) => {
                let removed = match queue {
                    None => swap_remove_by(&mut lists.plain, pred),
                    Some(name) => lists.remove_member(name, pred),
                };
                self.simplify();
                removed
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
                lists.plain.iter().for_each(|value| visit(None, value));
                for queue in &lists.queues {
                    queue.members.iter().for_each(|value| visit(Some(&queue.name), value));
                }
            }
        }
    }

    fn as_lists(&mut self) -> &mut Lists<T> {
        let plain = match self {
            Self::Many(lists) => return lists,
            Self::One(value) => vec![*value],
            Self::None => Vec::new(),
        };
        *self = Self::Many(Box::new(Lists { plain, queues: Vec::new() }));
        let Self::Many(lists) = self else { unreachable!("just made") };
        lists
    }

    fn simplify(&mut self) {
        let Self::Many(lists) = self else { return };
        if !lists.queues.is_empty() {
            return;
        }
        match lists.plain[..] {
            [] => *self = Self::None,
            [value] => *self = Self::One(value),
            _ => {}
        }
    }
}

impl<T: Copy + Eq> Lists<T> {
    fn members_mut(&mut self, name: &[u8]) -> &mut Vec<T> {
        let found = self.queues.iter().position(|queue| *queue.name == *name);
        let index = found.unwrap_or_else(|| {
            self.queues.push(Queue { name: name.into(), members: Vec::new() });
            self.queues.len() - 1
        });
        &mut self.queues[index].members
    }

    fn remove_member(&mut self, name: &[u8], pred: impl FnMut(&T) -> bool) -> Option<T> {
        let index = self.queues.iter().position(|queue| *queue.name == *name)?;
        let removed = swap_remove_by(&mut self.queues[index].members, pred)?;
        if self.queues[index].members.is_empty() {
            self.queues.swap_remove(index);
        }
        Some(removed)
    }

    fn append_to(&self, out: &mut Matches<T>) {
        out.plain.extend_from_slice(&self.plain);
        // Names are unique within one filter, so only groups of earlier filters can be the same.
        let known = out.queues.len();
        for queue in &self.queues {
            out.queue_mut(&queue.name, known).extend_from_slice(&queue.members);
        }
    }
}

/// Looks from the back, where the newest subscriptions are: those tend to go first.
fn swap_remove_by<T>(values: &mut Vec<T>, pred: impl FnMut(&T) -> bool) -> Option<T> {
    let index = values.iter().rposition(pred)?;
    let removed = values.swap_remove(index);
    if values.capacity() > 16 && values.len() < values.capacity() / 4 {
        values.shrink_to(values.capacity() / 2);
    }
    Some(removed)
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
        assert_eq!(subscribers.remove_by(Some(b"q"), |_| true), Some(2));
        assert_eq!(subscribers.remove_by(None, |value| *value == 1), Some(1));
        assert!(matches!(subscribers, Subscribers::One(3)));
        assert_eq!(subscribers.remove_by(Some(b"q"), |_| true), None);
        assert_eq!(subscribers.remove_by(None, |_| true), Some(3));
        assert!(subscribers.is_empty());
    }

    #[test]
    fn memory_goes_back_after_a_crowd_has_left() {
        let mut values: Vec<u32> = (0..10_000).collect();
        while values.len() > 10 {
            swap_remove_by(&mut values, |_| true);
        }
        assert!(values.capacity() <= 64);
    }
}
