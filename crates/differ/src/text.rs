//! Bytes as one line of readable text, and back.
//!
//! Printable ASCII stays; a backslash and everything else is escaped. A blank at the end would be lost in
//! an editor, so that is escaped too.

use std::fmt::Write as _;

/// `bytes` as text without line feeds.
#[must_use]
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\\' => text.push_str("\\\\"),
            b' ' if index + 1 == bytes.len() => text.push_str("\\x20"),
            b' '..=b'~' => text.push(char::from(*byte)),
            other => {
                let _ = write!(text, "\\x{other:02x}");
            }
        }
    }
    text
}

/// What [`escape`] was given; `None` if the text is not of its making.
#[must_use]
pub fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next()? {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'\\' => b'\\',
            b'x' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            _ => return None,
        });
    }
    Some(bytes)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_of_the_protocol_stays_readable() {
        assert_eq!(escape(b"PUB a 2\r\n\\\xff "), "PUB a 2\\r\\n\\\\\\xff\\x20");
    }

    #[test]
    fn what_is_no_escape_is_refused() {
        for wrong in ["\\", "\\q", "\\x1", "\\xg0"] {
            assert_eq!(unescape(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(bytes: Vec<u8>) {
            let text = escape(&bytes);
            prop_assert!(!text.contains('\n') && !text.ends_with(' '));
            prop_assert_eq!(unescape(&text), Some(bytes));
        }
    }
}
