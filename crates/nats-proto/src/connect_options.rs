//! The body of CONNECT.

use std::fmt;
use std::ops::Not;

use serde::Serialize;

use crate::go_json::{BodyError, Field, Fields, read_into};

/// What a client says of itself and how it wants to be served.
///
/// These are the fields nats-server 2.14 reads on a client connection, in its order. What routes and
/// leaf nodes say beyond them is no part of it and skipped, whatever its type, as the peer does.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ConnectOptions {
    /// Deliver the client's own messages back to it. Default true.
    pub echo: bool,
    /// Answer every op with `+OK`. Default true.
    pub verbose: bool,
    /// Check the subjects the client publishes to. Default true.
    pub pedantic: bool,
    /// The client insists on TLS.
    pub tls_required: bool,
    /// Public nkey of the user.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub nkey: String,
    /// User JWT.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub jwt: String,
    /// The nonce of INFO, signed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sig: String,
    /// Token, for servers that know only one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub auth_token: String,
    /// User name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Password.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pass: String,
    /// What the client calls itself, for people.
    pub name: String,
    /// The client library's language.
    pub lang: String,
    /// The client library's version.
    pub version: String,
    /// 0, or 1 when INFO may come at any time. Servers refuse other values.
    pub protocol: i64,
    /// An account to enter; servers treat it as a violation today.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub account: String,
    /// Likewise.
    #[serde(skip_serializing_if = "Not::not")]
    pub new_account: bool,
    /// The client understands HMSG.
    #[serde(skip_serializing_if = "Not::not")]
    pub headers: bool,
    /// The client wants status 503 when nobody listens to a request. Needs `headers`.
    #[serde(skip_serializing_if = "Not::not")]
    pub no_responders: bool,
    /// What a server imports; from servers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<ServerPermission>,
    /// What a server exports; from servers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export: Option<ServerPermission>,
    /// The account at the far end; from leaf nodes only.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remote_account: String,
    /// The nonce of INFO, signed by a trusted proxy.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub proxy_sig: String,
}

/// Subjects allowed and denied, as servers tell each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ServerPermission {
    /// Subjects allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Subjects denied.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
}

impl Default for ConnectOptions {
    /// What holds for a client that never sent CONNECT.
    fn default() -> Self {
        Self {
            echo: true,
            verbose: true,
            pedantic: true,
            tls_required: false,
            nkey: String::new(),
            jwt: String::new(),
            sig: String::new(),
            auth_token: String::new(),
            user: String::new(),
            pass: String::new(),
            name: String::new(),
            lang: String::new(),
            version: String::new(),
            protocol: 0,
            account: String::new(),
            new_account: false,
            headers: false,
            no_responders: false,
            import: None,
            export: None,
            remote_account: String::new(),
            proxy_sig: String::new(),
        }
    }
}

impl ConnectOptions {
    /// Reads the JSON text of a CONNECT, over the defaults.
    ///
    /// # Errors
    ///
    /// See [`BodyError`].
    pub fn parse(text: &[u8]) -> Result<Self, BodyError> {
        let mut options = Self::default();
        options.merge(text)?;
        Ok(options)
    }

    /// Reads the text of a further CONNECT: fields it does not mention stay as they are, as in
    /// nats-server.
    ///
    /// # Errors
    ///
    /// See [`BodyError`]. Some fields may have changed already.
    pub fn merge(&mut self, text: &[u8]) -> Result<(), BodyError> {
        read_into(text, self)
    }
}

impl Fields for ConnectOptions {
    fn go_type(&self) -> &'static str {
        "server.ClientOpts"
    }

    fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        Some(match name {
            "echo" => &mut self.echo,
            "verbose" => &mut self.verbose,
            "pedantic" => &mut self.pedantic,
            "tls_required" => &mut self.tls_required,
            "nkey" => &mut self.nkey,
            "jwt" => &mut self.jwt,
            "sig" => &mut self.sig,
            "auth_token" => &mut self.auth_token,
            "user" => &mut self.user,
            "pass" => &mut self.pass,
            "name" => &mut self.name,
            "lang" => &mut self.lang,
            "version" => &mut self.version,
            "protocol" => &mut self.protocol,
            "account" => &mut self.account,
            "new_account" => &mut self.new_account,
            "headers" => &mut self.headers,
            "no_responders" => &mut self.no_responders,
            "import" => &mut self.import,
            "export" => &mut self.export,
            "remote_account" => &mut self.remote_account,
            "proxy_sig" => &mut self.proxy_sig,
            _ => return None,
        })
    }
}

impl Fields for ServerPermission {
    fn go_type(&self) -> &'static str {
        "server.SubjectPermission"
    }

    fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        Some(match name {
            "allow" => &mut self.allow,
            "deny" => &mut self.deny,
            _ => return None,
        })
    }
}

