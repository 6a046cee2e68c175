//! Where a server is: `localhost:4222`, `10.0.0.1`, `nats://host`.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use anyhow::{Context, Result, anyhow};

/// The port of a place that names none.
const PORT: u16 = 4222;

/// Finds an address; of several the first of IPv4, where servers listen that were told a name.
pub(crate) fn find(text: &str) -> Result<SocketAddr> {
    let place = text.strip_prefix("nats://").unwrap_or(text);
    let bare = place.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(place);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok((address, PORT).into());
    }
    let found = if place.contains(':') { place.to_socket_addrs() } else { (place, PORT).to_socket_addrs() };
    let found: Vec<SocketAddr> = found.map_err(|error| anyhow!("{place}: {error}"))?.collect();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    first.copied().with_context(|| format!("{place} has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_names_or_addresses() {
        for (text, address) in [
            ("127.0.0.1:4333", "127.0.0.1:4333"),
            ("127.0.0.1", "127.0.0.1:4222"),
            ("localhost:4333", "127.0.0.1:4333"),
            ("localhost", "127.0.0.1:4222"),
            ("nats://localhost:4333", "127.0.0.1:4333"),
            ("[::1]:4333", "[::1]:4333"),
            ("::1", "[::1]:4222"),
            ("[::1]", "[::1]:4222"),
        ] {
            assert_eq!(find(text).unwrap(), address.parse().unwrap(), "{text}");
        }
        for wrong in ["", "localhost:x", "localhost:99999", ":4222:"] {
            assert!(find(wrong).is_err(), "{wrong}");
        }
    }
}
