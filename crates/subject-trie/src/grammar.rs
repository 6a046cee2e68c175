//! What is a subject, what is a filter, and how both fall into tokens.
//!
//! A wildcard is a whole token: `fo*`, `a>b` and `>>` are ordinary characters. The rules are
//! those nats-server applies to the subject of a SUB and, for pedantic clients, of a PUB.

/// Why a filter cannot be subscribed to.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SubjectError {
    /// A dot at the start or the end, two dots in a row, or nothing at all.
    #[error("subject has an empty token")]
    EmptyToken,
    /// A token `>` with more tokens behind it.
    #[error("`>` is not the last token of the subject")]
    TailNotLast,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FilterKind {
    Literal,
    Wildcard,
}

/// Whether a SUB may name `filter`: no empty token, and `>` only as the last token.
///
/// ```
/// use subject_trie::is_valid_filter;
/// assert!(is_valid_filter(b"foo.*.>"));
/// assert!(is_valid_filter(b"fo*.a>b"));
/// assert!(!is_valid_filter(b"foo..bar"));
/// assert!(!is_valid_filter(b"foo.>.bar"));
/// ```
pub fn is_valid_filter(filter: &[u8]) -> bool {
    classify(filter).is_ok()
}

/// Whether a pedantic client may publish to `subject`: no empty token, and no token that is
/// exactly `*` or `>`.
///
/// ```
/// use subject_trie::is_valid_literal;
/// assert!(is_valid_literal(b"foo.ba*"));
/// assert!(!is_valid_literal(b"foo.*"));
/// assert!(!is_valid_literal(b".foo"));
/// ```
pub fn is_valid_literal(subject: &[u8]) -> bool {
    classify(subject) == Ok(FilterKind::Literal)
}

/// Whether some token of `filter` is exactly `*` or `>`, valid or not.
///
/// ```
/// use subject_trie::has_wildcard;
/// assert!(has_wildcard(b"foo.*"));
/// assert!(!has_wildcard(b"foo.b*"));
/// ```
pub fn has_wildcard(filter: &[u8]) -> bool {
    tokens(filter).any(|token| matches!(token, b"*" | b">"))
}

pub(crate) fn classify(filter: &[u8]) -> Result<FilterKind, SubjectError> {
    classify_counted(filter).map(|(kind, _)| kind)
}

/// The same, and how many tokens the filter has.
pub(crate) fn classify_counted(filter: &[u8]) -> Result<(FilterKind, u64), SubjectError> {
    let mut kind = FilterKind::Literal;
    let mut tail_seen = false;
    let mut count = 0;
    for token in tokens(filter) {
        count += 1;
        if token.is_empty() {
            return Err(SubjectError::EmptyToken);
        }
        if tail_seen {
            return Err(SubjectError::TailNotLast);
        }
        if matches!(token, b"*" | b">") {
            kind = FilterKind::Wildcard;
            tail_seen = token == b">";
        }
    }
    Ok((kind, count))
}

/// At least one token: the empty subject is one empty token.
pub(crate) fn tokens(subject: &[u8]) -> impl Iterator<Item = &[u8]> {
    subject.split(|&byte| byte == b'.')
}

/// Whether a message to `subject` reaches nobody, as one of its tokens is empty.
pub fn has_empty_token(subject: &[u8]) -> bool {
    tokens(subject).any(<[u8]>::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_follow_the_rules_of_sub() {
        for valid in
            ["foo", "foo.bar", "*", ">", "foo.*.>", "*.*", "fo*", "a>b.c", ">>", "**", "foö.bär", "$SYS.x"]
        {
            assert_eq!(classify(valid.as_bytes()).err(), None, "{valid}");
        }
        for empty in ["", ".", "..", ".foo", "foo.", "foo..bar", "foo.>."] {
            assert_eq!(classify(empty.as_bytes()), Err(SubjectError::EmptyToken), "{empty}");
        }
        for tail in [">.foo", "foo.>.bar", ">.>"] {
            assert_eq!(classify(tail.as_bytes()), Err(SubjectError::TailNotLast), "{tail}");
        }
    }

    #[test]
    fn literals_have_no_token_that_is_a_wildcard() {
        for literal in ["foo", "foo.b*r", "foo>", "foo.>x", "**"] {
            assert!(is_valid_literal(literal.as_bytes()), "{literal}");
            assert!(!has_wildcard(literal.as_bytes()), "{literal}");
        }
        for other in ["*", "foo.*", ">", "foo.>", "foo.>.bar"] {
            assert!(!is_valid_literal(other.as_bytes()), "{other}");
            assert!(has_wildcard(other.as_bytes()), "{other}");
        }
        assert!(!is_valid_literal(b""));
        assert!(!is_valid_literal(b"foo..bar"));
    }
}
