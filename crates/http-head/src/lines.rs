//! The lines of a head, by the rules of Go's `net/http`.
//!
//! Always true: of a head that is not over yet no more is kept than its first line, the line that may go on, and the
//! headers that matter, each at most [`LINE_BYTES_MAX`] long.

use crate::blanks::{trim, trim_start};
use crate::head::{Head, TARGET_BYTES_MAX};
use crate::refusal::Refusal;

/// Bytes of a line. Go takes longer ones, up to the length of a head.
pub const LINE_BYTES_MAX: usize = 24 << 10;

/// Values that are kept of a head: so many of each header that matters nobody sends.
const VALUES_MAX: usize = 64;

/// Headers that say where a request goes and how it goes on.
const FIELDS: [&str; 6] = ["host", "connection", "content-length", "transfer-encoding", "trailer", "expect"];

/// The first line.
#[derive(Debug)]
struct Request {
    method: Box<[u8]>,
    target: Box<[u8]>,
    version: (u8, u8),
}

/// The lines of a head so far.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// Further headers that matter.
    kept: &'static [&'static str],
    request: Option<Request>,
    /// The line that may go on in the next one, blanks around it aside.
    line: Option<Vec<u8>>,
    values: Vec<(&'static str, Vec<u8>)>,
    has_headers: bool,
    has_bad_name: bool,
}

impl Lines {
    pub(crate) fn new(kept: &'static [&'static str]) -> Self {
        Self { kept, ..Self::default() }
    }

    /// What to say of a line that is too long.
    pub(crate) fn too_long(&self) -> Refusal {
        if self.request.is_none() { Refusal::TargetTooLong } else { Refusal::TooLarge }
    }

    /// Takes one more line, without its end. Returns the head if it was the last.
    pub(crate) fn on_line(&mut self, line: &[u8]) -> Result<Option<Head>, Refusal> {
        if self.request.is_none() {
            self.request = Some(Request::read(line)?);
            return Ok(None);
        }
        if let [b' ' | b'\t', ..] = line {
            self.go_on_with_line(line)?;
            return Ok(None);
        }
        self.end_line()?;
        if line.is_empty() {
            return self.end().map(Some);
        }
        if !line.contains(&b':') {
            return Err(Refusal::Malformed);
        }
        self.line = Some(trim(line).to_vec());
        Ok(None)
    }

    /// A line that begins with a blank belongs to the one before.
    fn go_on_with_line(&mut self, more: &[u8]) -> Result<(), Refusal> {
        let line = self.line.as_mut().ok_or(Refusal::Malformed)?;
        line.push(b' ');
        line.extend_from_slice(trim(more));
        if line.len() > LINE_BYTES_MAX { Err(Refusal::TooLarge) } else { Ok(()) }
    }

    /// The line is whole.
    fn end_line(&mut self) -> Result<(), Refusal> {
        let Some(line) = self.line.take() else { return Ok(()) };
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let is_named = !name.is_empty() && name.iter().all(|byte| is_token(*byte) || *byte == b' ');
        if !is_named || !value.iter().all(|byte| is_text(*byte)) {
            return Err(Refusal::Malformed);
        }
        self.has_headers = true;
        self.has_bad_name |= name.contains(&b' ');
        let mut fields = FIELDS.iter().chain(self.kept);
        if let Some(field) = fields.find(|field| name.eq_ignore_ascii_case(field.as_bytes())) {
            self.values.push((*field, trim_start(value).to_vec()));
        }
        if self.values.len() > VALUES_MAX { Err(Refusal::TooLarge) } else { Ok(()) }
    }

    fn values(&self, field: &str) -> impl Iterator<Item = &[u8]> {
        self.values.iter().filter(move |(of, _)| *of == field).map(|(_, value)| &value[..])
    }

    /// The head is whole: what is wrong with it comes out in the order in which Go looks.
    fn end(&mut self) -> Result<Head, Refusal> {
        let request = self.request.take().ok_or(Refusal::Malformed)?;
        if self.values("host").count() > 1 {
            return Err(Refusal::Malformed);
        }
        let is_chunked = self.is_chunked(request.version)?;
        let length = self.length()?;
        if is_chunked && self.values("trailer").any(names_a_bad_trailer) {
            return Err(Refusal::Malformed);
        }
        let is_preface = request.is_preface();
        if request.version.0 != 1 && !is_preface {
            return Err(Refusal::Version);
        }
        let is_lone = is_preface && !self.has_headers;
        let host = self.values("host").next();
        if host.is_none() && request.version >= (1, 1) && !is_lone && *request.method != *b"CONNECT" {
            return Err(Refusal::MissingHost);
        }
        if !host.unwrap_or_default().iter().all(|byte| is_of_host(*byte)) {
            return Err(Refusal::MalformedHost);
        }
        if self.has_bad_name {
            return Err(Refusal::InvalidHeaderName);
        }
        let Request { method, target, version } = request;
        let values = std::mem::take(&mut self.values);
        Ok(Head { method, target, version, is_chunked, length: length.filter(|_| !is_chunked), values })
    }

    /// Whether the body comes in chunks.
    fn is_chunked(&self, version: (u8, u8)) -> Result<bool, Refusal> {
        let mut encodings = self.values("transfer-encoding");
        match (encodings.next(), encodings.next()) {
            (None, _) => Ok(false),
            // It is not meant: the version is older than that.
            (Some(_), _) if version < (1, 1) => Ok(false),
            (Some(encoding), None) if encoding.eq_ignore_ascii_case(b"chunked") => Ok(true),
            _ => Err(Refusal::TransferEncoding),
        }
    }

    /// The length of the body, if it is said: more than once is once, if it is always the same.
    fn length(&self) -> Result<Option<u64>, Refusal> {
        let mut lengths = self.values("content-length").map(trim);
        let Some(length) = lengths.next() else { return Ok(None) };
        let is_one = lengths.all(|other| other == length);
        let is_number = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(length).ok().and_then(|text| text.parse::<i64>().ok());
        let number = number.filter(|_| is_one && is_number).and_then(|number| u64::try_from(number).ok());
        number.map(Some).ok_or(Refusal::Malformed)
    }

    /// Bytes that are kept.
    pub(crate) fn kept_bytes(&self) -> usize {
        let target = self.request.as_ref().map_or(0, |request| request.target.len() + request.method.len());
        let values: usize = self.values.iter().map(|(_, value)| value.len()).sum();
        target + self.line.as_ref().map_or(0, Vec::len) + values
    }
}

