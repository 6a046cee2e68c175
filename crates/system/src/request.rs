//! The subjects that nats-server answers itself, in one table.

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// Who the connection is that asks, and what it may do.
    UserInfo,
    /// Which server this is.
    Idz,
    /// How it is, and what it did.
    Statsz,
    /// The same, and what it was told.
    Varz,
    /// Whether it is well.
    Healthz,
    /// What it has of JetStream.
    Jsz,
    /// What an account has of it.
    AccountJsz,
    /// What nats-server answers and this server does not, with Go's name for the type of its options if these say
    /// which servers are asked.
    Unsupported(Option<&'static str>),
}

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Anyone,
    /// Clients of the system account.
    System,
}

use By::{Anyone, System};
use Request::{AccountJsz, Healthz, Idz, Jsz, Statsz, Unsupported, UserInfo, Varz};

const PREFIX: &[u8] = b"$SYS.";

/// Token by token: `*` is any, `#` the id of the server, `@` that or `PING`. The first row that matches counts.
const TABLE: &[(By, &str, Request)] = &[
    (Anyone, "REQ.USER.INFO", UserInfo),
    (Anyone, "REQ.SERVER.PING.CONNZ", Unsupported(Some("server.ConnzEventOptions"))),
    (Anyone, "REQ.ACCOUNT.PING.CONNZ", Unsupported(Some("server.ConnzEventOptions"))),
    (Anyone, "REQ.ACCOUNT.PING.STATZ", Unsupported(Some("server.AccountStatzEventOptions"))),
    (System, "REQ.SERVER.PING", Statsz),
    (System, "REQ.SERVER.@.STATSZ", Statsz),
    (System, "REQ.SERVER.@.IDZ", Idz),
    (System, "REQ.SERVER.@.VARZ", Varz),
    (System, "REQ.SERVER.@.SUBSZ", Unsupported(Some("server.SubszEventOptions"))),
    (System, "REQ.SERVER.@.CONNZ", Unsupported(Some("server.ConnzEventOptions"))),
    (System, "REQ.SERVER.@.ROUTEZ", Unsupported(Some("server.RoutezEventOptions"))),
    (System, "REQ.SERVER.@.GATEWAYZ", Unsupported(Some("server.GatewayzEventOptions"))),
    (System, "REQ.SERVER.@.LEAFZ", Unsupported(Some("server.LeafzEventOptions"))),
    (System, "REQ.SERVER.@.ACCOUNTZ", Unsupported(Some("server.AccountzEventOptions"))),
    (System, "REQ.SERVER.@.JSZ", Jsz),
    (System, "REQ.SERVER.@.HEALTHZ", Healthz),
    (System, "REQ.SERVER.@.PROFILEZ", Unsupported(Some("server.ProfilezEventOptions"))),
    (System, "REQ.SERVER.@.EXPVARZ", Unsupported(Some("server.ExpvarzEventOptions"))),
    (System, "REQ.SERVER.@.IPQUEUESZ", Unsupported(Some("server.IpqueueszEventOptions"))),
    (System, "REQ.SERVER.@.RAFTZ", Unsupported(Some("server.RaftzEventOptions"))),
    (System, "REQ.SERVER.#.RELOAD", Unsupported(Some("server.EventFilterOptions"))),
    (System, "REQ.SERVER.#.KICK", Unsupported(Some("server.EventFilterOptions"))),
    (System, "REQ.SERVER.#.LDM", Unsupported(Some("server.EventFilterOptions"))),
    (System, "REQ.ACCOUNT.*.SUBSZ", Unsupported(Some("server.SubszEventOptions"))),
    (System, "REQ.ACCOUNT.*.CONNZ", Unsupported(Some("server.ConnzEventOptions"))),
    (System, "REQ.ACCOUNT.*.LEAFZ", Unsupported(Some("server.LeafzEventOptions"))),
    (System, "REQ.ACCOUNT.*.JSZ", AccountJsz),
    (System, "REQ.ACCOUNT.*.INFO", Unsupported(Some("server.AccInfoEventOptions"))),
    (System, "REQ.ACCOUNT.*.STATZ", Unsupported(Some("server.AccountStatzEventOptions"))),
    (System, "REQ.ACCOUNT.*.CONNS", Unsupported(None)),
    (System, "REQ.ACCOUNT.*.CLAIMS.UPDATE", Unsupported(None)),
    (System, "REQ.ACCOUNT.NSUBS", Unsupported(None)),
    (System, "REQ.USER.*.INFO", Unsupported(None)),
    (System, "ACCOUNT.*.CLAIMS.UPDATE", Unsupported(None)),
    (System, "DEBUG.SUBSCRIBERS", Unsupported(None)),
];

