//! Which subjects the streams of an account take, so that one that overlaps is found without looking at all of them.
//!
//! Subjects stand by their *front*: the text before the first wildcard. Of two that overlap the front of one begins with the
//! front of the other.

use std::collections::BTreeMap;
use std::ops::Bound;

use subject_trie::filters_overlap;

/// A subject, and the stream that takes it.
type Claim = (Box<str>, Box<str>);

/// The subjects of all streams, and whose they are.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    by_front: BTreeMap<Box<[u8]>, Vec<Claim>>,
}

impl Taken {
    pub(crate) fn add(&mut self, stream: &str, subjects: &[String]) {
        for subject in subjects {
            let row = self.by_front.entry(front(subject).into()).or_default();
            row.push((subject.as_str().into(), stream.into()));
        }
    }

    /// Some that were added.
    pub(crate) fn remove(&mut self, stream: &str, subjects: &[String]) {
        for subject in subjects {
            let front = front(subject);
            let Some(row) = self.by_front.get_mut(front) else { continue };
            let is_it = |(other, of): &Claim| **other == **subject && **of == *stream;
            if let Some(at) = row.iter().position(is_it) {
                row.swap_remove(at);
            }
            if row.is_empty() {
                self.by_front.remove(front);
            }
        }
    }

    /// Whether another stream takes what overlaps.
    pub(crate) fn has(&self, subject: &str, own: &str) -> bool {
        let clashes =
            |row: &Vec<Claim>| row.iter().any(|(other, stream)| **stream != *own && overlap(other, subject));
        let front = front(subject);
        let longer = self
            .by_front
            .range::<[u8], _>((Bound::Included(front), Bound::Unbounded))
            .take_while(|(other, _)| other.starts_with(front));
        let ends = front.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at + 1);
        let mut shorter = std::iter::once(0).chain(ends).filter(|end| *end < front.len());
        longer.into_iter().any(|(_, row)| clashes(row))
            || shorter.any(|end| self.by_front.get(&front[..end]).is_some_and(clashes))
    }
}

/// The text before the first wildcard.
fn front(subject: &str) -> &[u8] {
    let mut end = 0;
    for token in subject.as_bytes().split(|byte| *byte == b'.') {
        if matches!(token, b"*" | b">") {
            return &subject.as_bytes()[..end];
        }
        end += token.len() + 1;
    }
    subject.as_bytes()
}

fn overlap(one: &str, other: &str) -> bool {
    one == other || filters_overlap(one.as_bytes(), other.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All with up to three tokens of these, as they may be filters.
    fn subjects() -> Vec<String> {
        let mut all: Vec<String> = vec!["a".into(), "ab".into(), "*".into(), ">".into()];
        for _ in 0..2 {
            let longer = all
                .iter()
                .filter(|subject| !subject.ends_with('>'))
                .flat_map(|subject| ["a", "ab", "*", ">"].map(|token| format!("{subject}.{token}")));
            let longer: Vec<String> = longer.collect();
            all.extend(longer);
            all.sort_unstable();
            all.dedup();
        }
        all
    }

    #[test]
    fn what_overlaps_is_found_and_nothing_else() {
        let all = subjects();
        for one in &all {
            let mut taken = Taken::default();
            taken.add("S", std::slice::from_ref(one));
            for other in &all {
                assert_eq!(taken.has(other, "T"), overlap(one, other), "{one} and {other}");
                assert!(!taken.has(other, "S"), "its own does not count");
            }
            taken.remove("S", std::slice::from_ref(one));
            assert!(taken.by_front.is_empty());
        }
    }

    #[test]
    fn two_of_one_stream_are_told_apart() {
        let mut taken = Taken::default();
        taken.add("S", &["a.b".into(), "a.*".into(), "a.b".into()]);
        taken.add("T", &["a.c".into()]);
        taken.remove("S", &["a.*".into(), "a.b".into()]);
        assert!(taken.has("a.b", "T") && !taken.has("a.c", "T") && taken.has("a.c", "S"));
    }
}
