//! What a configuration can not do to its reader.

use nats_conf::{COPIES_MAX, ConfError, DEPTH_MAX, INCLUDES_MAX, Sources, parse, parse_file};

fn too_large(result: Result<nats_conf::Map, ConfError>) -> usize {
    let mut error = result.expect_err("it is too large");
    loop {
        match error {
            ConfError::TooLarge { max, .. } => return max,
            ConfError::BadInclude { source, .. } => error = *source,
            other => panic!("{other}"),
        }
    }
}

#[test]
fn brackets_nest_to_a_depth_and_no_further() {
    for (open, close) in [("[", "]"), ("{a:", "}")] {
        let nested = |depth| format!("a: {}1{}", open.repeat(depth), close.repeat(depth));
        assert!(parse(&nested(DEPTH_MAX)).is_ok());
        assert_eq!(too_large(parse(&nested(DEPTH_MAX + 1))), DEPTH_MAX);
        assert_eq!(too_large(parse(&nested(1_000_000))), DEPTH_MAX);
    }
    assert_eq!(too_large(parse(&"{".repeat(1_000_000))), DEPTH_MAX);
}

#[test]
fn files_include_each_other_to_a_depth_and_no_further() {
    let read = |path: &str| {
        let next = path.parse::<usize>().map_or(0, |number| number + 1);
        Ok(format!("a {{ include \"{next}\" }}").into_bytes())
    };
    let sources = Sources { read: &read, ..Sources::NONE };
    assert_eq!(too_large(parse_file("main", &sources)), DEPTH_MAX);
}

#[test]
fn a_file_is_included_often_but_not_without_end() {
    let text = "include x\n".repeat(INCLUDES_MAX);
    let read = |path: &str| Ok(if path == "x" { b"a: 1".to_vec() } else { text.clone().into_bytes() });
    let sources = Sources { read: &read, ..Sources::NONE };
    assert_eq!(parse_file("main", &sources).unwrap().len(), 1);
    let read = |path: &str| {
        Ok(if path == "x" { b"a: 1".to_vec() } else { (text.clone() + "include x\n").into_bytes() })
    };
    assert_eq!(too_large(parse_file("main", &Sources { read: &read, ..sources })), INCLUDES_MAX);
}

#[test]
fn variables_that_double_themselves_are_stopped() {
    let mut text = String::from("a0: [lol, lol]\n");
    for level in 1..64 {
        text += &format!("a{level}: [$a{}, $a{}]\n", level - 1, level - 1);
    }
    assert_eq!(too_large(parse(&text)), COPIES_MAX);
}

#[test]
fn environment_variables_are_values_or_refused() {
    let env = |name: &str| match name {
        "LIST" => Some("[1, {a: $WORD}]\nignored = 1".into()),
        "WORD" => Some("word".into()),
        "OPEN" => Some("{".into()),
        "SELF" => Some("[ $SELF ]".into()),
        _ => None,
    };
    let sources = Sources { env: &env, ..Sources::NONE };
    let read = |text: &str| nats_conf::parse_text("x.conf", text, &sources);
    assert_eq!(read("a: $LIST").unwrap().to_json(), "{\"a\":[1,{\"a\":\"word\"}]}\n");
    assert!(read("a: $LIST").unwrap().get("a").unwrap().from_variable);
    for (text, expected) in [
        ("$OPEN", "$OPEN:1:4: Parse error on line 1: 'Unexpected EOF processing map.'"),
        ("$SELF", "could not be parsed: $SELF:1:6: variable reference cycle for 'SELF'"),
        ("$GONE", "x.conf:1:3: variable reference for 'GONE' on line 1 can not be found"),
    ] {
        let error = read(&format!("a {text}")).expect_err(text).to_string();
        assert!(error.ends_with(expected), "{error}");
    }
}

#[test]
fn a_file_that_is_no_text_is_refused_where_it_is_none() {
    for (bytes, expected) in [
        (&b"a: 1\nb: \xff"[..], "main:2:4: Parse error on line 2: 'The file must be UTF-8'"),
        (b"a: 1\nb: \0", "main:2:4: Parse error on line 2: 'Unexpected EOF.'"),
        (b"a: \"\\xff\"", "main:1:8: Parse error on line 1: 'The escapes of a string must make UTF-8'"),
    ] {
        let read = |_: &str| Ok(bytes.to_vec());
        let error = parse_file("main", &Sources { read: &read, ..Sources::NONE }).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let error = parse_file("main", &Sources::NONE).unwrap_err();
    assert_eq!(error.to_string(), "open main: no such file or directory");
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let tree = parse("password: s3cret, users [ s3cret ], block (\ns3cret\n)\n").unwrap();
    assert!(!format!("{tree:?}").contains("s3cret"));
}
