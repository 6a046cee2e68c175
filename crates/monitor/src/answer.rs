//! What goes back to who asked.

use serde::Serialize;

use crate::go_json::pretty;

/// The answer to one request, as HTTP carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// What the body is; empty if nothing is said of it.
    pub content_type: &'static str,
    /// Whether pages of other origins may read it, as all JSON may.
    pub any_origin: bool,
    /// Where to ask instead.
    pub location: Option<String>,
    /// Whether the connection ends with it: what comes next may not be a request.
    pub closes: bool,
    /// The text.
    pub body: String,
}

const PLAIN: &str = "text/plain; charset=utf-8";

const HTML: &str = "text/html; charset=utf-8";

impl Answer {
    pub(crate) const fn plain(status: u16, body: String) -> Self {
        Self { status, content_type: PLAIN, any_origin: false, location: None, closes: false, body }
    }

    pub(crate) fn json(value: &impl Serialize) -> Self {
        Self::json_text(200, pretty(value))
    }

    pub(crate) fn json_text(status: u16, body: String) -> Self {
        Self { content_type: "application/json", any_origin: true, ..Self::plain(status, body) }
    }

    pub(crate) fn html(body: String) -> Self {
        Self { content_type: HTML, ..Self::plain(200, body) }
    }

    pub(crate) fn bad_request(text: impl Into<String>) -> Self {
        Self::plain(400, text.into())
    }

    pub(crate) fn not_found(text: &str) -> Self {
        Self::plain(404, text.into())
    }

    /// What is not even asked properly.
    pub(crate) fn not_understood() -> Self {
        Self { closes: true, ..Self::bad_request("400 Bad Request") }
    }

    /// What is asked is longer than anybody reads.
    pub fn target_too_long() -> Self {
        Self { closes: true, ..Self::plain(414, "414 URI Too Long".to_owned()) }
    }

    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self { content_type: "", closes: status >= 400, ..Self::plain(status, String::new()) }
    }

    /// Sends who asks with `method` to another place, as Go does.
    pub(crate) fn redirect(method: &str, place: &[u8]) -> Self {
        let location = place.iter().map(|byte| match byte {
            0x80.. => format!("%{byte:x}"),
            _ => char::from(*byte).to_string(),
        });
        let shown = String::from_utf8_lossy(place)
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&#34;")
            .replace('\'', "&#39;");
        let (content_type, body) = match method {
            "GET" | "HEAD" => (HTML, format!("<a href=\"{shown}\">Temporary Redirect</a>.\n\n")),
            _ => ("", String::new()),
        };
        Self { content_type, location: Some(location.collect()), ..Self::plain(307, body) }
    }

    /// The shards cannot be asked: the server stops.
    pub fn unavailable() -> Self {
        Self::plain(503, "the server is shutting down\n".to_owned())
    }
}
