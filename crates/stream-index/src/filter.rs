//! Which subjects are meant.

use subject_trie::{has_wildcard, is_valid_filter, valid_filter_matches};

/// Some subjects: all, or those that one of several filters matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// None stands for all.
    patterns: Box<[Pattern]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    pub(crate) text: Box<[u8]>,
    pub(crate) is_literal: bool,
    /// It may match something.
    is_valid: bool,
}

impl Filter {
    /// All subjects.
    pub fn all() -> Self {
        Self::default()
    }

    /// Those that one of these matches; all if there is none. What is no valid filter matches nothing.
    pub fn new<'a>(filters: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut patterns: Vec<Pattern> = filters.into_iter().map(Pattern::new).collect();
        if patterns.iter().any(|pattern| *pattern.text == *b">") {
            patterns.clear();
        }
        Self { patterns: patterns.into() }
    }

    /// Whether it means all subjects.
    pub fn is_all(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The subject that it means, if that is one only and known by its text.
    pub fn literal(&self) -> Option<&[u8]> {
        match &*self.patterns {
            [only] if only.is_literal => Some(&only.text),
            _ => None,
        }
    }

    /// The texts of which one matches; none if it means all subjects.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.patterns.iter().map(|pattern| &*pattern.text)
    }

    /// Whether it means that subject, which has no empty tokens.
    pub fn matches(&self, subject: &[u8]) -> bool {
        self.is_all() || self.patterns.iter().any(|pattern| pattern.matches(subject))
    }

    /// What all subjects that it means begin with.
    pub(crate) fn prefix(&self) -> &[u8] {
        let mut prefixes = self.patterns.iter().map(Pattern::prefix);
        let first = prefixes.next().unwrap_or_default();
        let common = |a: &[u8], b: &[u8]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
        &first[..prefixes.map(|other| common(first, other)).min().unwrap_or(first.len())]
    }
}

impl Pattern {
    fn new(text: &[u8]) -> Self {
        Self { text: text.into(), is_literal: !has_wildcard(text), is_valid: is_valid_filter(text) }
    }

    fn matches(&self, subject: &[u8]) -> bool {
        if self.is_literal {
            return *self.text == *subject;
        }
        self.is_valid && valid_filter_matches(&self.text, subject)
    }

    /// The text before the first wildcard.
    fn prefix(&self) -> &[u8] {
        if self.is_literal {
            return &self.text;
        }
        let tokens = self.text.split(|byte| *byte == b'.');
        let literal = tokens.take_while(|token| !matches!(*token, b"*" | b">"));
        &self.text[..literal.map(|token| token.len() + 1).sum::<usize>().min(self.text.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_mean_what_one_of_theirs_matches() {
        let filter = Filter::new([&b"a.*"[..], b"b"]);
        assert!(filter.matches(b"a.x") && filter.matches(b"b") && !filter.matches(b"a.x.y"));
        assert!(Filter::new([&b"a.*"[..], b">"]).is_all());
        assert!(Filter::new([]).matches(b"x"));
        assert_eq!(Filter::new([&b"a.b"[..]]).literal(), Some(&b"a.b"[..]));
        assert_eq!(Filter::new([&b"a.>"[..]]).literal(), None);
        assert!(!Filter::new([&b"a..*"[..]]).matches(b"a..b"));
    }

    #[test]
    fn prefixes_are_what_is_common_before_the_first_wildcard() {
        let prefix = |filters: &[&str]| {
            let filter = Filter::new(filters.iter().map(|filter| filter.as_bytes()));
            String::from_utf8(filter.prefix().to_vec()).unwrap()
        };
        assert_eq!(prefix(&["a.b.*.c"]), "a.b.");
        assert_eq!(prefix(&["a.b"]), "a.b");
        assert_eq!(prefix(&["*"]), "");
        assert_eq!(prefix(&["ab.c.>", "ab.d"]), "ab.");
        assert_eq!(prefix(&["a.*", "b.*"]), "");
    }
}
