//! `/routez`: connections to other servers of the cluster.

use std::net::SocketAddr;
use std::time::Duration;

use nats_proto::{GoDuration, ServerPermission};
use serde::Serialize;

use crate::Clock;
use crate::answer::Answer;
use crate::connz::shown_rtt;
use crate::connz_query::Subs;
use crate::moment::{Moment, uptime};
use crate::parameters::{FlagOrDetail, Parameters};
use crate::snapshot::{SubscriptionRow, Tally};
use crate::subsz::{SubscriptionText, text};

/// One connection to another server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouteRow {
    /// Its number; routes and clients are counted together.
    pub rid: u64,
    /// The other server's id.
    pub remote_id: Box<str>,
    /// Its name.
    pub remote_name: Box<str>,
    /// This server dialed.
    pub is_dialed: bool,
    /// A setting names the other server.
    pub is_configured: bool,
    /// The other end, as it is seen here.
    pub peer: Option<SocketAddr>,
    /// When it was made.
    pub start: u64,
    /// When something last came or went.
    pub last_activity: u64,
    /// To the other server and back, if that was measured.
    pub rtt: Option<Duration>,
    /// What the other server tells that it wants; `None` is everything.
    pub import: Option<ServerPermission>,
    /// What it lets others want; `None` is everything.
    pub export: Option<ServerPermission>,
    /// Bytes that wait to be sent.
    pub pending_bytes: u64,
    /// Messages from there.
    pub input: Tally,
    /// Messages to there.
    pub output: Tally,
    /// What the other server wants over this connection, in filters and queue groups.
    pub subscriptions: u64,
    /// The same, if it was asked for.
    pub subscriptions_list: Vec<SubscriptionRow>,
    /// The account that has the connection for itself; empty if it is for several.
    pub account: Box<str>,
    /// What is compressed, in the words of INFO.
    pub compression: &'static str,
}

/// What is asked for of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoutezQuery {
    /// What to show of what other servers want.
    pub subs: Subs,
}

impl RoutezQuery {
    pub(crate) fn read(parameters: &Parameters) -> Result<Self, Answer> {
        let subs = match parameters.flag_or_detail("subs")? {
            FlagOrDetail::Detail => Subs::Detail,
            FlagOrDetail::Flag(true) => Subs::List,
            FlagOrDetail::Flag(false) => Subs::Count,
        };
        Ok(Self { subs })
    }
}

/// What `/routez` needs to answer.
#[derive(Debug)]
pub struct Routez<'a> {
    /// The server's id.
    pub server_id: &'a str,
    /// Its name.
    pub server_name: &'a str,
    /// The shards' clock.
    pub clock: Clock,
    /// What this server tells that it wants; `None` is everything.
    pub import: Option<ServerPermission>,
    /// What it lets others want; `None` is everything.
    pub export: Option<ServerPermission>,
    /// The connections, in the order to show them.
    pub routes: Vec<RouteRow>,
}

impl Routez<'_> {
    /// What there is to say.
    pub fn text<'s>(&'s self, query: &RoutezQuery) -> impl Serialize + use<'s> {
        RoutezText {
            server_id: self.server_id,
            server_name: self.server_name,
            now: self.clock.now,
            import: self.import.as_ref(),
            export: self.export.as_ref(),
            num_routes: self.routes.len(),
            routes: self.routes.iter().map(|row| RouteText::of(row, self.clock, query.subs)).collect(),
        }
    }
}

#[derive(Serialize)]
struct RoutezText<'a> {
    server_id: &'a str,
    server_name: &'a str,
    now: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    import: Option<&'a ServerPermission>,
    #[serde(skip_serializing_if = "Option::is_none")]
    export: Option<&'a ServerPermission>,
    num_routes: usize,
    routes: Vec<RouteText<'a>>,
}

#[derive(Serialize)]
struct RouteText<'a> {
    rid: u64,
    remote_id: &'a str,
    remote_name: &'a str,
    did_solicit: bool,
    is_configured: bool,
    ip: String,
    port: u16,
    start: Moment,
    last_activity: Moment,
    rtt: String,
    uptime: String,
    idle: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    import: Option<&'a ServerPermission>,
    #[serde(skip_serializing_if = "Option::is_none")]
    export: Option<&'a ServerPermission>,
    pending_size: u64,
    in_msgs: u64,
    out_msgs: u64,
    in_bytes: u64,
    out_bytes: u64,
    subscriptions: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list_detail: Vec<SubscriptionText>,
    #[serde(skip_serializing_if = "str::is_empty")]
    account: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    compression: &'static str,
}

impl<'a> RouteText<'a> {
    fn of(row: &'a RouteRow, clock: Clock, subs: Subs) -> Self {
        let (start, last) = (clock.moment(row.start), clock.moment(row.last_activity));
        let list = || row.subscriptions_list.iter();
        Self {
            rid: row.rid,
            remote_id: &row.remote_id,
            remote_name: &row.remote_name,
            did_solicit: row.is_dialed,
            is_configured: row.is_configured,
            ip: row.peer.map(|peer| peer.ip().to_string()).unwrap_or_default(),
            port: row.peer.map_or(0, |peer| peer.port()),
            start,
            last_activity: last,
            rtt: GoDuration::of(shown_rtt(row.rtt)).to_string(),
            uptime: uptime(clock.now.since(start)),
            idle: uptime(clock.now.since(last)),
            import: row.import.as_ref(),
            export: row.export.as_ref(),
            pending_size: row.pending_bytes,
            in_msgs: row.input.msgs,
            out_msgs: row.output.msgs,
            in_bytes: row.input.bytes,
            out_bytes: row.output.bytes,
            subscriptions: row.subscriptions,
            subscriptions_list: match subs {
                Subs::List => list().map(|sub| text(&sub.subject)).collect(),
                Subs::Count | Subs::Detail => Vec::new(),
            },
            subscriptions_list_detail: match subs {
                Subs::Detail => list().map(|sub| SubscriptionText::of(sub, false)).collect(),
                Subs::Count | Subs::List => Vec::new(),
            },
            account: &row.account,
            compression: row.compression,
        }
    }
}

