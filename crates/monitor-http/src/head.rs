//! The head of one request, line by line, by the rules of Go's `net/http`.
//!
//! hyper is stricter than Go in some things and laxer in others: it takes a request without a Host or with two,
//! and none with a folded header or of HTTP/1.2. So heads are read here, and hyper sees one that says the same
//! in its plainest form: the three words of the request, the target in digits, and the headers that say how it goes on.
//!
//! Always true: of a head that is not over yet no more is kept than its first line and the headers that are named
//! in [`Field`], each at most [`LINE_BYTES_MAX`] long.

use crate::refusal::Refusal;
use crate::targets::{TARGET_BYTES_MAX, digits};

/// Bytes of a line. Go takes longer ones, up to the length of a head.
pub(crate) const LINE_BYTES_MAX: usize = 24 << 10;

/// Values that are kept of a head: so many of each header that matters nobody sends.
const VALUES_MAX: usize = 64;

/// Headers that matter, but for the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Host,
    Connection,
    ContentLength,
    TransferEncoding,
    Trailer,
    Expect,
}

const FIELDS: [(&str, Field); 6] = [
    ("host", Field::Host),
    ("connection", Field::Connection),
    ("content-length", Field::ContentLength),
    ("transfer-encoding", Field::TransferEncoding),
    ("trailer", Field::Trailer),
    ("expect", Field::Expect),
];

/// The first line.
#[derive(Debug)]
struct Request {
    method: Box<[u8]>,
    target: Box<[u8]>,
    version: (u8, u8),
}

/// What hyper is to see of a head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) bytes: Vec<u8>,
    /// What follows is no head: a body, of which hyper alone knows where it ends, or what nobody reads.
    pub(crate) is_last: bool,
    pub(crate) is_post: bool,
}

/// The lines of a head so far.
#[derive(Debug, Default)]
pub(crate) struct Head {
    request: Option<Request>,
    /// The line that may go on in the next one, blanks around it aside.
    line: Option<Vec<u8>>,
    values: Vec<(Field, Vec<u8>)>,
    has_headers: bool,
    has_bad_name: bool,
}

impl Head {
    /// What to say of a line that is too long.
    pub(crate) fn too_long(&self) -> Refusal {
        if self.request.is_none() { Refusal::TargetTooLong } else { Refusal::TooLarge }
    }

    /// Takes one more line, without its end. Returns what hyper is to see if it was the last.
    pub(crate) fn on_line(&mut self, line: &[u8]) -> Result<Option<Plain>, Refusal> {
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
        let field = FIELDS.iter().find(|(field, _)| name.eq_ignore_ascii_case(field.as_bytes()));
        if let Some((_, field)) = field {
            self.values.push((*field, trim_start(value).to_vec()));
        }
        if self.values.len() > VALUES_MAX { Err(Refusal::TooLarge) } else { Ok(()) }
    }

    fn values(&self, field: Field) -> impl Iterator<Item = &[u8]> {
        self.values.iter().filter(move |(of, _)| *of == field).map(|(_, value)| &value[..])
    }

    /// The head is whole: what is wrong with it comes out in the order in which Go looks.
    fn end(&mut self) -> Result<Plain, Refusal> {
        let request = self.request.take().ok_or(Refusal::Malformed)?;
        if self.values(Field::Host).count() > 1 {
            return Err(Refusal::Malformed);
        }
        let is_chunked = self.is_chunked(request.version)?;
        let length = self.length()?;
        if is_chunked && self.values(Field::Trailer).any(names_a_bad_trailer) {
            return Err(Refusal::Malformed);
        }
        let is_preface = request.is_preface();
        if request.version.0 != 1 && !is_preface {
            return Err(Refusal::Version);
        }
        let is_lone = is_preface && !self.has_headers;
        let host = self.values(Field::Host).next();
        if host.is_none() && request.version >= (1, 1) && !is_lone && *request.method != *b"CONNECT" {
            return Err(Refusal::MissingHost);
        }
        if !host.unwrap_or_default().iter().all(|byte| is_of_host(*byte)) {
            return Err(Refusal::MalformedHost);
        }
        if self.has_bad_name {
            return Err(Refusal::InvalidHeaderName);
        }
        Ok(self.plain(&request, is_chunked, length.as_deref()))
    }

