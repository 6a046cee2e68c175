//! Who is connected, and what they hold.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use tokio::task::AbortHandle;

/// Connections at a time. When one more comes, the oldest goes.
const CONNECTIONS_MAX: usize = 512;

/// Bytes of answers that wait to be read, in all. When there would be more, the oldest connections with
/// an answer go.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// All connections. They share one thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guests(Rc<RefCell<Table>>);

#[derive(Debug, Default)]
struct Table {
    /// By number: older ones have smaller numbers.
    rows: BTreeMap<u64, Row>,
    last: u64,
    answer_bytes: usize,
}

#[derive(Debug)]
struct Row {
    task: Option<AbortHandle>,
    answer_bytes: usize,
}

impl Guests {
    /// A connection came.
    pub(crate) fn enter(&self) -> Guest {
        let mut table = self.0.borrow_mut();
        while table.rows.len() >= CONNECTIONS_MAX {
            let Some(oldest) = table.rows.keys().next().copied() else { break };
            table.evict(oldest);
        }
        table.last += 1;
        let number = table.last;
        table.rows.insert(number, Row { task: None, answer_bytes: 0 });
        Guest { guests: self.clone(), number, watches: Cell::new(false) }
    }

    /// What ends the connection.
    pub(crate) fn set_task(&self, number: u64, task: AbortHandle) {
        if let Some(row) = self.0.borrow_mut().rows.get_mut(&number) {
            row.task = Some(task);
        }
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.0.borrow().rows.len()
    }
}

impl Table {
    fn evict(&mut self, number: u64) {
        let Some(row) = self.rows.remove(&number) else { return };
        self.answer_bytes -= row.answer_bytes;
        if let Some(task) = row.task {
            task.abort();
        }
    }

    /// Makes room for an answer to a connection, at the cost of older ones.
    fn make_room(&mut self, number: u64, bytes: usize) {
        while self.answer_bytes + bytes > ANSWER_BYTES_MAX {
            let holds =
                |(other, row): (&u64, &Row)| (*other != number && row.answer_bytes > 0).then_some(*other);
            let Some(oldest) = self.rows.iter().find_map(holds) else { return };
            self.evict(oldest);
        }
    }
}

/// One connection's place.
#[derive(Debug)]
pub(crate) struct Guest {
    guests: Guests,
    number: u64,
    /// It is told on and on, and may stay for as long as it takes what it is told.
    watches: Cell<bool>,
}

impl Guest {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// It watches from now on.
    pub(crate) fn watch(&self) {
        self.watches.set(true);
    }

    pub(crate) fn is_watching(&self) -> bool {
        self.watches.get()
    }

    /// Counts the bytes of an answer for as long as they are there.
    pub(crate) fn hold(&self, bytes: usize) -> Held {
        let mut table = self.guests.0.borrow_mut();
        table.make_room(self.number, bytes);
        if let Some(row) = table.rows.get_mut(&self.number) {
            row.answer_bytes += bytes;
            table.answer_bytes += bytes;
        }
        Held { guests: self.guests.clone(), number: self.number, bytes }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // One that was sent away is not there any more.
        let mut table = self.guests.0.borrow_mut();
        if let Some(row) = table.rows.remove(&self.number) {
            table.answer_bytes -= row.answer_bytes;
        }
    }
}

/// The bytes of an answer that is on its way.
#[derive(Debug)]
pub(crate) struct Held {
    guests: Guests,
    number: u64,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut table = self.guests.0.borrow_mut();
        if let Some(row) = table.rows.get_mut(&self.number) {
            row.answer_bytes -= self.bytes;
            table.answer_bytes -= self.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_it_is_full_the_oldest_goes() {
        let guests = Guests::default();
        let all: Vec<Guest> = (0..CONNECTIONS_MAX + 3).map(|_| guests.enter()).collect();
        assert_eq!(guests.count(), CONNECTIONS_MAX);
        let held = all.last().unwrap().hold(5);
        assert_eq!(guests.0.borrow().answer_bytes, 5);
        drop(all);
        drop(held);
        assert_eq!((guests.count(), guests.0.borrow().answer_bytes), (0, 0));
    }

    #[test]
    fn answers_that_nobody_reads_make_room_for_new_ones() {
        let guests = Guests::default();
        let (idle, first, second) = (guests.enter(), guests.enter(), guests.enter());
        let half = ANSWER_BYTES_MAX / 2 + 1;
        let _unread = first.hold(half);
        let _new = second.hold(half);
        let left: Vec<u64> = guests.0.borrow().rows.keys().copied().collect();
        assert_eq!(left, [idle.number, second.number]);
        assert_eq!(guests.0.borrow().answer_bytes, half);
        drop(second.hold(2 * ANSWER_BYTES_MAX));
        assert_eq!(guests.0.borrow().answer_bytes, half, "one that is too large has it all to itself");
    }
}
