//! What went wrong, as RFC 9457 has it told: `application/problem+json`.

use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, StatusCode};
use serde_json::{Map, Value, json};

use crate::answer::{self, Answer};

/// The same words in a header, for clients that look nowhere else.
const WORDS: HeaderName = HeaderName::from_static("x-nats-api-gateway-error");

/// Bytes of the words in that header.
const WORDS_BYTES_MAX: usize = 512;

/// What kind of thing went wrong: one line each for its name, its status, and what it is called.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $name:literal $status:ident $title:literal)*) => {
        /// What kind of thing went wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// What follows `urn:buster:problem:`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// The status that goes with it.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$kind => StatusCode::$status,)* }
            }

            fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)* }
            }
        }
    };
}

kinds! {
    /// A parameter, a header or the body says what it may not.
    BadRequest "bad-request" BAD_REQUEST "The request is not understood"
    /// The subject is none.
    BadSubject "bad-subject" BAD_REQUEST "The subject is not valid"
    /// Who asks is not known.
    Unauthorized "unauthorized" UNAUTHORIZED "Credentials are missing or wrong"
    /// Who asks may not.
    Forbidden "forbidden" FORBIDDEN "Permission denied"
    /// The page that asks is of another site.
    ForeignOrigin "foreign-origin" FORBIDDEN "Another site may not ask"
    /// There is nothing of that name.
    NotFound "not-found" NOT_FOUND "There is no such thing"
    /// The path takes other methods.
    Method "method-not-allowed" METHOD_NOT_ALLOWED "The path takes other methods"
    /// There is nothing to say in a form that is accepted.
    NotAcceptable "not-acceptable" NOT_ACCEPTABLE "No such form of an answer"
    /// The body did not come in time.
    SlowBody "slow-body" REQUEST_TIMEOUT "The body did not come in time"
    /// It is there already, or is not what it was held for.
    Conflict "conflict" CONFLICT "It is otherwise than that"
    /// `If-Match` does not hold.
    Precondition "precondition-failed" PRECONDITION_FAILED "A condition does not hold"
    /// The message is longer than the server takes.
    TooLarge "too-large" PAYLOAD_TOO_LARGE "The message is too large"
    /// The host that is asked for is not this one.
    ForeignHost "foreign-host" MISDIRECTED_REQUEST "No such host here"
    /// There are as many of them as there may be.
    TooMany "too-many" TOO_MANY_REQUESTS "Too many at once"
    /// Something went wrong that is nobody's fault here.
    Failed "failed" INTERNAL_SERVER_ERROR "It failed"
    /// Nobody listens to the subject.
    NoResponders "no-responders" SERVICE_UNAVAILABLE "Nobody listens to the subject"
    /// The server is not there, or about to leave.
    Unavailable "unavailable" SERVICE_UNAVAILABLE "The server is not available"
    /// Nobody answered in time.
    TimedOut "timed-out" GATEWAY_TIMEOUT "Nobody answered in time"
    /// The stream has no room.
    Full "full" INSUFFICIENT_STORAGE "There is no room"
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of thing.
    pub kind: Kind,
    /// What exactly, for people.
    pub detail: String,
    /// The subject that it is about.
    pub subject: Option<String>,
    /// The error as a server said it: code, number and words.
    pub nats: Option<(u16, u32, String)>,
    /// Methods that the path takes, if that is what is wrong.
    pub allow: Option<String>,
}

impl Problem {
    /// One that is about nothing in particular.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), subject: None, nats: None, allow: None }
    }

    /// The same about a subject.
    #[must_use]
    pub fn about(self, subject: &str) -> Self {
        Self { subject: Some(subject.to_owned()), ..self }
    }

    /// The request is not understood.
    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self::new(Kind::BadRequest, detail)
    }

    /// The body of it.
    pub fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("type".into(), format!("urn:buster:problem:{}", self.kind.name()).into());
        body.insert("title".into(), self.kind.title().into());
        body.insert("status".into(), self.kind.status().as_u16().into());
        body.insert("detail".into(), self.detail.as_str().into());
        if let Some(subject) = &self.subject {
            body.insert("subject".into(), subject.as_str().into());
        }
        if let Some((code, number, words)) = &self.nats {
            let error = json!({ "code": code, "err_code": number, "description": words });
            body.insert("nats".into(), error);
        }
        body.into()
    }

    /// What is answered.
    pub fn answer(&self) -> Answer {
        let body = self.body().to_string().into_bytes();
        let mut answer = answer::text(self.kind.status(), "application/problem+json", body);
        let is_shown = |byte: &u8| matches!(byte, b' '..=b'~');
        let words: Vec<u8> = self.detail.bytes().filter(is_shown).take(WORDS_BYTES_MAX).collect();
        answer::put(&mut answer, WORDS, &words);
        match self.kind {
            Kind::Unauthorized => {
                answer::put(
                    &mut answer,
                    WWW_AUTHENTICATE,
                    b"Basic realm=\"nats\", charset=\"UTF-8\", Bearer",
                );
            }
            Kind::TooMany | Kind::Unavailable => answer::put(&mut answer, RETRY_AFTER, b"1"),
            _ => {}
        }
        if let Some(allow) = &self.allow {
            answer::put(&mut answer, ALLOW, allow.as_bytes());
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_what_and_of_what() {
        let answer = Problem::new(Kind::NoResponders, "Nobody listens\r\nto \"a\"").about("a").answer();
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()["x-nats-api-gateway-error"], "Nobody listensto \"a\"");
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(body["type"], "urn:buster:problem:no-responders");
        assert_eq!((&body["status"], &body["subject"]), (&json!(503), &json!("a")));
        assert!(body.get("nats").is_none());
    }

    #[test]
    fn who_is_not_known_is_told_how_to_say_it() {
        let answer = Problem::new(Kind::Unauthorized, "x").answer();
        assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic "));
        assert!(Problem::new(Kind::TooMany, "x").answer().headers().contains_key("retry-after"));
    }

    #[test]
    fn no_two_kinds_have_the_same_name() {
        let mut names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Kind::ALL.len());
    }
}
