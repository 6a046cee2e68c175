//! What is told of clients that come, go or are turned away.

use std::time::Duration;

use broker::{ClientDeed, ClientNews};
use monitor::{Clock, ConnectionRow, Moment, Tally};
use serde::Serialize;

use crate::server_identity::{ServerIdentity, ServerText};

const CONNECT: &str = "io.nats.server.advisory.v1.client_connect";
const DISCONNECT: &str = "io.nats.server.advisory.v1.client_disconnect";

/// In nats-server's order.
#[derive(Serialize)]
struct EventText<'a> {
    r#type: &'static str,
    id: String,
    timestamp: Moment,
    server: ServerText<'a>,
    client: ClientText<'a>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    end: Option<EndText>,
}

/// Of a client that is there no more.
#[derive(Serialize)]
struct EndText {
    /// What it sent.
    sent: TallyText,
    /// What it was sent.
    received: TallyText,
    reason: &'static str,
}

#[derive(Serialize)]
struct TallyText {
    msgs: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct ClientText<'a> {
    start: Moment,
    #[serde(skip_serializing_if = "String::is_empty")]
    host: String,
    id: u64,
    acc: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    user: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    lang: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    ver: &'a str,
    /// In nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<Moment>,
    name_tag: &'a str,
    kind: &'static str,
    client_type: &'static str,
}

impl From<Tally> for TallyText {
    fn from(tally: Tally) -> Self {
        Self { msgs: tally.msgs, bytes: tally.bytes }
    }
}

impl<'a> ClientText<'a> {
    /// A client that is there until `stop`.
    fn of(client: &'a ConnectionRow, clock: Clock, stop: Option<Moment>) -> Self {
        let rtt = |rtt: Duration| u64::try_from(rtt.as_nanos()).unwrap_or(u64::MAX);
        Self {
            start: clock.moment(client.start),
            host: client.peer.map(|peer| peer.ip().to_string()).unwrap_or_default(),
            id: client.cid,
            acc: &client.account,
            user: &client.user,
            name: &client.name,
            lang: &client.lang,
            ver: &client.version,
            rtt: client.rtt.filter(|_| stop.is_some()).map(rtt),
            stop,
            name_tag: &client.account,
            kind: "Client",
            client_type: if client.is_websocket { "websocket" } else { "nats" },
        }
    }
}

/// The body of an event.
pub(crate) fn client_event(server: &ServerIdentity, clock: Clock, news: &ClientNews) -> Vec<u8> {
    let (client, at) = (&news.client, clock.moment(news.at.0));
    let reason = match news.deed {
        ClientDeed::Came => None,
        ClientDeed::Left(reason) | ClientDeed::Refused(reason) => Some(reason.text()),
    };
    let end = |reason| EndText { sent: client.input.into(), received: client.output.into(), reason };
    monitor::compact(&EventText {
        r#type: if reason.is_some() { DISCONNECT } else { CONNECT },
        id: server.next_event_id(),
        timestamp: at,
        server: server.signs(clock.now),
        client: ClientText::of(client, clock, reason.map(|_| at)),
        end: reason.map(end),
    })
}

#[cfg(test)]
mod tests {
    use conns::{CloseReason, Time};

    use super::*;

    /// As nats-server 2.14.5 writes it.
    #[test]
    fn a_client_is_told_of_in_nats_servers_order() {
        let client = ConnectionRow {
            cid: 8,
            peer: Some("127.0.0.1:4000".parse().unwrap()),
            start: 1_000_000_000,
            last_activity: 0,
            rtt: Some(Duration::from_nanos(559_000)),
            pending_bytes: 0,
            input: Tally { msgs: 1, bytes: 3 },
            output: Tally::default(),
            stalls: 0,
            subscriptions: 0,
            name: "".into(),
            lang: "go".into(),
            version: "".into(),
            tls: None,
            user: "open".into(),
            account: "A".into(),
            is_websocket: false,
        };
        let server = ServerIdentity { id: "NID".into(), ..ServerIdentity::default() };
        let clock = Clock { now: Moment(5_000_000_000), shards_now: 5_000_000_000 };
        let told = |deed| {
            let news = ClientNews { deed, client: client.clone(), at: Time(2_000_000_000) };
            String::from_utf8(client_event(&server, clock, &news)).unwrap()
        };
        let text = told(ClientDeed::Came);
        let begins = r#"{"type":"io.nats.server.advisory.v1.client_connect","id":"ID00000000000000000001","timestamp":"1970-01-01T00:00:02Z","server":{"#;
        let ends = r#","client":{"start":"1970-01-01T00:00:01Z","host":"127.0.0.1","id":8,"acc":"A","user":"open","lang":"go","name_tag":"A","kind":"Client","client_type":"nats"}}"#;
        assert!(text.starts_with(begins) && text.ends_with(ends), "{text}");
        let text = told(ClientDeed::Left(CloseReason::ClientClosed));
        let ends = concat!(
            r#""lang":"go","rtt":559000,"stop":"1970-01-01T00:00:02Z","name_tag":"A","kind":"Client","client_type":"nats"},"#,
            r#""sent":{"msgs":1,"bytes":3},"received":{"msgs":0,"bytes":0},"reason":"Client Closed"}"#
        );
        assert!(text.contains(DISCONNECT) && text.ends_with(ends), "{text}");
        let refused = told(ClientDeed::Refused(CloseReason::AuthenticationFailure));
        assert!(refused.contains(DISCONNECT) && refused.ends_with(r#""reason":"Authentication Failure"}"#));
    }
}
