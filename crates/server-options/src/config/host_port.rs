//! Where to listen: a port, or a host and a port.

use nats_conf::{Data, Value};
use nats_proto::quote;

/// Reads a port or `host:port`. No host is empty. The error is nats-server's.
pub(crate) fn host_port(value: &Value) -> Result<(String, i64), String> {
    match &value.data {
        Data::Integer(port) => Ok((String::new(), *port)),
        Data::String(text) => {
            let (host, port) =
                split(text).ok_or_else(|| format!("could not parse address string {}", quote(text)))?;
            let number = port.parse().map_err(|_| format!("could not parse port {}", quote(port)))?;
            Ok((host.to_owned(), number))
        }
        other => Err(format!("expected port or host:port, got {}", other.type_name())),
    }
}

/// Takes `host:port` apart; an IPv6 address stands in brackets, which are not given back.
pub(crate) fn split(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.rsplit_once(':')?;
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let plain = inner.is_none() && host.contains(':');
    let host = inner.unwrap_or(host);
    let stray = host.contains(['[', ']']) || port.contains(['[', ']']);
    (!plain && !stray).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_come_apart() {
        for (text, parts) in [
            ("localhost:4222", Some(("localhost", "4222"))),
            (":4222", Some(("", "4222"))),
            ("[::1]:4222", Some(("::1", "4222"))),
            ("a:-1", Some(("a", "-1"))),
            ("a:", Some(("a", ""))),
            ("localhost", None),
            ("::1:4222", None),
            ("[::1]", None),
            ("[::1:4222", None),
            ("", None),
        ] {
            assert_eq!(split(text), parts, "{text}");
        }
    }
}
