//! The body of a CONNECT without its secrets, for logs.

use crate::go_json::{Value, check, fold};
use crate::go_text::show;

/// Members that never reach a log, in lower case.
const SECRETS: [&str; 5] = ["jwt", "nkey", "sig", "proxy_sig", "token"];

/// Parts of the names of more of them, as `password`.
const SECRET_PARTS: [&str; 2] = ["pass", "auth_token"];

/// What stands for a secret.
const REDACTED: &str = "\"[REDACTED]\"";

/// The JSON text of a CONNECT as the client wrote it, with its secrets replaced, however deep they lie. `None`
/// if it is no object: then a secret may be anywhere in it.
pub fn without_secrets(text: &[u8]) -> Option<String> {
    check(text).ok()?;
    if !text.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let mut shown = String::with_capacity(text.len());
    let (mut from, mut at) = (0, 0);
    while let Some(byte) = text.get(at) {
        if *byte != b'"' {
            at += 1;
            continue;
        }
        let name = Value::front(&text[at..]);
        at += name.bytes().len();
        let behind = text[at..].trim_ascii_start();
        if let Some(behind) = behind.strip_prefix(b":")
            && is_secret(&fold(&name.text()))
        {
            let secret = Value::front(behind.trim_ascii_start()).bytes();
            // A value borrows from the text, so its address tells its place.
            let start = secret.as_ptr().addr() - text.as_ptr().addr();
            shown += &show(&text[from..start]);
            shown += REDACTED;
            from = start + secret.len();
            at = from;
        }
    }
    shown += &show(&text[from..]);
    Some(shown)
}

/// As nats-server has it: some words anywhere in the name, and others at its end.
fn is_secret(name: &str) -> bool {
    let word = name.rsplit(|character: char| !character.is_ascii_alphanumeric() && character != '_').next();
    SECRET_PARTS.iter().any(|part| name.contains(part)) || word.is_some_and(|word| SECRETS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        without_secrets(text.as_bytes()).unwrap()
    }

    #[test]
    fn secrets_are_replaced_and_the_rest_is_as_it_was_sent() {
        let sent = r#" {"verbose":false,"user":"me", "pass" : "se\"cret","auth_token":17,"sig":"s","nkey":"NK",
            "jwt":"j.w.t","Password":{"a":["b"]},"proxy_sig":null,"token":"t","signature":"ours","name":"pass"}"#;
        let expected = r#" {"verbose":false,"user":"me", "pass" : "[REDACTED]","auth_token":"[REDACTED]","sig":"[REDACTED]","nkey":"[REDACTED]",
            "jwt":"[REDACTED]","Password":"[REDACTED]","proxy_sig":"[REDACTED]","token":"[REDACTED]","signature":"ours","name":"pass"}"#;
        assert_eq!(shown(sent), expected);
    }

    // Only those of the outermost object were replaced, and only names that began like a secret's.
    #[test]
    fn secrets_lie_at_any_depth_and_may_have_longer_names() {
        let sent = r#"{"opts":{"pass":"n3st","user":"u","list":[[{"auth_token":"t0k"}],{"a":{"sig":1}}]},"mypass":"q","my-sig":2,"mysig":3}"#;
        let expected = r#"{"opts":{"pass":"[REDACTED]","user":"u","list":[[{"auth_token":"[REDACTED]"}],{"a":{"sig":"[REDACTED]"}}]},"mypass":"[REDACTED]","my-sig":"[REDACTED]","mysig":3}"#;
        assert_eq!(shown(sent), expected);
    }

    #[test]
    fn a_name_may_be_written_twice_or_with_escapes() {
        let sent = r#"{"pass":"a","pass":"b","\u0070ass":"c","x":"\ud83d"}"#;
        let expected = r#"{"pass":"[REDACTED]","pass":"[REDACTED]","\u0070ass":"[REDACTED]","x":"\ud83d"}"#;
        assert_eq!(shown(sent), expected);
        assert_eq!(without_secrets(b"{\"a\":\"\xff\"}").unwrap(), r#"{"a":"\xff"}"#);
    }

    // Names count in any case that a server reads them in, those of the long s and the kelvin sign too.
    #[test]
    fn a_name_that_is_read_as_a_secrets_is_one() {
        let sent = "{\"pa\u{17f}s\":\"a\",\"\u{17f}IG\":\"b\",\"n\u{212a}ey\":\"c\"}";
        assert!(crate::ConnectOptions::parse(sent.as_bytes()).unwrap().pass == "a");
        assert_eq!(shown(sent).matches("[REDACTED]").count(), 3);
    }

    #[test]
    fn what_is_no_object_is_not_shown() {
        for text in [&b"{\"pass\":\"a\""[..], b"[\"pass\"]", b"{\"pass\":\"a\"} x", b"\xff", b""] {
            assert_eq!(without_secrets(text), None);
        }
    }

    #[test]
    fn depth_costs_nothing() {
        let nested = format!("{}{{\"pass\":1}}{}", "{\"a\":".repeat(9999), "}".repeat(9999));
        assert!(shown(&nested).contains("{\"pass\":\"[REDACTED]\"}"));
    }
}
