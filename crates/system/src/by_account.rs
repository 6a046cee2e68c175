//! What waits, by account: accounts take turns, so that none of them waits for all that another one asks.

use std::collections::{BTreeMap, VecDeque};

/// Things that wait, those of one account in their order. Whoever adds to it bounds how many there are.
#[derive(Debug)]
pub struct ByAccount<T> {
    /// None of them is empty.
    lines: BTreeMap<usize, VecDeque<T>>,
    /// The accounts of `lines`, the next one first.
    order: VecDeque<usize>,
    len: usize,
}

impl<T> ByAccount<T> {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds one. An account that had none has its turn after all others.
    pub fn push(&mut self, account: usize, item: T) {
        let Self { lines, order, .. } = self;
        let line = lines.entry(account).or_insert_with(|| {
            order.push_back(account);
            VecDeque::new()
        });
        line.push_back(item);
        self.len += 1;
    }

    /// Takes the next one, of the account whose turn it is.
    pub fn pop(&mut self) -> Option<T> {
        let account = self.order.pop_front()?;
        let line = self.lines.get_mut(&account)?;
        let item = line.pop_front()?;
        if line.is_empty() {
            self.lines.remove(&account);
        } else {
            self.order.push_back(account);
        }
        self.len -= 1;
        Some(item)
    }
}

impl<T> Default for ByAccount<T> {
    fn default() -> Self {
        Self { lines: BTreeMap::new(), order: VecDeque::new(), len: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_take_turns() {
        let mut waiting = ByAccount::default();
        for (account, item) in [(7, 1), (7, 3), (7, 5), (2, 2), (2, 4), (7, 6)] {
            waiting.push(account, item);
        }
        assert_eq!(waiting.len(), 6);
        let taken: Vec<i32> = std::iter::from_fn(|| waiting.pop()).collect();
        assert_eq!(taken, [1, 2, 3, 4, 5, 6]);
        assert!(waiting.is_empty() && waiting.lines.is_empty() && waiting.order.is_empty());
    }
}
