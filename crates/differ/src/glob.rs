//! Patterns in which a star stands for any text.

/// Whether `text` is `pattern`, with any text for each of its stars.
///
/// A star that is meant as one is written `[*]`.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let literal = |part: &str| part.replace('\u{0}', "*");
    let hidden = pattern.replace("[*]", "\u{0}");
    let mut parts = hidden.split('*').map(literal);
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first.as_str())) else {
        return false;
    };
    let mut parts: Vec<String> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part.as_str()) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last.as_str())
}

/// A pattern that matches `text` alone.
#[must_use]
pub fn exactly(text: &str) -> String {
    text.replace('*', "[*]")
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
    fn a_literal_star_is_only_itself() {
        assert!(matches(&exactly("SUB * 1"), "SUB * 1"));
        assert!(!matches(&exactly("SUB * 1"), "SUB a 1"));
    }
}
