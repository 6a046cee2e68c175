//! Whether text is JSON, and if not what Go says of it.

use crate::go_text::{is_printable, quote, quote_char};

/// How deep values may lie in each other, as in Go: what is open is kept on a stack of that many bytes.
const DEPTH_MAX: usize = 10_000;

/// Where the text stops being JSON.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// Go's words for it.
    pub(crate) words: String,
    /// The byte that is wrong; none if the text ends too early.
    pub(crate) at: Option<usize>,
}

/// Reads all of the text, which has to be one value.
///
/// # Errors
///
/// Go's words for what is wrong.
pub(crate) fn check(text: &[u8]) -> Result<(), String> {
    let mut reader = Reader { text, at: 0 };
    reader.whole_value().and_then(|()| reader.end()).map_err(|mistake| mistake.words)
}

/// The length of the value that the text begins with, and of blanks before it; none if there are only blanks.
///
/// # Errors
///
/// What begins there is no value.
pub(crate) fn front(text: &[u8]) -> Result<Option<usize>, Mistake> {
    if text.iter().copied().all(is_blank) {
        return Ok(None);
    }
    let mut reader = Reader { text, at: 0 };
    reader.whole_value()?;
    Ok(Some(reader.at))
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn whole_value(&mut self) -> Result<(), Mistake> {
        let mut open = Vec::new();
        loop {
            self.value(&mut open)?;
            while !self.goes_on(&mut open)? {
                if open.is_empty() {
                    return Ok(());
                }
            }
        }
    }

    /// Reads a value, or the beginning of one up to a value in it.
    fn value(&mut self, open: &mut Vec<u8>) -> Result<(), Mistake> {
        loop {
            match self.next()? {
                b'{' | b'[' if open.len() == DEPTH_MAX => return Err(self.mistake("exceeded max depth")),
                byte @ (b'{' | b'[') => {
                    self.at += 1;
                    let end = if byte == b'{' { b'}' } else { b']' };
                    if self.next()? == end {
                        self.at += 1;
                        return Ok(());
                    }
                    open.push(end);
                    if byte == b'{' {
                        self.name()?;
                    }
                }
                b'"' => return self.string(),
                b'-' | b'0'..=b'9' => return self.number(),
                b'n' => return self.literal("null"),
                b't' => return self.literal("true"),
                b'f' => return self.literal("false"),
                _ => return Err(self.invalid("looking for beginning of value")),
            }
        }
    }

    /// Reads what is behind a value; false if that ends the value around it.
    fn goes_on(&mut self, open: &mut Vec<u8>) -> Result<bool, Mistake> {
        let Some(end) = open.last().copied() else { return Ok(false) };
        let byte = self.next()?;
        if byte != b',' && byte != end {
            let what = if end == b'}' { "after object key:value pair" } else { "after array element" };
            return Err(self.invalid(what));
        }
        self.at += 1;
        if byte == end {
            open.pop();
        } else if end == b'}' {
            self.name()?;
        }
        Ok(byte != end)
    }

    /// Reads a key and its colon.
    fn name(&mut self) -> Result<(), Mistake> {
        if self.next()? != b'"' {
            return Err(self.invalid("looking for beginning of object key string"));
        }
        self.string()?;
        if self.next()? != b':' {
            return Err(self.invalid("after object key"));
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<(), Mistake> {
        self.at += 1;
        loop {
            match self.byte()? {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.escape()?,
                ..b' ' => return Err(self.invalid("in string")),
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<(), Mistake> {
        let rest = &self.text[self.at..];
        let len = match rest.get(1) {
            None => return Err(too_short()),
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') => {
                let escape = &rest[..rest.len().min(6)];
                if !escape[2..].iter().all(u8::is_ascii_hexdigit) {
                    return Err(self.invalid_escape(escape));
                }
                if escape.len() < 6 {
                    return Err(too_short());
                }
                6
            }
            Some(_) => return Err(self.invalid_escape(&rest[..2])),
        };
        self.at += len;
        Ok(())
    }

    fn number(&mut self) -> Result<(), Mistake> {
        self.skip(|byte| byte == b'-', 1);
        if !self.skip(|byte| byte == b'0', 1) {
            self.digits()?;
        }
        if self.skip(|byte| byte == b'.', 1) {
            self.digits()?;
        }
        if self.skip(|byte| matches!(byte, b'e' | b'E'), 1) {
            self.skip(|byte| matches!(byte, b'-' | b'+'), 1);
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Mistake> {
        if self.byte()?.is_ascii_digit() {
            self.skip(|byte| byte.is_ascii_digit(), usize::MAX);
            Ok(())
        } else {
            Err(self.invalid("in numeric literal"))
        }
    }

    fn literal(&mut self, literal: &str) -> Result<(), Mistake> {
        for expected in literal.bytes() {
            if self.byte()? != expected {
                let expected = char::from(expected);
                return Err(self.invalid(&format!("in literal {literal} (expecting '{expected}')")));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Mistake> {
        self.skip(is_blank, usize::MAX);
        if self.at < self.text.len() { Err(self.invalid("after top-level value")) } else { Ok(()) }
    }

    /// The next byte that is no blank. It is not taken.
    fn next(&mut self) -> Result<u8, Mistake> {
        self.skip(is_blank, usize::MAX);
        self.byte()
    }

    /// The next byte. It is not taken.
    fn byte(&self) -> Result<u8, Mistake> {
        self.text.get(self.at).copied().ok_or_else(too_short)
    }

    /// Takes up to `max` such bytes; true if there was one.
    fn skip(&mut self, wanted: impl Fn(u8) -> bool, max: usize) -> bool {
        let rest = &self.text[self.at..];
        let count = rest.iter().take(max).take_while(|byte| wanted(**byte)).count();
        self.at += count;
        count > 0
    }

    fn invalid(&self, place: &str) -> Mistake {
        let character = quote_char(first_char(&self.text[self.at..]));
        self.mistake(format!("invalid character {character} {place}"))
    }

    /// What is wrong with it is its last byte.
    fn invalid_escape(&self, escape: &[u8]) -> Mistake {
        Mistake { words: invalid_escape(escape), at: Some(self.at + escape.len() - 1) }
    }

    fn mistake(&self, words: impl Into<String>) -> Mistake {
        Mistake { words: words.into(), at: Some(self.at) }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn too_short() -> Mistake {
    Mistake { words: "unexpected end of JSON input".into(), at: None }
}

fn invalid_escape(escape: &[u8]) -> String {
    let stays = |character: char| {
        is_printable(character) && !character.is_whitespace() && !['`', '\u{fffd}'].contains(&character)
    };
    let shown = match str::from_utf8(escape) {
        Ok(text) if text.chars().all(stays) => format!("`{text}`"),
        _ => quote(escape),
    };
    format!("invalid escape sequence {shown} in string")
}

/// The bytes of the first character, or the first byte if they make none.
fn first_char(bytes: &[u8]) -> &[u8] {
    let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let len = valid.chars().next().map_or(1, char::len_utf8);
    &bytes[..len.min(bytes.len())]
}
