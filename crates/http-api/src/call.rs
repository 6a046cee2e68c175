//! A request, once its route is known.

use std::time::Duration;

use http::header::ACCEPT;
use http::{HeaderMap, Method};
use subject_trie::{is_valid_filter, is_valid_literal};

use crate::bound::BoundRoute;
use crate::parameters::Parameters;
use crate::plain::is_plain;
use crate::problem::{Kind, Problem};

/// A request whose body is there.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What is to be done.
    pub method: &'a Method,
    /// With what, as it was written.
    pub path: &'a str,
    /// What stands behind the question mark, as it was written.
    pub query: &'a str,
    /// All of them.
    pub headers: &'a HeaderMap,
    /// All of it.
    pub body: &'a [u8],
    /// Makes a word that nobody else has, for subjects that nobody else may guess: letters and digits.
    pub unique: fn() -> String,
    /// What a request may take.
    pub limits: &'a Limits,
    /// Paths of the operator's own.
    pub routes: &'a [BoundRoute],
}

/// What a request may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long an answer is waited for if nobody says.
    pub request_timeout: Duration,
    /// How long it may be waited for at most.
    pub request_timeout_max: Duration,
    /// Of a message, headers included.
    pub payload_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(2),
            request_timeout_max: Duration::from_secs(60),
            payload_bytes_max: 1 << 20,
        }
    }
}

/// A request, and what its path and its query say.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) asked: &'a Asked<'a>,
    /// What stands in the places of the route's path, in their order.
    pub(crate) places: Vec<String>,
    pub(crate) parameters: Parameters,
}

impl Call<'_> {
    /// What stands in the place of that number.
    pub(crate) fn place(&self, number: usize) -> &str {
        self.places.get(number).map_or("", String::as_str)
    }

    /// The subject in that place, to publish to.
    pub(crate) fn subject(&self, number: usize) -> Result<&str, Problem> {
        literal(self.place(number))
    }

    /// The subject in that place, to subscribe to.
    pub(crate) fn filter(&self, number: usize) -> Result<&str, Problem> {
        filter(self.place(number))
    }

    /// How long to wait for an answer.
    pub(crate) fn timeout(&self) -> Result<Duration, Problem> {
        let limits = self.asked.limits;
        let asked = self.parameters.time("timeout")?;
        Ok(asked.unwrap_or(limits.request_timeout).min(limits.request_timeout_max))
    }

    /// The types of answers that are accepted.
    fn accepted(&self) -> impl Iterator<Item = &str> {
        let values = self.asked.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).map(|kind| kind.split(';').next().unwrap_or(kind).trim())
    }

    /// Whether an answer of that type is asked for by its name.
    pub(crate) fn accepts(&self, kind: &str) -> bool {
        self.accepted().any(|accepted| accepted.eq_ignore_ascii_case(kind))
    }
}

/// A subject to publish to.
pub(crate) fn literal(subject: &str) -> Result<&str, Problem> {
    if is_plain(subject) && is_valid_literal(subject.as_bytes()) {
        return Ok(subject);
    }
    Err(bad_subject(subject, "a message has a subject without wildcards, blanks and empty tokens"))
}

/// A subject to subscribe to.
pub(crate) fn filter(subject: &str) -> Result<&str, Problem> {
    if is_plain(subject) && is_valid_filter(subject.as_bytes()) {
        return Ok(subject);
    }
    Err(bad_subject(
        subject,
        "a subscription has a subject without blanks and empty tokens, and > only at its end",
    ))
}

/// One token of a subject: the name of a stream, a consumer or a service.
pub(crate) fn token<'n>(name: &'n str, what: &str) -> Result<&'n str, Problem> {
    let is_one = !name.is_empty() && is_plain(name) && !name.contains(['.', '*', '>', '/', '\\']);
    if is_one { Ok(name) } else { Err(Problem::bad(format!("{name:?} is no name of a {what}"))) }
}

fn bad_subject(subject: &str, rule: &str) -> Problem {
    Problem::new(Kind::BadSubject, format!("{subject:?} is not valid: {rule}")).about(subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_word_of_the_protocol_is_in_no_subject() {
        for subject in ["", "a b", "a\r\nPUB b", "a\tb", "a\0b", "a..b", ".a", "a.", "a.*", ">"] {
            assert_eq!(literal(subject).unwrap_err().kind, Kind::BadSubject, "{subject:?}");
        }
        assert!(literal("a.b.ü").is_ok());
        for subject in ["", "a b", "a\nb", "a.>.b", "a..*"] {
            assert!(filter(subject).is_err(), "{subject:?}");
        }
        assert!(filter("a.*.>").is_ok());
        for name in ["", "a.b", "*", "a>", "a b", "a/b"] {
            assert!(token(name, "stream").is_err(), "{name:?}");
        }
        assert!(token("ORDERS", "stream").is_ok());
    }
}
