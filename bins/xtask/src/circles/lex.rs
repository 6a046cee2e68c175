//! Source text to the few tokens that tell what a file imports. Comments and literals are left out.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'s> {
    /// An identifier or keyword; a number too.
    Word(&'s str),
    Colons,
    Mark(char),
}

pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let used = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => string(rest),
            '\'' => quote(rest),
            _ if is_word(first) => match raw_string(rest) {
                Some(used) => used,
                None => {
                    let len = rest.find(|next| !is_word(next)).unwrap_or(rest.len());
                    // The letter before a literal, as in `b"x"`, is a word that nobody asks about.
                    found.push(Token::Word(&rest[..len]));
                    len
                }
            },
            ':' if rest.starts_with("::") => {
                found.push(Token::Colons);
                "::".len()
            }
            _ => {
                if !first.is_whitespace() {
                    found.push(Token::Mark(first));
                }
                first.len_utf8()
            }
        };
        rest = &rest[used..];
    }
    found
}

fn is_word(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}

/// Its length; comments nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The length of the string that `text` begins with.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of the raw string that `text` begins with, if it does with one.
fn raw_string(text: &str) -> Option<usize> {
    let letters = ["r", "br", "cr"];
    let prefix = letters.iter().find(|letters| {
        let rest = text.strip_prefix(**letters);
        rest.is_some_and(|rest| rest.trim_start_matches('#').starts_with('"'))
    })?;
    let hashes = text[prefix.len()..].find('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let begin = prefix.len() + end.len();
    Some(text[begin..].find(&end).map_or(text.len(), |at| begin + at + end.len()))
}

/// The length of the character that `text` begins with, or of the quote of a lifetime.
fn quote(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    match letters.next() {
        Some((_, '\\')) => {
            let behind = letters.next().map_or(text.len(), |(at, letter)| at + letter.len_utf8());
            text[behind..].find('\'').map_or(text.len(), |at| behind + at + 1)
        }
        _ => match letters.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        let word = |token| if let Token::Word(word) = token { Some(word) } else { None };
        tokens(text).into_iter().filter_map(word).collect()
    }

    #[test]
    fn paths_are_words_and_colons() {
        let expected = [
            Token::Word("use"),
            Token::Word("a"),
            Token::Colons,
            Token::Mark('{'),
            Token::Word("b_1"),
            Token::Mark('}'),
            Token::Mark(';'),
        ];
        assert_eq!(tokens("use a::{b_1};"), expected);
        assert_eq!(tokens("x: y"), [Token::Word("x"), Token::Mark(':'), Token::Word("y")]);
    }

    #[test]
    fn comments_and_literals_are_not_read() {
        assert_eq!(words("a // no\nb /* no /* no */ no */ c"), ["a", "b", "c"]);
        assert_eq!(words(r#"a "no \" no \\" c"#), ["a", "c"]);
        assert_eq!(words("a r#\"no \" no\"# c r\"no\\\" d"), ["a", "c", "d"]);
        assert_eq!(words(r"a '\'' c '\u{41}' d '{' e"), ["a", "c", "d", "e"]);
    }

    #[test]
    fn a_lifetime_does_not_begin_a_literal() {
        assert_eq!(words("&'s str, 'x"), ["s", "str", "x"]);
    }

    #[test]
    fn a_literal_without_an_end_ends_with_the_text() {
        for text in ["\"a", "/* a", "r#\"a\"", "'\\", "'", "\"\\"] {
            assert!(!tokens(text).contains(&Token::Word("a")), "{text}");
        }
    }
}
