//! URLs as Go reads them, with its words for what is wrong.
//!
//! Only what stands before the path is of use here; a URL without `//` has no host, whatever else it says.

use std::fmt;

use nats_auth::Secret;
use nats_proto::quote;

use crate::config::split_host_port;

/// What of a URL says where to connect, and as whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GoUrl {
    pub(crate) scheme: String,
    /// The user, and the password if there is one.
    pub(crate) user: Option<(String, Option<Secret>)>,
    /// Host and port as they are written; empty if there is neither.
    pub(crate) address: String,
}

impl GoUrl {
    /// Reads a URL. The error is Go's, with the URL in it: a password that it cannot tell from the rest is shown.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Self::read(text).map_err(|reason| format!("parse {}: {reason}", quote(text)))
    }

    fn read(text: &str) -> Result<Self, String> {
        let text = text.split('#').next().unwrap_or_default();
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err("net/url: invalid control character in URL".into());
        }
        let (scheme, rest) = split_scheme(text)?;
        let rest = rest.split('?').next().unwrap_or_default();
        let mut url = Self { scheme: scheme.to_lowercase(), ..Self::default() };
        let path = match rest.strip_prefix("//") {
            Some(rest) => {
                let at = rest.find('/').unwrap_or(rest.len());
                let (authority, path) = rest.split_at(at);
                (url.user, url.address) = read_authority(authority)?;
                path
            }
            None if rest.starts_with('/') => rest,
            // Behind a scheme it may be anything.
            None if !scheme.is_empty() => return Ok(url),
            None if rest.split('/').next().is_some_and(|first| first.contains(':')) => {
                return Err("first path segment in URL cannot contain colon".into());
            }
            None => rest,
        };
        unescape(path, |_| true)?;
        Ok(url)
    }
}

/// Without its password.
impl fmt::Display for GoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        match &self.user {
            Some((user, Some(_))) => write!(f, "{user}:xxxxx@")?,
            Some((user, None)) => write!(f, "{user}@")?,
            None => {}
        }
        f.write_str(&self.address)
    }
}

/// Takes `host:port` apart. The error is Go's.
pub(crate) fn host_and_port(address: &str) -> Result<(&str, &str), String> {
    split_host_port(address).ok_or_else(|| {
        let reason = match address.strip_prefix('[').map(|inner| inner.split_once(']')) {
            Some(None) => "missing ']' in address",
            Some(Some((_, ""))) => "missing port in address",
            _ if !address.contains(':') => "missing port in address",
            None if address.matches(':').count() > 1 => "too many colons in address",
            _ if address.contains('[') => "unexpected '[' in address",
            _ => "unexpected ']' in address",
        };
        if address.is_empty() { reason.to_owned() } else { format!("address {address}: {reason}") }
    })
}

fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    let is_inner = |byte: u8| byte.is_ascii_digit() || b"+-.".contains(&byte);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b':' if at == 0 => return Err("missing protocol scheme".into()),
            b':' => return Ok((&text[..at], &text[at + 1..])),
            _ if byte.is_ascii_alphabetic() || (at > 0 && is_inner(byte)) => {}
            _ => break,
        }
    }
    Ok(("", text))
}

type Authority = (Option<(String, Option<Secret>)>, String);

fn read_authority(text: &str) -> Result<Authority, String> {
    let (user, host) = match text.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, text),
    };
    let address = read_host(host)?;
    let Some(user) = user else { return Ok((None, address)) };
    let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !user.bytes().all(may_stand) {
        return Err("net/url: invalid userinfo".into());
    }
    let (name, password) = match user.split_once(':') {
        Some((name, password)) => (name, Some(password)),
        None => (user, None),
    };
    let password = password.map(|password| unescape(password, |_| true)).transpose()?;
    Ok((Some((unescape(name, |_| true)?, password.map(Secret::new))), address))
}

