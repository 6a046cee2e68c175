//! The address of a server.

use crate::CopyError;

const PORT: u16 = 4222;

/// Where a server is, and as whom to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    /// A token stands where a user would, without a password.
    pub(crate) password: Option<String>,
}

impl Url {
    pub(crate) fn parse(text: &str) -> Result<Self, CopyError> {
        let bad = || CopyError::BadUrl(text.to_owned());
        let rest = match text.split_once("://") {
            Some(("nats", rest)) => rest,
            Some(_) => return Err(bad()),
            None => text,
        };
        let (who, place) = rest.rsplit_once('@').map_or(("", rest), |(who, place)| (who, place));
        let place = place.trim_end_matches('/');
        let (user, password) = match who.split_once(':') {
            Some((user, password)) => (user, Some(password.to_owned())),
            None => (who, None),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| bad())?),
            _ => (place, PORT),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(bad());
        }
        Ok(Self { host: host.to_owned(), port, user: user.to_owned(), password })
    }

    /// Without who asks.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let url = |host: &str, port, user: &str, password: Option<&str>| Url {
            host: host.into(),
            port,
            user: user.into(),
            password: password.map(Into::into),
        };
        for (text, read) in [
            ("localhost", url("localhost", 4222, "", None)),
            ("nats://127.0.0.1:4333", url("127.0.0.1", 4333, "", None)),
            ("nats://a:b@c@host:1/", url("host", 1, "a", Some("b@c"))),
            ("nats://token@[::1]:5", url("::1", 5, "token", None)),
            ("[::1]", url("::1", 4222, "", None)),
        ] {
            assert_eq!(Url::parse(text).ok(), Some(read), "{text}");
        }
        for text in ["tls://host", "nats://", "host:port", ""] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
    }
}
