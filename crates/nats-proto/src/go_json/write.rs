//! JSON as Go's encoding/json writes it: `<`, `>` and `&` escaped, and no fraction on whole numbers. Indented by
//! two blanks, or without any.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// The value, indented.
///
/// # Panics
///
/// The value refuses to be JSON, which plain data does not.
pub fn pretty(value: &impl Serialize) -> String {
    String::from_utf8(write(value, PrettyFormatter::new())).expect("JSON is text")
}

/// The value without blanks, as it stands in messages.
///
/// # Panics
///
/// The value refuses to be JSON, which plain data does not.
pub fn compact(value: &impl Serialize) -> Vec<u8> {
    write(value, CompactFormatter)
}

/// The same if it is no longer than this: what is longer is not written to its end.
pub fn compact_within(value: &impl Serialize, bytes_max: usize) -> Option<Vec<u8>> {
    let mut out = Within { out: Vec::new(), bytes_max };
    let indent = CompactFormatter;
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, GoFormatter { indent });
    value.serialize(&mut serializer).ok()?;
    Some(out.out)
}

fn write(value: &impl Serialize, indent: impl Formatter) -> Vec<u8> {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, GoFormatter { indent });
    value.serialize(&mut serializer).expect("plain data, and memory does not fail");
    out
}

/// Takes so many bytes.
struct Within {
    out: Vec<u8>,
    bytes_max: usize,
}

impl Write for Within {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.out.len() + bytes.len() > self.bytes_max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct GoFormatter<F> {
    indent: F,
}

impl<F: Formatter> Formatter for GoFormatter<F> {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        write!(writer, "{value}")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut plain = 0;
        for (at, character) in fragment.char_indices() {
            if matches!(character, '<' | '>' | '&' | '\u{2028}' | '\u{2029}') {
                writer.write_all(&fragment.as_bytes()[plain..at])?;
                write!(writer, "\\u{:04x}", u32::from(character))?;
                plain = at + character.len_utf8();
            }
        }
        writer.write_all(&fragment.as_bytes()[plain..])
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.indent.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.indent.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.indent.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.indent.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.indent.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.indent.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.indent.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.indent.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.indent.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_looks_as_from_go() {
        let value =
            serde_json::json!({ "a": "<\"b\" & c>", "e": {}, "f": [], "n": [2.0, 0.5], "o": { "x": 1 } });
        let expected = concat!(
            "{\n  \"a\": \"\\u003c\\\"b\\\" \\u0026 c\\u003e\",\n  \"e\": {},\n  \"f\": [],\n",
            "  \"n\": [\n    2,\n    0.5\n  ],\n  \"o\": {\n    \"x\": 1\n  }\n}"
        );
        assert_eq!(pretty(&value), expected);
        let compacted = r#"{"a":"\u003c\"b\" \u0026 c\u003e","e":{},"f":[],"n":[2,0.5],"o":{"x":1}}"#;
        assert_eq!(compact(&value), compacted.as_bytes());
        assert_eq!(compact_within(&value, compacted.len()).unwrap(), compacted.as_bytes());
        assert_eq!(compact_within(&value, compacted.len() - 1), None);
    }
}