fn read_host(host: &str) -> Result<String, String> {
    let port = match (host.contains('['), host.rfind(']')) {
        (true, None) => return Err("missing ']' in host".into()),
        (true, Some(end)) => &host[end + 1..],
        (false, _) => host.rfind(':').map_or("", |colon| &host[colon..]),
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    if !port.is_empty() && (!port.starts_with(':') || !digits.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(format!("invalid port {} after host", quote(port)));
    }
    let may_stand =
        |byte: u8| byte >= 0x80 || byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&byte);
    if let Some(wrong) = host.chars().find(|char| char.is_ascii() && !may_stand(*char as u8)) {
        return Err(format!("invalid character {} in host name", quote(wrong.to_string())));
    }
    // What ASCII has needs no escape there.
    unescape(host, |byte| byte >= 0x80 || byte == b'%')
}

/// The text without its escapes, which may stand for what `allowed` says.
fn unescape(text: &str, allowed: fn(u8) -> bool) -> Result<String, String> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'%' {
            plain.push(*first);
            continue;
        }
        let digit = |at: usize| behind.get(at).and_then(|byte| (*byte as char).to_digit(16));
        match digit(0).zip(digit(1)).map(|(high, low)| (high * 16 + low) as u8).filter(|byte| allowed(*byte))
        {
            Some(byte) => {
                plain.push(byte);
                rest = &behind[2..];
            }
            None => {
                let shown = format!("%{}", String::from_utf8_lossy(&behind[..behind.len().min(2)]));
                return Err(format!("invalid URL escape {}", quote(&shown)));
            }
        }
    }
    Ok(String::from_utf8_lossy(&plain).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_is_taken_apart() {
        let url = GoUrl::parse("NATS://u%40:p@x@[::1]:6222/a?b#c").unwrap();
        assert_eq!((&*url.scheme, &*url.address), ("nats", "[::1]:6222"));
        assert_eq!(url.user, Some(("u@".into(), Some("p@x".into()))));
        assert_eq!(url.to_string(), "nats://u@:xxxxx@[::1]:6222");
        for text in ["localhost:6222", "a:1", "x", "", "nats:///x", "*"] {
            assert_eq!(GoUrl::parse(text).unwrap().address, "", "{text}");
        }
        assert_eq!(GoUrl::parse("nats-route://a:b:1").unwrap().address, "a:b:1");
        assert_eq!(GoUrl::parse("nats://u@a:").unwrap().user, Some(("u".into(), None)));
    }

    /// nats-server 2.14.5 was asked with `--cluster`.
    #[test]
    fn what_is_wrong_is_said_in_gos_words() {
        for (text, words) in [
            ("127.0.0.1:6299", "first path segment in URL cannot contain colon"),
            ("1a://b:3", "first path segment in URL cannot contain colon"),
            ("nats://127.0.0.1:x", "invalid port \":x\" after host"),
            ("nats://127.0.0.1:-2", "invalid port \":-2\" after host"),
            ("nats://[::1]x:4", "invalid port \"x:4\" after host"),
            ("nats://a b:1", "invalid character \" \" in host name"),
            (":6222", "missing protocol scheme"),
            ("nats://[::1", "missing ']' in host"),
            ("nats://u:%zz@127.0.0.1:0", "invalid URL escape \"%zz\""),
            ("%zz", "invalid URL escape \"%zz\""),
            ("nats://a%zz:1", "invalid URL escape \"%zz\""),
            ("nats://%41:99999", "invalid URL escape \"%41\""),
            ("nats://u p:x@a:1", "net/url: invalid userinfo"),
        ] {
            assert_eq!(GoUrl::parse(text), Err(format!("parse {}: {words}", quote(text))));
        }
        assert!(
            GoUrl::parse("nats://a\n:1").unwrap_err().ends_with("net/url: invalid control character in URL")
        );
    }

    #[test]
    fn addresses_that_are_none_are_named() {
        for (address, words) in [
            ("", "missing port in address"),
            ("127.0.0.1", "address 127.0.0.1: missing port in address"),
            ("[::1]", "address [::1]: missing port in address"),
            ("a:b:1", "address a:b:1: too many colons in address"),
            ("[::1", "address [::1: missing ']' in address"),
        ] {
            assert_eq!(host_and_port(address), Err(words.to_owned()));
        }
        assert_eq!(host_and_port("[::1]:5"), Ok(("::1", "5")));
    }
}
