//! The subjects that nats-server answers itself, in one table, and those that this server explains itself with.

use crate::explain::Deed;

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The server.
    Server,
    /// The account that the subject names.
    Named,
    /// The account of who asks.
    Own,
}

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
    /// Connections.
    Connz(Scope),
    /// Subscriptions.
    Subsz(Scope),
    /// Accounts, or all about one.
    Accountz,
    /// All about an account.
    AccountInfo,
    /// What accounts do.
    Statz(Scope),
    /// The same of one account, as a server asks for it.
    Conns,
    /// Routes.
    Routez,
    /// Gateways.
    Gatewayz,
    /// Leaf nodes.
    Leafz,
    /// Profiles.
    Profilez,
    /// Queues within nats-server.
    IpQueuesz,
    /// Groups of Raft.
    Raftz,
    /// How many subscribe to a subject.
    Subscribers,
    /// The same, as a server asks for it.
    Nsubs,
    /// What Go's runtime would say.
    Expvarz,
    /// That it reads its configuration again.
    Reload,
    /// That it closes a client's connection.
    Kick,
    /// That it tells a client to look for another server.
    Ldm,
    /// What nats-server answers and this server does not.
    Unsupported,
    /// What would become of something that the connection does which asks.
    Explain(Deed),
}

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Anyone,
    /// Clients of the system account.
    System,
    /// Clients of all others.
    Others,
}

use By::{Anyone, Others, System};
use Request::{
    AccountInfo, AccountJsz, Accountz, Conns, Connz, Explain, Expvarz, Gatewayz, Healthz, Idz, IpQueuesz,
    Jsz, Kick, Ldm, Leafz, Nsubs, Profilez, Raftz, Reload, Routez, Statsz, Statz, Subscribers, Subsz,
    Unsupported, UserInfo, Varz,
};
use Scope::{Named, Own, Server};

const PREFIX: &[u8] = b"$SYS.";

/// Token by token: `*` is any, `#` the id of the server, `@` that or `PING`. The first row that matches counts.
const TABLE: &[(By, &str, Request)] = &[
    (Anyone, "REQ.USER.INFO", UserInfo),
    (Others, "REQ.SERVER.PING.CONNZ", Connz(Own)),
    (Others, "REQ.ACCOUNT.PING.CONNZ", Connz(Own)),
    (Others, "REQ.ACCOUNT.PING.STATZ", Statz(Own)),
    (System, "REQ.SERVER.PING", Statsz),
    (System, "REQ.SERVER.@.STATSZ", Statsz),
    (System, "REQ.SERVER.@.IDZ", Idz),
    (System, "REQ.SERVER.@.VARZ", Varz),
    (System, "REQ.SERVER.@.SUBSZ", Subsz(Server)),
    (System, "REQ.SERVER.@.CONNZ", Connz(Server)),
    (System, "REQ.SERVER.@.ROUTEZ", Routez),
    (System, "REQ.SERVER.@.GATEWAYZ", Gatewayz),
    (System, "REQ.SERVER.@.LEAFZ", Leafz),
    (System, "REQ.SERVER.@.ACCOUNTZ", Accountz),
    (System, "REQ.SERVER.@.JSZ", Jsz),
    (System, "REQ.SERVER.@.HEALTHZ", Healthz),
    (System, "REQ.SERVER.@.PROFILEZ", Profilez),
    (System, "REQ.SERVER.@.EXPVARZ", Expvarz),
    (System, "REQ.SERVER.@.IPQUEUESZ", IpQueuesz),
    (System, "REQ.SERVER.@.RAFTZ", Raftz),
    (System, "REQ.SERVER.#.RELOAD", Reload),
    (System, "REQ.SERVER.#.KICK", Kick),
    (System, "REQ.SERVER.#.LDM", Ldm),
    (System, "REQ.ACCOUNT.PING.STATZ", Statz(Server)),
    (System, "REQ.ACCOUNT.*.SUBSZ", Subsz(Named)),
    (System, "REQ.ACCOUNT.*.CONNZ", Connz(Named)),
    (System, "REQ.ACCOUNT.*.LEAFZ", Leafz),
    (System, "REQ.ACCOUNT.*.JSZ", AccountJsz),
    (System, "REQ.ACCOUNT.*.INFO", AccountInfo),
    (System, "REQ.ACCOUNT.*.STATZ", Statz(Named)),
    (System, "REQ.ACCOUNT.*.CONNS", Conns),
    (System, "REQ.ACCOUNT.*.CLAIMS.UPDATE", Unsupported),
    (System, "REQ.ACCOUNT.NSUBS", Nsubs),
    (System, "REQ.USER.*.INFO", Unsupported),
    (System, "ACCOUNT.*.CLAIMS.UPDATE", Unsupported),
    (System, "DEBUG.SUBSCRIBERS", Subscribers),
];

impl Request {
    /// What a message on the subject asks the server of this id, which comes from the system account or from another.
    pub(crate) fn of(subject: &[u8], is_system: bool, id: &str) -> Option<Self> {
        let Some(rest) = subject.strip_prefix(PREFIX) else { return Self::of_explanations(subject) };
        let may_ask = |by: By| by == Anyone || is_system == (by == System);
        let row = TABLE.iter().find(|(by, pattern, _)| may_ask(*by) && matches(pattern, rest, id));
        row.map(|(_, _, request)| *request)
    }

    fn of_explanations(subject: &[u8]) -> Option<Self> {
        match subject {
            b"$BUSTER.EXPLAIN.PUBLISH" => Some(Explain(Deed::Publish)),
            b"$BUSTER.EXPLAIN.SUBSCRIBE" => Some(Explain(Deed::Subscribe)),
            _ => None,
        }
    }

