//! What goes back to who asked.

use serde::Serialize;

use crate::go_json::pretty;

/// The answer to one request, as HTTP carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// What the body is.
    pub content_type: &'static str,
    /// Whether pages of other origins may read it, as all JSON may.
    pub any_origin: bool,
    /// The text.
    pub body: String,
}

const PLAIN: &str = "text/plain; charset=utf-8";

impl Answer {
    pub(crate) fn json(value: &impl Serialize) -> Self {
        Self::json_text(200, pretty(value))
    }

    pub(crate) fn json_text(status: u16, body: String) -> Self {
        Self { status, content_type: "application/json", any_origin: true, body }
    }

    pub(crate) fn html(body: String) -> Self {
        Self { status: 200, content_type: "text/html; charset=utf-8", any_origin: false, body }
    }

    pub(crate) fn bad_request(text: impl Into<String>) -> Self {
        Self { status: 400, content_type: PLAIN, any_origin: false, body: text.into() }
    }

    pub(crate) fn not_found(text: &str) -> Self {
        Self { status: 404, content_type: PLAIN, any_origin: false, body: text.into() }
    }

    /// The shards cannot be asked: the server stops.
    pub fn unavailable() -> Self {
        let text = "the server is shutting down\n".to_owned();
        Self { status: 503, content_type: PLAIN, any_origin: false, body: text }
    }
}