impl Request {
    /// What a message on the subject asks the server of this id, which comes from the system account or from another.
    pub(crate) fn of(subject: &[u8], is_system: bool, id: &str) -> Option<Self> {
        let rest = subject.strip_prefix(PREFIX)?;
        let may_ask = |by: By| is_system || by == Anyone;
        let row = TABLE.iter().find(|(by, pattern, _)| may_ask(*by) && matches(pattern, rest, id));
        row.map(|(_, _, request)| *request)
    }

    /// Go's name for the type of the options, if there are any that say which servers are asked.
    pub(crate) fn options(self) -> Option<&'static str> {
        match self {
            UserInfo | Idz => None,
            Statsz => Some("server.StatszEventOptions"),
            Varz => Some("server.VarzEventOptions"),
            Healthz => Some("server.HealthzEventOptions"),
            Jsz | AccountJsz => Some("server.JszEventOptions"),
            Unsupported(options) => options,
        }
    }
}

fn matches(pattern: &str, subject: &[u8], id: &str) -> bool {
    let mut tokens = subject.split(|byte| *byte == b'.');
    let fits = |wanted: &str, token: &[u8]| match wanted {
        "*" => !token.is_empty(),
        "#" => token == id.as_bytes(),
        "@" => token == b"PING" || token == id.as_bytes(),
        wanted => token == wanted.as_bytes(),
    };
    pattern.split('.').all(|wanted| tokens.next().is_some_and(|token| fits(wanted, token)))
        && tokens.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(subject: &str, is_system: bool) -> Option<Request> {
        Request::of(subject.as_bytes(), is_system, "NID")
    }

    /// As nats-server 2.14.5 answers or says that nobody does.
    #[test]
    fn who_may_ask_what() {
        let connz = Unsupported(Some("server.ConnzEventOptions"));
        for (subject, by_system, by_others) in [
            ("$SYS.REQ.USER.INFO", Some(UserInfo), Some(UserInfo)),
            ("$SYS.REQ.SERVER.PING", Some(Statsz), None),
            ("$SYS.REQ.SERVER.PING.STATSZ", Some(Statsz), None),
            ("$SYS.REQ.SERVER.NID.STATSZ", Some(Statsz), None),
            ("$SYS.REQ.SERVER.NOTHER.STATSZ", None, None),
            ("$SYS.REQ.SERVER.NID.IDZ", Some(Idz), None),
            ("$SYS.REQ.SERVER.NID", None, None),
            ("$SYS.REQ.SERVER.PING.NOPE", None, None),
            ("$SYS.REQ.SERVER.PING.STATSZ.x", None, None),
            ("$SYS.REQ.SERVER.PING.CONNZ", Some(connz), Some(connz)),
            ("$SYS.REQ.SERVER.NID.CONNZ", Some(connz), None),
            ("$SYS.REQ.ACCOUNT.A.CONNZ", Some(connz), None),
            ("$SYS.REQ.SERVER.PING.JSZ", Some(Jsz), None),
            ("$SYS.REQ.ACCOUNT.A.JSZ", Some(AccountJsz), None),
            ("$SYS.REQ.SERVER.PING.KICK", None, None),
            ("$SYS.REQ.SERVER.NID.KICK", Some(Unsupported(Some("server.EventFilterOptions"))), None),
            ("$SYS.REQ.ACCOUNT..CONNZ", None, None),
            ("$SYS.REQ.USER", None, None),
            ("$SYS", None, None),
            ("x.$SYS.REQ.USER.INFO", None, None),
        ] {
            assert_eq!((of(subject, true), of(subject, false)), (by_system, by_others), "{subject}");
        }
    }
}
