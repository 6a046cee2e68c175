//! Options of requests: which servers they are meant for, and what only some ask.

use nats_proto::BodyError;
use nats_proto::go_json::{Field, Fields, read_into};

use crate::own_options::OwnOptions;
use crate::request::Request;
use crate::server_identity::ServerIdentity;

/// Whom a request is meant for, and more. What is empty does not matter.
#[derive(Debug, Default)]
pub(crate) struct Options {
    go_type: &'static str,
    server_name: String,
    cluster: String,
    host: String,
    /// Names have to be these; else they have to have these in them.
    exact_match: bool,
    /// All of them.
    tags: Vec<String>,
    /// A domain of JetStream.
    domain: String,
    /// What the request has beside.
    pub(crate) own: OwnOptions,
}

impl Fields for Options {
    fn go_type(&self) -> &'static str {
        self.go_type
    }

    fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        Some(match name {
            "server_name" => &mut self.server_name,
            "cluster" => &mut self.cluster,
            "host" => &mut self.host,
            "exact_match" => &mut self.exact_match,
            "tags" => &mut self.tags,
            "domain" => &mut self.domain,
            name => return self.own.field(name),
        })
    }

    fn go_type_of(&self, name: &str) -> Option<&'static str> {
        self.own.go_type_of(name)
    }
}

impl Options {
    /// Reads those of a request; nothing is none. Go calls their type so.
    ///
    /// # Errors
    /// They are not JSON, or of another type.
    pub(crate) fn read(request: Request, text: &[u8], go_type: &'static str) -> Result<Self, BodyError> {
        let mut options = Self { go_type, own: OwnOptions::of(request), ..Self::default() };
        if !text.is_empty() {
            read_into(text, &mut options)?;
        }
        Ok(options)
    }

    /// Whether the server is meant. It is in no cluster.
    pub(crate) fn mean(&self, server: &ServerIdentity) -> bool {
        let names = |wanted: &str, own: &str| {
            wanted.is_empty() || if self.exact_match { own == wanted } else { own.contains(wanted) }
        };
        names(&self.server_name, &server.name)
            && names(&self.host, &server.host)
            && names(&self.cluster, "")
            && self.tags.iter().all(|tag| server.has_tag(tag))
            && (self.domain.is_empty() || self.domain == server.domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Options, String> {
        Options::read(Request::Statsz, text.as_bytes(), "server.StatszEventOptions")
            .map_err(|error| error.to_string())
    }

    /// As nats-server 2.14.5 answers, or does not.
    #[test]
    fn a_server_answers_what_is_meant_for_it() {
        let tags = vec!["a".into(), "b".into()];
        let server = ServerIdentity {
            name: "S1".into(),
            host: "127.0.0.1".into(),
            domain: "hub".into(),
            tags,
            ..ServerIdentity::default()
        };
        for (text, is_meant) in [
            ("", true),
            ("null", true),
            ("{}", true),
            (r#"{"server_name":"S"}"#, true),
            (r#"{"SERVER_NAME":"zz"}"#, false),
            (r#"{"server_name":"S","exact_match":true}"#, false),
            (r#"{"server_name":"S1","exact_match":true}"#, true),
            (r#"{"host":"127"}"#, true),
            (r#"{"host":"128"}"#, false),
            (r#"{"cluster":"c"}"#, false),
            (r#"{"cluster":"","exact_match":true}"#, true),
            (r#"{"tags":["a"]}"#, true),
            (r#"{"tags":["A"]}"#, true),
            (r#"{"tags":["a","c"]}"#, false),
            (r#"{"tags":[null]}"#, false),
            (r#"{"domain":"d"}"#, false),
            (r#"{"domain":"hub"}"#, true),
            (r#"{"other":{"a":1}}"#, true),
            (r#"{"server_name":"zz","server_name":"S1"}"#, true),
        ] {
            assert_eq!(read(text).unwrap().mean(&server), is_meant, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_in_the_peers_words() {
        for (text, words) in [
            ("x", "invalid character 'x' looking for beginning of value"),
            ("  ", "unexpected end of JSON input"),
            ("[]", "json: cannot unmarshal array into Go value of type server.StatszEventOptions"),
            (
                r#"{"server_name":1}"#,
                "json: cannot unmarshal number into Go struct field StatszEventOptions.server_name of type string",
            ),
            (
                r#"{"tags":[1]}"#,
                "json: cannot unmarshal number into StatszEventOptions.tags.0 of type string",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), words, "{text}");
        }
    }
}