impl Request {
    fn read(line: &[u8]) -> Result<Self, Refusal> {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next()) else {
            return Err(Refusal::Malformed);
        };
        let [b'H', b'T', b'T', b'P', b'/', major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9'] = version else {
            return Err(Refusal::Malformed);
        };
        if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
            return Err(Refusal::Malformed);
        }
        if target.len() > TARGET_BYTES_MAX {
            return Err(Refusal::TargetTooLong);
        }
        Ok(Self { method: method.into(), target: target.into(), version: (major - b'0', minor - b'0') })
    }

    /// Whether HTTP/2 begins like this.
    fn is_preface(&self) -> bool {
        *self.method == *b"PRI" && *self.target == *b"*" && self.version == (2, 0)
    }
}

/// Whether a list of trailers has one that is none.
fn names_a_bad_trailer(value: &[u8]) -> bool {
    let mut names = value.split(|byte| *byte == b',').map(trim);
    names.any(|name| {
        [&b"transfer-encoding"[..], b"trailer", b"content-length"]
            .iter()
            .any(|bad| name.eq_ignore_ascii_case(bad))
    })
}

/// Whether a header's value may have this byte.
fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// Whether a name or a method may.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether a Host may.
fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!$%&()*+,-.:;=['_]~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Head, Refusal> {
        let mut lines = Lines::default();
        for line in text.split('\n') {
            if let Some(head) = lines.on_line(line.as_bytes())? {
                return Ok(head);
            }
        }
        panic!("it is no head: {text}")
    }

    fn with(headers: &str) -> Result<Head, Refusal> {
        read(&format!("GET /a HTTP/1.1\n{headers}\n"))
    }

    #[test]
    fn what_matters_of_a_head_is_kept() {
        let mut lines = Lines::new(&["x-a"]);
        let text = "GET /a<> HTTP/1.7\nHost: h\nX: y\nX-A: b\n c\nx-a:d\nCONNECTION:  close \n";
        assert!(text.lines().all(|line| lines.on_line(line.as_bytes()).is_ok_and(|head| head.is_none())));
        assert_eq!(lines.kept_bytes(), "GET/a<>hb cdCONNECTION:  close".len());
        let head = lines.on_line(b"").unwrap().expect("it is over");
        assert_eq!((&*head.method, &*head.target, head.version), (&b"GET"[..], &b"/a<>"[..], (1, 7)));
        assert_eq!(head.values_of("x-a").collect::<Vec<_>>(), [&b"b c"[..], b"d"]);
        assert!(head.closes() && !head.has_body() && head.value("x").is_none());
        for (text, closes) in [
            ("GET / HTTP/1.0\n\n", true),
            ("GET / HTTP/1.0\nConnection: a, Keep-Alive\n\n", false),
            ("GET / HTTP/1.1\nHost: h\n\n", false),
        ] {
            assert_eq!(read(text).unwrap().closes(), closes, "{text}");
        }
    }

    /// As 2.14.5 answers.
    #[test]
    fn what_the_peer_refuses_is_refused() {
        use Refusal::{InvalidHeaderName, Malformed, MalformedHost, MissingHost, TransferEncoding};
        for (headers, refusal) in [
            ("A: b\n", MissingHost),
            ("Host: a\nHost: a\n", Malformed),
            ("Host: a b\n", MalformedHost),
            ("Host: x\n folded\n", MalformedHost),
            ("Host: a/b\n", MalformedHost),
            ("Host: \u{e9}\n", MalformedHost),
            ("Host: a\nA B: c\n", InvalidHeaderName),
            ("Host: a\nA : c\n", InvalidHeaderName),
            ("Host: a\n: c\n", Malformed),
            ("Host: a\nA(: c\n", Malformed),
            ("Host: a\nA: \u{1}\n", Malformed),
            ("Host: a\nA: b\rc\n", Malformed),
            ("Host: a\nA\n", Malformed),
            (" A: b\nHost: a\n", Malformed),
            ("Host: a\nTransfer-Encoding: gzip\n", TransferEncoding),
            ("Host: a\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n", TransferEncoding),
            ("Host: a\nTransfer-Encoding: gzip, chunked\n", TransferEncoding),
            ("Host: a\nTransfer-Encoding:\n", TransferEncoding),
            ("Host: a\nContent-Length: 1\nContent-Length: 2\n", Malformed),
            ("Host: a\nContent-Length: 1, 1\n", Malformed),
            ("Host: a\nContent-Length: +1\n", Malformed),
            ("Host: a\nContent-Length: -1\n", Malformed),
            ("Host: a\nContent-Length:\n", Malformed),
            ("Host: a\nContent-Length: 9223372036854775808\n", Malformed),
            ("Host: a\nTransfer-Encoding: chunked\nTrailer: A, Content-Length\n", Malformed),
        ] {
            assert_eq!(with(headers), Err(refusal), "{headers}");
        }
        for (line, refusal) in [
            ("GET / HTTP/2.0", Refusal::Version),
            ("GET / HTTP/0.9", Refusal::Version),
            ("PRI /x HTTP/2.0", Refusal::Version),
            ("GET / HTTP/1.10", Malformed),
            ("GET / HTTP/1", Malformed),
            ("GET / http/1.1", Malformed),
            ("GET /", Malformed),
            ("GET  / HTTP/1.1", Malformed),
            ("GET / HTTP/1.1 ", Malformed),
            ("G(T / HTTP/1.1", Malformed),
            (" / HTTP/1.1", Malformed),
            ("", Malformed),
        ] {
            assert_eq!(read(&format!("{line}\nHost: h\n\n")), Err(refusal), "{line}");
        }
        assert_eq!(read("PRI * HTTP/2.0\nA: b\n\n"), Err(MissingHost));
    }

    #[test]
    fn what_the_peer_takes_is_taken() {
        for text in ["GET / HTTP/1.0\nA: b\n\n", "CONNECT h:80 HTTP/1.1\n\n", "PRI * HTTP/2.0\n\n"] {
            assert!(read(text).is_ok(), "{text}");
        }
        for host in ["", "[::1]:80", "a%41", "~!$&'()*+,;=_-.:"] {
            assert!(with(&format!("Host: {host}\n")).is_ok(), "{host}");
        }
        let body = |headers: &str| with(&format!("Host: h\n{headers}")).unwrap();
        assert!(body("Content-Length: 01\nContent-Length:01 \n").length == Some(1));
        let chunked = body("Content-Length: 1\nTransfer-Encoding: CHUNKED\n");
        assert!(chunked.is_chunked && chunked.length.is_none());
        // An old version knows of no chunks.
        assert!(!read("GET / HTTP/1.0\nTransfer-Encoding: gzip\n\n").unwrap().has_body());
    }
}
