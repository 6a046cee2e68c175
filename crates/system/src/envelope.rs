//! What is around the answers: which server answers, and whether it could.

use monitor::{Moment, compact, compact_within};
use serde::Serialize;

use crate::server_identity::{ServerIdentity, ServerText};

/// What a server has to say.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Body<D = ()> {
    Data(D),
    Statsz(D),
    Error(ErrorText),
    /// An error where there could have been data.
    #[serde(untagged)]
    NoData {
        data: (),
        error: ErrorText,
    },
}

#[derive(Debug, Serialize)]
pub(crate) struct ErrorText {
    code: u16,
    description: String,
}

/// The codes are those of HTTP.
impl Body {
    /// The options of a request cannot be read.
    pub(crate) fn bad_request(description: String) -> Self {
        Self::Error(ErrorText { code: 400, description })
    }

    /// What is asked for cannot be had.
    pub(crate) fn failed(description: String) -> Self {
        Self::NoData { data: (), error: ErrorText { code: 500, description } }
    }

    /// What is asked for could not be done.
    pub(crate) fn not_done(description: String) -> Self {
        Self::Error(ErrorText { code: 500, description })
    }

    /// nats-server answers this.
    pub(crate) fn not_supported(subject: &[u8]) -> Self {
        let description = format!("{} is not supported", String::from_utf8_lossy(subject));
        Self::Error(ErrorText { code: 501, description })
    }
}

#[derive(Serialize)]
struct Envelope<'a, D> {
    server: ServerText<'a>,
    #[serde(flatten)]
    body: &'a Body<D>,
}

#[derive(Serialize)]
struct Alone<'a> {
    server: ServerText<'a>,
}

/// The payload of an answer.
pub(crate) fn sealed<D: Serialize>(server: &ServerIdentity, now: Moment, body: &Body<D>) -> Vec<u8> {
    compact(&Envelope { server: server.signs(now), body })
}

/// The payload of an answer that says no more than that it was done.
pub(crate) fn sealed_alone(server: &ServerIdentity, now: Moment) -> Vec<u8> {
    compact(&Alone { server: server.signs(now) })
}

/// The payload of an answer, unless it is longer than so many bytes.
pub(crate) fn sealed_within<D: Serialize>(
    server: &ServerIdentity,
    now: Moment,
    body: &Body<D>,
    bytes_max: usize,
) -> Option<Vec<u8>> {
    compact_within(&Envelope { server: server.signs(now), body }, bytes_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nats-server 2.14.5 answers, without what concerns streams.
    #[test]
    fn an_answer_begins_with_the_server() {
        let server = ServerIdentity {
            name: "S1".into(),
            id: "NID".into(),
            version: "2.14.5".into(),
            ..ServerIdentity::default()
        };
        let text = |server: &ServerIdentity| {
            let body = Body::bad_request("no <b>".into());
            String::from_utf8(sealed(server, Moment(0), &body)).unwrap()
        };
        let expected = concat!(
            r#"{"server":{"name":"S1","host":"","id":"NID","ver":"2.14.5","jetstream":false,"flags":0,"seq":1,"#,
            r#""time":"1970-01-01T00:00:00Z"},"error":{"code":400,"description":"no \u003cb\u003e"}}"#
        );
        assert_eq!(text(&server), expected);
        let metadata = [("k".to_owned(), "v".to_owned())].into();
        let next = ServerIdentity { tags: vec!["a".into()], metadata, ..server };
        let fragment =
            r#""ver":"2.14.5","tags":["a"],"metadata":{"k":"v"},"jetstream":false,"flags":0,"seq":2,"#;
        assert!(text(&next).contains(fragment));
    }

    /// As nats-server 2.14.5 answers.
    #[test]
    fn what_cannot_be_had_comes_without_data() {
        let body = compact(&Body::failed("account \"C\" not found".into()));
        let expected = r#"{"data":null,"error":{"code":500,"description":"account \"C\" not found"}}"#;
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let body = compact(&Body::not_supported(b"$SYS.REQ.SERVER.PING.VARZ"));
        let expected = r#"{"error":{"code":501,"description":"$SYS.REQ.SERVER.PING.VARZ is not supported"}}"#;
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }
}
