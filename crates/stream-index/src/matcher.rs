//! A filter as a question to the numbers of subjects.

use crate::subjects::Subjects;
use crate::{Filter, SubjectId};

/// Verdicts that a walk remembers.
const MEMO: usize = 256;

pub(crate) enum Matcher {
    All,
    /// No subject that has messages is meant.
    None,
    One(u32),
    /// Those that [`Asked`] says.
    Some,
}

/// Asks texts, and remembers what the last subjects were told.
pub(crate) struct Asked<'a> {
    filter: &'a Filter,
    subjects: &'a Subjects,
    /// By the lowest bits of a number: the number plus one, and the verdict.
    memo: [(u32, bool); MEMO],
}

impl Matcher {
    pub(crate) fn new(filter: &Filter, subjects: &Subjects) -> Self {
        if filter.is_all() {
            return Self::All;
        }
        match filter.literal() {
            Some(literal) => subjects.find(literal).map_or(Self::None, |id| Self::One(id.0)),
            None => Self::Some,
        }
    }
}

impl<'a> Asked<'a> {
    pub(crate) fn new(filter: &'a Filter, subjects: &'a Subjects) -> Self {
        Self { filter, subjects, memo: [(0, false); MEMO] }
    }

    pub(crate) fn matches(&mut self, subject: u32) -> bool {
        let slot = &mut self.memo[subject as usize % MEMO];
        if slot.0 != subject + 1 {
            *slot = (subject + 1, self.filter.matches(self.subjects.text(SubjectId(subject))));
        }
        slot.1
    }
}
