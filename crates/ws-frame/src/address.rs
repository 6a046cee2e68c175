//! Addresses as Go reads them: `url.ParseRequestURI` and `net.SplitHostPort`.
//!
//! What is wrong with one goes into a log line, so it is found in the order in which Go looks.

use std::net::IpAddr;

/// What an origin needs of a URL.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Url {
    /// In lower case; empty if there is none.
    pub(crate) scheme: String,
    /// With its port, escapes undone; empty if there is none.
    pub(crate) host: Vec<u8>,
}

/// Where in an address escapes are undone, which decides on those there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Host,
    /// Of an address of IPv6.
    Zone,
    User,
    Path,
}

impl Url {
    /// Reads the target of a request, or what is written like one.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err("net/url: invalid control character in URL".into());
        }
        let without = |scheme: &str| Ok(Self { scheme: scheme.to_owned(), host: Vec::new() });
        match text {
            "" => return Err("empty url".into()),
            "*" => return without(""),
            _ => {}
        }
        let (scheme, rest) = split_scheme(text)?;
        let rest = rest.split('?').next().unwrap_or_default();
        if !rest.starts_with('/') {
            // With a scheme it is something that is none of ours.
            return if scheme.is_empty() { Err("invalid URI for request".into()) } else { without(&scheme) };
        }
        let (authority, path) = match rest.strip_prefix("//").filter(|_| !scheme.is_empty()) {
            Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            None => ("", rest),
        };
        let host = host_of(authority)?;
        unescape(path, Part::Path)?;
        Ok(Self { scheme, host })
    }
}

/// The scheme in lower case, and what follows its colon.
fn split_scheme(text: &str) -> Result<(String, &str), String> {
    let is_of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let end = text.bytes().position(|byte| !is_of_scheme(byte)).unwrap_or(text.len());
    match (&text[..end], text[end..].strip_prefix(':')) {
        ("", Some(_)) => Err("missing protocol scheme".into()),
        (scheme, Some(rest)) if scheme.starts_with(|first: char| first.is_ascii_alphabetic()) => {
            Ok((scheme.to_ascii_lowercase(), rest))
        }
        _ => Ok((String::new(), text)),
    }
}

/// The host in what stands between `//` and the path.
fn host_of(authority: &str) -> Result<Vec<u8>, String> {
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let host = parse_host(host)?;
    let is_of_user = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !user.bytes().all(is_of_user) {
        return Err("net/url: invalid userinfo".into());
    }
    unescape(user, Part::User)?;
    Ok(host)
}

fn parse_host(host: &str) -> Result<Vec<u8>, String> {
    let check_port = |port: &str| {
        let digits = if port.is_empty() { Some(port) } else { port.strip_prefix(':') };
        let is_port = digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        if is_port { Ok(()) } else { Err(format!("invalid port {port:?} after host")) }
    };
    match host.rfind('[') {
        Some(0) => {}
        Some(_) => return Err("invalid IP-literal".into()),
        None => {
            check_port(host.rfind(':').map_or("", |at| &host[at..]))?;
            return unescape(host, Part::Host);
        }
    }
    let (address, port) = host[1..].rsplit_once(']').ok_or("missing ']' in host")?;
    check_port(port)?;
    let (address, zone) = address.split_at(address.find("%25").unwrap_or(address.len()));
    let address = [unescape(address, Part::Host)?, unescape(zone, Part::Zone)?].concat();
    check_literal(&address)?;
    Ok([b"[", &address[..], b"]", port.as_bytes()].concat())
}

/// Whether what stands in brackets is an address of IPv6.
fn check_literal(address: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(address);
    let is_zoned = text.split_once('%').is_none_or(|(_, zone)| !zone.is_empty());
    match text.split('%').next().unwrap_or_default().parse() {
        Ok(IpAddr::V6(_)) if is_zoned => Ok(()),
        Ok(IpAddr::V4(_)) if !text.contains('%') => Err("invalid IP-literal".into()),
        _ => Err(format!("invalid host: ParseAddr({text:?}): unable to parse IP")),
    }
}

/// Undoes escapes. What an address may not have there is found on the way.
fn unescape(text: &str, part: Part) -> Result<Vec<u8>, String> {
    let is_of_host =
        |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            if matches!(part, Part::Host | Part::Zone) && !is_of_host(*first) {
                return Err(format!("invalid character {:?} in host name", char::from(*first).to_string()));
            }
            bytes.push(*first);
            continue;
        }
        let digits = &behind[..behind.len().min(2)];
        let byte = escaped(digits).filter(|byte| match part {
            // In a host escapes are for what has no letter of its own.
            Part::Host => *byte >= 0x80 || *byte == b'%',
            Part::Zone => *byte == b'%' || *byte == b' ' || is_of_host(*byte),
            Part::User | Part::Path => true,
        });
        let words = || format!("invalid URL escape \"%{}\"", String::from_utf8_lossy(digits));
        bytes.push(byte.ok_or_else(words)?);
        rest = &behind[2..];
    }
    Ok(bytes)
}

/// The byte that two digits stand for.
fn escaped(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(*high)? * 16 + digit(*low)?) as u8)
}

/// Splits a host from its port, which it may have none of.
pub(crate) fn split_host_port(address: &str) -> Result<(&str, Option<&str>), &'static str> {
    let Some(colon) = address.rfind(':') else { return Ok((address, None)) };
    let (host, from) = match address.strip_prefix('[') {
        None if address[..colon].contains(':') => return Err("too many colons in address"),
        None => (&address[..colon], 0),
        Some(rest) => {
            let end = rest.find(']').ok_or("missing ']' in address")? + 1;
            match &address.as_bytes()[end + 1..] {
                [b':', ..] if end + 1 == colon => (&address[1..end], end + 1),
                [b':', ..] => return Err("too many colons in address"),
                _ => return Ok((address, None)),
            }
        }
    };
    let is_bracketed = from > 0;
    if address[usize::from(is_bracketed)..].contains('[') {
        return Err("unexpected '[' in address");
    }
    if address[from..].contains(']') {
        return Err("unexpected ']' in address");
    }
    Ok((host, Some(&address[colon + 1..])))
}
