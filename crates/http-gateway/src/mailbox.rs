//! What has come of one question and nobody has looked at yet.

use std::cell::RefCell;
use std::collections::VecDeque;

use http_api::{Failure, Received};
use tokio::sync::Notify;

/// Replies to one question that nobody has looked at yet. What comes beyond is not kept: nobody asks for so many.
const REPLIES_MAX: usize = 1024;

/// A reply, or `None` where the server has seen what it was to see.
pub(crate) type Outcome = Result<Option<Received>, Failure>;

/// Where outcomes wait for the one who asks.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    outcomes: RefCell<VecDeque<Outcome>>,
    came: Notify,
}

impl Mailbox {
    /// Leaves one. Who does not keep up with so many does not want them all.
    pub(crate) fn put(&self, outcome: Outcome) {
        let mut outcomes = self.outcomes.borrow_mut();
        if outcomes.len() < REPLIES_MAX {
            outcomes.push_back(outcome);
            self.came.notify_one();
        }
    }

    /// The next one, once it is there. One task at a time waits.
    pub(crate) async fn take(&self) -> Outcome {
        loop {
            let outcome = self.outcomes.borrow_mut().pop_front();
            match outcome {
                Some(outcome) => return outcome,
                None => self.came.notified().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_came_waits_within_its_bound() {
        let mailbox = Mailbox::default();
        (0..=REPLIES_MAX).for_each(|_| mailbox.put(Ok(None)));
        for _ in 0..REPLIES_MAX {
            assert_eq!(mailbox.take().await, Ok(None));
        }
        assert!(mailbox.outcomes.borrow().is_empty());
        let (taken, ()) = tokio::join!(mailbox.take(), async { mailbox.put(Err(Failure::TimedOut)) });
        assert_eq!(taken, Err(Failure::TimedOut));
    }
}
