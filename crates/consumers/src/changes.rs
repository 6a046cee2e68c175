//! Which messages fare otherwise than what was stored of them says.

/// How many are remembered one by one, however few there are that are to be acknowledged.
const SEQS_MAX: usize = 16_384;

#[derive(Debug, Default)]
pub(crate) struct Changes {
    seqs: Vec<u64>,
    /// Something else than messages changed.
    is_touched: bool,
    /// So much changed that all of it is stored.
    is_whole: bool,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        !self.is_touched && !self.is_whole && self.seqs.is_empty()
    }

    /// Where the consumer stands changed.
    pub(crate) fn touch(&mut self) {
        self.is_touched = true;
    }

    /// A message fares otherwise. Beyond a number that grows with those that are there all is stored instead, so what
    /// is stored stays in proportion to what changes.
    pub(crate) fn mark(&mut self, seq: u64, pending: usize) {
        self.is_touched = true;
        if self.is_whole {
            return;
        }
        if self.seqs.len() >= pending.max(SEQS_MAX) {
            self.mark_all();
        } else {
            self.seqs.push(seq);
        }
    }

    /// All of it is to be stored.
    pub(crate) fn mark_all(&mut self) {
        self.is_whole = true;
        self.seqs = Vec::new();
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Those that changed, in order. Nothing did from here on.
    pub(crate) fn take(&mut self) -> Vec<u64> {
        let mut seqs = std::mem::take(self).seqs;
        seqs.sort_unstable();
        seqs.dedup();
        seqs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_become_all_of_them() {
        let mut changes = Changes::default();
        assert!(changes.is_empty());
        for seq in [3, 1, 3] {
            changes.mark(seq, 0);
        }
        assert_eq!((changes.take(), changes.is_empty()), (vec![1, 3], true));
        (0..=SEQS_MAX as u64).for_each(|seq| changes.mark(seq, 0));
        assert!(changes.is_whole() && !changes.is_empty());
        changes.mark(1, 0);
        assert!(changes.take().is_empty() && changes.is_empty());
    }
}
