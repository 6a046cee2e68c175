use super::*;
use crate::ConnectOptions;
use crate::testing::answers;

#[test]
fn mistakes_are_called_what_go_calls_them() {
    let file = include_str!("../../testdata/go_json_errors.txt");
    for (text, reads, words) in answers(file) {
        let error = ConnectOptions::parse(&reads.concat()).expect_err(text);
        assert_eq!(error.to_string(), words, "{text}");
    }
}

#[test]
fn depth_ends_where_it_does_in_go() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(check(nested(10_000).as_bytes()), Ok(()));
    assert_eq!(check(nested(10_001).as_bytes()), Err("exceeded max depth".into()));
    assert_eq!(check(&[b'['; 1 << 20]), Err("exceeded max depth".into()));
}

#[test]
fn keys_fold_as_in_go() {
    assert_eq!(fold("No_Responders"), "no_responders");
    assert_eq!(fold("u\u{17f}er"), "user");
    assert_eq!(fold("n\u{212a}ey"), "nkey");
    assert_eq!(fold("ÄÖ"), "ÄÖ");
}

#[test]
fn values_follow_each_other_and_keys_have_to_be_known() {
    let read = |text: &str| {
        let mut options = ConnectOptions::default();
        read_strictly_into(text.as_bytes(), &mut options)
            .map(|()| (options.user, options.pass))
            .map_err(|error| error.to_string())
    };
    let both = || Ok(("a".to_owned(), "b".to_owned()));
    assert_eq!(read(r#"{"user":"a","pass":"b"}"#), both());
    assert_eq!(read(r#" {"user":"a"}null{"PASS":"b"} "#), both());
    assert_eq!(read(" "), Ok(Default::default()));
    for (text, words) in [
        (r#"{"user":"a"} {"us":1}"#, r#"json: unknown field "us""#),
        (r#"{"import":{"Allowed":1}}"#, r#"json: unknown field "Allowed""#),
        (
            r#"{"user":1,"us":2}"#,
            "json: cannot unmarshal number into Go struct field ClientOpts.user of type string",
        ),
        (r#"{"user":"a"}x"#, "invalid character 'x' looking for beginning of value at offset 13"),
        (r#"{"user":"\q"}"#, r"invalid escape sequence `\q` in string at offset 11"),
        (r#"{"user":"a""#, "unexpected EOF"),
    ] {
        assert_eq!(read(text), Err(words.to_owned()), "{text}");
    }
}
