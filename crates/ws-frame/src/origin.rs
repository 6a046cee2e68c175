//! Where the page comes from that opened the connection (RFC 6455, section 10.2).
//!
//! What is wrong with one goes into a log line, in nats-server's words.

use thiserror::Error;

use crate::address::{Url, split_host_port};

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
    /// A host and a port that cannot be told apart.
    #[error("address {address}: {why}")]
    Unsplit {
        /// What was to be split.
        address: String,
        /// Why it cannot be.
        why: &'static str,
    },
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
        Self::of_url(read(text)?)
    }

    /// Reads one that pages may come from, as the configuration has it.
    ///
    /// # Errors
    /// No page comes from there.
    pub fn allowed(text: &str) -> Result<Self, AllowedError> {
        let url = read(text)?;
        if url.scheme != "http" && url.scheme != "https" {
            return Err(AllowedError::Scheme(text.to_owned()));
        }
        if url.host.is_empty() {
            return Err(AllowedError::NoHost(text.to_owned()));
        }
        Ok(Self::of_url(url)?)
    }

    fn of_url(url: Url) -> Result<Self, OriginError> {
        let Url { scheme, host } = url;
        let (host, port) = host_and_port(&String::from_utf8_lossy(&host), scheme == "https")?;
        Ok(Self { scheme, host, port })
    }

    /// Where a request went to, by its Host.
    pub(crate) fn of_host(host: &str, is_tls: bool) -> Result<Self, OriginError> {
        let (host, port) = host_and_port(host, is_tls)?;
        Ok(Self { scheme: if is_tls { "https" } else { "http" }.to_owned(), host, port })
    }
}

fn read(text: &str) -> Result<Url, OriginError> {
    Url::parse(text).map_err(|why| OriginError::Unreadable { text: text.to_owned(), why })
}

/// The host in lower case, and the port, which is that of the scheme if none is named. As Go has it, an address of
/// IPv6 keeps its brackets then.
fn host_and_port(address: &str, is_tls: bool) -> Result<(String, String), OriginError> {
    let (host, port) =
        split_host_port(address).map_err(|why| OriginError::Unsplit { address: address.to_owned(), why })?;
    let default = if is_tls { "443" } else { "80" };
    Ok((host.to_ascii_lowercase(), port.unwrap_or(default).to_owned()))
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

    /// What nats-server 2.14.5 says of them as `allowed_origins`.
    #[test]
    fn what_is_wrong_is_said_in_the_peers_words() {
        let said = |text| Origin::allowed(text).map_err(|error| error.to_string());
        for line in include_str!("../testdata/origins.txt").lines().filter(|line| !line.starts_with('#')) {
            let (text, words) = line.split_once(" | ").expect("a line has two halves");
            let expected =
                if words == "OK" { None } else { Some(format!("unable to parse allowed origin{words}")) };
            assert_eq!(said(text).err(), expected, "{text}");
            // The log says the same of a page.
            if let Some(words) = words.strip_prefix(": ") {
                assert_eq!(Origin::parse(text).expect_err(text).to_string(), words);
            }
        }
    }

    #[test]
    fn escapes_in_a_host_are_undone() {
        assert_eq!(parts("http://%C3%89:1").1, "\u{c9}");
        assert_eq!(parts("http://[fe80::1%25En0]:1").1, "fe80::1%en0");
    }
}
