//! The request that makes a connection a WebSocket, and the answer to it (RFC 6455, section 4.2).
//!
//! The caller has read the head of the request. What is checked, in which order and what is said, is nats-server's.

use std::net::IpAddr;
use std::sync::LazyLock;

use data_encoding::{BASE64, Encoding};
use sha1::{Digest, Sha1};
use thiserror::Error;

use crate::cookies::{CookieNames, Cookies};
use crate::origin::{Origin, OriginError};
use crate::reader::Agreed;

/// What every server of the protocol appends to a client's key (RFC 6455, section 1.3).
const KEY_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Like Go, whatever the unused bits of the last letter are.
static KEYS: LazyLock<Encoding> = LazyLock::new(|| {
    let mut keys = BASE64.specification();
    keys.check_trailing_bits = false;
    keys.encoding().expect("it says less than a valid one")
});

/// The head of a request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// As it was sent: methods have a case.
    pub method: &'a [u8],
    /// The target's path as it was sent, without its query.
    pub path: &'a [u8],
    /// The host that was asked, from the target or from `Host`.
    pub host: &'a [u8],
    /// It came over TLS.
    pub is_tls: bool,
    /// Names and values, in order.
    pub headers: &'a [(&'a [u8], &'a [u8])],
}

/// What a listener allows.
#[derive(Debug, Clone, Default)]
pub struct UpgradePolicy {
    /// Whoever asks for it may compress, and gets it compressed.
    pub compression: bool,
    /// A page's origin has to be where it connects to.
    pub same_origin: bool,
    /// Scheme and port of pages that this server hands out elsewhere on the same host: they are of the same origin as well.
    pub own_pages: Option<(&'static str, u16)>,
    /// A page's origin has to be one of these, if there are any.
    pub allowed_origins: Vec<Origin>,
    /// MQTT is spoken here.
    pub mqtt: bool,
    /// Which cookies hold credentials.
    pub cookies: CookieNames,
    /// Headers to answer with: `name: value\r\n` each.
    pub headers: String,
}

/// What is to be spoken over the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// The client protocol.
    Client,
    /// The protocol of leaf nodes: the path ends with `/leafnode`.
    Leaf,
    /// MQTT: the path ends with `/mqtt`.
    Mqtt,
}

/// How frames should be cut for who reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taste {
    /// It takes frames of any size.
    Any,
    /// A browser: frames up to 4,096 bytes.
    Browser,
    /// Safari: the same, but compressed messages are whole.
    Safari,
}

/// A connection that is a WebSocket from here on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// What is to be spoken.
    pub endpoint: Endpoint,
    /// What was agreed on.
    pub agreed: Agreed,
    /// How it likes its frames.
    pub taste: Taste,
    /// Where the client is, as a proxy says (`X-Forwarded-For`).
    pub client_ip: Option<String>,
    /// Credentials from cookies.
    pub cookies: Cookies,
    /// What to answer.
    pub response: Vec<u8>,
}

