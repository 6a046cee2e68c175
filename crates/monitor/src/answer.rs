//! What goes back to who asked.

use http_head::{location, redirect_page};
use nats_proto::go_json::pretty;
use serde::Serialize;

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
    /// Whether nobody shall guess at another kind of body.
    pub no_sniff: bool,
    /// What else is said of it, names in lower case.
    pub headers: &'static [(&'static str, &'static str)],
    /// Text, mostly: what clients have said is as they said it.
    pub body: Vec<u8>,
}

const PLAIN: &str = "text/plain; charset=utf-8";

const BINARY: &str = "application/octet-stream";

/// How much of a body is looked at to tell what it is.
const SNIFFED_BYTES: usize = 512;

const HTML: &str = "text/html; charset=utf-8";

impl Answer {
    pub(crate) fn plain(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let content_type = if is_text(&body) { PLAIN } else { BINARY };
        Self {
            status,
            content_type,
            any_origin: false,
            location: None,
            closes: false,
            no_sniff: false,
            headers: &[],
            body,
        }
    }

    /// What was found, as JSON that people can read.
    pub fn json(value: &impl Serialize) -> Self {
        Self::json_text(200, pretty(value))
    }

    pub(crate) fn json_text(status: u16, body: String) -> Self {
        Self { content_type: "application/json", any_origin: true, ..Self::plain(status, body) }
    }

    /// A file that is not made for the question.
    pub fn file(content_type: &'static str, body: Vec<u8>) -> Self {
        Self { content_type, no_sniff: true, ..Self::plain(200, body) }
    }

    pub(crate) fn html(body: String) -> Self {
        Self { content_type: HTML, ..Self::plain(200, body) }
    }

    /// What is asked for makes no sense, and why.
    pub fn bad_request(text: impl Into<Vec<u8>>) -> Self {
        Self::plain(400, text)
    }

    /// A parameter says something that means nothing.
    pub(crate) fn bad_word(text: &str, word: Option<&[u8]>) -> Self {
        Self::bad_request([text.as_bytes(), word.unwrap_or_default()].concat())
    }

    pub(crate) fn not_found(text: &str) -> Self {
        Self::plain(404, text)
    }

    /// There is no such page.
    pub fn no_page() -> Self {
        Self { no_sniff: true, ..Self::not_found("404 page not found\n") }
    }

    /// What is not even asked properly.
    pub(crate) fn not_understood() -> Self {
        Self { closes: true, ..Self::bad_request("400 Bad Request") }
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self { content_type: "", closes: status >= 400, ..Self::plain(status, "") }
    }

    /// Sends who asks with `method` to another place, as Go does.
    pub fn redirect(method: &str, place: &[u8]) -> Self {
        let (content_type, body) = match method {
            "GET" | "HEAD" => (HTML, redirect_page(place)),
            _ => ("", Vec::new()),
        };
        Self { content_type, location: Some(location(place)), ..Self::plain(307, body) }
    }

    /// There is no place left for one more who watches.
    pub fn too_many_watch() -> Self {
        Self::plain(503, "as many as may watch do so already\n")
    }

    /// The shards cannot be asked: the server stops.
    pub fn unavailable() -> Self {
        Self::plain(503, "the server is shutting down\n")
    }
}

/// What Go's `http.DetectContentType` takes for text; what we say begins like no other kind.
fn is_text(body: &[u8]) -> bool {
    let is_binary = |byte: &u8| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    !body.iter().take(SNIFFED_BYTES).any(is_binary)
}

#[cfg(test)]
impl Answer {
    /// The body of an answer that is text.
    pub(crate) fn text(self) -> String {
        String::from_utf8(self.body).unwrap()
    }
}
