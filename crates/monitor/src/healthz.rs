//! `/healthz`: whether the server is well. It is as long as it takes clients, and has all streams that it should have.

use nats_proto::quote;
use serde::Serialize;

use crate::answer::Answer;
use crate::parameters::Parameters;

/// What is asked of the server's health.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealthzQuery {
    /// `details`: what is wrong is listed.
    pub details: bool,
    /// `js-enabled`, which has another name now.
    pub js_enabled: bool,
    /// `js-enabled-only`: whether there is JetStream, but not how its streams are.
    pub js_enabled_only: bool,
    /// `js-server-only`: nothing of JetStream.
    pub js_server_only: bool,
    /// `account`: how its streams are.
    pub account: Option<String>,
    /// `stream`: how this one is.
    pub stream: Option<String>,
    /// `consumer`: whether it is there.
    pub consumer: Option<String>,
    /// The answer to another flag that is none, where there is something to warn of as well.
    pub refusal: Option<Answer>,
}

/// How the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The answer.
    pub answer: Answer,
    /// What there is to warn of in the log, a line each.
    pub warnings: Vec<String>,
}

/// How the server is, as answers to messages have it.
#[derive(Debug, Serialize)]
pub struct HealthStatus {
    status: &'static str,
    /// A status code of HTTP. The answers over HTTP have it elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Detail>,
}

#[derive(Debug, Default, Serialize)]
struct Detail {
    r#type: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    account: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    stream: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    consumer: String,
    error: String,
}

/// What shards say of streams in files: one of them, or all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamHealth {
    /// The account that is asked for has some.
    pub account_found: bool,
    /// The stream that is asked for is one of them.
    pub stream_found: bool,
    /// It has the consumer that is asked for.
    pub consumer_found: bool,
    /// Those that are not well, of those that are asked for.
    pub ailing: Vec<AilingStream>,
}

impl StreamHealth {
    /// What is said of other streams.
    pub fn add(&mut self, other: Self) {
        self.account_found |= other.account_found;
        self.stream_found |= other.stream_found;
        self.consumer_found |= other.consumer_found;
        self.ailing.extend(other.ailing);
    }
}

/// A stream that is not well.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AilingStream {
    /// Its account.
    pub account: Box<str>,
    /// Its name.
    pub stream: Box<str>,
    /// What it has.
    pub ailment: Ailment,
}

/// What a stream has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ailment {
    /// There is no such account any more.
    AccountGone,
    /// Its account may have no streams any more.
    NotServed,
    /// Another log has one of that name, which is served.
    Twice,
    /// It cannot be written any more, as the system said.
    WriteFailed(Box<str>),
}

/// nats-server waits this long for its listener, and says so.
const NOT_READY: &str = "failed to be ready for connections after 1ms: server";

/// What is wrong.
struct Trouble {
    code: u16,
    /// What is said of it without details.
    status: &'static str,
    /// One at least.
    details: Vec<Detail>,
}

impl HealthzQuery {
    pub(crate) fn read(parameters: &Parameters) -> Result<Self, Answer> {
        let js_enabled = parameters.flag("js-enabled")?;
        let flags = ["js-enabled-only", "js-server-only", "js-meta-only", "details"];
        let refusal = match flags.iter().find_map(|name| parameters.flag(name).err()) {
            Some(refusal) if !js_enabled => return Err(refusal),
            refusal => refusal,
        };
        let is_on = |name| parameters.flag(name).unwrap_or(false);
        Ok(Self {
            details: is_on("details"),
            js_enabled,
            js_enabled_only: is_on("js-enabled-only"),
            js_server_only: is_on("js-server-only"),
            account: parameters.owned("account"),
            stream: parameters.owned("stream"),
            consumer: parameters.owned("consumer"),
            refusal,
        })
    }

    /// Whether it takes what shards know of streams to answer.
    pub fn asks_of_streams(&self, takes_clients: bool) -> bool {
        let is_short = self.js_server_only || self.js_enabled_only || self.js_enabled;
        !is_short && self.refusal.is_none() && self.nonsense().is_none() && takes_clients
    }

