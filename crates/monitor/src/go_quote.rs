//! Text in quotes, as Go's strconv shows it.

use std::fmt::Write as _;

/// `text` between double quotes, with what cannot be printed, and bytes that are no UTF-8, escaped.
pub(crate) fn go_quote(text: &[u8]) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for chunk in text.utf8_chunks() {
        chunk.valid().chars().for_each(|character| push(&mut quoted, character));
        for byte in chunk.invalid() {
            let _ = write!(quoted, "\\x{byte:02x}");
        }
    }
    quoted.push('"');
    quoted
}

fn push(quoted: &mut String, character: char) {
    let code = u32::from(character);
    let _ = match character {
        '"' | '\\' => write!(quoted, "\\{character}"),
        '\x07' => write!(quoted, "\\a"),
        '\x08' => write!(quoted, "\\b"),
        '\x0c' => write!(quoted, "\\f"),
        '\n' => write!(quoted, "\\n"),
        '\r' => write!(quoted, "\\r"),
        '\t' => write!(quoted, "\\t"),
        '\x0b' => write!(quoted, "\\v"),
        _ if is_printable(character) => write!(quoted, "{character}"),
        '\0'..='\x7f' => write!(quoted, "\\x{code:02x}"),
        '\u{80}'..='\u{ffff}' => write!(quoted, "\\u{code:04x}"),
        _ => write!(quoted, "\\U{code:08x}"),
    };
}

/// Whether Go prints a character as it is: all that Rust does.
fn is_printable(character: char) -> bool {
    // Behind another one, so that a mark that would join it does not count as one without a base.
    let pair: String = ['a', character].into_iter().collect();
    character == '\'' || pair.escape_debug().nth(1) == Some(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Go 1.27 shows it.
    #[test]
    fn what_cannot_be_printed_is_escaped_as_in_go() {
        for (text, quoted) in [
            (&b"a'b \"c\" \\"[..], r#""a'b \"c\" \\""#),
            (b"\x00\x07\x08\t\n\x0b\x0c\r\x1b\x7f", r#""\x00\a\b\t\n\v\f\r\x1b\x7f""#),
            (b"\xc3\xa9\xff\xc3", "\"\u{e9}\\xff\\xc3\""),
            ("\u{a0}\u{ad}\u{200b}\u{2028}\u{feff}".as_bytes(), r#""\u00a0\u00ad\u200b\u2028\ufeff""#),
            ("\u{1f600}e\u{301}\u{fffd}".as_bytes(), "\"\u{1f600}e\u{301}\u{fffd}\""),
            ("\u{e0001}".as_bytes(), r#""\U000e0001""#),
        ] {
            assert_eq!(go_quote(text), quoted);
        }
    }
}
