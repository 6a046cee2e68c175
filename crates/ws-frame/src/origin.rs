//! Where the page comes from that opened the connection (RFC 6455, section 10.2).
//!
//! Addresses are read as Go reads them (`net/url`, `net.SplitHostPort`): what is wrong with one goes into a log line.

use thiserror::Error;

/// Scheme, host and port of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// In lower case.
    pub scheme: String,
    /// In lower case.
    pub host: String,
    /// That of the scheme if none was named.
    pub port: String,
}

/// An origin that is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OriginError {
    /// Not an address at all.
    #[error("parse {text:?}: {why}")]
    Unreadable {
        /// What was to be read.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// More colons than one, and not in brackets.
    #[error("address {0}: too many colons in address")]
    TooManyColons(String),
    /// A bracket that is not closed.
    #[error("address {0}: missing ']' in address")]
    OpenBracket(String),
}

/// An origin that no page can have, in nats-server's words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AllowedError {
    /// It is none.
    #[error("unable to parse allowed origin: {0}")]
    Origin(#[from] OriginError),
    /// Pages come over HTTP.
    #[error(
        "unable to parse allowed origin {0:?}: allowed origins must be absolute URLs with http or https scheme"
    )]
    Scheme(String),
    /// It names nobody.
    #[error("unable to parse allowed origin {0:?}: host is required")]
    NoHost(String),
}

impl Origin {
    /// Reads an address as `Origin: ` has it, or the configuration.
    ///
    /// # Errors
    /// It is no address of a host.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let unreadable = |why: String| OriginError::Unreadable { text: text.to_owned(), why };
        let (scheme, rest) = split_scheme(text).map_err(|why| unreadable(why.to_owned()))?;
        let authority = match rest.strip_prefix("//") {
            Some(rest) if !scheme.is_empty() => rest.split(['/', '?']).next().unwrap_or_default(),
            // A path, or something that is none of ours: it has no host.
            _ if rest.starts_with('/') || !scheme.is_empty() => "",
            _ => return Err(unreadable("invalid URI for request".into())),
        };
        let host_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        check_host(host_port).map_err(unreadable)?;
        let (host, port) = split_host_port(host_port, scheme == "https")?;
        Ok(Self { scheme, host, port })
    }

    /// Reads one that pages may come from, as the configuration has it.
    ///
    /// # Errors
    /// No page comes from there.
    pub fn allowed(text: &str) -> Result<Self, AllowedError> {
        let origin = Self::parse(text)?;
        if origin.scheme != "http" && origin.scheme != "https" {
            return Err(AllowedError::Scheme(text.to_owned()));
        }
        if origin.host.is_empty() {
            return Err(AllowedError::NoHost(text.to_owned()));
        }
        Ok(origin)
    }

    /// Where a request went to, by its Host.
    pub(crate) fn of_host(host: &str, is_tls: bool) -> Result<Self, OriginError> {
        let (host, port) = split_host_port(host, is_tls)?;
        Ok(Self { scheme: if is_tls { "https" } else { "http" }.to_owned(), host, port })
    }
}

/// The scheme in lower case, and what follows its colon.
fn split_scheme(text: &str) -> Result<(String, &str), &'static str> {
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err("net/url: invalid control character in URL");
    }
    if text.is_empty() {
        return Err("empty url");
    }
    let is_of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    match text.bytes().position(|byte| !is_of_scheme(byte)) {
        Some(0) if text.starts_with(':') => Err("missing protocol scheme"),
        Some(end) if end > 0 && text.as_bytes()[end] == b':' && text.as_bytes()[0].is_ascii_alphabetic() => {
            Ok((text[..end].to_ascii_lowercase(), &text[end + 1..]))
        }
        Some(end) if end > 0 && text.as_bytes()[end] == b':' => {
            Err("first path segment in URL cannot contain colon")
        }
        _ => Ok((String::new(), text)),
    }
}