    /// Whether the body comes in chunks.
    fn is_chunked(&self, version: (u8, u8)) -> Result<bool, Refusal> {
        let mut encodings = self.values(Field::TransferEncoding);
        match (encodings.next(), encodings.next()) {
            (None, _) => Ok(false),
            // It is not meant: the version is older than that.
            (Some(_), _) if version < (1, 1) => Ok(false),
            (Some(encoding), None) if encoding.eq_ignore_ascii_case(b"chunked") => Ok(true),
            _ => Err(Refusal::TransferEncoding),
        }
    }

    /// The length of the body, if it is said: more than once is once, if it is always the same.
    fn length(&self) -> Result<Option<Vec<u8>>, Refusal> {
        let mut lengths = self.values(Field::ContentLength).map(trim);
        let Some(length) = lengths.next() else { return Ok(None) };
        let is_one = lengths.all(|other| other == length);
        let is_number = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(length).ok().and_then(|text| text.parse::<i64>().ok());
        match number.filter(|_| is_one && is_number) {
            Some(number) => Ok(Some(number.to_string().into_bytes())),
            None => Err(Refusal::Malformed),
        }
    }

    fn plain(&self, request: &Request, is_chunked: bool, length: Option<&[u8]>) -> Plain {
        let version: &[u8] = match request.version {
            (1, 0) => b"1.0",
            (1, _) => b"1.1",
            _ => b"2.0", // hyper refuses it as Go does.
        };
        let mut bytes = [&request.method[..], b" /"].concat();
        digits(&request.target, &mut bytes);
        bytes.extend_from_slice(&[b" HTTP/", version, b"\r\n"].concat());
        let mut put = |name: &str, value: &[u8]| {
            bytes.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
        };
        self.values(Field::Connection).for_each(|value| put("connection", value));
        self.values(Field::Expect).for_each(|value| put("expect", value));
        match length {
            _ if is_chunked => put("transfer-encoding", b"chunked"),
            Some(length) => put("content-length", length),
            None => {}
        }
        bytes.extend_from_slice(b"\r\n");
        let is_last = is_chunked || length.is_some() || self.closes(request.version);
        Plain { bytes, is_last, is_post: *request.method == *b"POST" }
    }

    /// Whether the connection ends with the answer.
    fn closes(&self, version: (u8, u8)) -> bool {
        let says = |word: &[u8]| {
            let mut words =
                self.values(Field::Connection).flat_map(|value| value.split(|byte| *byte == b','));
            words.any(|said| trim(said).eq_ignore_ascii_case(word))
        };
        says(b"close") || version.0 != 1 || (version == (1, 0) && !says(b"keep-alive"))
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

fn trim(text: &[u8]) -> &[u8] {
    let text = trim_start(text);
    let end = text.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |last| last + 1);
    &text[..end]
}

fn trim_start(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !is_blank(*byte)).unwrap_or(text.len());
    &text[start..]
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
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

    fn read(text: &str) -> Result<String, Refusal> {
        let mut head = Head::default();
        for line in text.split('\n') {
            if let Some(plain) = head.on_line(line.as_bytes())? {
                return Ok(String::from_utf8(plain.bytes).expect("the test says text"));
            }
        }
        Ok("more".into())
    }

    fn with(headers: &str) -> Result<String, Refusal> {
        read(&format!("GET /a HTTP/1.1\n{headers}\n"))
    }

    #[test]
    fn hyper_sees_the_plainest_form() {
        let text = "GET /a<> HTTP/1.7\nHost: h\nX: y\n folded\nCONNECTION:  close \nExpect: x\n\n";
        assert_eq!(read(text).unwrap(), "GET /2f613c3e HTTP/1.1\r\nconnection: close\r\nexpect: x\r\n\r\n");
        assert_eq!(read("GET / HTTP/1.0\n\n").unwrap(), "GET /2f HTTP/1.0\r\n\r\n");
        assert_eq!(with("Host: h").unwrap(), "GET /2f61 HTTP/1.1\r\n\r\n");
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
        assert!(body("Content-Length: 01\nContent-Length:01 \n").contains("content-length: 1\r\n"));
        let chunked = body("Content-Length: 1\nTransfer-Encoding: CHUNKED\n");
        assert!(
            chunked.contains("transfer-encoding: chunked") && !chunked.contains("content-length"),
            "{chunked}"
        );
        // An old version knows of no chunks.
        assert_eq!(read("GET / HTTP/1.0\nTransfer-Encoding: gzip\n\n").unwrap(), "GET /2f HTTP/1.0\r\n\r\n");
    }
}
