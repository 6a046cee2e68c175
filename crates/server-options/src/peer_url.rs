//! Where another server is, and as whom to go there.

use std::fmt;

use nats_auth::Secret;
use nats_proto::quote;

use crate::go_url::{GoUrl, host_and_port};

/// A URL of another server. Shown without its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerUrl(GoUrl);

impl PeerUrl {
    /// Reads a URL of that kind, blanks around it aside. The error is nats-server's.
    pub(crate) fn read(kind: &str, text: &str) -> Result<Self, String> {
        // Go's own words might have a password in them that they do not hide.
        GoUrl::parse(text.trim())
            .map(Self)
            .map_err(|_| format!("error parsing {kind} url [{}]", quote(text.trim())))
    }

    /// The scheme, in lower case; empty if there is none.
    pub fn scheme(&self) -> &str {
        &self.0.scheme
    }

    /// Host and port as they are written, as `/varz` shows them and URLs are compared.
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// Where to dial: a host name or an address without brackets, and a port.
    ///
    /// # Errors
    ///
    /// There is no such place, in the words of nats-server: there, an attempt fails with them, and so does each that
    /// follows.
    pub fn host_port(&self) -> Result<(&str, u16), String> {
        let (host, port) = host_and_port(self.address())?;
        let number = port.parse().map_err(|_| format!("dial tcp: address {port}: invalid port"))?;
        Ok((host, number))
    }

    /// The same with that port, if there is none.
    #[must_use]
    pub(crate) fn with_port(mut self, port: u16) -> Self {
        let address = &mut self.0.address;
        let host = address.strip_suffix(':').unwrap_or(address);
        let is_bracketed = host.starts_with('[');
        if (is_bracketed && host.ends_with(']'))
            || (!is_bracketed && !address.trim_end_matches(':').contains(':'))
        {
            *address = format!("{host}:{port}");
        }
        self
    }

    /// The user to name, and the password.
    pub fn user(&self) -> Option<(&str, &str)> {
        let (user, password) = self.0.user.as_ref()?;
        Some((user, password.as_ref().map_or("", Secret::reveal)))
    }
}

impl fmt::Display for PeerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_says_where_and_as_whom() {
        let route = PeerUrl::read("route", " nats-route://ruser:T0pS3cr3t@localhost:6222 ").unwrap();
        assert_eq!((route.address(), route.host_port()), ("localhost:6222", Ok(("localhost", 6222))));
        assert_eq!(route.user(), Some(("ruser", "T0pS3cr3t")));
        assert_eq!(route.to_string(), "nats-route://ruser:xxxxx@localhost:6222");
        assert!(!format!("{route:?}").contains("T0pS3cr3t"));
    }

    /// nats-server 2.14.5 takes all of them, and logs these words at each attempt.
    #[test]
    fn a_route_may_lead_nowhere() {
        for (text, words) in [
            ("localhost", "missing port in address"),
            ("x:1", "missing port in address"),
            ("nats://u:p@127.0.0.1", "address 127.0.0.1: missing port in address"),
            ("nats://127.0.0.1:99999", "dial tcp: address 99999: invalid port"),
        ] {
            assert_eq!(PeerUrl::read("route", text).unwrap().host_port(), Err(words.to_owned()));
        }
        for text in ["nats://a:x", "%zz", "127.0.0.1:6222"] {
            assert_eq!(PeerUrl::read("route", text), Err(format!("error parsing route url [\"{text}\"]")));
        }
    }
}
