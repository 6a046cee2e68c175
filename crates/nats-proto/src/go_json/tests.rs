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
