//! STATSZ: how the server is, and what it did.

use monitor::{JetStreamFacts, JetStreamText, JetStreamTotals, Moment, RouteRow, ShardTotals, Tally};
use serde::Serialize;

/// What there is to say.
#[derive(Debug, Clone, Default)]
pub struct Statsz {
    /// When the server started.
    pub start: Moment,
    /// Resident memory in bytes.
    pub mem: u64,
    /// The processors that it may use.
    pub cores: usize,
    /// Of a processor, in percent; more than 100 of several.
    pub cpu: f64,
    /// Its shards: what uses them.
    pub shards: usize,
    /// Accounts with connections.
    pub active_accounts: usize,
    /// The sums of all shards.
    pub totals: ShardTotals,
    /// Connections to other servers.
    pub routes: Vec<RouteRow>,
    /// JetStream, if there is any, and what all streams have.
    pub jetstream: Option<(JetStreamFacts, JetStreamTotals)>,
}

/// In nats-server's order.
#[derive(Debug, Serialize)]
pub(crate) struct StatszText {
    start: Moment,
    mem: u64,
    cores: usize,
    cpu: f64,
    connections: u64,
    total_connections: u64,
    active_accounts: usize,
    subscriptions: u64,
    sent: TallyText,
    sent_to_clients: TallyText,
    received: TallyText,
    received_from_clients: TallyText,
    slow_consumers: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    slow_consumer_stats: Option<Kinds>,
    #[serde(skip_serializing_if = "is_zero")]
    stale_connections: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stale_connection_stats: Option<Kinds>,
    #[serde(skip_serializing_if = "is_zero")]
    stalled_clients: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<RouteStat>,
    active_servers: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    jetstream: Option<JetStreamText>,
    gomaxprocs: usize,
}

/// A connection to another server.
#[derive(Debug, Serialize)]
struct RouteStat {
    rid: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: Box<str>,
    sent: TallyText,
    received: TallyText,
    pending: u64,
}

impl From<&RouteRow> for RouteStat {
    fn from(row: &RouteRow) -> Self {
        Self {
            rid: row.rid,
            name: row.remote_name.clone(),
            sent: row.output.into(),
            received: row.input.into(),
            pending: row.pending_bytes,
        }
    }
}

#[derive(Debug, Serialize)]
struct TallyText {
    msgs: u64,
    bytes: u64,
}

/// A number for each kind of connection, if there are any.
#[derive(Debug, Serialize)]
struct Kinds {
    clients: u64,
    routes: u64,
    gateways: u64,
    leafs: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it serializes by reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Kinds {
    fn of(clients: u64, routes: u64) -> Option<Self> {
        (clients + routes > 0).then_some(Self { clients, routes, gateways: 0, leafs: 0 })
    }
}

impl From<Tally> for TallyText {
    fn from(tally: Tally) -> Self {
        Self { msgs: tally.msgs, bytes: tally.bytes }
    }
}

impl From<&Statsz> for StatszText {
    fn from(statsz: &Statsz) -> Self {
        let totals = &statsz.totals;
        let routes = &totals.routes;
        let slow_clients = totals.slow_consumers_pending + totals.slow_consumers_deadline;
        let sum = |mut all: Tally, more| {
            all.add(more);
            all.into()
        };
        Self {
            start: statsz.start,
            mem: statsz.mem,
            cores: statsz.cores,
            cpu: (statsz.cpu * 10.0).round() / 10.0,
            connections: totals.connections,
            total_connections: totals.connections_total,
            active_accounts: statsz.active_accounts,
            subscriptions: totals.subscriptions,
            sent: sum(totals.output, routes.output),
            sent_to_clients: totals.output.into(),
            received: sum(totals.input, routes.input),
            received_from_clients: totals.input.into(),
            slow_consumers: slow_clients + routes.slow_consumers,
            slow_consumer_stats: Kinds::of(slow_clients, routes.slow_consumers),
            stale_connections: totals.stale_connections + routes.stale_connections,
            stale_connection_stats: Kinds::of(totals.stale_connections, routes.stale_connections),
            stalled_clients: totals.stalls,
            routes: statsz.routes.iter().map(RouteStat::from).collect(),
            active_servers: 1 + routes.remotes,
            jetstream: statsz
                .jetstream
                .as_ref()
                .map(|(facts, totals)| JetStreamText::for_servers(facts, totals)),
            gomaxprocs: statsz.shards,
        }
    }
}

#[cfg(test)]
mod tests {
    use monitor::RouteTotals;