/// A request that is refused, in the words of nats-server's log, behind `websocket handshake error: `.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// There is no MQTT here.
    #[error("mqtt websocket endpoint not enabled")]
    Mqtt,
    /// It is no GET.
    #[error("request method must be GET")]
    Method,
    /// Nobody was asked. Only HTTP/1.0 comes this far without.
    #[error("'Host' missing in request")]
    Host,
    /// It is not to be upgraded, or not to a WebSocket.
    #[error("invalid value for header '{0}'")]
    Header(&'static str),
    /// No key.
    #[error("key missing")]
    NoKey,
    /// A key that is not sixteen bytes in base64.
    #[error("invalid websocket key")]
    Key,
    /// Of the versions there are, only 13 is one that anybody speaks.
    #[error("invalid version")]
    Version,
    /// A page that connects elsewhere.
    #[error("origin not allowed: not same origin")]
    NotSameOrigin,
    /// A page that may not.
    #[error("origin not allowed: not in the allowed list")]
    NotAllowed,
    /// Nobody knows where it comes from, or where to.
    #[error("origin not allowed: {0}")]
    Origin(#[from] OriginError),
}

impl Refusal {
    /// The HTTP status to answer with.
    pub fn status(&self) -> (u16, &'static str) {
        match self {
            Self::Mqtt => (404, "Not Found"),
            Self::Method => (405, "Method Not Allowed"),
            Self::NotSameOrigin | Self::NotAllowed | Self::Origin(_) => (403, "Forbidden"),
            _ => (400, "Bad Request"),
        }
    }

    /// The answer: `date` is the wall clock's as HTTP writes it. `is_head` leaves the body away.
    pub fn response(&self, date: &str, is_head: bool) -> Vec<u8> {
        let (code, words) = self.status();
        let len = words.len() + 1;
        let body = if is_head { String::new() } else { format!("{words}\n") };
        format!(
            "HTTP/1.1 {code} {words}\r\nContent-Type: text/plain; charset=utf-8\r\nSec-Websocket-Version: 13\r\n\
             X-Content-Type-Options: nosniff\r\nDate: {date}\r\nContent-Length: {len}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

impl Request<'_> {
    /// Whether and how the connection becomes a WebSocket.
    ///
    /// # Errors
    /// It does not: the client is told, and may ask for something else.
    pub fn upgrade(&self, policy: &UpgradePolicy) -> Result<Upgrade, Refusal> {
        let endpoint = self.endpoint();
        if endpoint == Endpoint::Mqtt && !policy.mqtt {
            return Err(Refusal::Mqtt);
        }
        let key = self.check()?;
        self.check_origin(policy)?;
        let compression = policy.compression && self.asks_for_compression();
        let no_masking = self.value("Nats-No-Masking") == Some(b"true");
        let mut upgrade = Upgrade {
            endpoint,
            agreed: Agreed { compression, no_masking },
            taste: Taste::Any,
            client_ip: self.client_ip(),
            cookies: Cookies::default(),
            response: response(key, endpoint, Agreed { compression, no_masking }, &policy.headers),
        };
        if endpoint != Endpoint::Leaf {
            upgrade.taste = self.taste();
            self.values("Cookie").for_each(|line| upgrade.cookies.read(line, &policy.cookies));
        }
        Ok(upgrade)
    }

    fn endpoint(&self) -> Endpoint {
        if self.path.ends_with(b"/leafnode") {
            Endpoint::Leaf
        } else if self.path.ends_with(b"/mqtt") {
            Endpoint::Mqtt
        } else {
            Endpoint::Client
        }
    }

    /// Checks what everyone has to send. Returns the client's key.
    fn check(&self) -> Result<&[u8], Refusal> {
        if self.method != b"GET" {
            return Err(Refusal::Method);
        }
        if self.host.is_empty() {
            return Err(Refusal::Host);
        }
        for (name, value) in [("Upgrade", "websocket"), ("Connection", "Upgrade")] {
            if !self.says(name, value) {
                return Err(Refusal::Header(name));
            }
        }
        let key = self.value("Sec-WebSocket-Key").filter(|key| !key.is_empty()).ok_or(Refusal::NoKey)?;
        if KEYS.decode(key).map_or(0, |key| key.len()) != 16 {
            return Err(Refusal::Key);
        }
        if self.says("Sec-WebSocket-Version", "13") { Ok(key) } else { Err(Refusal::Version) }
    }

    /// Who is no page names no origin, and is not held to one.
    fn check_origin(&self, policy: &UpgradePolicy) -> Result<(), Refusal> {
        if !policy.same_origin && policy.allowed_origins.is_empty() {
            return Ok(());
        }
        let named = |name| self.value(name).filter(|value| !value.is_empty());
        let Some(origin) = named("Origin").or_else(|| named("Sec-WebSocket-Origin")) else { return Ok(()) };
        let origin = Origin::parse(&String::from_utf8_lossy(origin))?;
        if policy.same_origin {
            let here = Origin::of_host(&String::from_utf8_lossy(self.host), self.is_tls)?;
            let own = policy.own_pages.map(|(scheme, port)| Origin {
                scheme: scheme.to_owned(),
                host: here.host.clone(),
                port: port.to_string(),
            });
            if origin != here && Some(origin.clone()) != own {
                return Err(Refusal::NotSameOrigin);
            }
        }
        let is_allowed = policy.allowed_origins.is_empty() || policy.allowed_origins.contains(&origin);
        if is_allowed { Ok(()) } else { Err(Refusal::NotAllowed) }
    }

    fn asks_for_compression(&self) -> bool {
        self.values("Sec-WebSocket-Extensions")
            .flat_map(|line| line.split(|byte| matches!(byte, b',' | b';')))
            .any(|word| word.trim_ascii().eq_ignore_ascii_case(b"permessage-deflate"))
    }

    /// The first header of that name counts, and only if it is one address and nothing else.
    fn client_ip(&self) -> Option<String> {
        let text = std::str::from_utf8(self.value("X-Forwarded-For")?).ok()?;
        text.parse::<IpAddr>().is_ok().then(|| text.to_owned())
    }

    fn taste(&self) -> Taste {
        let agent = String::from_utf8_lossy(self.value("User-Agent").unwrap_or_default());
        match agent.starts_with("Mozilla/") {
            // Chromium calls itself Safari, too, but has no version of it.
            true if agent.contains("Version/") && agent.contains("Safari/") => Taste::Safari,
            true => Taste::Browser,
            false => Taste::Any,
        }
    }

    /// Whether a header has a value in its list.
    fn says(&self, name: &str, value: &str) -> bool {
        self.values(name)
            .flat_map(|line| line.split(|byte| *byte == b','))
            .any(|said| said.trim_ascii().eq_ignore_ascii_case(value.as_bytes()))
    }

    fn value(&self, name: &str) -> Option<&[u8]> {
        self.values(name).next()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.headers
            .iter()
            .filter(move |(of, _)| of.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| *value)
    }
}

/// The answer to who is let in.
fn response(key: &[u8], endpoint: Endpoint, agreed: Agreed, headers: &str) -> Vec<u8> {
    let accept = BASE64.encode(&Sha1::new().chain_update(key).chain_update(KEY_SUFFIX).finalize());
    let extensions = if agreed.compression {
        "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
    } else {
        ""
    };
    let no_masking = if agreed.no_masking { "Nats-No-Masking: true\r\n" } else { "" };
    let protocol = if endpoint == Endpoint::Mqtt { "Sec-Websocket-Protocol: mqtt\r\n" } else { "" };
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{extensions}{no_masking}{protocol}{headers}\r\n"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests;
