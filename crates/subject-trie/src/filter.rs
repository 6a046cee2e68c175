//! Comparing two filters, or a filter and a subject, without an index.

use crate::grammar::{has_empty_token, is_valid_filter, tokens};

/// Whether a message published to `subject` reaches a subscription to `filter`.
///
/// The subject is taken as plain tokens, so publishing to `foo.*` matches the filters `foo.*`,
/// `*.*` and `>`, and not `foo.bar`. A subject with an empty token matches nothing, and a filter
/// that is not valid matches nothing.
///
/// ```
/// use subject_trie::filter_matches;
/// assert!(filter_matches(b"foo.*", b"foo.bar"));
/// assert!(filter_matches(b"foo.>", b"foo.bar.baz"));
/// assert!(!filter_matches(b"foo.>", b"foo"));
/// assert!(!filter_matches(b">", b"foo..bar"));
/// ```
pub fn filter_matches(filter: &[u8], subject: &[u8]) -> bool {
    is_valid_filter(filter) && !has_empty_token(subject) && valid_filter_matches(filter, subject)
}

/// [`filter_matches`] for a filter that is valid and a subject without empty tokens: for who holds one against many
/// others.
pub fn valid_filter_matches(filter: &[u8], subject: &[u8]) -> bool {
    let mut subject_tokens = tokens(subject);
    for filter_token in tokens(filter) {
        let Some(token) = subject_tokens.next() else {
            return false;
        };
        match filter_token {
            b">" => return true,
            b"*" => {}
            _ if filter_token == token => {}
            _ => return false,
        }
    }
    subject_tokens.next().is_none()
}

/// Whether every subject that `inner` matches is also matched by `outer`. False if either is
/// not a valid filter.
///
/// ```
/// use subject_trie::filter_contains;
/// assert!(filter_contains(b"foo.>", b"foo.*.bar"));
/// assert!(filter_contains(b"foo.*", b"foo.bar"));
/// assert!(!filter_contains(b"foo.*", b"foo.>"));
/// ```
pub fn filter_contains(outer: &[u8], inner: &[u8]) -> bool {
    is_valid_filter(outer) && is_valid_filter(inner) && filter_covers(outer, inner)
}

/// [`filter_contains`] for a filter that is known to be valid, and anything that was published to: wildcards
/// in that stand for what they match. As in nats-server, what a `>` takes in is not looked at.
///
/// ```
/// use subject_trie::filter_covers;
/// assert!(filter_covers(b"foo.*", b"foo.bar") && filter_covers(b"foo.*", b"foo.*"));
/// assert!(!filter_covers(b"foo.*", b"foo.>") && !filter_covers(b"foo.*", b"foo."));
/// assert!(filter_covers(b"foo.>", b"foo..bar"));
/// ```
pub fn filter_covers(outer: &[u8], inner: &[u8]) -> bool {
    let mut inner_tokens = tokens(inner);
    for outer_token in tokens(outer) {
        let Some(token) = inner_tokens.next() else {
            return false;
        };
        match outer_token {
            b">" => return true,
            b"*" if !token.is_empty() && token != b">" => {}
            _ if outer_token == token => {}
            _ => return false,
        }
    }
    inner_tokens.next().is_none()
}

/// Whether some subject is matched by both filters. False if either is not a valid filter.
///
/// ```
/// use subject_trie::filters_overlap;
/// assert!(filters_overlap(b"foo.*", b"*.bar"));
/// assert!(filters_overlap(b"foo.>", b"*.*.baz"));
/// assert!(!filters_overlap(b"foo.*", b"foo.bar.>"));
/// ```
pub fn filters_overlap(a: &[u8], b: &[u8]) -> bool {
    is_valid_filter(a) && is_valid_filter(b) && valid_filters_overlap(a, b)
}

/// [`filters_overlap`] for two filters that are valid.
pub fn valid_filters_overlap(a: &[u8], b: &[u8]) -> bool {
    let (mut a_tokens, mut b_tokens) = (tokens(a), tokens(b));
    loop {
        match (a_tokens.next(), b_tokens.next()) {
            (None, None) => return true,
            (None, _) | (_, None) => return false,
            (Some(b">"), _) | (_, Some(b">")) => return true,
            (Some(b"*"), _) | (_, Some(b"*")) => {}
            (x, y) if x == y => {}
            _ => return false,
        }
    }
}

