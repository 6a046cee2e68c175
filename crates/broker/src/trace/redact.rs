//! CONNECT without its secrets.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Members of CONNECT that never reach a log, in lower case.
const SECRETS: [&str; 5] = ["jwt", "nkey", "sig", "proxy_sig", "token"];

/// Beginnings of more of them, as `password`.
const SECRET_BEGINNINGS: [&str; 2] = ["pass", "auth_token"];

/// What stands for a secret.
const REDACTED: &str = "\"[REDACTED]\"";

/// CONNECT's JSON as the client wrote it, with its secrets replaced. Text that is no JSON object may
/// hold a secret anywhere, so nothing of it is shown.
pub(super) fn without_secrets(json: &[u8]) -> String {
    let parsed = std::str::from_utf8(json).ok().and_then(|text| Some((text, Secrets::find(text)?)));
    let Some((text, secrets)) = parsed else { return "[not an object]".into() };
    let mut shown = String::with_capacity(text.len());
    let mut from = 0;
    for (start, len) in secrets.0 {
        shown.push_str(&text[from..start]);
        shown.push_str(REDACTED);
        from = start + len;
    }
    shown.push_str(&text[from..]);
    shown
}

/// Where the values of secrets stand in a JSON object, and how long they are.
struct Secrets(Vec<(usize, usize)>);

impl Secrets {
    fn find(text: &str) -> Option<Self> {
        let found: Values<'_> = serde_json::from_str(text).ok()?;
        // A value borrows from the text, so its address tells its place.
        let place = |value: &&str| (value.as_ptr().addr() - text.as_ptr().addr(), value.len());
        Some(Self(found.0.iter().map(place).collect()))
    }
}

/// The values of secret members.
struct Values<'a>(Vec<&'a str>);

impl<'de: 'a, 'a> Deserialize<'de> for Values<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Values<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Self::Value, M::Error> {
        let mut values = Vec::new();
        while let Some(name) = members.next_key::<String>()? {
            if is_secret(&name.to_lowercase()) {
                values.push(members.next_value::<&'de RawValue>()?.get());
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Values(values))
    }
}

fn is_secret(name: &str) -> bool {
    SECRETS.contains(&name) || SECRET_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_replaced_and_the_rest_is_as_it_was_sent() {
        let sent = r#" {"verbose":false,"user":"me", "pass" : "se\"cret","auth_token":17,"sig":"s","nkey":"NK",
            "jwt":"j.w.t","Password":{"a":["b"]},"proxy_sig":null,"token":"t","signature":"ours","name":"pass"}"#;
        let shown = r#" {"verbose":false,"user":"me", "pass" : "[REDACTED]","auth_token":"[REDACTED]","sig":"[REDACTED]","nkey":"[REDACTED]",
            "jwt":"[REDACTED]","Password":"[REDACTED]","proxy_sig":"[REDACTED]","token":"[REDACTED]","signature":"ours","name":"pass"}"#;
        assert_eq!(without_secrets(sent.as_bytes()), shown);
    }

    #[test]
    fn a_name_may_be_written_twice_or_with_escapes() {
        let shown = without_secrets(br#"{"pass":"a","pass":"b","\u0070ass":"c"}"#);
        assert_eq!(shown, r#"{"pass":"[REDACTED]","pass":"[REDACTED]","\u0070ass":"[REDACTED]"}"#);
    }

    #[test]
    fn what_is_no_object_is_not_shown() {
        for json in [&b"{\"pass\":\"a\""[..], b"[\"pass\"]", b"{\"pass\":\"a\"} x", b"\xff", b""] {
            assert_eq!(without_secrets(json), "[not an object]");
        }
    }
}
