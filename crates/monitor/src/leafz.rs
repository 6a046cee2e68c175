//! `/leafz`: connections to leaf nodes and to hubs; what `/varz` says of them.

use std::net::SocketAddr;
use std::time::Duration;

use nats_proto::GoDuration;
use serde::{Serialize, Serializer};

use crate::answer::Answer;
use crate::connz::shown_rtt;
use crate::moment::Moment;
use crate::parameters::Parameters;
use crate::snapshot::Tally;
use crate::subsz::text;

/// The listener for leaf nodes. What is empty is not shown; the order is nats-server's.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LeafFacts {
    /// The host it listens on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// The port it listens on.
    #[serde(skip_serializing_if = "is_zero")]
    pub port: u16,
    /// `authorization`'s `timeout`.
    #[serde(skip_serializing_if = "Duration::is_zero", serialize_with = "seconds")]
    pub auth_timeout: Duration,
    /// How long a TLS handshake may take, whether there is TLS or not.
    #[serde(skip_serializing_if = "Duration::is_zero", serialize_with = "seconds")]
    pub tls_timeout: Duration,
}

/// One connection to a leaf node or a hub.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeafRow {
    /// Its number; all connections are counted together.
    pub lid: u64,
    /// The other server's name.
    pub name: Box<str>,
    /// This server is the leaf node, and the other one the hub.
    pub is_spoke: bool,
    /// It is not told what other leaf nodes want.
    pub is_isolated: bool,
    /// The account that it is bound to.
    pub account: Box<str>,
    /// The other end, as it is seen here.
    pub peer: Option<SocketAddr>,
    /// There and back, if that was measured.
    pub rtt: Option<Duration>,
    /// Bytes that wait to be sent.
    pub pending_bytes: u64,
    /// Messages from there.
    pub input: Tally,
    /// Messages to there.
    pub output: Tally,
    /// What the other server wants, in filters and queue groups.
    pub subscriptions: u64,
    /// The subjects of the same, if they were asked for.
    pub subscriptions_list: Vec<Box<[u8]>>,
    /// What is compressed, in the words of INFO.
    pub compression: &'static str,
}

/// What is asked for of leaf nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeafzQuery {
    /// Whether to show what they want.
    pub subs: bool,
    /// Of which account alone; empty is of all.
    pub account: String,
}

impl LeafzQuery {
    pub(crate) fn read(parameters: &Parameters) -> Result<Self, Answer> {
        let subs = parameters.flag("subs")?;
        Ok(Self { subs, account: parameters.owned("acc").unwrap_or_default() })
    }
}

/// What there is to say: the server's id, when this is, and the connections in the order to show them.
pub fn leafz<'a>(server_id: &'a str, now: Moment, rows: &'a [LeafRow]) -> impl Serialize + 'a {
    #[derive(Serialize)]
    struct Leafz<'a> {
        server_id: &'a str,
        now: Moment,
        leafnodes: usize,
        leafs: Vec<LeafText<'a>>,
    }
    Leafz { server_id, now, leafnodes: rows.len(), leafs: rows.iter().map(LeafText::of).collect() }
}

#[derive(Serialize)]
struct LeafText<'a> {
    id: u64,
    name: &'a str,
    is_spoke: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_isolated: bool,
    account: &'a str,
    ip: String,
    port: u16,
    rtt: String,
    in_msgs: u64,
    out_msgs: u64,
    in_bytes: u64,
    out_bytes: u64,
    subscriptions: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list: Vec<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    compression: &'static str,
}

impl<'a> LeafText<'a> {
    fn of(row: &'a LeafRow) -> Self {
        Self {
            id: row.lid,
            name: &row.name,
            is_spoke: row.is_spoke,
            is_isolated: row.is_isolated,
            account: &row.account,
            ip: row.peer.map(|peer| peer.ip().to_string()).unwrap_or_default(),
            port: row.peer.map_or(0, |peer| peer.port()),
            rtt: GoDuration::of(shown_rtt(row.rtt)).to_string(),
            in_msgs: row.input.msgs,
            out_msgs: row.output.msgs,
            in_bytes: row.input.bytes,
            out_bytes: row.output.bytes,
            subscriptions: row.subscriptions,
            subscriptions_list: row.subscriptions_list.iter().map(|subject| text(subject)).collect(),
            compression: row.compression,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it serializes by reference")]
fn is_zero(port: &u16) -> bool {
    *port == 0
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use nats_proto::go_json::pretty;

    use super::*;

    /// As nats-server 2.14.5 answers.
    #[test]
    fn connections_are_shown_with_their_accounts() {
        assert!(pretty(&leafz("ID", Moment(0), &[])).ends_with("\"leafnodes\": 0,\n  \"leafs\": []\n}"));
        let row = LeafRow {
            lid: 5,
            name: "B".into(),
            account: "A".into(),
            peer: Some(([127, 0, 0, 1], 4000).into()),
            rtt: Some(Duration::from_millis(1)),
            subscriptions: 1,
            subscriptions_list: vec![(*b"foo").into()],
            compression: "off",
            ..LeafRow::default()
        };
        let text = serde_json::to_string(&leafz("ID", Moment(0), &[row])).unwrap();
        let (_, row) = text.split_once(r#""leafnodes":1,"leafs":["#).unwrap();
        let expected = concat!(
            r#"{"id":5,"name":"B","is_spoke":false,"account":"A","ip":"127.0.0.1","port":4000,"rtt":"1ms","#,
            r#""in_msgs":0,"out_msgs":0,"in_bytes":0,"out_bytes":0,"subscriptions":1,"#,
            r#""subscriptions_list":["foo"],"compression":"off"}]}"#
        );
        assert_eq!(row, expected);
    }
}
