//! Patterns in which a star stands for any text.

/// Whether `text` is `pattern`, with any text for each of its stars.
///
/// A star that is meant as one is written `[*]`, a pair of braces `[{}]`.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    captures(pattern, text).is_some()
}

/// What stands for each `{}` of the pattern, which is any text as well; `None` if `text` is not of it.
///
/// Each takes as little as it can, from the front.
#[must_use]
pub fn captures<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    // Both become one character that is in no text, so that a star in brackets can stay a star.
    let plain = pattern.replace("[*]", "\u{0}").replace("[{}]", "\u{3}").replace('*', "\u{1}");
    let plain = plain.replace("{}", "\u{2}").replace('\u{0}', "*").replace('\u{3}', "{}");
    let mut parts = plain.split_inclusive(['\u{1}', '\u{2}']);
    let mut found = Vec::new();
    let (mut rest, mut open) = (text, None);
    loop {
        let part = parts.next().unwrap_or("");
        let wild = part.chars().next_back().filter(|c| matches!(c, '\u{1}' | '\u{2}'));
        let literal = wild.map_or(part, |wild| &part[..part.len() - wild.len_utf8()]);
        let at = match (open, wild) {
            (None, _) => rest.starts_with(literal).then_some(0)?,
            (Some(_), Some(_)) => rest.find(literal)?,
            (Some(_), None) => rest.ends_with(literal).then(|| rest.len() - literal.len())?,
        };
        if open == Some('\u{2}') {
            found.push(&rest[..at]);
        }
        rest = &rest[at + literal.len()..];
        open = wild;
        if wild.is_none() {
            return rest.is_empty().then_some(found);
        }
    }
}

/// A pattern that matches `text` alone.
#[must_use]
pub fn exactly(text: &str) -> String {
    text.replace('*', "[*]").replace("{}", "[{}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text_and_for_none() {
        for (pattern, text) in [("a*c", "abbc"), ("a*c", "ac"), ("*", ""), ("*b*", "abc"), ("a*b*c", "a1b2c")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a*c", "abcd"), ("ab*bc", "abc"), ("", "a"), ("a", "ab"), ("*b*b", "ab")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn braces_tell_what_stood_there() {
        assert_eq!(
            captures("{}: got *, not {}", "f:1:2: got x, not a, not b"),
            Some(vec!["f:1:2", "a, not b"])
        );
        assert_eq!(captures("{}", ""), Some(vec![""]));
        assert_eq!(captures("a", "b"), None);
    }

    #[test]
    fn a_literal_star_is_only_itself() {
        assert!(matches(&exactly("SUB * 1"), "SUB * 1"));
        assert!(!matches(&exactly("SUB * 1"), "SUB a 1"));
        assert!(matches(&exactly("{\"a\":{}}"), "{\"a\":{}}"));
        assert!(!matches(&exactly("{\"a\":{}}"), "{\"a\":1}"));
    }
}
