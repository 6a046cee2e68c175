//! What is due when.
//!
//! An entry is a reminder to look, not the truth: the connection itself knows its deadlines, so an entry that
//! no longer fits is dropped when it comes up. A connection has a few entries at most, and takes them along
//! when it goes.

use std::collections::BTreeSet;

use crate::conn_id::ConnId;
use crate::time::Time;

/// What a reminder is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due<R> {
    /// A peer may be late: see [`Conns::on_write_due`](crate::Conns::on_write_due).
    Write,
    /// What the protocol wanted to be reminded of.
    Own(R),
}

/// All reminders, by time, and by whose they are. Trees, because no step of theirs is long.
#[derive(Debug)]
pub(crate) struct Deadlines<R> {
    by_time: BTreeSet<(Time, ConnId, Due<R>)>,
    by_conn: BTreeSet<(ConnId, Time, Due<R>)>,
}

impl<R> Default for Deadlines<R> {
    fn default() -> Self {
        Self { by_time: BTreeSet::new(), by_conn: BTreeSet::new() }
    }
}

impl<R: Copy + Ord> Deadlines<R> {
    pub(crate) fn push(&mut self, at: Time, conn: ConnId, due: Due<R>) {
        self.by_time.insert((at, conn, due));
        self.by_conn.insert((conn, at, due));
    }

    /// Drops the reminders of a connection: it is gone.
    pub(crate) fn forget(&mut self, conn: ConnId) {
        let first = (conn, Time::default(), Due::Write);
        while let Some((of, at, due)) = self.by_conn.range(first..).next().copied()
            && of == conn
        {
            self.by_conn.remove(&(of, at, due));
            self.by_time.remove(&(at, of, due));
        }
    }

    pub(crate) fn next(&self) -> Option<Time> {
        self.by_time.first().map(|(at, ..)| *at)
    }

    /// Takes the earliest reminder that is due.
    pub(crate) fn pop(&mut self, now: Time) -> Option<(ConnId, Due<R>)> {
        if self.next()? > now {
            return None;
        }
        let (at, conn, due) = self.by_time.pop_first()?;
        self.by_conn.remove(&(conn, at, due));
        Some((conn, due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: Due<u8> = Due::Own(0);
    const AUTH: Due<u8> = Due::Own(1);

    #[test]
    fn connections_that_go_leave_no_reminders() {
        let mut deadlines = Deadlines::default();
        let conn = ConnId::from_bits;
        for number in 1..=3 {
            for (at, due) in [(10, PING), (5, PING), (7, Due::Write), (0, AUTH)] {
                deadlines.push(Time(at + number), conn(number), due);
            }
        }
        deadlines.forget(conn(2));
        assert_eq!(deadlines.next(), Some(Time(1)));
        let mut left = Vec::new();
        while let Some(popped) = deadlines.pop(Time(100)) {
            left.push(popped);
        }
        let (one, three) = (conn(1), conn(3));
        let expected = [(one, AUTH), (three, AUTH), (one, PING), (one, Due::Write)];
        assert_eq!(left[..4], expected);
        assert_eq!(left.len(), 8);
        assert!(deadlines.by_conn.is_empty());
    }

    #[test]
    fn what_is_not_due_yet_stays() {
        let mut deadlines = Deadlines::default();
        deadlines.push(Time(5), ConnId::from_bits(1), PING);
        assert_eq!(deadlines.pop(Time(4)), None);
        assert_eq!(deadlines.pop(Time(5)), Some((ConnId::from_bits(1), PING)));
        assert_eq!(deadlines.next(), None);
    }
}
