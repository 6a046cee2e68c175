//! The tree as the JSON of which nats-server shows the SHA-256 (`-t`, the log).
//!
//! Byte for byte what Go's encoding/json writes: keys sorted, no blanks, a line feed at the end, and
//! `<`, `>`, `&` escaped as for HTML.

use std::fmt::Write;

use crate::{Data, Map};

impl Map {
    /// The tree as JSON on one line. nats-server calls its SHA-256 the digest of the configuration.
    ///
    /// It holds everything the configuration holds, secrets too.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        write_map(&mut out, self);
        out.push('\n');
        out
    }
}

fn write_map(out: &mut String, map: &Map) {
    out.push('{');
    for (place, entry) in map.sorted().enumerate() {
        separate(out, place);
        write_string(out, &entry.key);
        out.push(':');
        write_data(out, &entry.value.data);
    }
    out.push('}');
}

fn write_data(out: &mut String, data: &Data) {
    match data {
        Data::String(text) => write_string(out, text),
        Data::Integer(number) => write_shown(out, number),
        Data::Float(number) => write_float(out, *number),
        Data::Bool(truth) => write_shown(out, truth),
        Data::Date(date) => write_shown(out, format_args!("\"{date}\"")),
        Data::Map(map) => write_map(out, map),
        Data::Array(values) => {
            out.push('[');
            for (place, value) in values.iter().enumerate() {
                separate(out, place);
                write_data(out, &value.data);
            }
            out.push(']');
        }
    }
}

fn separate(out: &mut String, place: usize) {
    if place > 0 {
        out.push(',');
    }
}

fn write_shown(out: &mut String, shown: impl std::fmt::Display) {
    write!(out, "{shown}").expect("a String takes everything");
}

/// The shortest text that reads as the same number; with an exponent where Go uses one.
fn write_float(out: &mut String, number: f64) {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        write_shown(
            out,
            format_args!("{}", format!("{number:e}").replace('e', if size < 1.0 { "e" } else { "e+" })),
        );
    } else {
        write_shown(out, number);
    }
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                write_shown(out, format_args!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn the_tree_is_written_as_go_writes_it() {
        let text =
            r#"z = [1, 2.50, {a: no}]; B = 2016-05-04T18:53:41Z; a = "<\x01\t\"\\&\x7f\xe2\x80\xa8é"; {}"#;
        let json = r#"{"B":"2016-05-04T18:53:41Z","a":"\u003c\u0001\t\"\\\u0026"#.to_owned()
            + "\x7f"
            + r#"\u2028é","z":[1,2.5,{"a":false}]}"#
            + "\n";
        assert_eq!(parse(text).unwrap().to_json(), json);
    }

    #[test]
    fn floats_have_exponents_only_at_the_far_ends() {
        for (text, json) in [
            ("0.0", "0"),
            ("-0.0", "-0"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1e-7"),
            ("0.00000000123", "1.23e-9"),
            ("100000000000000000000.0", "100000000000000000000"),
            ("1000000000000000000000.0", "1e+21"),
            ("-12300000000000000000000.0", "-1.23e+22"),
        ] {
            assert_eq!(
                parse(&format!("a={text}")).unwrap().to_json(),
                format!("{{\"a\":{json}}}\n"),
                "{text}"
            );
        }
    }
}