#[cfg(test)]
mod tests {
    use nats_proto::go_json::pretty;

    use super::*;
    use crate::request::Request;

    const CLOCK: Clock = Clock { now: Moment(100_000_000_000), shards_now: 100_000_000_000 };

    fn query(parameters: &str) -> RoutezQuery {
        match Request::read("", "GET", format!("/routez?{parameters}").as_bytes()).0 {
            Request::Routez(query) => query,
            request => panic!("{request:?}"),
        }
    }

    fn row() -> RouteRow {
        let subscription = SubscriptionRow {
            cid: 6,
            account: "A".into(),
            subject: (*b"foo.>").into(),
            queue: Some((*b"q").into()),
            sid: (*b"R A foo.> q").into(),
            msgs: 2,
            max: 0,
        };
        RouteRow {
            rid: 6,
            remote_id: "NB".into(),
            remote_name: "B".into(),
            peer: Some("127.0.0.1:60316".parse().unwrap()),
            start: 40_000_000_000,
            last_activity: 98_000_000_000,
            rtt: Some(Duration::from_nanos(396_123)),
            import: Some(ServerPermission { allow: vec!["foo".into(), "$SYS.>".into()], deny: Vec::new() }),
            input: Tally { msgs: 2, bytes: 1681 },
            output: Tally { msgs: 1, bytes: 840 },
            subscriptions: 53,
            subscriptions_list: vec![subscription],
            account: "$SYS".into(),
            compression: "off",
            ..RouteRow::default()
        }
    }

    fn answer(routes: Vec<RouteRow>, parameters: &str) -> String {
        let routez =
            Routez { server_id: "ID", server_name: "n", clock: CLOCK, import: None, export: None, routes };
        pretty(&routez.text(&query(parameters)))
    }

    /// As nats-server 2.14.5 answers.
    #[test]
    fn without_routes_the_shape_is_empty() {
        let expected = concat!(
            "{\n  \"server_id\": \"ID\",\n  \"server_name\": \"n\",\n  \"now\": \"1970-01-01T00:01:40Z\",\n",
            "  \"num_routes\": 0,\n  \"routes\": []\n}"
        );
        assert_eq!(answer(Vec::new(), ""), expected);
    }

    /// All of it, as nats-server 2.14.5 writes it.
    #[test]
    fn a_route_is_told_as_nats_server_tells_it() {
        let expected = r#"{
  "server_id": "ID",
  "server_name": "n",
  "now": "1970-01-01T00:01:40Z",
  "num_routes": 1,
  "routes": [
    {
      "rid": 6,
      "remote_id": "NB",
      "remote_name": "B",
      "did_solicit": false,
      "is_configured": false,
      "ip": "127.0.0.1",
      "port": 60316,
      "start": "1970-01-01T00:00:40Z",
      "last_activity": "1970-01-01T00:01:38Z",
      "rtt": "396µs",
      "uptime": "1m0s",
      "idle": "2s",
      "import": {
        "allow": [
          "foo",
          "$SYS.\u003e"
        ]
      },
      "pending_size": 0,
      "in_msgs": 2,
      "out_msgs": 1,
      "in_bytes": 1681,
      "out_bytes": 840,
      "subscriptions": 53,
      "account": "$SYS",
      "compression": "off"
    }
  ]
}"#;
        assert_eq!(answer(vec![row()], ""), expected);
    }

    #[test]
    fn what_others_want_is_listed_when_it_is_asked_for() {
        let list =
            "\"subscriptions\": 53,\n      \"subscriptions_list\": [\n        \"foo.\\u003e\"\n      ],";
        assert!(answer(vec![row()], "subs=1").contains(list));
        let detail: String = answer(vec![row()], "subs=DETAIL").split_whitespace().collect();
        let expected = concat!(
            r#""subscriptions_list_detail":[{"subject":"foo.\u003e","qgroup":"q","#,
            r#""sid":"RAfoo.\u003eq","msgs":2,"cid":6}],"account""#
        );
        assert!(detail.contains(expected), "{detail}");
    }

    #[test]
    fn what_the_server_limits_itself_comes_first() {
        let permission = Some(ServerPermission { allow: vec!["i".into()], deny: vec!["d".into()] });
        let (import, export) = (permission.clone(), permission);
        let routez =
            Routez { server_id: "ID", server_name: "n", clock: CLOCK, import, export, routes: Vec::new() };
        let text: String = pretty(&routez.text(&query(""))).split_whitespace().collect();
        let both =
            r#""import":{"allow":["i"],"deny":["d"]},"export":{"allow":["i"],"deny":["d"]},"num_routes""#;
        assert!(text.contains(both), "{text}");
    }
}
