//! Which filter matches which subject, as the checks see it: written for reading, not for speed.

/// Whether a filter matches a literal subject.
pub(crate) fn matches(filter: &str, subject: &str) -> bool {
    let mut tokens = subject.split('.');
    for wanted in filter.split('.') {
        match (wanted, tokens.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(token)) if wanted == token => {}
            _ => return false,
        }
    }
    tokens.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_match_as_the_protocol_says() {
        for (filter, subject, expected) in [
            ("a.b", "a.b", true),
            ("a.b", "a.c", false),
            ("a", "a.b", false),
            ("a.b", "a", false),
            ("*.b", "a.b", true),
            ("a.*", "a", false),
            ("a.>", "a.b.c", true),
            ("a.>", "a", false),
            (">", "a", true),
        ] {
            assert_eq!(matches(filter, subject), expected, "{filter} {subject}");
        }
    }
}
