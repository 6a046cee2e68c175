//! What a request is answered.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::Value;

/// An answer that is whole.
pub type Answer = Response<Vec<u8>>;

/// JSON, and how people name it.
pub(crate) const JSON: &str = "application/json";

/// Nothing is said but the status.
pub(crate) fn empty(status: StatusCode) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = status;
    answer
}

/// JSON, on one line.
pub(crate) fn json(status: StatusCode, value: &Value) -> Answer {
    text(status, JSON, value.to_string().into_bytes())
}

/// Bytes of some type. What servers say now may be otherwise in a moment, so nobody keeps it.
pub(crate) fn text(status: StatusCode, kind: &str, body: Vec<u8>) -> Answer {
    let mut answer = Answer::new(body);
    *answer.status_mut() = status;
    put(&mut answer, CONTENT_TYPE, kind.as_bytes());
    put(&mut answer, CACHE_CONTROL, b"no-store");
    answer
}

/// Sets a header, unless its value cannot be one.
pub(crate) fn put(answer: &mut Answer, name: HeaderName, value: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(value) {
        answer.headers_mut().insert(name, value);
    }
}