/// Puts in `into` the filter of what two valid filters both match, and returns true; false if that is nothing.
///
/// ```
/// use subject_trie::filter_intersection;
/// let mut both = Vec::new();
/// assert!(filter_intersection(b"foo.*.>", b"*.bar.>", &mut both) && both == b"foo.bar.>");
/// assert!(filter_intersection(b"foo.>", b"foo.*.baz", &mut both) && both == b"foo.*.baz");
/// assert!(!filter_intersection(b"foo.*", b"foo.bar.>", &mut both));
/// ```
pub fn filter_intersection(a: &[u8], b: &[u8], into: &mut Vec<u8>) -> bool {
    into.clear();
    let (mut a_tokens, mut b_tokens) = (tokens(a), tokens(b));
    let mut push = |token: &[u8]| {
        if !into.is_empty() {
            into.push(b'.');
        }
        into.extend_from_slice(token);
    };
    loop {
        let (rest, token) = match (a_tokens.next(), b_tokens.next()) {
            (None, None) => return true,
            (None, _) | (_, None) => return false,
            (Some(b">"), Some(token)) => (Some(&mut b_tokens), token),
            (Some(token), Some(b">")) => (Some(&mut a_tokens), token),
            (Some(b"*"), Some(token)) | (Some(token), Some(b"*")) => (None, token),
            (Some(token), Some(other)) if token == other => (None, token),
            _ => return false,
        };
        push(token);
        if let Some(rest) = rest {
            rest.for_each(push);
            return true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_wildcard_is_a_plain_token() {
        for filter in ["foo.*", "*.*", ">", "foo.>"] {
            assert!(filter_matches(filter.as_bytes(), b"foo.*"), "{filter}");
        }
        assert!(!filter_matches(b"foo.bar", b"foo.*"));
        assert!(filter_matches(b">", b">"));
        assert!(filter_matches(b"*", b">"));
        assert!(filter_matches(b">", b"foo.>.bar"));
        assert!(!filter_matches(b"foo.>.bar", b"foo.>.bar"), "not a filter");
    }

    #[test]
    fn a_subject_with_an_empty_token_matches_nothing() {
        for subject in ["", ".", "..", "foo.", ".foo", "foo..bar"] {
            for filter in [">", "*", "*.>", "foo.>", "*.*", "*.*.*"] {
                assert!(!filter_matches(filter.as_bytes(), subject.as_bytes()), "{filter} {subject}");
            }
        }
    }

    /// Every valid filter over a tiny alphabet, up to three tokens.
    fn small_filters() -> Vec<String> {
        let words = ["a", "b", "*", ">"];
        let mut filters: Vec<String> = words.iter().map(ToString::to_string).collect();
        for first in words {
            for second in words {
                filters.push(format!("{first}.{second}"));
                filters.extend(words.iter().map(|third| format!("{first}.{second}.{third}")));
            }
        }
        filters.retain(|filter| is_valid_filter(filter.as_bytes()));
        filters
    }

    /// Subjects over one letter more than the filters use, and one token longer, so that two
    /// filters which differ do so on one of these.
    fn small_subjects() -> Vec<String> {
        let mut subjects: Vec<String> = vec![];
        let mut last = vec![String::new()];
        for _ in 0..4 {
            last =
                last.iter().flat_map(|head| ["a", "b", "c"].map(|word| format!("{head}.{word}"))).collect();
            subjects.extend(last.iter().map(|subject| subject[1..].to_string()));
        }
        subjects
    }

    #[test]
    fn contains_and_overlap_agree_with_trying_every_subject() {
        let subjects = small_subjects();
        let filters = small_filters();
        let matched = |filter: &str| -> Vec<bool> {
            subjects.iter().map(|subject| filter_matches(filter.as_bytes(), subject.as_bytes())).collect()
        };
        for a in &filters {
            let a_matched = matched(a);
            for b in &filters {
                let b_matched = matched(b);
                let mut pairs = a_matched.iter().zip(&b_matched);
                let overlap = pairs.clone().any(|(x, y)| *x && *y);
                let contains = pairs.all(|(x, y)| *x || !*y);
                assert_eq!(filters_overlap(a.as_bytes(), b.as_bytes()), overlap, "{a} {b}");
                assert_eq!(filter_contains(a.as_bytes(), b.as_bytes()), contains, "{a} {b}");
            }
        }
    }

    #[test]
    fn what_is_not_a_filter_neither_contains_nor_overlaps() {
        assert!(!filter_contains(b">", b"foo."));
        assert!(!filter_contains(b"foo.", b"foo."));
        assert!(!filters_overlap(b">", b""));
        assert!(!filters_overlap(b">.foo", b">"));
    }

    #[test]
    fn an_intersection_matches_what_both_match() {
        let (filters, mut both) = (small_filters(), Vec::new());
        let subjects = ["a", "b", "a.a", "a.b", "b.a", "b.b", "a.b.a", "b.a.b", "a.a.a", "a.b.a.b"];
        for a in &filters {
            for b in &filters {
                let (a, b) = (a.as_bytes(), b.as_bytes());
                let overlaps = filter_intersection(a, b, &mut both);
                assert_eq!(overlaps, filters_overlap(a, b));
                for subject in subjects {
                    let subject = subject.as_bytes();
                    let by_both = filter_matches(a, subject) && filter_matches(b, subject);
                    assert_eq!(overlaps && filter_matches(&both, subject), by_both);
                }
            }
        }
    }
}
