//! What a server does that hears of another one over a route.

use nats_proto::PeerInfo;

use crate::gossip::Mode;

/// What an INFO of a third server leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News<'a> {
    /// It is dialed.
    Dial {
        /// Where.
        url: &'a str,
        /// The account that the connection is for, if for one.
        account: Option<&'a str>,
        /// What is said to it, and decides who else is told.
        mode: Mode,
        /// It asks for credentials: this server's own.
        wants_user: bool,
    },
    /// Nothing: it is this server, or connected, or named by a setting and dialed for that reason.
    Known,
    /// Nothing: gateways are told of that way, which this server has none of.
    Gateway,
    /// Nothing but a line in the log: it does not say where it is.
    Nowhere,
}

/// Reads the INFO of a server that has another id than whose connection it came over.
///
/// `is_connected` asks for the connection that the INFO is about: the account's if it names one. `configured` are
/// the hosts of settings with their ports, in lower case.
pub fn news<'a>(info: &'a PeerInfo, own_id: &str, is_connected: bool, configured: &[String]) -> News<'a> {
    if info.server_id.starts_with("GW") {
        return News::Gateway;
    }
    let own_address = join(&info.host, info.port);
    let seen_address = host(&info.ip).map(|host| join(host, info.port));
    let is_configured =
        configured.iter().any(|one| *one == own_address || Some(one) == seen_address.as_ref());
    if info.server_id == own_id || is_connected || is_configured {
        return News::Known;
    }
    if info.ip.is_empty() {
        return News::Nowhere;
    }
    let account = (!info.route_account.is_empty()).then_some(&*info.route_account);
    News::Dial {
        url: &info.ip,
        account,
        mode: Mode::of_info(info.gossip_mode),
        wants_user: info.auth_required,
    }
}

/// In lower case, and an address of IPv6 in brackets.
fn join(host: &str, port: u16) -> String {
    let host = host.to_lowercase();
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// The host of a URL, without brackets.
fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    let address = authority.rsplit('@').next()?;
    match address.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next(),
        None => address.split(':').next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(id: &str, host: &str, ip: &str) -> PeerInfo {
        PeerInfo { server_id: id.into(), host: host.into(), port: 6222, ip: ip.into(), ..PeerInfo::default() }
    }

    #[test]
    fn what_is_new_is_dialed_where_it_was_seen() {
        let mut third = info("NC", "0.0.0.0", "nats-route://10.0.0.3:6222/");
        let dial = |account, mode, wants_user| News::Dial {
            url: "nats-route://10.0.0.3:6222/",
            account,
            mode,
            wants_user,
        };
        assert_eq!(news(&third, "NA", false, &[]), dial(None, Mode::Plain, false));
        third.gossip_mode = 1;
        third.auth_required = true;
        third.route_account = "$SYS".into();
        assert_eq!(news(&third, "NA", false, &[]), dial(Some("$SYS"), Mode::Silent, true));
        assert_eq!(news(&third, "NA", true, &[]), News::Known);
        assert_eq!(news(&third, "NC", false, &[]), News::Known);
    }

    #[test]
    fn what_a_setting_names_is_not_dialed_twice() {
        let configured =
            ["c.example:6222".to_owned(), "[fd00::3]:6222".to_owned(), "10.0.0.3:6222".to_owned()];
        for third in [
            info("NC", "C.Example", "nats-route://172.16.0.1:6222/"),
            info("NC", "0.0.0.0", "nats-route://10.0.0.3:6222/"),
            info("NC", "::", "nats-route://user:pass@[FD00::3]:6222/"),
        ] {
            assert_eq!(news(&third, "NA", false, &configured), News::Known, "{third:?}");
        }
        let other = info("NC", "0.0.0.0", "nats-route://10.0.0.4:6222/");
        assert!(matches!(news(&other, "NA", false, &configured), News::Dial { .. }));
    }

    #[test]
    fn gateways_and_those_without_an_address_are_left_alone() {
        assert_eq!(news(&info("GWNC", "h", "nats-route://h:6222/"), "NA", false, &[]), News::Gateway);
        assert_eq!(news(&info("NC", "h", ""), "NA", false, &[]), News::Nowhere);
    }
}
