//! Bytes as Go's `%q` shows them.

use std::fmt::Write as _;

/// The bytes between quotation marks: printable text as it is, all else escaped.
pub(super) fn quote(bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push('"');
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|character| push(&mut quoted, character));
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(quoted, "\\x{byte:02x}");
        }
    }
    quoted.push('"');
    quoted
}

fn push(quoted: &mut String, character: char) {
    let _ = match character {
        '"' => write!(quoted, "\\\""),
        '\\' => write!(quoted, "\\\\"),
        '\x07' => write!(quoted, "\\a"),
        '\x08' => write!(quoted, "\\b"),
        '\x0c' => write!(quoted, "\\f"),
        '\n' => write!(quoted, "\\n"),
        '\r' => write!(quoted, "\\r"),
        '\t' => write!(quoted, "\\t"),
        '\x0b' => write!(quoted, "\\v"),
        '\'' | ' '..='~' => write!(quoted, "{character}"),
        '\0'..='\x7f' => write!(quoted, "\\x{:02x}", u32::from(character)),
        // Rust knows as well what can be shown.
        _ if character.escape_debug().len() == 1 => write!(quoted, "{character}"),
        '\u{80}'..='\u{ffff}' => write!(quoted, "\\u{:04x}", u32::from(character)),
        _ => write!(quoted, "\\U{:08x}", u32::from(character)),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What nats-server 2.14.5 logged for these payloads.
    #[test]
    fn bytes_look_as_in_the_peers_log() {
        let cases: [(&[u8], &str); 5] = [
            (b"hi", r#""hi""#),
            (b"a\n\x00\xff\"", r#""a\n\x00\xff\"""#),
            ("é'\t\x7f\u{200b}日x".as_bytes(), r#""é'\t\x7f\u200b日x""#),
            (b"NATS/1.0\r\nA:b\r\n\r\nhi", r#""NATS/1.0\r\nA:b\r\n\r\nhi""#),
            (b"", r#""""#),
        ];
        for (bytes, shown) in cases {
            assert_eq!(quote(bytes), shown);
        }
    }

    #[test]
    fn all_that_could_end_a_line_is_escaped() {
        let all: String = (0..0x3000).filter_map(char::from_u32).chain(['\u{10ffff}', '\u{e0001}']).collect();
        assert!(!quote(all.as_bytes()).contains(char::is_control));
        assert!(quote("\u{10ffff}\\".as_bytes()).ends_with("\\U0010ffff\\\\\""));
    }
}
