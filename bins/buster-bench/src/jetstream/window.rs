//! Requests of one connection that have no answer yet: which, and since when.

use std::collections::VecDeque;
use std::time::Instant;

use anyhow::{Context, Result};

#[derive(Debug)]
pub(crate) struct Window {
    /// How many may be without an answer.
    size: usize,
    /// The number of the first in `sent`.
    first: u64,
    /// When each was sent; `None` once it is answered. The first is not.
    sent: VecDeque<Option<Instant>>,
    unanswered: usize,
}

impl Window {
    pub(crate) fn new(size: usize) -> Self {
        Self { size, first: 0, sent: VecDeque::new(), unanswered: 0 }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.unanswered < self.size
    }

    pub(crate) fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// One more is sent: its number, from 0.
    pub(crate) fn ask(&mut self, now: Instant) -> u64 {
        self.sent.push_back(Some(now));
        self.unanswered += 1;
        self.first + self.sent.len() as u64 - 1
    }

    /// An answer is in: when it was asked for.
    pub(crate) fn answer(&mut self, number: u64) -> Result<Instant> {
        let index = number.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        let Some(index) = index else { return Err(doubled(number)) };
        let sent = self.sent.get_mut(index);
        let sent = sent.with_context(|| format!("an answer to {number}, which was not asked yet"))?;
        let at = sent.take().ok_or_else(|| doubled(number))?;
        self.unanswered -= 1;
        while let Some(None) = self.sent.front() {
            self.sent.pop_front();
            self.first += 1;
        }
        Ok(at)
    }
}

fn doubled(number: u64) -> anyhow::Error {
    anyhow::anyhow!("{number} was answered twice")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_in_any_order_make_room_and_each_counts_once() {
        let mut window = Window::new(3);
        let now = Instant::now();
        let numbers: Vec<u64> = std::iter::from_fn(|| window.has_room().then(|| window.ask(now))).collect();
        assert_eq!(numbers, [0, 1, 2]);
        window.answer(1).unwrap();
        assert_eq!((window.unanswered(), window.ask(now)), (2, 3));
        let error = |outcome: Result<Instant>| outcome.unwrap_err().to_string();
        assert_eq!(error(window.answer(1)), "1 was answered twice");
        window.answer(0).unwrap();
        assert_eq!(error(window.answer(0)), "0 was answered twice");
        assert_eq!(error(window.answer(4)), "an answer to 4, which was not asked yet");
        window.answer(3).unwrap();
        window.answer(2).unwrap();
        assert_eq!((window.unanswered(), window.sent.len(), window.first), (0, 0, 4));
        assert_eq!(window.ask(now), 4);
    }
}
