//! What one connection to another server said that it wants, of one account.
//!
//! It goes with the connection: all of it, in batches, so that a million rows do not hold up a turn.

use std::collections::BTreeMap;

use crate::interest::Interest;

/// Rows that end at once when a connection did.
pub const ENDED_ROWS_MAX: usize = 4096;

/// Interest that was heard.
#[derive(Debug, Default)]
pub struct Heard {
    rows: BTreeMap<Interest, u32>,
}

impl Heard {
    /// The other server wants it, with that weight. Returns the weight before, if it did already: a plain subject
    /// that is told again is no news.
    pub fn on_interest(&mut self, interest: Interest, weight: u32) -> Option<u32> {
        self.rows.insert(interest, weight)
    }

    /// The other server does not want it any more. Returns the weight it had; `None` if it never did, which is
    /// nothing bad.
    pub fn on_no_interest(&mut self, interest: &Interest) -> Option<u32> {
        self.rows.remove(interest)
    }

    /// The connection ended: the next rows that go with it, until there is none. No more than [`ENDED_ROWS_MAX`].
    pub fn take_ended(&mut self) -> Vec<(Interest, u32)> {
        std::iter::from_fn(|| self.rows.pop_first()).take(ENDED_ROWS_MAX).collect()
    }

    /// Each row and its weight, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Interest, u32)> {
        self.rows.iter().map(|(interest, weight)| (interest, *weight))
    }

    /// Rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it wants nothing.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use nats_proto::InterestKey;

    use super::*;

    fn interest(number: usize) -> Interest {
        let subject = format!("s.{number}");
        Interest::of(&InterestKey { origin: None, account: None, subject: subject.as_bytes(), queue: None })
    }

    #[test]
    fn the_last_weight_counts_and_what_was_not_heard_does_not_end() {
        let mut heard = Heard::default();
        assert_eq!(heard.on_interest(interest(1), 1), None);
        assert_eq!(heard.on_interest(interest(1), 3), Some(1));
        assert_eq!(heard.iter().collect::<Vec<_>>(), [(&interest(1), 3)]);
        assert_eq!((heard.on_no_interest(&interest(1)), heard.on_no_interest(&interest(1))), (Some(3), None));
        assert!(heard.is_empty());
    }

    #[test]
    fn a_connection_takes_its_rows_with_it_in_batches() {
        let mut heard = Heard::default();
        let count = ENDED_ROWS_MAX + 10;
        (0..count).for_each(|number| assert_eq!(heard.on_interest(interest(number), 1), None));
        assert_eq!(heard.take_ended().len(), ENDED_ROWS_MAX);
        assert_eq!((heard.len(), heard.take_ended().len(), heard.take_ended().len()), (10, 10, 0));
    }
}
