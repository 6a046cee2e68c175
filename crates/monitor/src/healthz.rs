//! `/healthz`: whether the server is well. While there are no streams to look after, it is as long as it
//! takes clients.

use serde::Serialize;

use crate::answer::Answer;
use crate::parameters::Parameters;

/// What is asked of the server's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthzQuery {
    /// `details`: what is wrong is listed.
    details: bool,
    /// `js-enabled`, which has another name now.
    is_outdated: bool,
    /// The answer to another flag that is none, where there is that to warn of.
    refusal: Option<Answer>,
    /// What of the question makes no sense.
    complaint: Option<String>,
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

#[derive(Debug, Serialize)]
struct Detail {
    r#type: &'static str,
    error: String,
}

/// nats-server waits this long for its listener, and says so.
const NOT_READY: &str = "failed to be ready for connections after 1ms: server";

impl HealthzQuery {
    pub(crate) fn read(parameters: &Parameters) -> Result<Self, Answer> {
        let is_outdated = parameters.flag("js-enabled")?;
        let flags = ["js-enabled-only", "js-server-only", "js-meta-only", "details"];
        let refusal = match flags.iter().find_map(|name| parameters.flag(name).err()) {
            Some(refusal) if !is_outdated => return Err(refusal),
            refusal => refusal,
        };
        let details = parameters.flag("details").unwrap_or(false);
        let has = |name| parameters.text(name).is_some();
        let complaint = complaint(has("account"), has("stream"), has("consumer"));
        Ok(Self { details, is_outdated, refusal, complaint })
    }

    /// The same question by a message: with details, and whether it names an account, a stream and a consumer.
    pub fn by_message(details: bool, account: bool, stream: bool, consumer: bool) -> Self {
        let complaint = complaint(account, stream, consumer);
        Self { details, is_outdated: false, refusal: None, complaint }
    }

    /// The answer to a message.
    pub fn status(&self, takes_clients: bool) -> HealthStatus {
        let trouble = self.trouble(takes_clients);
        let status_code = Some(trouble.as_ref().map_or(200, |(status, ..)| *status));
        let healthy = HealthStatus { status: "ok", status_code, error: None, errors: Vec::new() };
        match trouble {
            None => healthy,
            Some((_, r#type, error)) if self.details => {
                HealthStatus { status: "error", errors: vec![Detail { r#type, error }], ..healthy }
            }
            Some((_, _, error)) => HealthStatus { status: "error", error: Some(error), ..healthy },
        }
    }

    /// What is wrong, if anything: a status code, its kind, and how it is said.
    fn trouble(&self, takes_clients: bool) -> Option<(u16, &'static str, String)> {
        match &self.complaint {
            Some(complaint) => Some((400, "BAD_REQUEST", complaint.clone())),
            None if takes_clients => None,
            None => Some((500, "CONNECTION", NOT_READY.to_owned())),
        }
    }

    /// The answer of a server that takes clients, or does not: it may be in lame duck mode.
    pub fn answer(&self, takes_clients: bool) -> Health {
        let outdated = "Healthcheck: js-enabled deprecated, use js-enabled-only instead";
        let mut warnings: Vec<String> = self.is_outdated.then(|| outdated.to_owned()).into_iter().collect();
        if let Some(refusal) = &self.refusal {
            return Health { answer: refusal.clone(), warnings };
        }
        let mut body = self.status(takes_clients);
        let status = body.status_code.take().expect("it always has one");
        if !body.errors.is_empty() {
            warnings.push("Healthcheck failed: 1 errors".to_owned());
        }
        if let Some(error) = &body.error {
            warnings.push(format!("Healthcheck failed: {}", nats_proto::quote(error)));
        }
        let body = serde_json::to_string(&body).expect("plain data");
        Health { answer: Answer::json_text(status, body), warnings }
    }
}

/// What is wrong with a question that names these, if anything.
fn complaint(account: bool, stream: bool, consumer: bool) -> Option<String> {
    let lacks = |what: &str, of: &str| format!("\"{what}\" must not be empty when checking {of} health");
    if stream && !account {
        Some(lacks("account", "stream"))
    } else if consumer && !stream {
        Some(lacks("stream", "consumer"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(query: &str, takes_clients: bool) -> (u16, String, Vec<String>) {
        let query = HealthzQuery::read(&Parameters::of(query.as_bytes())).unwrap();
        let Health { answer, warnings } = query.answer(takes_clients);
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
            String::from_utf8(crate::compact(&query.status(takes_clients))).unwrap()
        };
        let plain = || HealthzQuery::by_message(false, false, false, false);
        assert_eq!(text(plain(), true), r#"{"status":"ok","status_code":200}"#);
        let words = r#""failed to be ready for connections after 1ms: server""#;
        let expected = format!(r#"{{"status":"error","status_code":500,"error":{words}}}"#);
        assert_eq!(text(plain(), false), expected);
        let stream = HealthzQuery::by_message(true, false, true, false);
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
}
