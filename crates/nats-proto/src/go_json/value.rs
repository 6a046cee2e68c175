//! The values in text that is known to be JSON.

/// One value, for the fields that come with [`Field`](super::Field).
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    /// From its first byte to its last.
    text: &'a [u8],
    /// Whether keys in it have to be those of fields.
    is_strict: bool,
}

impl<'a> Value<'a> {
    /// The one value in the text.
    pub(super) fn of(text: &'a [u8]) -> Self {
        Self { text: text.trim_ascii(), is_strict: false }
    }

    /// The same, but keys in it have to be those of fields.
    pub(super) fn strictly(self) -> Self {
        Self { is_strict: true, ..self }
    }

    pub(super) fn is_strict(self) -> bool {
        self.is_strict
    }

    /// The value that the text begins with.
    pub(crate) fn front(text: &'a [u8]) -> Self {
        Self { text: &text[..len(text)], is_strict: false }
    }

    /// From its first byte to its last.
    pub fn bytes(self) -> &'a [u8] {
        self.text
    }

    /// What Go calls a value like this.
    pub fn kind(self) -> &'static str {
        match self.text.first() {
            Some(b'"') => "string",
            Some(b'{') => "object",
            Some(b'[') => "array",
            Some(b't' | b'f') => "bool",
            Some(b'n') => "null",
            _ => "number",
        }
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.kind() == "null"
    }

    /// Which of the two it is, if it is one of them.
    pub fn bool(self) -> Option<bool> {
        (self.kind() == "bool").then(|| self.text.starts_with(b"t"))
    }

    /// A number as it is written.
    pub fn number(self) -> Option<&'a str> {
        if self.kind() == "number" { str::from_utf8(self.text).ok() } else { None }
    }

    /// What it says, if it is a string.
    pub fn string(self) -> Option<String> {
        (self.kind() == "string").then(|| self.text())
    }

    /// What a string says.
    pub fn text(self) -> String {
        let inner =
            self.text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or_default();
        unescape(inner)
    }

    /// The names and values of an object, in order.
    pub fn members(self) -> Option<impl Iterator<Item = (Self, Self)>> {
        let mut parts = self.parts("object")?;
        Some(std::iter::from_fn(move || Some((parts.next()?, parts.next()?))))
    }

    /// The values of an array.
    pub fn elements(self) -> Option<impl Iterator<Item = Self>> {
        self.parts("array")
    }

    fn parts(self, kind: &str) -> Option<Parts<'a>> {
        (self.kind() == kind)
            .then(|| Parts { rest: &self.text[1..self.text.len() - 1], is_strict: self.is_strict })
    }
}

/// The values in an object, names among them, or in an array.
struct Parts<'a> {
    rest: &'a [u8],
    is_strict: bool,
}

impl<'a> Iterator for Parts<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let start = self.rest.iter().position(|byte| !b" \t\r\n,:".contains(byte))?;
        let value = Value::front(&self.rest[start..]);
        self.rest = &self.rest[start + value.text.len()..];
        Some(Value { is_strict: self.is_strict, ..value })
    }
}

/// The length of the value at the front.
fn len(text: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += match byte {
            b'"' => string_len(&text[at..]),
            b'{' | b'[' => {
                depth += 1;
                1
            }
            b'}' | b']' => {
                depth -= 1;
                1
            }
            b'\t' | b'\n' | b'\r' | b' ' | b',' | b':' => 1,
            _ => text[at..].iter().position(|byte| b",]} \t\r\n".contains(byte)).unwrap_or(text.len() - at),
        };
        if depth == 0 {
            break;
        }
    }
    at
}

fn string_len(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = text.get(at) {
        at += match byte {
            b'"' => return at + 1,
            b'\\' => 2,
            _ => 1,
        };
    }
    text.len()
}

/// Half a surrogate pair and each byte that is no text become U+FFFD.
fn unescape(text: &[u8]) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        push_text(&mut said, &rest[..at]);
        let (character, len) = escaped(&rest[at..]);
        said.push(character);
        rest = &rest[at + len..];
    }
    push_text(&mut said, rest);
    said
}

fn push_text(said: &mut String, text: &[u8]) {
    for chunk in text.utf8_chunks() {
        said.push_str(chunk.valid());
        said.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
}

/// The character of the escape sequence at the front, and the length of that.
fn escaped(text: &[u8]) -> (char, usize) {
    let character = match text.get(1) {
        Some(b'b') => '\x08',
        Some(b'f') => '\x0c',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(text),
        Some(byte) => char::from(*byte),
        None => char::REPLACEMENT_CHARACTER,
    };
    (character, 2)
}

fn unicode(text: &[u8]) -> (char, usize) {
    let units = [code_unit(text), text.get(6..).and_then(code_unit)].map(|unit| unit.unwrap_or_default());
    match char::decode_utf16(units).next() {
        Some(Ok(character)) => (character, 6 * character.len_utf16()),
        _ => (char::REPLACEMENT_CHARACTER, 6),
    }
}

/// The number in `\uXXXX`.
fn code_unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}
