//! Subjects of another account that the clients of an account may subscribe to.

use subject_trie::filter_intersection;

use crate::sharing::{Pair, Rename};

/// A stream import, ready for use. Directories that follow each other share those that stay.
#[derive(Debug, PartialEq, Eq)]
pub struct StreamImport {
    account: usize,
    subjects: Pair,
    allows_trace: bool,
}

impl StreamImport {
    pub(crate) fn new(account: usize, subjects: Pair, allows_trace: bool) -> Self {
        Self { account, subjects, allows_trace }
    }

    /// The account that the messages are published in, by its index.
    pub fn account(&self) -> usize {
        self.account
    }

    /// What is imported, as the account that it comes from has it, and as the account that imports it does: two filters.
    pub fn subjects(&self) -> (&str, &str) {
        self.subjects.both()
    }

    /// Puts in `into` what a subscription to the filter `wanted` gets by this import: a filter of the account that the
    /// messages are published in. False if it gets nothing.
    pub fn filter(&self, wanted: &[u8], into: &mut Vec<u8>) -> bool {
        if !filter_intersection(wanted, self.subjects.near.as_bytes(), into) {
            return false;
        }
        match &self.subjects.outwards {
            Rename::Same => {}
            Rename::Transform(transform) if *into != self.subjects.near.as_bytes() => {
                let near = std::mem::take(into);
                transform.apply(&near, || 0, into);
            }
            Rename::Transform(_) | Rename::Fixed(_) => {
                into.clear();
                into.extend_from_slice(self.subjects.far.as_bytes());
            }
        }
        true
    }

    /// Puts in `into` the subject that subscribers are shown of a message to `subject`.
    pub fn show(&self, subject: &[u8], into: &mut Vec<u8>) {
        self.subjects.inwards.apply(subject, into);
    }

    /// Whether who has a message traced is told who gets it by this.
    pub fn allows_trace(&self) -> bool {
        self.allows_trace
    }

    /// Whether subscribers are shown the subject that it was published to.
    pub fn shows_all_as_is(&self) -> bool {
        self.subjects.inwards == Rename::Same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By row: what is imported, as what, what somebody subscribes to, and what that is over there. nats-server 2.14.5
    /// subscribes to the same.
    #[test]
    fn a_subscription_becomes_one_in_the_other_account() {
        for (far, near, wanted, filter) in [
            ("a.>", "a.>", "a.b", Some("a.b")),
            ("a.>", "a.>", ">", Some("a.>")),
            ("a.>", "a.>", "b", None),
            ("a.>", "p.a.>", "p.a.*", Some("a.*")),
            ("a.>", "p.a.>", "a.*", None),
            ("a.*.*", "n.$2.x.$1", "n.>", Some("a.*.*")),
            ("a.*.*", "n.$2.x.$1", "n.7.*.>", Some("a.*.7")),
            ("a.*.*", "n.$2.x.$1", "*.7.x.8", Some("a.8.7")),
            ("a.*.*", "n.$2.x.$1", "n.7.y.8", None),
            ("a.b", "x", "*", Some("a.b")),
            ("a.b", "x", "x", Some("a.b")),
            ("a.*", "a.*", "*.b", Some("a.b")),
        ] {
            let import = StreamImport::new(0, Pair::new(far, near).unwrap(), false);
            let mut into = b"old".to_vec();
            let found = import.filter(wanted.as_bytes(), &mut into).then(|| String::from_utf8(into).unwrap());
            assert_eq!(found.as_deref(), filter, "{far} as {near} for {wanted}");
        }
    }
}
