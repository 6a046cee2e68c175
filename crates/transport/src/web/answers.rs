//! Answers over HTTP, as Go's server writes them.

use http_head::{Head, location, redirect_page};
use ws_frame::Refusal;

use super::date::http_date;

/// How an answer is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// The request is of HTTP/1.0.
    is_old: bool,
    /// Whoever asked does not want the body.
    is_head: bool,
    /// The connection ends with it.
    pub(super) closes: bool,
    /// Seconds since 1970.
    now: i64,
}

const PLAIN: &str = "Content-Type: text/plain; charset=utf-8\r\n";
const NO_SNIFF: &str = "X-Content-Type-Options: nosniff\r\n";

impl Manner {
    /// What a request asks for.
    pub(super) fn of(head: &Head, closes: bool, now: i64) -> Self {
        Self { is_old: head.version == (1, 0), is_head: *head.method == *b"HEAD", closes, now }
    }

    /// An answer with headers of its own, a line each. Of one without a body the length is not said.
    fn answer(self, status: &str, headers: &str, body: Option<&[u8]>) -> Vec<u8> {
        let version = if self.is_old { "1.0" } else { "1.1" };
        let connection = match (self.closes, self.is_old) {
            (true, false) => "Connection: close\r\n",
            (false, true) => "Connection: keep-alive\r\n",
            (true, true) | (false, false) => "",
        };
        let length = body.map_or_else(String::new, |body| format!("Content-Length: {}\r\n", body.len()));
        let date = http_date(self.now);
        let head = format!("HTTP/{version} {status}\r\n{headers}Date: {date}\r\n{length}{connection}\r\n");
        [head.as_bytes(), body.filter(|_| !self.is_head).unwrap_or_default()].concat()
    }

    /// It is no WebSocket.
    pub(super) fn refused(self, refusal: &Refusal) -> Vec<u8> {
        let (code, words) = refusal.status();
        let headers = format!("{PLAIN}Sec-Websocket-Version: 13\r\n{NO_SNIFF}");
        self.answer(&format!("{code} {words}"), &headers, Some(format!("{words}\n").as_bytes()))
    }

    /// There is no such page.
    pub(super) fn no_page(self) -> Vec<u8> {
        self.answer("404 Not Found", &format!("{PLAIN}{NO_SNIFF}"), Some(b"404 page not found\n"))
    }

    /// It is to ask elsewhere.
    pub(super) fn redirected(self, method: &[u8], place: &[u8]) -> Vec<u8> {
        let headers = |kind| format!("{kind}Location: {}\r\n", location(place));
        let html = "Content-Type: text/html; charset=utf-8\r\n";
        let status = "307 Temporary Redirect";
        match method {
            b"GET" => self.answer(status, &headers(html), Some(&redirect_page(place))),
            b"HEAD" => self.answer(status, &headers(html), None),
            _ => self.answer(status, &headers(""), Some(b"")),
        }
    }

    /// What the server can do, which is nothing in particular.
    pub(super) fn options(self) -> Vec<u8> {
        let (version, date) = (if self.is_old { "1.0" } else { "1.1" }, http_date(self.now));
        let close = if self.closes && !self.is_old { "Connection: close\r\n" } else { "" };
        format!("HTTP/{version} 200 OK\r\nContent-Length: 0\r\nDate: {date}\r\n{close}\r\n").into_bytes()
    }

    /// Refused before anybody looks at it.
    pub(super) fn unwanted(self, status: &str) -> Vec<u8> {
        let (version, date) = (if self.is_old { "1.0" } else { "1.1" }, http_date(self.now));
        format!("HTTP/{version} {status}\r\nConnection: close\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n")
            .into()
    }
}