    /// Whether all servers of a cluster answer it, not only the one whose client asks.
    pub(crate) fn is_asked_of_all(self) -> bool {
        !matches!(self, UserInfo | Subscribers | Unsupported | Explain(_))
    }

    /// The subjects of the system account on which the server of this id is asked by way of others.
    pub(crate) fn subjects_asked_of_all(id: &str) -> impl Iterator<Item = String> {
        let rows = TABLE.iter().filter(|(by, _, request)| *by == System && request.is_asked_of_all());
        rows.flat_map(move |(_, pattern, _)| {
            let named = pattern.replace(['@', '#'], id);
            let of_all = pattern.contains('@').then(|| pattern.replace('@', "PING"));
            of_all.into_iter().chain([named]).map(|rest| format!("$SYS.{rest}"))
        })
    }

    /// Go's name for the type of the options, if there are any that say which servers are asked.
    pub(crate) fn options(self) -> Option<&'static str> {
        Some(match self {
            UserInfo | Idz | Conns | Subscribers | Nsubs | Unsupported | Explain(_) => return None,
            Statsz => "server.StatszEventOptions",
            Varz => "server.VarzEventOptions",
            Healthz => "server.HealthzEventOptions",
            Jsz | AccountJsz => "server.JszEventOptions",
            Connz(_) => "server.ConnzEventOptions",
            Subsz(_) => "server.SubszEventOptions",
            Accountz => "server.AccountzEventOptions",
            AccountInfo => "server.AccInfoEventOptions",
            Statz(_) => "server.AccountStatzEventOptions",
            Routez => "server.RoutezEventOptions",
            Gatewayz => "server.GatewayzEventOptions",
            Leafz => "server.LeafzEventOptions",
            Profilez => "server.ProfilezEventOptions",
            IpQueuesz => "server.IpqueueszEventOptions",
            Raftz => "server.RaftzEventOptions",
            Expvarz => "server.ExpvarzEventOptions",
            Reload | Kick | Ldm => "server.EventFilterOptions",
        })
    }

    /// Whether it asks for something to be done to a client.
    pub(crate) fn is_about_client(self) -> bool {
        matches!(self, Kick | Ldm)
    }

    /// Whether it asks for an explanation.
    pub(crate) fn is_to_explain(self) -> bool {
        matches!(self, Explain(_))
    }

    /// What it is about.
    pub(crate) fn scope(self) -> Scope {
        match self {
            Connz(scope) | Subsz(scope) | Statz(scope) => scope,
            AccountJsz | AccountInfo | Conns => Named,
            _ => Server,
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

    #[test]
    fn what_all_are_asked_is_what_this_one_answers() {
        let subjects: Vec<String> = Request::subjects_asked_of_all("NID").collect();
        for subject in &subjects {
            let literal = subject.replace('*', "A");
            assert!(of(&literal, true).is_some_and(Request::is_asked_of_all), "{subject}");
        }
        for subject in ["$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.NID.ROUTEZ", "$SYS.REQ.SERVER.PING.ROUTEZ"] {
            assert!(subjects.iter().any(|other| other == subject), "{subject}");
        }
        assert!(!subjects.iter().any(|subject| subject.contains("PING.KICK") || subject.contains("DEBUG")));
        let once: std::collections::BTreeSet<&String> = subjects.iter().collect();
        assert_eq!(once.len(), subjects.len());
    }

    /// As nats-server 2.14.5 answers or says that nobody does.
    #[test]
    fn who_may_ask_what() {
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
            ("$SYS.REQ.SERVER.PING.CONNZ", Some(Connz(Server)), Some(Connz(Own))),
            ("$SYS.REQ.SERVER.NID.CONNZ", Some(Connz(Server)), None),
            ("$SYS.REQ.ACCOUNT.PING.CONNZ", Some(Connz(Named)), Some(Connz(Own))),
            ("$SYS.REQ.ACCOUNT.A.CONNZ", Some(Connz(Named)), None),
            ("$SYS.REQ.ACCOUNT.PING.STATZ", Some(Statz(Server)), Some(Statz(Own))),
            ("$SYS.REQ.ACCOUNT.A.STATZ", Some(Statz(Named)), None),
            ("$SYS.REQ.ACCOUNT.PING.INFO", Some(AccountInfo), None),
            ("$SYS.DEBUG.SUBSCRIBERS", Some(Subscribers), None),
            ("$SYS.REQ.SERVER.PING.JSZ", Some(Jsz), None),
            ("$SYS.REQ.ACCOUNT.A.JSZ", Some(AccountJsz), None),
            ("$SYS.REQ.SERVER.PING.KICK", None, None),
            ("$SYS.REQ.SERVER.NID.KICK", Some(Kick), None),
            ("$SYS.REQ.ACCOUNT.A.CLAIMS.UPDATE", Some(Unsupported), None),
            ("$SYS.REQ.ACCOUNT..CONNZ", None, None),
            ("$BUSTER.EXPLAIN.PUBLISH", Some(Explain(Deed::Publish)), Some(Explain(Deed::Publish))),
            ("$BUSTER.EXPLAIN.SUBSCRIBE.x", None, None),
            ("$SYS.REQ.USER", None, None),
            ("$SYS", None, None),
            ("x.$SYS.REQ.USER.INFO", None, None),
        ] {
            assert_eq!((of(subject, true), of(subject, false)), (by_system, by_others), "{subject}");
        }
    }
}