fn check_host(host_port: &str) -> Result<(), String> {
    let port = match host_port.strip_prefix('[') {
        Some(rest) => match rest.rsplit_once(']') {
            Some((_, port)) => port,
            None => return Err("missing ']' in host".into()),
        },
        None => host_port.rfind(':').map_or("", |at| &host_port[at..]),
    };
    let is_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_port {
        return Err(format!("invalid port {port:?} after host"));
    }
    let is_of_host =
        |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&byte);
    match host_port.bytes().find(|byte| !is_of_host(*byte)) {
        Some(byte) => Err(format!("invalid character {:?} in host name", char::from(byte).to_string())),
        None => Ok(()),
    }
}

fn split_host_port(host_port: &str, is_tls: bool) -> Result<(String, String), OriginError> {
    let default = || if is_tls { "443".to_owned() } else { "80".to_owned() };
    if let Some(rest) = host_port.strip_prefix('[') {
        let (host, port) =
            rest.split_once(']').ok_or_else(|| OriginError::OpenBracket(host_port.to_owned()))?;
        return match port.strip_prefix(':') {
            Some(port) => Ok((host.to_ascii_lowercase(), port.to_owned())),
            // As Go has it, the brackets stay.
            None => Ok((host_port.to_ascii_lowercase(), default())),
        };
    }
    match host_port.split_once(':') {
        None => Ok((host_port.to_ascii_lowercase(), default())),
        Some((_, port)) if port.contains(':') => Err(OriginError::TooManyColons(host_port.to_owned())),
        Some((host, port)) => Ok((host.to_ascii_lowercase(), port.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, String, String) {
        let Origin { scheme, host, port } = Origin::parse(text).expect("it is an origin");
        (scheme, host, port)
    }

    #[test]
    fn an_origin_has_the_port_of_its_scheme() {
        let of = |scheme: &str, host: &str, port: &str| (scheme.to_owned(), host.to_owned(), port.to_owned());
        assert_eq!(parts("http://Example.COM"), of("http", "example.com", "80"));
        assert_eq!(parts("HTTPS://example.com/a?b"), of("https", "example.com", "443"));
        assert_eq!(parts("http://u:p@h:8080"), of("http", "h", "8080"));
        assert_eq!(parts("https://[::1]:9"), of("https", "::1", "9"));
        assert_eq!(parts("https://[::1]"), of("https", "[::1]", "443"));
        assert_eq!(parts("file:///x"), of("file", "", "80"));
        assert_eq!(parts("/x"), of("", "", "80"));
        assert_eq!(parts("about:blank"), of("about", "", "80"));
    }

    #[test]
    fn pages_come_over_http_from_a_host() {
        assert_eq!(Origin::allowed("https://h").ok(), Origin::parse("https://h").ok());
        let said = |text| Origin::allowed(text).expect_err(text).to_string();
        let prefix = "unable to parse allowed origin";
        for text in ["ftp://h", "/x", "about:blank"] {
            let words = "allowed origins must be absolute URLs with http or https scheme";
            assert_eq!(said(text), format!("{prefix} {text:?}: {words}"));
        }
        assert_eq!(said("http:///x"), format!("{prefix} \"http:///x\": host is required"));
        assert_eq!(said("x"), format!("{prefix}: parse \"x\": invalid URI for request"));
    }

    /// As nats-server 2.14.5 logs it.
    #[test]
    fn what_is_wrong_is_said_in_gos_words() {
        for (text, words) in [
            ("null", "parse \"null\": invalid URI for request"),
            ("", "parse \"\": empty url"),
            (":x", "parse \":x\": missing protocol scheme"),
            ("http://h:x", "parse \"http://h:x\": invalid port \":x\" after host"),
            ("http://h h", "parse \"http://h h\": invalid character \" \" in host name"),
            ("http://[::1", "parse \"http://[::1\": missing ']' in host"),
            ("http://h:1:2", "address h:1:2: too many colons in address"),
        ] {
            assert_eq!(Origin::parse(text).expect_err(text).to_string(), words);
        }
    }
}