    use super::*;

    fn text(statsz: &Statsz) -> String {
        String::from_utf8(monitor::compact(&StatszText::from(statsz))).unwrap()
    }

    /// The keys and their order are nats-server 2.14.5's.
    #[test]
    fn statsz_has_nats_servers_fields_in_its_order() {
        let totals = ShardTotals {
            input: Tally { msgs: 92, bytes: 7 },
            output: Tally { msgs: 10, bytes: 6181 },
            connections: 1,
            connections_total: 8,
            subscriptions: 3,
            ..ShardTotals::default()
        };
        let statsz = Statsz {
            mem: 18_075_648,
            cores: 2,
            cpu: 1.0,
            shards: 2,
            active_accounts: 1,
            totals,
            ..Statsz::default()
        };
        let expected = concat!(
            r#"{"start":"1970-01-01T00:00:00Z","mem":18075648,"cores":2,"cpu":1,"connections":1,"#,
            r#""total_connections":8,"active_accounts":1,"subscriptions":3,"sent":{"msgs":10,"bytes":6181},"#,
            r#""sent_to_clients":{"msgs":10,"bytes":6181},"received":{"msgs":92,"bytes":7},"#,
            r#""received_from_clients":{"msgs":92,"bytes":7},"slow_consumers":0,"active_servers":1,"gomaxprocs":2}"#
        );
        assert_eq!(text(&statsz), expected);
    }

    /// As nats-server 2.14.5 has it.
    #[test]
    fn other_servers_are_told_of_and_counted() {
        let tally = |msgs| Tally { msgs, bytes: 10 * msgs };
        let routes = RouteTotals { remotes: 1, input: tally(2), output: tally(3), ..RouteTotals::default() };
        let totals = ShardTotals { input: tally(5), routes, ..ShardTotals::default() };
        let row = RouteRow {
            rid: 6,
            remote_name: "B".into(),
            input: tally(2),
            output: tally(3),
            pending_bytes: 1,
            ..RouteRow::default()
        };
        let text = text(&Statsz { totals, routes: vec![row], ..Statsz::default() });
        for part in [
            r#""sent":{"msgs":3,"bytes":30},"sent_to_clients":{"msgs":0,"bytes":0},"#,
            r#""received":{"msgs":7,"bytes":70},"received_from_clients":{"msgs":5,"bytes":50},"#,
            r#""routes":[{"rid":6,"name":"B","sent":{"msgs":3,"bytes":30},"received":{"msgs":2,"bytes":20},"pending":1}],"#,
            r#""active_servers":2,"#,
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn what_went_wrong_is_told_if_anything_did() {
        let totals = ShardTotals {
            slow_consumers_pending: 1,
            slow_consumers_deadline: 2,
            stale_connections: 4,
            stalls: 5,
            ..ShardTotals::default()
        };
        let kinds = |clients| format!(r#"{{"clients":{clients},"routes":0,"gateways":0,"leafs":0}}"#);
        let expected = format!(
            r#""slow_consumers":3,"slow_consumer_stats":{},"stale_connections":4,"stale_connection_stats":{},"stalled_clients":5,"active"#,
            kinds(3),
            kinds(4)
        );
        let text = text(&Statsz { totals, ..Statsz::default() });
        assert!(text.contains(&expected), "{text}");
    }
}
