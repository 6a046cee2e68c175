//! When streams and consumers have something to do: one entry for each that has.

use std::collections::{BTreeMap, BTreeSet};

use conns::Time;

use crate::consumer_set::ConsumerKey;
use crate::tenant::StreamId;

/// What has something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    Stream(StreamId),
    Consumer(ConsumerKey),
    /// What a stream takes from others.
    Relay(StreamId),
}

/// All deadlines of the shard, on the clock that never goes back.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    order: BTreeSet<(u64, Due)>,
    times: BTreeMap<Due, u64>,
}

impl Deadlines {
    /// Something is to be done then, or not at all, whatever was said before.
    pub(crate) fn set(&mut self, due: Due, at: Option<Time>) {
        let before = match at {
            Some(at) => self.times.insert(due, at.0),
            None => self.times.remove(&due),
        };
        if let Some(before) = before.filter(|before| Some(*before) != at.map(|at| at.0)) {
            self.order.remove(&(before, due));
        }
        if let Some(at) = at {
            self.order.insert((at.0, due));
        }
    }

    pub(crate) fn next(&self) -> Option<Time> {
        self.order.first().map(|(at, _)| Time(*at))
    }

    /// Takes something that is due.
    pub(crate) fn take(&mut self, now: Time) -> Option<Due> {
        let (at, due) = *self.order.first().filter(|(at, _)| *at <= now.0)?;
        self.order.remove(&(at, due));
        self.times.remove(&due);
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_comes_in_its_order_and_once() {
        let mut deadlines = Deadlines::default();
        let [one, two] = [1, 2].map(|id| Due::Stream(StreamId(id)));
        deadlines.set(one, Some(Time(5)));
        deadlines.set(two, Some(Time(4)));
        deadlines.set(one, Some(Time(3)));
        deadlines.set(one, Some(Time(3)));
        assert_eq!(deadlines.next(), Some(Time(3)));
        assert_eq!(deadlines.take(Time(2)), None);
        assert_eq!([deadlines.take(Time(4)), deadlines.take(Time(4))], [Some(one), Some(two)]);
        deadlines.set(two, Some(Time(9)));
        deadlines.set(two, None);
        assert_eq!((deadlines.next(), deadlines.take(Time(10))), (None, None));
    }
}