/// What identifies the client and what it asked for; credentials are only told to be there.
impl fmt::Debug for ConnectOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secrets = [&self.nkey, &self.jwt, &self.sig, &self.auth_token, &self.pass, &self.proxy_sig];
        f.debug_struct("ConnectOptions")
            .field("name", &self.name)
            .field("lang", &self.lang)
            .field("version", &self.version)
            .field("user", &self.user)
            .field("echo", &self.echo)
            .field("verbose", &self.verbose)
            .field("pedantic", &self.pedantic)
            .field("protocol", &self.protocol)
            .field("headers", &self.headers)
            .field("no_responders", &self.no_responders)
            .field("has_secrets", &secrets.iter().any(|secret| !secret.is_empty()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ConnectOptions, BodyError> {
        ConnectOptions::parse(text.as_bytes())
    }

    #[test]
    fn an_empty_object_leaves_the_defaults() {
        for text in ["{}", " {} ", "null", "\t{}\r"] {
            assert_eq!(parse(text), Ok(ConnectOptions::default()), "{text:?}");
        }
        let options = ConnectOptions::default();
        assert!(options.verbose && options.pedantic && options.echo && !options.headers);
    }

    #[test]
    fn keys_match_in_any_case_and_unknown_ones_are_skipped() {
        let options = parse(r#"{"Verbose":false,"PASS":"p","cluster":5,"lnoc":{"a":[1]}}"#).unwrap();
        assert!(!options.verbose);
        assert_eq!(options.pass, "p");
    }

    #[test]
    fn null_leaves_the_default_and_a_repeated_key_overwrites() {
        let options = parse(r#"{"verbose":null,"name":null,"protocol":null,"user":"a","user":"b"}"#).unwrap();
        assert!(options.verbose);
        assert_eq!(options.user, "b");
        let options = parse(r#"{"import":{"allow":["a",null],"DENY":null},"export":null}"#).unwrap();
        let import = ServerPermission { allow: vec!["a".into(), String::new()], deny: vec![] };
        assert_eq!((options.import, options.export), (Some(import), None));
    }

    #[test]
    fn wrong_types_are_refused() {
        for text in [
            r#"{"verbose":"yes"}"#,
            r#"{"verbose":1}"#,
            r#"{"name":5}"#,
            r#"{"name":["a"]}"#,
            r#"{"protocol":"1"}"#,
            r#"{"protocol":1.0}"#,
            r#"{"protocol":1e0}"#,
            r#"{"protocol":9223372036854775808}"#,
            r#"{"import":5}"#,
            r#"{"import":{"allow":"a"}}"#,
            r#"{"import":{"allow":[1]}}"#,
            "[]",
            "5",
            r#""x""#,
        ] {
            assert!(matches!(parse(text), Err(BodyError::WrongType(_))), "{text}");
        }
        assert_eq!(parse(r#"{"protocol":-1}"#).unwrap().protocol, -1);
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["", "\r", "{bad", "{}x", "{\"name\":\"a\tb\"}", "{'a':1}", "{\"a\":1,}"] {
            assert!(matches!(parse(text), Err(BodyError::Syntax(_))), "{text:?}");
        }
    }

    #[test]
    fn broken_text_is_replaced() {
        let name = |text: &[u8]| ConnectOptions::parse(text).unwrap().name;
        assert_eq!(name(b"{\"name\":\"a\xffb\"}"), "a\u{fffd}b");
        assert_eq!(name(b"{\"name\":\"a\xe6\x97\"}"), "a\u{fffd}\u{fffd}");
        // A JavaScript client can send these.
        assert_eq!(name(br#"{"name":"a\ud83d"}"#), "a\u{fffd}");
        assert_eq!(name(br#"{"name":"\ud83d\u0041\uDE00"}"#), "\u{fffd}A\u{fffd}");
        assert_eq!(name(br#"{"name":"\uD83D\ude00\n\/\u00e9"}"#), "\u{1f600}\n/é");
    }

    #[test]
    fn what_is_skipped_may_be_anything() {
        let deep =
            format!(r#"{{"x":{}{},"y":1e999,"z":"\udc00","user":"a"}}"#, "[".repeat(5000), "]".repeat(5000));
        assert_eq!(parse(&deep).unwrap().user, "a");
    }

    #[test]
    fn of_a_name_that_comes_twice_both_values_have_to_fit() {
        assert!(parse(r#"{"verbose":"x","verbose":true}"#).is_err());
        assert_eq!(parse(r#"{"user":"a","USER":"b"}"#).unwrap().user, "b");
    }

    #[test]
    fn a_further_connect_keeps_what_it_does_not_mention() {
        let mut options = parse(r#"{"verbose":false,"name":"a","user":"u"}"#).unwrap();
        options.merge(br#"{"name":"b"}"#).unwrap();
        assert!(!options.verbose);
        assert_eq!((&*options.name, &*options.user), ("b", "u"));
    }

    #[test]
    fn credentials_show_neither_in_debug_output_nor_in_errors() {
        let text = r#"{"pass":"s3cret","auth_token":"s3cret","jwt":"s3cret","sig":"s3cret","nkey":"s3cret"}"#;
        let shown = format!("{:?}", parse(text).unwrap());
        assert!(!shown.contains("s3cret") && shown.contains("has_secrets: true"), "{shown}");
        let error = parse(r#"{"verbose":"s3cret"}"#).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }

    #[test]
    fn written_options_have_the_fields_clients_send() {
        let text = serde_json::to_string(&ConnectOptions::default()).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"echo":true,"verbose":true,"pedantic":true,"tls_required":false,"name":"","#,
                r#""lang":"","version":"","protocol":0}"#
            )
        );
    }
}
