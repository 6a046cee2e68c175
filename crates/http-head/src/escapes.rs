//! Percent signs in paths and queries, as Go's net/url reads and writes them.

/// Marks that stay as they are in a path, beside letters and digits, when it is escaped.
const PLAIN: &[u8] = b"$&+,-./:;=@_~";

/// Marks that a path may have as well: it is not escaped anew because of them.
const TOLERATED: &[u8] = b"!'()*[]%";

/// The bytes that stand for themselves or behind a `%`. `None` if two hexadecimal digits do not follow one.
pub fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let [high, low, behind @ ..] = rest else { return None };
        bytes.push(digit(*high)? << 4 | digit(*low)?);
        rest = behind;
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// A path as it is shown again: as it was written, if it may be written like that. `None` if a `%`
/// escapes nothing.
pub fn escape_path(written: &[u8]) -> Option<Vec<u8>> {
    let meant = unescape(written)?;
    let is_fine =
        |byte: &u8| byte.is_ascii_alphanumeric() || PLAIN.contains(byte) || TOLERATED.contains(byte);
    if written.iter().all(is_fine) {
        return Some(written.to_vec());
    }
    let mut escaped = Vec::with_capacity(meant.len());
    for byte in meant {
        if byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) {
            escaped.push(byte);
        } else {
            escaped.extend(format!("%{byte:02X}").bytes());
        }
    }
    Some(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Go 1.27 does it.
    #[test]
    fn a_path_is_escaped_as_a_whole_or_not_at_all() {
        for (written, shown) in [
            (&b"/a%3cb%76!'()*[]"[..], &b"/a%3cb%76!'()*[]"[..]),
            (b"/a%3cb<%76!", b"/a%3Cb%3Cv%21"),
            (b"/\xc3\xa9?#", b"/%C3%A9%3F%23"),
        ] {
            assert_eq!(escape_path(written).as_deref(), Some(shown));
        }
        for wrong in [&b"%"[..], b"/%4", b"/%zz", b"/%4g", b"/%%41"] {
            assert_eq!(escape_path(wrong), None);
        }
    }
}
