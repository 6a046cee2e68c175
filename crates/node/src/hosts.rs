//! Hosts to listen on: what can be one, and which of its addresses counts.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Bytes of a name, without a dot at its end.
const NAME_BYTES_MAX: usize = 253;

/// Bytes of what stands between two dots.
const LABEL_BYTES_MAX: usize = 63;

/// Whether a host is an address; one of IPv6 may name an interface.
pub(crate) fn is_literal(host: &str) -> bool {
    let with_interface = host.split_once('%').is_some_and(|(address, _)| address.parse::<Ipv6Addr>().is_ok());
    with_interface || host.parse::<IpAddr>().is_ok()
}

/// Whether a host can be a name. Numbers alone are none, in whatever way C writes them.
pub(crate) fn is_name(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_number = |label: &str| {
        let hexadecimal = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
        let is_hexadecimal = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        label.bytes().all(|byte| byte.is_ascii_digit()) || hexadecimal.is_some_and(is_hexadecimal)
    };
    name.len() <= NAME_BYTES_MAX && name.split('.').all(is_label) && !name.split('.').all(is_number)
}

/// Whether the system's resolver says that there is no such name. Its error has no kind of its own.
pub(crate) fn is_unknown(error: &io::Error) -> bool {
    let text = error.to_string();
    ["Name or service not known", "No address associated with hostname"].iter().any(|why| text.ends_with(why))
}

/// The address of a host that is listened on: the first of IPv4, or else the first. As with Go it is one
/// only, and clients that know no IPv6 have to find it.
pub(crate) fn of_choice(found: impl Iterator<Item = SocketAddr>) -> Option<SocketAddr> {
    let found: Vec<SocketAddr> = found.collect();
    found.iter().find(|address| address.is_ipv4()).or(found.first()).copied()
}

/// A host and a port in one, as Go joins them.
pub(crate) fn joined(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_comes_first() {
        let found = |addresses: &[&str]| {
            of_choice(addresses.iter().map(|address| address.parse().unwrap())).map(|found| found.to_string())
        };
        assert_eq!(found(&["[::1]:1", "127.0.0.1:1", "127.0.0.2:1"]).as_deref(), Some("127.0.0.1:1"));
        assert_eq!(found(&["[::1]:1", "[::2]:1"]).as_deref(), Some("[::1]:1"));
        assert_eq!(found(&[]), None);
    }

    /// As Go 1.27 has it, but for `0x7f.1`, which it asks name servers for.
    #[test]
    fn names_are_labels_that_are_not_all_numbers() {
        let longest = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
        for name in ["localhost", "localhost.", "a_b.c-d", "1.a", "web.1", "0xg", &longest] {
            assert!(is_name(name) && !is_literal(name), "{name}");
        }
        let long = format!("{longest}d");
        let label = "a".repeat(64);
        for wrong in
            ["", ".", "a..b", "-a", "a-", "a-.b", "1.2.3", "0x7f.1", "a b", "\u{e9}", "[::1]", &long, &label]
        {
            assert!(!is_name(wrong), "{wrong}");
        }
    }

    #[test]
    fn addresses_are_written_in_full() {
        for address in ["127.0.0.1", "::1", "::ffff:1.2.3.4", "fe80::1%lo"] {
            assert!(is_literal(address), "{address}");
        }
        for wrong in ["127.1", "127.0.0.01", "1.2.3.256", "[::1]", "127.0.0.1%lo"] {
            assert!(!is_literal(wrong), "{wrong}");
        }
    }

    #[test]
    fn only_a_definite_no_means_that_there_is_no_such_host() {
        let lookup = |why: &str| io::Error::other(format!("failed to lookup address information: {why}"));
        assert!(is_unknown(&lookup("Name or service not known")));
        assert!(!is_unknown(&lookup("Temporary failure in name resolution")));
    }
}
