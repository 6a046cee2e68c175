//! Text as Go prints it, since that is how nats-server's `-ERR` texts and log lines show what peers sent.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

/// The bytes between quotation marks, as `%q` of Go's `fmt` has them: printable text as it is, all else
/// escaped.
///
/// ```
/// assert_eq!(nats_proto::quote(b"a\"\x1b\xff"), r#""a\"\x1b\xff""#);
/// ```
pub fn quote(bytes: impl AsRef<[u8]>) -> String {
    quote_with('"', bytes.as_ref())
}

/// The same for one character, between apostrophes.
pub(crate) fn quote_char(bytes: &[u8]) -> String {
    quote_with('\'', bytes)
}

/// The bytes as they are, as `%s` has them. What is no text is escaped: Go would print it raw.
pub fn show(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let mut shown = String::with_capacity(bytes.len());
            push_chunks(&mut shown, bytes, String::push);
            Cow::Owned(shown)
        }
    }
}

/// An error of the system, as Go has it: in lower case, and without its number. Alert rules match on that.
///
/// ```
/// let error = std::io::Error::from_raw_os_error(24);
/// assert_eq!(nats_proto::error_words(&error), "too many open files");
/// ```
pub fn error_words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// Bytes as nats-server shows them.
pub fn friendly_bytes(bytes: i64) -> String {
    const UNITS: [&str; 6] = ["K", "M", "G", "T", "P", "E"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let unit = (bytes.ilog2() / 10) as usize;
    format!("{:.2} {}B", bytes as f64 / 1024_f64.powi(unit as i32), UNITS[unit - 1])
}

/// Appends the text so that it stays on one line: control characters are escaped as [`quote`] does it, and all
/// else is as it is.
pub fn push_on_one_line(into: &mut String, text: &str) {
    if !text.contains(char::is_control) {
        return into.push_str(text);
    }
    for character in text.chars() {
        if character.is_control() { push(into, '"', character) } else { into.push(character) }
    }
}

fn quote_with(mark: char, bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push(mark);
    push_chunks(&mut quoted, bytes, |quoted, character| push(quoted, mark, character));
    quoted.push(mark);
    quoted
}

fn push_chunks(into: &mut String, bytes: &[u8], push_char: impl Fn(&mut String, char)) {
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|character| push_char(into, character));
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(into, "\\x{byte:02x}");
        }
    }
}

fn push(quoted: &mut String, mark: char, character: char) {
    if is_printable(character) && character != '\\' && character != mark {
        return quoted.push(character);
    }
    let code = u32::from(character);
    let _ = match character {
        '\\' => write!(quoted, "\\\\"),
        _ if character == mark => write!(quoted, "\\{mark}"),
        '\x07' => write!(quoted, "\\a"),
        '\x08' => write!(quoted, "\\b"),
        '\x0c' => write!(quoted, "\\f"),
        '\n' => write!(quoted, "\\n"),
        '\r' => write!(quoted, "\\r"),
        '\t' => write!(quoted, "\\t"),
        '\x0b' => write!(quoted, "\\v"),
        '\0'..='\x7f' => write!(quoted, "\\x{code:02x}"),
        '\u{80}'..='\u{ffff}' => write!(quoted, "\\u{code:04x}"),
        _ => write!(quoted, "\\U{code:08x}"),
    };
}

/// What Go calls printable. The standard library leaves the same characters as they are, but for quotation
/// marks and backslashes; at the front of a string it escapes combining marks too, so it is asked about the
/// second place.
pub(crate) fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return matches!(character, ' '..='~');
    }
    let mut pair = [b'a'; 5];
    let len = 1 + character.encode_utf8(&mut pair[1..]).len();
    str::from_utf8(&pair[..len]).is_ok_and(|pair| pair.escape_debug().nth(1) == Some(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What nats-server 2.14.5 logged for these payloads.
    // Rust begins with a capital and ends with `(os error 24)`.
    #[test]
    fn errors_of_the_system_are_told_in_gos_words() {
        for (number, words) in [(24, "too many open files"), (23, "too many open files in system")] {
            assert_eq!(error_words(&io::Error::from_raw_os_error(number)), words);
        }
    }

    #[test]
    fn bytes_look_as_in_the_peers_log() {
        let cases: [(&[u8], &str); 8] = [
            (b"hi", r#""hi""#),
            (b"a\n\x00\xff\"", r#""a\n\x00\xff\"""#),
            ("é'\t\x7f\u{200b}日x".as_bytes(), r#""é'\t\x7f\u200b日x""#),
            (b"NATS/1.0\r\nA:b\r\n\r\nhi", r#""NATS/1.0\r\nA:b\r\n\r\nhi""#),
            (b"", r#""""#),
            (b"\x1b[2J\\\xe6\x97", r#""\x1b[2J\\\xe6\x97""#),
            ("e\u{301}\u{ad}\u{85}".as_bytes(), "\"e\u{301}\\u00ad\\u0085\""),
            ("\u{10ffff}\u{1f600}".as_bytes(), "\"\\U0010ffff\u{1f600}\""),
        ];
        for (bytes, shown) in cases {
            assert_eq!(quote(bytes), shown);
        }
        assert_eq!(quote_char(b"'"), r"'\''");
        assert_eq!(quote_char(b"\""), "'\"'");
    }

    #[test]
    fn what_is_no_text_is_escaped_in_what_is_shown_as_it_is() {
        assert_eq!(show("a\"é\n".as_bytes()), "a\"é\n");
        assert_eq!(show(b"a\xff\xfe\"b"), "a\\xff\\xfe\"b");
    }

    #[test]
    fn text_stays_on_one_line() {
        let one_line = |text| {
            let mut into = "<".to_owned();
            push_on_one_line(&mut into, text);
            into
        };
        assert_eq!(one_line("a \"\\\u{200b}é"), "<a \"\\\u{200b}é");
        assert_eq!(one_line("\r\n\x1b[2J\u{85}\0\x7f\""), "<\\r\\n\\x1b[2J\\u0085\\x00\\x7f\"");
    }

    /// Later versions of Unicode only give out characters that had no meaning before.
    #[test]
    fn printable_is_what_go_says() {
        let answers = include_str!("../testdata/go_is_print.txt");
        let mut changes =
            answers.lines().skip(1).map(|line| u32::from_str_radix(line, 16).unwrap()).peekable();
        let mut printable = false;
        let same_unicode = char::UNICODE_VERSION == (17, 0, 0);
        for code in 0..=u32::from(char::MAX) {
            printable ^= changes.next_if_eq(&code).is_some();
            let Some(character) = char::from_u32(code) else { continue };
            if same_unicode || printable {
                assert_eq!(is_printable(character), printable, "{code:x}");
            }
        }
        assert_eq!(changes.next(), None);
    }

    #[test]
    fn bytes_are_shown_as_nats_server_does() {
        let shown = [0, 1023, 1024, 1536, 1 << 20, (1 << 30) - 1, 1 << 40, i64::MAX].map(friendly_bytes);
        let expected = ["0 B", "1023 B", "1.00 KB", "1.50 KB", "1.00 MB", "1024.00 MB", "1.00 TB", "8.00 EB"];
        assert_eq!(shown, expected);
    }
}
