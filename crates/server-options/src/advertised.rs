//! The address that clients are told instead of the one that is bound.

use nats_proto::quote;

use crate::config::split_host_port;

/// The address that clients are told instead of the one that is bound: for servers behind others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertised {
    /// The host, an IPv6 address without its brackets.
    pub host: String,
    /// The port; `None` is the one that is bound.
    pub port: Option<u16>,
}

impl Advertised {
    /// Reads `host:port` or a host alone. The error is nats-server's.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let alone = format!("{text}:0");
        let parts = split_host_port(text).or_else(|| split_host_port(&alone));
        let Some((host, port)) = parts else {
            let open = text.starts_with('[') && !text.contains(']');
            let what = if open { "missing ']'" } else { "too many colons" };
            return Err(format!("address {text}: {what} in address"));
        };
        let number: i64 = port
            .trim()
            .parse()
            .map_err(|_| format!("strconv.Atoi: parsing {}: invalid syntax", quote(port)))?;
        let port = match number {
            0 | -1 => None,
            number => Some(u16::try_from(number).map_err(|_| format!("address {text}: invalid port"))?),
        };
        Ok(Self { host: host.trim().to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_may_be_left_out() {
        for (text, host, port) in [
            ("a:5", "a", Some(5)),
            ("a", "a", None),
            ("a:0", "a", None),
            ("a:-1", "a", None),
            ("[::1]", "::1", None),
            ("[::1]:5", "::1", Some(5)),
        ] {
            assert_eq!(Advertised::read(text), Ok(Advertised { host: host.to_owned(), port }), "{text}");
        }
    }

    /// Asked of nats-server 2.14.5, but for the port that no socket has.
    #[test]
    fn what_is_no_address_is_refused_in_gos_words() {
        for (text, words) in [
            ("a:b:5", "address a:b:5: too many colons in address"),
            ("a:x", "strconv.Atoi: parsing \"x\": invalid syntax"),
            ("[::1", "address [::1: missing ']' in address"),
            ("a:99999", "address a:99999: invalid port"),
        ] {
            assert_eq!(Advertised::read(text), Err(words.to_owned()), "{text}");
        }
    }
}