    /// The answer to a message. `streams` is what shards said of them, if they were to be asked and there is JetStream.
    pub fn status(&self, takes_clients: bool, streams: Option<StreamHealth>) -> HealthStatus {
        let healthy = HealthStatus { status: "ok", status_code: Some(200), error: None, errors: Vec::new() };
        let Some(mut trouble) = self.trouble(takes_clients, streams) else { return healthy };
        let status_code = Some(trouble.code);
        if self.details {
            return HealthStatus { status: "error", status_code, errors: trouble.details, ..healthy };
        }
        let error = Some(trouble.details.swap_remove(0).error);
        HealthStatus { status: trouble.status, status_code, error, ..healthy }
    }

    /// What is wrong, if anything.
    fn trouble(&self, takes_clients: bool, streams: Option<StreamHealth>) -> Option<Trouble> {
        let broken = |code, r#type, error| {
            let details = vec![Detail { r#type, error, ..Detail::default() }];
            Some(Trouble { code, status: "error", details })
        };
        if let Some(nonsense) = self.nonsense() {
            return broken(400, "BAD_REQUEST", nonsense);
        }
        if !takes_clients {
            return broken(500, "CONNECTION", NOT_READY.to_owned());
        }
        self.of_streams(streams?)
    }

    fn of_streams(&self, streams: StreamHealth) -> Option<Trouble> {
        let status = "unavailable";
        let missing =
            self.missing(&streams).map(|detail| Trouble { code: 404, status, details: vec![detail] });
        if streams.ailing.is_empty() || (self.details && missing.is_some()) {
            return missing;
        }
        let details = streams.ailing.into_iter().map(Detail::from).collect();
        Some(Trouble { code: 503, status, details })
    }

    /// What is asked for and not there.
    fn missing(&self, found: &StreamHealth) -> Option<Detail> {
        let quoted = |name: &str| quote(name);
        let [account, stream, consumer] = [&self.account, &self.stream, &self.consumer].map(Option::as_deref);
        let (account, none) = (account?.to_owned(), Detail::default());
        if !found.account_found {
            let error = format!("JetStream account {} not found", quoted(&account));
            return Some(Detail { r#type: "ACCOUNT", account, error, ..none });
        }
        let stream = stream?.to_owned();
        if !found.stream_found {
            let (of, name) = (quoted(&account), quoted(&stream));
            let error = format!("JetStream stream {name} not found on account {of}");
            return Some(Detail { r#type: "STREAM", account, stream, error, ..none });
        }
        let consumer = consumer.filter(|_| !found.consumer_found)?.to_owned();
        let names = [&consumer, &stream, &account].map(|name| quoted(name));
        let [name, of, on] = names;
        let error = format!("JetStream consumer {name} not found for stream {of} on account {on}");
        Some(Detail { r#type: "CONSUMER", account, stream, consumer, error })
    }

    /// The answer of a server that takes clients, or does not: it may be in lame duck mode.
    pub fn answer(&self, takes_clients: bool, streams: Option<StreamHealth>) -> Health {
        let outdated = "Healthcheck: js-enabled deprecated, use js-enabled-only instead";
        let mut warnings: Vec<String> = self.js_enabled.then(|| outdated.to_owned()).into_iter().collect();
        if let Some(refusal) = &self.refusal {
            return Health { answer: refusal.clone(), warnings };
        }
        let mut body = self.status(takes_clients, streams);
        let status = body.status_code.take().expect("it always has one");
        if !body.errors.is_empty() {
            warnings.push(format!("Healthcheck failed: {} errors", body.errors.len()));
        }
        if let Some(error) = &body.error {
            warnings.push(format!("Healthcheck failed: {}", quote(error)));
        }
        let body = String::from_utf8(nats_proto::go_json::compact(&body)).expect("JSON is text");
        Health { answer: Answer::json_text(status, body), warnings }
    }

    /// What of the question makes no sense, if anything.
    fn nonsense(&self) -> Option<String> {
        let lacks = |what: &str, of: &str| format!("\"{what}\" must not be empty when checking {of} health");
        if self.stream.is_some() && self.account.is_none() {
            Some(lacks("account", "stream"))
        } else if self.consumer.is_some() && self.stream.is_none() {
            Some(lacks("stream", "consumer"))
        } else {
            None
        }
    }
}

impl From<AilingStream> for Detail {
    fn from(ailing: AilingStream) -> Self {
        let AilingStream { account, stream, ailment } = ailing;
        let of_stream = |rest: &str| Self {
            r#type: "STREAM",
            error: format!("JetStream stream '{account} > {stream}' {rest}"),
            account: account.to_string(),
            stream: stream.to_string(),
            ..Self::default()
        };
        match ailment {
            Ailment::AccountGone => Self {
                r#type: "ACCOUNT",
                error: format!("JetStream account '{account}' could not be resolved"),
                account: account.to_string(),
                ..Self::default()
            },
            Ailment::NotServed => of_stream("could not be recovered"),
            Ailment::Twice => {
                of_stream("could not be recovered: it is in several logs, and one of them is served")
            }
            Ailment::WriteFailed(why) => of_stream(&format!("write error: {why}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(query: &str, takes_clients: bool) -> (u16, String, Vec<String>) {
        let query = HealthzQuery::read(&Parameters::of(query.as_bytes())).unwrap();
        let Health { answer, warnings } = query.answer(takes_clients, None);
        (answer.status, answer.text(), warnings)
    }

    /// As nats-server 2.14.5 answers without JetStream.
    #[test]
    fn a_server_that_takes_clients_is_well() {
        let well = (200, r#"{"status":"ok"}"#.to_owned(), Vec::new());
        for query in [
            "",
            "details=true",
            "js-enabled-only=true&js-server-only=1&js-meta-only=t",
            "account=A&stream=S&consumer=C",
            "account=A",
        ] {
            assert_eq!(health(query, true), well, "{query}");
        }
        let outdated = "Healthcheck: js-enabled deprecated, use js-enabled-only instead";
        assert_eq!(health("js-enabled=1", true).2, [outdated]);
    }

    /// As nats-server 2.14.5 answers. It was not said of a question with a flag that is none.
    #[test]
    fn that_a_flag_has_another_name_now_is_said_before_the_next_is_read() {
        let (status, body, warnings) = health("js-enabled=1&details=2", true);
        let refused =
            "Error decoding boolean for 'details': strconv.ParseBool: parsing \"2\": invalid syntax";
        assert_eq!((status, &*body, warnings.len()), (400, refused, 1));
        assert!(HealthzQuery::read(&Parameters::of(b"js-enabled=2&details=1")).is_err());
    }

    /// As nats-server 2.14.5 answers, and what it logs.
    #[test]
    fn a_question_that_makes_no_sense_is_answered_before_all_else() {
        let body =
            r#"{"status":"error","error":"\"account\" must not be empty when checking stream health"}"#;
        let log = r#"Healthcheck failed: "\"account\" must not be empty when checking stream health""#;
        for takes_clients in [true, false] {
            assert_eq!(health("stream=s", takes_clients), (400, body.into(), vec![log.into()]));
        }
        let body = concat!(
            r#"{"status":"error","errors":[{"type":"BAD_REQUEST","error":"#,
            r#""\"stream\" must not be empty when checking consumer health"}]}"#
        );
        let log = "Healthcheck failed: 1 errors".to_owned();
        assert_eq!(health("consumer=c&details=1", true), (400, body.into(), vec![log]));
    }

    /// As nats-server 2.14.5 answers messages.
    #[test]
    fn an_answer_to_a_message_has_the_status_code() {
        let text = |query: HealthzQuery, takes_clients| {
            String::from_utf8(crate::compact(&query.status(takes_clients, None))).unwrap()
        };
        let plain = HealthzQuery::default;
        assert_eq!(text(plain(), true), r#"{"status":"ok","status_code":200}"#);
        let words = r#""failed to be ready for connections after 1ms: server""#;
        let expected = format!(r#"{{"status":"error","status_code":500,"error":{words}}}"#);
        assert_eq!(text(plain(), false), expected);
        let stream = HealthzQuery { details: true, stream: Some("s".into()), ..HealthzQuery::default() };
        let expected = concat!(
            r#"{"status":"error","status_code":400,"errors":[{"type":"BAD_REQUEST","error":"#,
            r#""\"account\" must not be empty when checking stream health"}]}"#
        );
        assert_eq!(text(stream, true), expected);
    }

    /// As nats-server 2.14.5 answers in lame duck mode.
    #[test]
    fn a_server_that_takes_nobody_is_not_well() {
        let body = r#"{"status":"error","error":"failed to be ready for connections after 1ms: server"}"#;
        let log = r#"Healthcheck failed: "failed to be ready for connections after 1ms: server""#;
        for query in ["", "js-server-only=true", "js-enabled-only=true"] {
            assert_eq!(health(query, false), (500, body.into(), vec![log.into()]));
        }
        let (status, body, _) = health("details=true", false);
        let expected = concat!(
            r#"{"status":"error","errors":[{"type":"CONNECTION","error":"#,
            r#""failed to be ready for connections after 1ms: server"}]}"#
        );
        assert_eq!((status, &*body), (500, expected));
    }
    fn of_streams(query: &str, streams: StreamHealth) -> (u16, String) {
        let query = HealthzQuery::read(&Parameters::of(query.as_bytes())).unwrap();
        let Health { answer, .. } = query.answer(true, Some(streams));
        (answer.status, answer.text())
    }

    /// As nats-server 2.14.5 answers.
    #[test]
    fn what_is_asked_for_and_not_there_is_named() {
        let found = |account_found, stream_found| StreamHealth {
            account_found,
            stream_found,
            ..StreamHealth::default()
        };
        let said = |error: &str| (404, format!(r#"{{"status":"unavailable","error":"{error}"}}"#));
        let of = |query, found| of_streams(query, found);
        assert_eq!(
            of("account=A&stream=S", found(false, false)),
            said(r#"JetStream account \"A\" not found"#)
        );
        assert_eq!(
            of("account=A&stream=S", found(true, false)),
            said(r#"JetStream stream \"S\" not found on account \"A\""#)
        );
        assert_eq!(
            of("account=A&stream=S&consumer=C", found(true, true)),
            said(r#"JetStream consumer \"C\" not found for stream \"S\" on account \"A\""#)
        );
        assert_eq!(of("account=A&stream=S", found(true, true)).0, 200);
        let expected = concat!(
            r#"{"status":"error","errors":[{"type":"STREAM","account":"A","stream":"S","#,
            r#""error":"JetStream stream \"S\" not found on account \"A\""}]}"#
        );
        assert_eq!(of("account=A&stream=S&details=1", found(true, false)), (404, expected.to_owned()));
    }

    /// As nats-server 2.14.5 answers.
    #[test]
    fn a_server_whose_streams_are_not_well_is_unavailable() {
        let ailing = |account: &str, stream: &str, ailment| AilingStream {
            account: account.into(),
            stream: stream.into(),
            ailment,
        };
        let ill = || StreamHealth {
            ailing: vec![
                ailing("A", "S", Ailment::NotServed),
                ailing("B", "T", Ailment::AccountGone),
                ailing("C", "U", Ailment::WriteFailed("no disk".into())),
            ],
            ..StreamHealth::default()
        };
        let expected =
            r#"{"status":"unavailable","error":"JetStream stream 'A \u003e S' could not be recovered"}"#;
        assert_eq!(of_streams("", ill()), (503, expected.to_owned()));
        let expected = concat!(
            r#"{"status":"error","errors":[{"type":"STREAM","account":"A","stream":"S","#,
            r#""error":"JetStream stream 'A \u003e S' could not be recovered"},{"type":"ACCOUNT","account":"B","#,
            r#""error":"JetStream account 'B' could not be resolved"},{"type":"STREAM","account":"C","stream":"U","#,
            r#""error":"JetStream stream 'C \u003e U' write error: no disk"}]}"#
        );
        assert_eq!(of_streams("details=1", ill()), (503, expected.to_owned()));
    }

    #[test]
    fn shards_are_asked_of_streams_where_that_matters() {
        let asks = |query: &str| {
            HealthzQuery::read(&Parameters::of(query.as_bytes())).unwrap().asks_of_streams(true)
        };
        assert!(asks("") && asks("js-meta-only=1") && asks("account=A"));
        for query in ["js-enabled=1", "js-enabled-only=1", "js-server-only=1", "stream=s"] {
            assert!(!asks(query), "{query}");
        }
        assert!(!HealthzQuery::default().asks_of_streams(false));
    }
}
