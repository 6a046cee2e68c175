//! Sequences, as runs of them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Runs of sequences, none of which touches another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs(BTreeMap<u64, u64>);

impl Runs {
    /// How many runs there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the sequence is in one.
    pub fn contains(&self, seq: u64) -> bool {
        self.0.range(..=seq).next_back().is_some_and(|(_, end)| *end >= seq)
    }

    /// The first of them.
    pub fn first(&self) -> Option<RangeInclusive<u64>> {
        self.0.first_key_value().map(|(start, end)| *start..=*end)
    }

    /// Takes the first one out.
    pub fn pop_first(&mut self) -> Option<RangeInclusive<u64>> {
        self.0.pop_first().map(|(start, end)| start..=end)
    }

    /// Adds a run: what it touches becomes one with it.
    pub fn add(&mut self, run: RangeInclusive<u64>) {
        let (mut start, mut end) = run.into_inner();
        if let Some((before, last)) = self.0.range(..=start).next_back()
            && *last >= start.saturating_sub(1)
        {
            (start, end) = (*before, end.max(*last));
        }
        while let Some((next, last)) = self.0.range(start..).next().map(|(next, last)| (*next, *last))
            && next <= end.saturating_add(1)
        {
            self.0.remove(&next);
            end = end.max(last);
        }
        self.0.insert(start, end);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn runs_have_what_was_added_and_touch_nowhere(
            added in proptest::collection::vec((0_u64..60, 0_u64..9), 0..20),
        ) {
            let mut runs = Runs::default();
            added.iter().for_each(|(start, len)| runs.add(*start..=start + len));
            for seq in 0..80 {
                let is_in = added.iter().any(|(start, len)| (*start..=start + len).contains(&seq));
                prop_assert_eq!(runs.contains(seq), is_in, "{}", seq);
            }
            let mut end = None;
            while let Some(run) = runs.pop_first() {
                prop_assert!(end.is_none_or(|end| *run.start() > end + 1));
                end = Some(*run.end());
            }
        }
    }

    #[test]
    fn the_last_sequence_of_all_can_be_in_one() {
        let mut runs = Runs::default();
        runs.add(u64::MAX..=u64::MAX);
        runs.add(u64::MAX - 1..=u64::MAX - 1);
        assert_eq!((runs.first(), runs.len()), (Some(u64::MAX - 1..=u64::MAX), 1));
    }
}
