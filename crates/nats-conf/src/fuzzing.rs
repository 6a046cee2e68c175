//! The body of the fuzz target: what must hold for any bytes at all.

use crate::{ConfError, Data, Map, Position, Sources, Value, parse_file};

/// Reads `data` as a configuration. Up to the first byte 1 it is the main file, up to the next one the
/// file `i`, and the rest the environment variable `E`.
pub fn config_text(data: &[u8]) {
    let mut parts = data.splitn(3, |&byte| byte == 1);
    let [main, include, variable] = [(); 3].map(|()| parts.next().unwrap_or_default());
    let read = |path: &str| match path {
        MAIN => Ok(main.to_vec()),
        "i" => Ok(include.to_vec()),
        _ => Err(format!("open {path}: no such file or directory")),
    };
    let variable = String::from_utf8_lossy(variable);
    let env = |name: &str| (name == "E").then(|| variable.to_string());
    let sources = Sources { read: &read, env: &env };
    match parse_file(MAIN, &sources) {
        Ok(map) => check_map(&map),
        Err(error) => check_error(&error, main),
    }
}

const MAIN: &str = "main";

fn check_error(error: &ConfError, main: &[u8]) {
    assert!(!error.to_string().is_empty());
    let position = error.position().expect("the main file can be read");
    assert_eq!(&*position.file, MAIN, "errors stand in the main file, or where it draws on another");
    check_position(position);
    let lines = main.iter().filter(|&&byte| byte == b'\n').count() + 1;
    assert!(position.line as usize <= lines && position.column as usize <= main.len());
}

fn check_map(map: &Map) {
    let mut fields = map.fields();
    for entry in map {
        check_value(&entry.value);
        assert!(map.get(&entry.key).is_some());
        assert!(fields.take(&[&entry.key]).is_some_and(|taken| taken.is(&entry.key)));
    }
    assert_eq!(fields.unknown().count(), 0);
    assert!(map.to_json().ends_with("}\n"));
}

fn check_value(value: &Value) {
    check_position(&value.position);
    match &value.data {
        Data::Array(values) => values.iter().for_each(check_value),
        Data::Map(map) => check_map(map),
        _ => {}
    }
    let types = [
        value.as_str().is_ok(),
        value.as_integer().is_ok(),
        value.as_bool().is_ok(),
        value.as_date().is_ok(),
    ];
    let others = [value.as_array().is_ok(), value.as_map().is_ok(), matches!(value.data, Data::Float(_))];
    assert_eq!(types.iter().chain(&others).filter(|is| **is).count(), 1, "a value has one type");
}

fn check_position(position: &Position) {
    assert!(position.line > 0, "lines begin at 1");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// What configurations are made of, so that random sequences come near to being some.
    const PIECES: [&str; 58] = [
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "(\n",
        "\n)\n",
        ":",
        "=",
        ",",
        ";",
        "\n",
        "\r\n",
        " ",
        "\t",
        "#",
        "//",
        "/",
        "\"",
        "'",
        "\\",
        "\\n",
        "\\x4",
        "$a",
        "$E",
        "$",
        "$2a$",
        "include i",
        "include main",
        "include 'i'\n",
        "include ",
        "a",
        "b: 1\n",
        "a = ",
        "a {",
        "-",
        "1",
        "2k",
        "3mib",
        "4.5",
        ".",
        "1.2.3.4:5",
        "2016-05-04T18:53:41Z",
        "20-",
        "true",
        "off",
        "é",
        "\u{2028}",
        "\u{85}",
        "\0",
        "\x01",
        "9223372036854775808",
        "word",
        "x.y.>",
        "nats://h",
        "%",
        "*",
    ];

    proptest! {
        #[test]
        fn any_bytes_are_a_configuration_or_refused(data in vec(any::<u8>(), 0..200)) {
            config_text(&data);
        }

        #[test]
        fn any_pieces_are_a_configuration_or_refused(pieces in vec(prop::sample::select(&PIECES[..]), 0..60)) {
            config_text(pieces.concat().as_bytes());
        }
    }

    #[test]
    fn a_configuration_cut_anywhere_is_a_configuration_or_refused() {
        let text = include_str!("../testdata/good/accounts.conf");
        (0..=text.len()).for_each(|end| config_text(&text.as_bytes()[..end]));
    }
}
