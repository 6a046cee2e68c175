//! Who of a stream's consumers may want messages of a subject.
//!
//! Those that name subjects are found by them; those with wildcards, and those that want everything, are asked each time.

use std::collections::{BTreeMap, BTreeSet};

use subject_trie::has_wildcard;

use crate::consumer_set::ConsumerId;

/// Consumers by what they want.
#[derive(Debug, Default)]
pub(crate) struct Interest {
    by_subject: BTreeMap<Box<[u8]>, BTreeSet<ConsumerId>>,
    others: BTreeSet<ConsumerId>,
}

impl Interest {
    pub(crate) fn add(&mut self, id: ConsumerId, filters: &[Box<[u8]>]) {
        if !are_subjects(filters) {
            self.others.insert(id);
            return;
        }
        for subject in filters {
            self.by_subject.entry(subject.clone()).or_default().insert(id);
        }
    }

    /// One that was added with these.
    pub(crate) fn remove(&mut self, id: ConsumerId, filters: &[Box<[u8]>]) {
        if !are_subjects(filters) {
            self.others.remove(&id);
            return;
        }
        for subject in filters {
            let Some(ids) = self.by_subject.get_mut(subject) else { continue };
            ids.remove(&id);
            if ids.is_empty() {
                self.by_subject.remove(subject);
            }
        }
    }

    /// Those that are to be asked, and nobody else wants it.
    pub(crate) fn of(&self, subject: &[u8]) -> impl Iterator<Item = &ConsumerId> {
        self.others.iter().chain(self.by_subject.get(subject).into_iter().flatten())
    }

    /// How many those are.
    pub(crate) fn count(&self, subject: &[u8]) -> usize {
        self.others.len() + self.by_subject.get(subject).map_or(0, BTreeSet::len)
    }
}

fn are_subjects(filters: &[Box<[u8]>]) -> bool {
    !filters.is_empty() && !filters.iter().any(|filter| has_wildcard(filter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(texts: &[&str]) -> Vec<Box<[u8]>> {
        texts.iter().map(|text| text.as_bytes().into()).collect()
    }

    #[test]
    fn of_very_many_that_name_subjects_few_are_asked() {
        let mut interest = Interest::default();
        for number in 0..10_000 {
            interest.add(ConsumerId(number), &filters(&[&format!("s.{number}"), "s.all"]));
        }
        let rest = [&["s.*"][..], &[], &["s.1", "s.>"]];
        for (number, texts) in (10_000..).zip(rest) {
            interest.add(ConsumerId(number), &filters(texts));
        }
        let asked: Vec<u32> = interest.of(b"s.7").map(|id| id.0).collect();
        assert_eq!((asked, interest.count(b"s.7")), (vec![10_000, 10_001, 10_002, 7], 4));
        assert_eq!(interest.count(b"s.all"), 10_003);
        interest.remove(ConsumerId(7), &filters(&["s.7", "s.all"]));
        interest.remove(ConsumerId(10_000), &filters(&["s.*"]));
        interest.remove(ConsumerId(10_001), &filters(&[]));
        interest.remove(ConsumerId(10_002), &filters(&["s.1", "s.>"]));
        assert_eq!((interest.count(b"s.7"), interest.count(b"s.all"), interest.count(b"s.8")), (0, 9_999, 1));
    }
}
